package mgage

import (
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/sms"
)

func testOptions() Options {
	return Options{BaseURL: "https://gateway.example.invalid/prefix", Username: "u", Password: "p", ProgramID: "108 140"}.withDefaults()
}

func TestLimits_EveryCallWithinThemKeepsTheURLBudget(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := testOptions()
		o.MaxURLBytes = rapid.IntRange(minURLBytes, 8000).Draw(t, "budget")
		a, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		lim := a.Limits()
		sender := rapid.OneOf(rapid.StringMatching(`[0-9]{1,15}`), rapid.StringMatching(`[A-Z][A-Za-z0-9 ._&-]{0,10}`)).Draw(t, "from")
		text := rapid.StringN(1, 400, -1).Draw(t, "text")
		room := lim.Bytes - lim.BaseBytes - lim.RecipientBytes
		for textBytes(text) > room {
			text = text[:len(text)/2]
		}
		most := min(lim.Recipients, (lim.Bytes-lim.BaseBytes-textBytes(text))/lim.RecipientBytes)
		c := providers.Call{From: sms.SenderID(sender), Text: text, Segments: rapid.IntRange(1, 5).Draw(t, "segments")}
		n, smallest := rapid.IntRange(1, most).Draw(t, "recipients"), uint64(1_000_000)
		if rapid.Bool().Draw(t, "full") { // as many and as long as can be
			n, smallest = most, 100_000_000_000_000
		}
		for range n {
			to := rapid.Uint64Range(smallest, 999_999_999_999_999).Draw(t, "to")
			c.Recipients = append(c.Recipients, providers.Recipient{To: sms.MSISDN(to)})
		}
		u := string(appendURL(nil, a.opts, c))
		if len(u) > lim.Bytes {
			t.Fatalf("URL of %d bytes, budget %d", len(u), lim.Bytes)
		}
		parsed, err := url.Parse(u)
		if err != nil {
			t.Fatal(err)
		}
		q := parsed.Query()
		if q.Get("message") != text || q.Get("spoof_from") != sender || q.Get("program_id") != "108 140" {
			t.Fatalf("a parameter changed on its way: %q", u)
		}
		if got := strings.Count(q.Get("numbers"), ",") + 1; got != len(c.Recipients) {
			t.Fatalf("%d numbers for %d recipients", got, len(c.Recipients))
		}
	})
}

// textBytes is what Limits().TextGrowth says a text costs.
func textBytes(s string) int {
	n := len(s)
	for i := range len(s) {
		if !strings.Contains("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~", s[i:i+1]) {
			n += 2
		}
	}
	return n
}

func TestIsLong(t *testing.T) {
	tests := []struct {
		name string
		call providers.Call
		want bool
	}{
		{"160Characters", providers.Call{Text: strings.Repeat("x", 160), Segments: 1}, false},
		{"161Characters", providers.Call{Text: strings.Repeat("x", 161), Segments: 2}, true},
		{"160CharactersOf161Septets", providers.Call{Text: strings.Repeat("x", 159) + "€", Segments: 2}, true},
		{"TwoSegmentsOfUCS2", providers.Call{Text: strings.Repeat("ж", 71), Segments: 2, Encoding: sms.UCS2}, true},
		{"OneSegmentOfUCS2", providers.Call{Text: strings.Repeat("ж", 70), Segments: 1, Encoding: sms.UCS2}, false},
		{"TheCallCountedWrong", providers.Call{Text: strings.Repeat("x", 161), Segments: 1}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := isLong(tt.call); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestOptions_Region(t *testing.T) {
	tests := []struct{ name, baseURL, region, want string }{
		{"NoneIsTheUSA", "", "", "https://communicatepro.mgage.com/api/gateway?"},
		{"USA", "", RegionUS, "https://communicatepro.mgage.com/api/gateway?"},
		{"UK", "", RegionUK, "https://communicatepro-uk.mgage.com/api/gateway?"},
		{"ABaseURLGoesBeforeIt", "https://gateway.example.invalid/", RegionUK, "https://gateway.example.invalid/api/gateway?"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, err := New(Options{BaseURL: tt.baseURL, Region: tt.region, Username: "u", Password: "p", ProgramID: "1"})
			if err != nil {
				t.Fatal(err)
			}
			if got := string(appendURL(nil, a.opts, providers.Call{})); !strings.HasPrefix(got, tt.want) {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}
