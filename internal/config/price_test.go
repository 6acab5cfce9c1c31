package config_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/volleysms/volley/internal/config"
)

func TestParse_Price(t *testing.T) {
	for text, want := range map[string]*config.Price{
		"": nil,
		`, price: {currency: EUR, segment: 0.045}`: {Currency: "EUR", Segment: 45000},
		`, price: {currency: DKK, segment: "0.000001", prefixes: {45: 0.31, "1212": 2}}`: {
			Currency: "DKK", Segment: 1, Prefixes: map[string]int64{"45": 310000, "1212": 2000000},
		},
		`, price: {currency: EUR, segment: 0}`: {Currency: "EUR"},
	} {
		if c := mustParse(t, quietHead+text+"}\n", env()); !reflect.DeepEqual(c.Accounts[0].Price, want) {
			t.Errorf("%s: got %+v, want %+v", text, c.Accounts[0].Price, want)
		}
	}
}

func TestParse_PriceRefused(t *testing.T) {
	for text, want := range map[string]string{
		`0.045`:                                              "accounts.dk.price: must have keys and values below it",
		`{segment: 0.045}`:                                   "accounts.dk.price.currency: is missing",
		`{currency: EUR}`:                                    "accounts.dk.price.segment: is missing",
		`{currency: euro, segment: 1}`:                       "three capital letters",
		`{currency: EUR, segment: -1}`:                       "must be an amount of money",
		`{currency: EUR, segment: 1e2}`:                      "must be an amount of money",
		`{currency: EUR, segment: "0,045"}`:                  "such as 0.045",
		`{currency: EUR, segment: 0.0000001}`:                "at most 6 decimals",
		`{currency: EUR, segment: 1001}`:                     "from 0 to 1000",
		`{currency: EUR, segment: 1, message: 2}`:            "price takes currency, segment, prefixes",
		`{currency: EUR, segment: 1, prefixes: {"0045": 1}}`: "accounts.dk.price.prefixes.0045: must be the beginning of a number",
		`{currency: EUR, segment: 1, prefixes: {45: x}}`:     "accounts.dk.price.prefixes.45: must be an amount of money",
	} {
		_, err := config.Parse("volley.yaml", []byte(quietHead+", price: "+text+"}\n"), env())
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q in it", text, err, want)
		}
	}
}
