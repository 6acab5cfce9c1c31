package gatewayapi

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/sms"
)

func TestAppendBody(t *testing.T) {
	to := []providers.Recipient{{To: 4512340101}, {To: 4512340102}}
	tests := []struct {
		name   string
		call   providers.Call
		wishes wishes
		want   string
	}{
		{
			"OneText",
			providers.Call{From: "Acme", Text: "Hi", Reference: "j1.c0", Recipients: to},
			wishes{},
			`{"sender":"Acme","message":"Hi","encoding":"UTF8","userref":"j1.c0","recipients":[{"msisdn":4512340101},{"msisdn":4512340102}]}`,
		},
		{
			"NoSenderAndNoReference",
			providers.Call{Text: "Hi", Recipients: to[:1]},
			wishes{},
			`{"message":"Hi","encoding":"UTF8","recipients":[{"msisdn":4512340101}]}`,
		},
		{
			"UCS2",
			providers.Call{Text: "ж😀", Encoding: sms.UCS2, Recipients: to[:1]},
			wishes{},
			`{"message":"ж😀","encoding":"UCS2","recipients":[{"msisdn":4512340101}]}`,
		},
		{
			"Tags",
			providers.Call{
				Text: "Hi %0~", Tags: []string{"%0~", "%1~"},
				Recipients: []providers.Recipient{{To: 4512340101, Values: []string{"Ann", `"x"`}}, {To: 4512340102, Values: []string{"", "é"}}},
			},
			wishes{},
			`{"message":"Hi %0~","encoding":"UTF8","tags":["%0~","%1~"],"recipients":[{"msisdn":4512340101,"tagvalues":["Ann","\"x\""]},{"msisdn":4512340102,"tagvalues":["","é"]}]}`,
		},
		{
			"Binary",
			providers.Call{Binary: &sms.Binary{UDH: []byte{5, 0, 3, 1, 1, 1}, Payload: []byte{0, 255}}, Encoding: sms.Data, Recipients: to[:1]},
			wishes{},
			`{"payload":"AP8=","udh":"BQADAQEB","recipients":[{"msisdn":4512340101}]}`,
		},
		{
			"BinaryWithoutAHeader",
			providers.Call{Binary: &sms.Binary{Payload: []byte("x")}, Encoding: sms.Data, Recipients: to[:1]},
			wishes{},
			`{"payload":"eA==","recipients":[{"msisdn":4512340101}]}`,
		},
		{
			"Callback",
			providers.Call{Text: "Hi", Recipients: to[:1]},
			wishes{callbackURL: "https://sms.example.com/r?a=1&b=2"},
			`{"message":"Hi","encoding":"UTF8","callback_url":"https://sms.example.com/r?a=1&b=2","recipients":[{"msisdn":4512340101}]}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := string(appendBody(nil, tt.call, tt.wishes)); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// The samples of the vendor's guide say no more than they must; ours says the encoding too.
func TestAppendBody_SaysWhatTheVendorsSamplesSay(t *testing.T) {
	one, two := []providers.Recipient{{To: 4512345678}}, []providers.Recipient{{To: 4512345678}, {To: 4587654321}}
	for file, b := range map[string][]byte{
		"request_one.json":      appendBody(nil, providers.Call{From: "Demo Corp", Text: "Hello World", Recipients: one}, wishes{}),
		"request_two.json":      appendBody(nil, providers.Call{From: "Demo Corp", Text: "Hello World", Recipients: two}, wishes{}),
		"request_callback.json": appendBody(nil, providers.Call{From: "Demo Corp", Text: "Hello World", Recipients: one}, wishes{callbackURL: "https://example.com/callback"}),
		"request_full.json":     appendBody(nil, providers.Call{From: "Acme", Text: "Hi", Reference: "j1.c0", Recipients: two}, wishes{callbackURL: "https://hooks.example.com/gwapi/j1/k"}),
	} {
		t.Run(file, func(t *testing.T) {
			sample, err := os.ReadFile("testdata/" + file)
			if err != nil {
				t.Fatal(err)
			}
			var got, want map[string]any
			if json.Unmarshal(b, &got) != nil || json.Unmarshal(sample, &want) != nil {
				t.Fatalf("%s or the sample is no JSON", b)
			}
			want["encoding"] = "UTF8"
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got %s", b)
			}
		})
	}
}

func TestAppendString_IsReadBackByAnyReader(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := string(rapid.OneOf(rapid.SliceOf(rapid.Byte()), rapid.Map(rapid.String(), func(s string) []byte { return []byte(s) })).Draw(t, "s"))
		b := appendString(nil, s)
		var got string
		if err := json.Unmarshal(b, &got); err != nil || !utf8.Valid(b) {
			t.Fatalf("%q: %v", b, err)
		}
		if want := strings.ToValidUTF8(s, "\uFFFD"); utf8.ValidString(s) && got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
	})
}

func TestLimits_EveryCallWithinThemKeepsTheBudget(t *testing.T) {
	a, err := New(Options{Token: "example-token", Class: "standard", UrgentClass: "premium"})
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		lim := a.Limits()
		text := rapid.StringN(1, 200, -1).Draw(t, "text")
		c := providers.Call{
			From: sms.SenderID(rapid.StringMatching(`[A-Z][A-Za-z0-9 ._&-]{0,10}`).Draw(t, "from")), Text: text,
			Reference: strings.Repeat("r", 64), Encoding: rapid.SampledFrom([]sms.Encoding{sms.GSM7, sms.UCS2}).Draw(t, "encoding"),
			Options:  longestOptions(),
			ReportTo: func(int) string { return "https://sms.example.com/" + strings.Repeat("k", providers.MaxReportTo-24) },
		}
		for i := range rapid.IntRange(0, 10).Draw(t, "tags") {
			c.Tags = append(c.Tags, fmt.Sprintf("%%%d~", i))
		}
		want := lim.BaseBytes + jsonBytes(text)
		for range rapid.IntRange(1, 20).Draw(t, "recipients") {
			r := providers.Recipient{To: sms.MSISDN(rapid.Uint64Range(1_000_000, 999_999_999_999_999).Draw(t, "to"))}
			want += lim.RecipientBytes
			for range c.Tags {
				v := rapid.String().Draw(t, "value")
				want += jsonBytes(v) + lim.ValueBytes
				r.Values = append(r.Values, v)
			}
			c.Recipients = append(c.Recipients, r)
		}
		if got := len(appendBody(nil, c, a.wishes(c))); got > want {
			t.Fatalf("a body of %d bytes, %d by Limits", got, want)
		}
	})
}

// longestOptions are options that are as long as any when they are written.
func longestOptions() providers.Options {
	return providers.Options{
		Flash: true, Priority: providers.Urgent, Validity: 1<<62 - 1, Label: strings.Repeat("\x01", 64), At: time.Now().AddDate(100, 0, 0),
	}
}

// jsonBytes is what Limits().TextGrowth says a text costs.
func jsonBytes(s string) int {
	n := 0
	for _, r := range s {
		switch {
		case r == '"' || r == '\\' || r == '\n' || r == '\r' || r == '\t':
			n += 2
		case r < ' ':
			n += 6
		default:
			n += utf8.RuneLen(r)
		}
	}
	return n
}

func TestUnfit(t *testing.T) {
	to := []providers.Recipient{{To: 4512340101}}
	tests := []struct {
		name string
		call providers.Call
	}{
		{"NoText", providers.Call{Recipients: to}},
		{"TextsOfTheirOwn", providers.Call{Recipients: []providers.Recipient{{To: 4512340101, Text: "Hi"}}}},
		{"BinaryBesideAText", providers.Call{Text: "Hi", Binary: &sms.Binary{Payload: []byte{1}}, Recipients: to}},
		{"BinaryWithTags", providers.Call{Tags: []string{"x"}, Binary: &sms.Binary{Payload: []byte{1}}, Recipients: to}},
		{"EmptyBinary", providers.Call{Binary: &sms.Binary{}, Recipients: to}},
		{"ValueMissing", providers.Call{Text: "Hi x", Tags: []string{"x"}, Recipients: to}},
		{"TagMissing", providers.Call{Text: "Hi", Recipients: []providers.Recipient{{To: 4512340101, Values: []string{"x"}}}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if unfit(tt.call) == "" {
				t.Error("it is not refused")
			}
		})
	}
}

func BenchmarkAppendBody(b *testing.B) {
	c := providers.Call{From: "Acme", Text: strings.Repeat("Your parcel is on its way. ", 5), Reference: "j1.c0"}
	for i := range 250 {
		c.Recipients = append(c.Recipients, providers.Recipient{To: sms.MSISDN(4512340000 + i)})
	}
	b.ReportAllocs()
	for b.Loop() {
		if !slices.Contains(appendBody(nil, c, wishes{}), '}') {
			b.Fatal("no body")
		}
	}
}
