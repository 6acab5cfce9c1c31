package ogangi

import (
	"context"
	"net/http"

	"github.com/volleysms/volley/providers"
)

// Check reads at most one inbound message, which needs valid keys and sends nothing. Its content is dropped.
//
// The platform has no balance. Where it doesn't offer the reading of inbound messages, or answers it with its general ERROR,
// it is reachable and the login stays unproven, which Note says.
func (a *Adapter) Check(ctx context.Context) (providers.AccountInfo, error) {
	c := a.client
	resp, failure := c.do(ctx, OpGetMOMessages, nil, []byte("1"), []byte("1"), []byte(c.opts.EmptyFilter))
	if failure != nil {
		failure.Kind = providers.Unavailable // reading twice does no harm
		return providers.AccountInfo{}, failure
	}
	if resp.Status == http.StatusNotFound {
		return providers.AccountInfo{Note: "The platform answers, but not to getMOMessages, so the keys are not proven. If sending fails too, check the base URL."}, nil
	}
	if resp.Status != http.StatusOK {
		err := refusal(resp, c.now())
		if err.Kind != providers.Config {
			err.Kind = providers.Unavailable
		}
		return providers.AccountInfo{}, err
	}
	ans, err := c.read(resp.Body, nil)
	switch {
	case err == nil:
		return providers.AccountInfo{LoginProven: true}, nil
	case err.Kind == providers.Config && normal(ans.status) == callBadSignature:
		return providers.AccountInfo{}, err
	case normal(ans.status) == callError:
		return providers.AccountInfo{Note: "The platform answers getMOMessages with ERROR, so the keys are not proven."}, nil
	}
	err.Kind, err.Detail = providers.Unavailable, "the answer is not the platform's: check the base URL"
	return providers.AccountInfo{}, err
}
