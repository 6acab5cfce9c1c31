package ogangi

import (
	"context"
	"net/http"

	"github.com/volleysms/volley/internal/redact"
	"github.com/volleysms/volley/providers"
)

// getMO reads inbound messages; one of them, since only the signature matters.
const (
	getMO       = "tools/getMOMessages"
	getMOParams = "/1/1/order=asc"
)

// Check reads at most one inbound message, which needs valid keys and sends nothing. Its content is dropped.
//
// The platform has no balance. Where it doesn't offer the reading of inbound messages, or answers it with its general ERROR,
// it is reachable and the login stays unproven, which Note says.
func (a *Adapter) Check(ctx context.Context) (providers.AccountInfo, error) {
	resp, failure := a.get(ctx, a.signer.address(getMO, []byte(a.instance+getMOParams)))
	if failure != nil {
		failure.Kind = providers.Unavailable // reading twice does no harm
		return providers.AccountInfo{}, failure
	}
	if resp.Status == http.StatusNotFound {
		return providers.AccountInfo{Note: "The platform answers, but not to getMOMessages, so the keys are not proven. If sending fails too, check the base URL."}, nil
	}
	if resp.Status != http.StatusOK {
		err := refusal(resp, a.now())
		if err.Kind != providers.Config {
			err.Kind = providers.Unavailable
		}
		return providers.AccountInfo{}, err
	}
	ans, err := parseAnswer(resp.Body)
	switch normal(ans.status) {
	case callOK:
		return providers.AccountInfo{LoginProven: true}, nil
	case callBadSignature:
		return providers.AccountInfo{}, &providers.Error{
			Kind: providers.Config, Provider: provider, Code: callBadSignature,
			Detail: redact.Detail(ans.description, a.secrets...),
		}
	case callError:
		return providers.AccountInfo{Note: "The platform answers getMOMessages with ERROR, so the keys are not proven."}, nil
	}
	return providers.AccountInfo{}, &providers.Error{
		Kind: providers.Unavailable, Provider: provider, Code: word(ans.status), Detail: "the answer is not the platform's: check the base URL", Err: err,
	}
}
