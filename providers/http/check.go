package httpapi

import (
	"context"
	"slices"
	"strconv"

	"github.com/volleysms/volley/internal/httpc"
	"github.com/volleysms/volley/providers"
)

// checker proves the login by Options.Check.
type checker struct{ a *Adapter }

var _ providers.Checker = checker{}

// Check makes the GET with the account's own headers, those that name a field of a call left out. Any status from 200 to 299
// proves the login.
func (c checker) Check(ctx context.Context) (providers.AccountInfo, error) {
	a := c.a
	req, err := httpc.NewGET(ctx, a.opts.BaseURL+a.opts.Check.Path)
	if err != nil {
		return providers.AccountInfo{}, fail(providers.Config, "", "check.path makes no valid address")
	}
	for _, h := range a.request.headers {
		if len(h.value.uses) > 0 {
			continue
		}
		if v, err := h.value.write(new(fields), bodyBudget); err == nil {
			req.Header.Set(h.name, v)
		}
	}
	a.login(req)
	resp, failed := a.client.Do(ctx, req)
	if failed != nil {
		failed.Kind = providers.Unavailable // nothing was to be sent
		return providers.AccountInfo{}, failed
	}
	s := source{text: resp.Body}
	if !resp.Cut {
		s.doc = decode(resp.Body)
	}
	red := redactor(a.secrets)
	if resp.Status/100 == 2 {
		return providers.AccountInfo{LoginProven: true, Balance: red.detail(a.balance.find(s))}, nil
	}
	e := a.reading.whole.failure(statusKind(resp.Status), s, red)
	if e.Code == "" {
		e.Code = strconv.Itoa(resp.Status)
	}
	if !slices.Contains([]providers.Kind{providers.Config, providers.Throttled}, e.Kind) {
		e.Kind = providers.Unavailable
	}
	return providers.AccountInfo{}, e
}
