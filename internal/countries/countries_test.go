package countries_test

import (
	"testing"

	"github.com/volleysms/volley/internal/countries"
	"github.com/volleysms/volley/sms"
)

func TestOf(t *testing.T) {
	for to, want := range map[sms.MSISDN]string{
		4500000001:   "DK",
		12125550100:  "US",
		14165550100:  "CA",
		18765550100:  "JM",
		12005550100:  "US", // nobody's area code: the country that the calling code is named after
		79161234567:  "RU",
		77011234567:  "KZ",
		447700900001: "GB",
		447797712345: "JE",
		881200000001: "", // satellites
		80000000001:  "", // freephone of no country
		21000000001:  "", // no calling code
	} {
		for range 2 { // the second time from memory
			if got := countries.Of(to); got != want {
				t.Errorf("%s is of %q, want %q", to.Masked(), got, want)
			}
		}
	}
}

func BenchmarkOf(b *testing.B) {
	for name, first := range map[string]sms.MSISDN{"OneCountry": 4500000000, "NorthAmerica": 12125550000} {
		b.Run(name, func(b *testing.B) {
			for i := range b.N {
				countries.Of(first + sms.MSISDN(i%1000))
			}
		})
	}
}
