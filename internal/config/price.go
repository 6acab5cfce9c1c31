package config

import (
	"math"
	"strconv"
	"strings"
)

// Price is what a segment costs, in millionths of a currency.
type Price struct {
	// Currency is three capital letters.
	Currency string
	// Segment is for numbers that begin with none of the Prefixes; of several the longest holds.
	Segment  int64
	Prefixes map[string]int64
}

// priceDecimals are the decimals that a price may have.
const priceDecimals = 6

// maxPrice is far above what a segment costs; a number beyond it is a slip of the hand.
const maxPrice = 1000

// price reads what a segment costs; nil when nothing is said, or something wrong.
func (s *section) price(key string) *Price {
	n, line := s.child(key)
	if n == nil {
		return nil
	}
	path := under(s.path, key)
	p := s.section(n, line, path, "price", []string{"currency", "segment", "prefixes"})
	p.require("currency", false)
	p.require("segment", false)
	out := &Price{Currency: p.text("currency")}
	if c := out.Currency; c != "" && (len(c) != 3 || strings.Trim(c, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "") {
		p.complain("currency", "must be three capital letters, such as EUR")
	}
	out.Segment = p.amount("segment")
	n, line = p.child("prefixes")
	if n == nil {
		return out
	}
	out.Prefixes = map[string]int64{}
	path = under(path, "prefixes")
	q := &section{reader: s.reader, path: path, line: line, entries: map[string]entry{}}
	for _, e := range s.reader.entries(n, line, path) {
		if strings.Trim(e.key, "0123456789") != "" || e.key[0] == '0' || len(e.key) > 15 {
			s.problem(e.line, under(path, e.key), "must be the beginning of a number, such as a country code, without + or 00")
			continue
		}
		q.entries[e.key] = e
		out.Prefixes[e.key] = q.amount(e.key)
	}
	return out
}

// amount returns a price in millionths, 0 when it is absent or wrong.
func (s *section) amount(key string) int64 {
	text, _, ok := s.value(key)
	if !ok || text == "" {
		return 0
	}
	_, decimals, _ := strings.Cut(text, ".")
	// ParseFloat also knows hex, exponents, infinities and what is not a number.
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || strings.Trim(text, "0123456789.") != "" || len(decimals) > priceDecimals || f > maxPrice {
		s.complain(key, "must be an amount of money from 0 to %d with at most %d decimals, such as 0.045", maxPrice, priceDecimals)
		return 0
	}
	return int64(math.Round(f * 1e6))
}
