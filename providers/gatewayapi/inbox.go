package gatewayapi

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/volleysms/volley/internal/httpc"
	"github.com/volleysms/volley/providers"
)

const (
	// pageSize is the most inbound messages of one answer. Source: rest.rst, "Get MOSMS by API".
	pageSize = 200
	// maxPages bounds how much is read at a time.
	maxPages = 500
)

// inbox is a page of inbound messages.
type inbox struct {
	Messages []inboundFields `json:"messages"`
	Pages    *int            `json:"pages"`
}

// PollInbound lists what handsets wrote. The gateway has days and no times, and does not say of which zone, so all of
// since's day in UTC is listed, and all of tomorrow.
func (a *Adapter) PollInbound(ctx context.Context, since time.Time) ([]providers.Inbound, error) {
	query := url.Values{
		"from":     {since.UTC().Format(time.DateOnly)},
		"to":       {a.now().UTC().AddDate(0, 0, 1).Format(time.DateOnly)},
		"per_page": {strconv.Itoa(pageSize)},
	}
	var out []providers.Inbound
	var failed *providers.Error
	for page, pages := 1, 1; page <= pages && failed == nil; page++ {
		query.Set("page", strconv.Itoa(page))
		var list []providers.Inbound
		if list, pages, failed = a.page(ctx, query.Encode()); failed == nil {
			out = append(out, list...)
		}
	}
	slices.SortStableFunc(out, func(a, b providers.Inbound) int { return a.At.Compare(b.At) })
	if failed != nil {
		return out, failed
	}
	return out, nil
}

// page returns a page of inbound messages and how many pages there are.
func (a *Adapter) page(ctx context.Context, query string) ([]providers.Inbound, int, *providers.Error) {
	req, err := httpc.NewGET(ctx, a.opts.BaseURL+"/rest/mosms?"+query)
	if err != nil {
		return nil, 0, badAddress(err)
	}
	resp, failed := a.do(ctx, req)
	switch {
	case failed != nil:
		return nil, 0, harmless(failed)
	case resp.Status/100 != 2:
		return nil, 0, harmless(a.refused(resp))
	}
	list, pages, ok := parseInbox(resp.Body)
	if !ok {
		return nil, 0, fail(providers.Unavailable, strconv.Itoa(resp.Status), "the answer cannot be read; is this GatewayAPI?")
	}
	return list, pages, nil
}

// parseInbox reads a page. Messages of no known sender are left out: nothing could be done with them.
func parseInbox(body []byte) (list []providers.Inbound, pages int, ok bool) {
	var in inbox
	if err := json.Unmarshal(body, &in); err != nil || in.Messages == nil {
		return nil, 0, false
	}
	for i := range in.Messages {
		if m, ok := in.Messages[i].inbound(); ok {
			list = append(list, m)
		}
	}
	if in.Pages != nil && len(in.Messages) > 0 {
		pages = min(*in.Pages, maxPages)
	}
	return list, pages, true
}
