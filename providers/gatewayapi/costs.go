package gatewayapi

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"github.com/volleysms/volley/internal/httpc"
	"github.com/volleysms/volley/providers"
)

// Price is what a segment to a country costs in a class. Amounts are decimal numbers as the gateway writes them; empty where
// it names none.
type Price struct {
	// Class is the message class, such as "standard".
	Class string
	// Country is its ISO 3166-1 code, Name what the gateway calls it, and Prefix its calling code.
	Country, Name, Prefix string
	DKK, EUR              string
}

// Prices returns the gateway's price list, by class and country. It is public: the account's token is not sent. The error is
// an *Error; asking again does no harm. Source: the gateway's public REST documentation, never tried on the real one.
func (a *Adapter) Prices(ctx context.Context) ([]Price, error) {
	req, err := httpc.NewGET(ctx, a.opts.BaseURL+"/api/prices/list/sms/json")
	if err != nil {
		return nil, badAddress(err)
	}
	req.Header.Set("Accept", "application/json")
	resp, failed := a.client.Do(ctx, req)
	list, failure := costs(a, resp, failed, parsePrices)
	if failure != nil {
		return nil, failure
	}
	return list, nil
}

// Usage is what was sent, and what it cost, under a label, to a country and in a class. Amounts are decimal numbers as the
// gateway writes them.
type Usage struct {
	// Label is empty for what was sent without one.
	Label          string
	Country, Class string
	// Messages is how many were sent.
	Messages       string
	Cost, Currency string
}

// UsageByLabel returns what the account sent from a day to another, both of them included. An empty label is all labels. The
// error is an *Error; asking again does no harm. Source: as with Prices.
func (a *Adapter) UsageByLabel(ctx context.Context, from, to time.Time, label string) ([]Usage, error) {
	if to.Before(from) {
		return nil, fail(providers.Invalid, "", "the last day is before the first")
	}
	b := appendString([]byte(`{"from":`), from.Format(time.DateOnly))
	b = appendField(b, "to", to.Format(time.DateOnly))
	b = append(appendField(b, "label", label), '}')
	req, err := httpc.NewPOST(ctx, a.opts.BaseURL+"/api/usage/labels", "application/json", b)
	if err != nil {
		return nil, badAddress(err)
	}
	resp, failed := a.do(ctx, req)
	list, failure := costs(a, resp, failed, parseUsage)
	if failure != nil {
		return nil, failure
	}
	return list, nil
}

// costs reads the answer to a question that changes nothing.
func costs[T any](a *Adapter, resp *httpc.Response, failed *providers.Error, parse func([]byte) ([]T, bool)) ([]T, *providers.Error) {
	switch {
	case failed != nil:
		return nil, harmless(failed)
	case resp.Status/100 != 2:
		return nil, harmless(a.refused(resp))
	}
	list, ok := parse(resp.Body)
	if !ok || resp.Cut {
		return nil, fail(providers.Unavailable, strconv.Itoa(resp.Status), "the answer cannot be read; is this GatewayAPI?")
	}
	return list, nil
}

// parsePrices reads a list of countries for each class.
func parsePrices(body []byte) ([]Price, bool) {
	var classes map[string][]struct {
		Country text `json:"country"`
		Name    text `json:"country_name"`
		Prefix  text `json:"prefix"`
		DKK     text `json:"dkk"`
		EUR     text `json:"eur"`
	}
	if json.Unmarshal(body, &classes) != nil || classes == nil {
		return nil, false
	}
	var out []Price
	for class, countries := range classes {
		for _, c := range countries {
			out = append(out, Price{class, string(c.Country), string(c.Name), string(c.Prefix), string(c.DKK), string(c.EUR)})
		}
	}
	slices.SortStableFunc(out, func(a, b Price) int {
		return cmp.Or(cmp.Compare(a.Class, b.Class), cmp.Compare(a.Country, b.Country))
	})
	return out, true
}

// parseUsage reads an entry for each label, country and class.
func parseUsage(body []byte) ([]Usage, bool) {
	var list []struct {
		Label    text `json:"label"`
		Country  text `json:"country"`
		Class    text `json:"messageclass_id"`
		Amount   text `json:"amount"`
		Cost     text `json:"cost"`
		Currency text `json:"currency"`
	}
	if json.Unmarshal(body, &list) != nil || list == nil {
		return nil, false
	}
	var out []Usage
	for _, u := range list {
		out = append(out, Usage{string(u.Label), string(u.Country), string(u.Class), string(u.Amount), string(u.Cost), string(u.Currency)})
	}
	return out, true
}
