package lint

import (
	"fmt"
	"strings"

	"github.com/volleysms/volley/sms"
)

// Price is what a segment costs, in millionths of a currency.
type Price struct {
	// Currency is such as EUR.
	Currency string
	// Segment is for numbers with none of the Prefixes; of several the longest holds.
	Segment  int64
	Prefixes map[string]int64
}

// of returns the price of a segment to a number.
func (p *Price) of(to sms.MSISDN) int64 {
	if len(p.Prefixes) == 0 {
		return p.Segment
	}
	digits := to.String()
	for n := len(digits); n > 0; n-- {
		if price, ok := p.Prefixes[digits[:n]]; ok {
			return price
		}
	}
	return p.Segment
}

// Money is an amount of a currency.
type Money struct {
	Currency string `json:"currency"`
	// Amount has two decimals, or as many as it needs.
	Amount string `json:"amount"`
	micros int64
}

func money(currency string, micros int64) *Money {
	s := fmt.Sprintf("%d.%06d", micros/1_000_000, micros%1_000_000)
	for strings.HasSuffix(s, "0") && len(s)-strings.IndexByte(s, '.') > 3 {
		s = s[:len(s)-1]
	}
	return &Money{currency, s, micros}
}
