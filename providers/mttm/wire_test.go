package mttm

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"pgregory.net/rapid"

	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/sms"
)

func sample(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestAppendSend(t *testing.T) {
	to := []providers.Recipient{{To: 4512345678}}
	tests := []struct {
		name string
		c    providers.Call
		want string
	}{
		{
			"GSM7",
			providers.Call{From: "Acme", Text: "Hi \"€\"\n", Recipients: to},
			`{"from":"Acme","coding":0,"content":"Hi \"€\"\n","to":"4512345678"}`,
		},
		{
			"NoSender",
			providers.Call{Text: "Hi", Recipients: to},
			`{"coding":0,"content":"Hi","to":"4512345678"}`,
		},
		{
			"UCS2AsLowerCaseHexOfUTF16BE",
			providers.Call{Text: "ж🤣", Encoding: sms.UCS2, Recipients: to},
			`{"coding":8,"hex_content":"0436d83edd23","to":"4512345678"}`,
		},
		{
			"Binary",
			providers.Call{Binary: &sms.Binary{Payload: []byte{0, 0xAB, 0xff}}, Encoding: sms.Data, Recipients: to},
			`{"coding":4,"hex_content":"00abff","to":"4512345678"}`,
		},
		{
			"OwnTextGoesBeforeTheCalls",
			providers.Call{Text: "x", Recipients: []providers.Recipient{{To: 4512345678, Text: "own"}}},
			`{"coding":0,"content":"own","to":"4512345678"}`,
		},
		{
			"ACharacterThatGSM7LacksMakesItUCS2WhateverTheCallSays",
			providers.Call{Text: "ж", Recipients: to},
			`{"coding":8,"hex_content":"0436","to":"4512345678"}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := string(appendSend(nil, &tt.c, codingFor(&tt.c), &wishes{})); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestAppendBatch(t *testing.T) {
	tests := []struct {
		name string
		c    providers.Call
		want string
	}{
		{
			"OneTextIsGlobal",
			providers.Call{From: "Acme", Text: "Hi", Recipients: []providers.Recipient{{To: 4512345678}, {To: 4512345679}}},
			`{"globals":{"from":"Acme","coding":0,"content":"Hi"},"messages":[{"to":"4512345678"},{"to":"4512345679"}]}`,
		},
		{
			"OwnTextsStandInTheirEntries",
			providers.Call{From: "Acme", Recipients: []providers.Recipient{{To: 4512345678, Text: "a"}, {To: 4512345679, Text: "b"}}},
			`{"globals":{"from":"Acme","coding":0},"messages":[{"content":"a","to":"4512345678"},{"content":"b","to":"4512345679"}]}`,
		},
		{
			"OneUCS2TextMakesAllUCS2",
			providers.Call{Recipients: []providers.Recipient{{To: 4512345678, Text: "a"}, {To: 4512345679, Text: "ж"}}},
			`{"globals":{"coding":8},"messages":[{"hex_content":"0061","to":"4512345678"},{"hex_content":"0436","to":"4512345679"}]}`,
		},
		{
			"BinaryIsGlobal",
			providers.Call{Binary: &sms.Binary{Payload: []byte{1}}, Recipients: []providers.Recipient{{To: 4512345678}}},
			`{"globals":{"coding":4,"hex_content":"01"},"messages":[{"to":"4512345678"}]}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := string(appendBatch(nil, &tt.c, codingFor(&tt.c), &wishes{})); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestAppendString_IsTheJSONOfTheString(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) })).Draw(t, "s")
		var got string
		if err := json.Unmarshal(appendString(nil, s), &got); err != nil {
			t.Fatal(err)
		}
		if want := string([]rune(s)); got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
	})
}

// What Limits say that a request takes, it takes at most, with everything that can be asked for.
func TestLimits_CountAtLeastWhatIsWritten(t *testing.T) {
	address := strings.Repeat("x", providers.MaxReportTo)
	written := func(text string, how coding) int {
		if how != codingGSM {
			return len(appendUTF16(nil, text))
		}
		return len(appendString(nil, text)) - len(`""`)
	}
	text := rapid.StringOf(rapid.OneOf(rapid.RuneFrom([]rune("aé€\"\\\n\r\f{ж😀")), rapid.Rune()))
	rapid.Check(t, func(t *rapid.T) {
		o := Options{
			Username: "u", Password: "p", Tags: rapid.StringMatching(`[-a-z,]{0,20}`).Draw(t, "tags"), Operation: rapid.SampledFrom([]string{send, sendBatch}).Draw(t, "op"),
		}
		if o.Operation == sendBatch && rapid.Bool().Draw(t, "absolute") {
			o.ScheduleFormat, o.ScheduleZone = absolute, "UTC"
		}
		a, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		c := providers.Call{
			From: sms.SenderID(rapid.StringMatching(`[a-zA-Z&]{0,11}`).Draw(t, "from")), Text: text.Draw(t, "text"),
			Options: providers.Options{
				Priority: providers.Urgent, Validity: time.Duration(rapid.Int64Range(0, 1<<62).Draw(t, "validity")),
				At: a.now().Add(time.Duration(rapid.Int64Range(-1, 1<<60).Draw(t, "at"))),
			},
			ReportTo: func(int) string { return address },
		}
		own := rapid.Bool().Draw(t, "own")
		for i := range rapid.IntRange(1, min(5, a.recipients)).Draw(t, "n") {
			r := providers.Recipient{To: 999_999_999_999_999 - sms.MSISDN(i)}
			if own {
				r.Text = text.Draw(t, "its text")
			}
			c.Recipients = append(c.Recipients, r)
		}
		how, l := codingFor(&c), a.Limits()
		counted := l.BaseBytes + len(c.Recipients)*l.RecipientBytes
		if oneText(&c) {
			counted += written(c.Text, how)
		} else {
			for i := range c.Recipients {
				counted += written(textFor(&c, i), how)
			}
		}
		if got := len(a.body(&c, how)); got > counted {
			t.Fatalf("%d bytes are written, and Limits count %d", got, counted)
		}
	})
}

func TestAppendUTF16_IsReadBackAsTheText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "s")
		octets, err := hex.DecodeString(string(appendUTF16(nil, s)))
		if err != nil {
			t.Fatal(err)
		}
		units := make([]uint16, len(octets)/2)
		for i := range units {
			units[i] = uint16(octets[2*i])<<8 | uint16(octets[2*i+1])
		}
		if got := string(utf16.Decode(units)); got != s {
			t.Fatalf("got %q, want %q", got, s)
		}
	})
}

func TestSuccessID(t *testing.T) {
	tests := []struct {
		in, id string
		ok     bool
	}{
		{`Success "abc-1_Z"`, "abc-1_Z", true},
		{`Success "abc`, "abc", true},
		{` success "abc" trailing junk`, "abc", true},
		{"Success \"abc\nMessage To The Moon", "abc", true},
		{`Success "abc trailing junk`, "", false},
		{`Success "[Failure instance: x]"`, "", false},
		{`Success ""`, "", false},
		{`Success "`, "", false},
		{`Success`, "", false},
		{`Success abc`, "", false},
		{`Error "No route found"`, "", false},
		{`Success "` + strings.Repeat("a", maxID+1) + `"`, "", false},
		{``, "", false},
	}
	for _, tt := range tests {
		t.Run(tt.in, func(t *testing.T) {
			id, ok := successID(tt.in)
			if ok != tt.ok || ok && id != tt.id {
				t.Errorf("got %q, %v", id, ok)
			}
		})
	}
}

// Whatever a gateway answers, an acceptance needs a well-formed identifier, and for a batch its count.
func FuzzParseAnswer(f *testing.F) {
	names, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(names) == 0 {
		f.Fatal("no samples", err)
	}
	for _, name := range names {
		f.Add(sample(f, filepath.Base(name)), 403, true)
	}
	f.Add([]byte(`{"message": "Error \"Argument [to] has an invalid value: [x]."}`), 400, false)
	f.Fuzz(func(t *testing.T, body []byte, status int, batch bool) {
		const n = 3
		results := accepted(body, batch, n)
		results = append(results, providers.Fail(n, classify(response(status, string(body)), batch, n, noon))...)
		if len(results) != 2*n {
			t.Fatalf("%d results", len(results))
		}
		for _, r := range results {
			if r.Err == nil && (!isID(r.ID) || !strings.Contains(string(body), r.ID) && !strings.Contains(string(body), `\u`)) {
				t.Errorf("accepted with ID %q", r.ID)
			}
			if len(r.Detail) > providers.MaxDetail {
				t.Errorf("detail of %d bytes", len(r.Detail))
			}
		}
	})
}

func BenchmarkSend(b *testing.B) {
	c := providers.Call{From: "Acme", Text: strings.Repeat("0123456789 ", 12), Recipients: []providers.Recipient{{To: 4512345678}}}
	a, err := New(Options{Username: "u", Password: "p"})
	if err != nil {
		b.Fatal(err)
	}
	b.Run("Body", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			how := codingFor(&c)
			if a.refuse(&c) != "" || a.refuseTexts(&c, how) != nil {
				b.Fatal("refused")
			}
			a.body(&c, how)
		}
	})
	b.Run("Answer", func(b *testing.B) {
		body := sample(b, "send_ok.txt")
		b.ReportAllocs()
		for b.Loop() {
			if r := accepted(body, false, 1); r[0].Err != nil {
				b.Fatal(r[0].Err)
			}
		}
	})
}

// TestPlainID: what is read the short way is what is read the long way.
func TestPlainID(t *testing.T) {
	for body, want := range map[string]string{
		`{"data": "Success \"07033084-5cfb-4812-90a4-e4d24ffb6e3d\""}`: "07033084-5cfb-4812-90a4-e4d24ffb6e3d",
		`{"data": "Success \"07033084-5cfb"}` + "\n":                   "07033084-5cfb",
		`{"data": "Success \"a b"}`:                                    "",
		`{"data": "Success \""}`:                                       "",
		`{"data": "Success \"a\"", "x": "b"}`:                          "",
		`{"data": "Success \"a`:                                        "",
		`{"data": "Error \"No route found"}`:                           "",
	} {
		got, ok := plainID([]byte(body))
		if got := map[bool]string{true: got}[ok]; got != want {
			t.Errorf("%s: got %q, want %q", body, got, want)
		}
		if long, okLong := successID(parseAnswer([]byte(body)).success); ok && (!okLong || long != got) {
			t.Errorf("%s: the long way gives %q, the short one %q", body, long, got)
		}
	}
}
