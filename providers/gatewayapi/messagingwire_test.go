package gatewayapi

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/sms"
)

func TestMessagingLimits_EveryCallWithinThemKeepsTheBudget(t *testing.T) {
	m, err := NewMessaging(MessagingOptions{Token: "example-token"})
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		lim := m.Limits()
		c := providers.Call{From: "ÄÖÜ😀😀😀😀😀😀😀", Reference: strings.Repeat("r", 64), Options: longestOptions()}
		want := lim.BaseBytes
		for range rapid.IntRange(1, 20).Draw(t, "recipients") {
			text := rapid.String().Draw(t, "text")
			want += lim.RecipientBytes + jsonBytes(text)
			c.Recipients = append(c.Recipients, providers.Recipient{
				To: sms.MSISDN(rapid.Uint64Range(1_000_000, 999_999_999_999_999).Draw(t, "to")), Text: text,
			})
		}
		if got := len(appendMessages(nil, c)); got > want {
			t.Fatalf("a body of %d bytes, %d by Limits", got, want)
		}
	})
}

func BenchmarkAppendMessages(b *testing.B) {
	c := providers.Call{From: "Acme", Text: strings.Repeat("Your parcel is on its way. ", 5), Reference: "j1.c0"}
	for i := range 250 {
		c.Recipients = append(c.Recipients, providers.Recipient{To: sms.MSISDN(4512340000 + i)})
	}
	b.ReportAllocs()
	for b.Loop() {
		if len(appendMessages(nil, c)) == 0 {
			b.Fatal("no body")
		}
	}
}
