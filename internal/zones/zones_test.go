package zones_test

import (
	"strings"
	"testing"

	"github.com/volleysms/volley/internal/zones"
	"github.com/volleysms/volley/sms"
)

func TestOf(t *testing.T) {
	tests := []struct {
		name string
		to   sms.MSISDN
		want string
	}{
		{"a country with one zone", 4500000001, "Europe/Copenhagen"},
		{"an area code in a country with several", 12125550100, "America/New_York"},
		{"another exchange of that area", 12124560100, "America/New_York"},
		{"another area of that country", 13105550100, "America/Los_Angeles"},
		{"an area on the border of two zones has both", 61890000001, "Australia/Adelaide,Australia/Perth"},
		{"mobile numbers of Brazil have an area code", 5511900000001, "America/Sao_Paulo"},
		{"a mobile number of Spain may be on the Canaries", 34600000001, "Atlantic/Canary,Europe/Madrid"},
		{"a satellite phone is nowhere", 881200000001, ""},
		{"a freephone number of no country is nowhere", 80000000001, ""},
		{"what no calling code begins is nowhere", 21000000001, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for range 2 { // the second time from memory
				got := ""
				if z := zones.Of(tt.to); z != nil {
					got = z.String()
				}
				if got != tt.want {
					t.Errorf("got %q, want %q", got, tt.want)
				}
			}
		})
	}
	t.Run("a mobile number of Australia may be anywhere in it", func(t *testing.T) {
		got := zones.Of(61400000001).String()
		for _, z := range []string{"Australia/Perth", "Australia/Sydney", "Australia/Adelaide"} {
			if !strings.Contains(got, z) {
				t.Errorf("%s is not in %s", z, got)
			}
		}
	})
	t.Run("an area code that nobody has may be anywhere in North America", func(t *testing.T) {
		if got := zones.Of(12005550100).String(); !strings.Contains(got, "Pacific/Honolulu") || !strings.Contains(got, "America/St_Johns") {
			t.Errorf("got %s", got)
		}
	})
}

func BenchmarkOf(b *testing.B) {
	for name, first := range map[string]sms.MSISDN{"OneZone": 4500000000, "NorthAmerica": 12125550000, "MobileOfSeveral": 61400000000} {
		b.Run(name, func(b *testing.B) {
			for i := range b.N {
				zones.Of(first + sms.MSISDN(i%1000))
			}
		})
	}
}
