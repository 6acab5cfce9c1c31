package mttm

import (
	"context"
	"net/http"
	"strings"

	"github.com/volleysms/volley/internal/httpc"
	"github.com/volleysms/volley/providers"
)

// notDefined is how the gateway says that a balance has no end.
const notDefined = "ND"

// Check asks for the balance, which needs a valid login and sends nothing. The gateway's ping would not do: it asks for no
// login.
func (a *Adapter) Check(ctx context.Context) (providers.AccountInfo, error) {
	req, err := httpc.NewGET(ctx, a.balanceURL)
	if err != nil {
		return providers.AccountInfo{}, &providers.Error{Kind: providers.Config, Provider: provider, Detail: "the base URL makes no valid address"}
	}
	for k, v := range a.header {
		req.Header[k] = v
	}
	resp, failure := a.client.Do(ctx, req)
	if failure != nil {
		failure.Kind = providers.Unavailable // asking twice does no harm
		return providers.AccountInfo{}, failure
	}
	switch resp.Status {
	case http.StatusOK:
	case http.StatusNotFound:
		return providers.AccountInfo{Note: "The gateway answers, but not to /secure/balance, so the login is not proven. If sending fails too, check the base URL."}, nil
	default:
		e := classify(resp, false, 1, a.now())
		if e.Kind != providers.Config {
			e.Kind = providers.Unavailable
		}
		return providers.AccountInfo{}, e
	}
	said := parseAnswer(resp.Body)
	if !isAmount(said.balance) {
		return providers.AccountInfo{}, &providers.Error{
			Kind: providers.Unavailable, Provider: provider, Code: "200", Detail: "the answer is not the gateway's: check the base URL",
		}
	}
	return providers.AccountInfo{LoginProven: true, Balance: wording(said)}, nil
}

// wording returns the balance as "12.5", "12.5, 300 messages" or "unlimited".
func wording(said answer) string {
	balance := said.balance
	if balance == notDefined {
		balance = "unlimited"
	}
	if said.messages != notDefined && isAmount(said.messages) {
		balance += ", " + said.messages + " messages"
	}
	return balance
}

// isAmount reports whether s is a number, or says that there is no end.
func isAmount(s string) bool {
	const longest = 40
	return s == notDefined || s != "" && len(s) <= longest && strings.Trim(s, "0123456789.+-eE") == ""
}
