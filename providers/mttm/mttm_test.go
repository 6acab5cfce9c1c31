package mttm

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/sms"
)

func testAdapter(t testing.TB, o Options) *Adapter {
	t.Helper()
	o.Username, o.Password = "example-user", "example-password"
	a, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// seen is a request as a test server got it.
type seen struct {
	line, body string
	header     http.Header
	length     int64
}

// answering returns a server that gives every request the same answer and keeps what was asked.
func answering(t testing.TB, status int, body string) (url string, requests *[]seen) {
	t.Helper()
	requests = new([]seen)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		*requests = append(*requests, seen{r.Method + " " + r.RequestURI, string(b), r.Header, r.ContentLength})
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(s.Close)
	return s.URL, requests
}

func recipients(texts ...string) []providers.Recipient {
	out := make([]providers.Recipient, len(texts))
	for i, text := range texts {
		out[i] = providers.Recipient{To: sms.MSISDN(4512345678 + i), Text: text}
	}
	return out
}

func TestSend_Request(t *testing.T) {
	for operation, answer := range map[string]string{"send": string(sample(t, "send_ok.txt")), "sendbatch": `{"data":{"batchId":"b","messageCount":1}}`} {
		t.Run(operation, func(t *testing.T) {
			url, requests := answering(t, 200, answer)
			a := testAdapter(t, Options{BaseURL: url + "/", Operation: operation})
			if r := a.Send(t.Context(), providers.Call{From: "Acme", Text: "Hi", Recipients: recipients("")}); r[0].Err != nil {
				t.Fatal(r[0].Err)
			}
			got := (*requests)[0]
			if got.line != "POST /secure/"+operation {
				t.Errorf("got %s", got.line)
			}
			if got.length != int64(len(got.body)) {
				t.Errorf("got Content-Length %d for a body of %d bytes", got.length, len(got.body))
			}
			for k, want := range map[string]string{
				"Authorization": "Basic ZXhhbXBsZS11c2VyOmV4YW1wbGUtcGFzc3dvcmQ=",
				"Content-Type":  "application/json", "Accept": "application/json", "Idempotency-Key": "",
			} {
				if got.header.Get(k) != want {
					t.Errorf("%s: got %q, want %q", k, got.header.Get(k), want)
				}
			}
		})
	}
}

func TestSend_RefusesWithoutARequest(t *testing.T) {
	const invalid, again, split = providers.Invalid, providers.Again, providers.Split
	call := func(c providers.Call) providers.Call {
		if c.Recipients == nil {
			c.Recipients = recipients("", "")
		}
		return c
	}
	tests := []struct {
		name string
		c    providers.Call
		want []providers.Kind
	}{
		{"EmptyText", call(providers.Call{}), []providers.Kind{invalid, invalid}},
		{
			"OneEmptyTextOfThree", call(providers.Call{Recipients: []providers.Recipient{{To: 4512345678, Text: "a"}, {To: 4512345679}, {To: 4512345670, Text: "c"}}}),
			[]providers.Kind{again, invalid, again},
		},
		{"SixSegmentsAsTheCallSays", call(providers.Call{Text: "Hi", Segments: 6}), []providers.Kind{invalid, invalid}},
		{"SixSegmentsOfGSM7", call(providers.Call{Text: strings.Repeat("x", 5*153+1), Segments: 5}), []providers.Kind{invalid, invalid}},
		{"SixSegmentsOfUCS2", call(providers.Call{Text: strings.Repeat("ж", 5*67+1), Encoding: sms.UCS2}), []providers.Kind{invalid, invalid}},
		{"SixSegmentsOfLatinSentAsUCS2", call(providers.Call{Text: strings.Repeat("x", 5*67+1), Encoding: sms.UCS2}), []providers.Kind{invalid, invalid}},
		{"OneTextTooLongOfTwo", call(providers.Call{Recipients: recipients("a", strings.Repeat("x", 5*153+1))}), []providers.Kind{again, invalid}},
		{"SixSegmentsOfOctets", call(providers.Call{Binary: &sms.Binary{Payload: make([]byte, 5*134+1)}}), []providers.Kind{invalid, invalid}},
		{"EmptyBinary", call(providers.Call{Binary: &sms.Binary{}}), []providers.Kind{invalid, invalid}},
		{"UserDataHeader", call(providers.Call{Binary: &sms.Binary{UDH: []byte{5, 0}, Payload: []byte{1}}}), []providers.Kind{invalid, invalid}},
		{"SenderOf21Bytes", call(providers.Call{From: "123456789012345678901", Text: "Hi"}), []providers.Kind{invalid, invalid}},
		{"FieldsToMerge", call(providers.Call{Text: "Hi {a}", Tags: []string{"{a}"}}), []providers.Kind{invalid, invalid}},
		{"MoreRecipientsThanABatchHolds", call(providers.Call{Text: "Hi", Recipients: recipients("", "", "", "")}), []providers.Kind{split, split, split, split}},
		{"BodyTooLarge", call(providers.Call{Recipients: recipients(strings.Repeat("ж", 300), strings.Repeat("я", 300), strings.Repeat("ю", 300))}), []providers.Kind{split, split, split}},
		{
			"BodyTooLargeForOne",
			call(providers.Call{Text: strings.Repeat("ж", 335), Encoding: sms.UCS2, Recipients: recipients(""), ReportTo: func(int) string { return "https://example.invalid/" + strings.Repeat("x", 900) }}),
			[]providers.Kind{invalid},
		},
	}
	url, requests := answering(t, 200, "")
	a := testAdapter(t, Options{BaseURL: url, Operation: "sendbatch", MaxRecipients: 3, MaxBodyBytes: 3000})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			results := a.Send(t.Context(), tt.c)
			if len(results) != len(tt.want) {
				t.Fatalf("got %d results, want %d", len(results), len(tt.want))
			}
			for i, r := range results {
				if r.Err == nil || providers.KindOf(r.Err) != tt.want[i] || r.Detail == "" {
					t.Errorf("result %d: got %v, want %v and a reason", i, r.Err, tt.want[i])
				}
			}
		})
	}
	if len(*requests) != 0 {
		t.Errorf("%d requests were made", len(*requests))
	}
}

func TestSend_TakesFiveSegments(t *testing.T) {
	url, _ := answering(t, 200, string(sample(t, "send_ok.txt")))
	a := testAdapter(t, Options{BaseURL: url})
	for name, c := range map[string]providers.Call{
		"GSM7":   {Text: strings.Repeat("x", 5*153), Segments: 5},
		"UCS2":   {Text: strings.Repeat("ж", 5*67), Encoding: sms.UCS2, Segments: 5},
		"Octets": {Binary: &sms.Binary{Payload: make([]byte, 5*134)}, Encoding: sms.Data, Segments: 5},
	} {
		c.Recipients = recipients("")
		if r := a.Send(t.Context(), c); r[0].Err != nil {
			t.Errorf("%s: %v", name, r[0].Err)
		}
	}
}

func TestNew_SaysWhatToChange(t *testing.T) {
	good := Options{Username: "user", Password: "secret"}
	tests := []struct {
		name   string
		change func(*Options)
		want   string
	}{
		{"NoScheme", func(o *Options) { o.BaseURL = "sms.example.invalid" }, "not an http or https"},
		{"Query", func(o *Options) { o.BaseURL = "https://example.invalid/?a=b" }, "query"},
		{"NoUsername", func(o *Options) { o.Username = "" }, "missing"},
		{"NoPassword", func(o *Options) { o.Password = "" }, "missing"},
		{"ColonInThePassword", func(o *Options) { o.Password = "se:cret" }, "\":\""},
		{"ColonInTheUsername", func(o *Options) { o.Username = "us:er" }, "\":\""},
		{"UnknownOperation", func(o *Options) { o.Operation = "batch" }, "use send or sendbatch"},
		{"TooManyRecipients", func(o *Options) { o.MaxRecipients = 1001 }, "1 to 1000"},
		{"NegativeRecipients", func(o *Options) { o.MaxRecipients = -1 }, "1 to 1000"},
		{"NegativeSegments", func(o *Options) { o.MaxSegments = -1 }, "1 to 255"},
		{"NoRoomForAText", func(o *Options) { o.MaxBodyBytes = 10 }, "no room"},
		{"TagWithABlank", func(o *Options) { o.Tags = "a b" }, "tags may hold"},
		{"UnknownScheduleFormat", func(o *Options) { o.ScheduleFormat = "local" }, "use relative or absolute"},
		{"AbsoluteWithoutAZone", func(o *Options) { o.ScheduleFormat = "absolute" }, "needs the schedule zone"},
		{"UnknownZone", func(o *Options) { o.ScheduleFormat, o.ScheduleZone = "absolute", "Europe/Atlantis" }, "is not known"},
		{"TheMachinesOwnZone", func(o *Options) { o.ScheduleFormat, o.ScheduleZone = "absolute", "Local" }, "is not known"},
		{"ZoneForWaits", func(o *Options) { o.ScheduleZone = "UTC" }, "only for the schedule format absolute"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := good
			tt.change(&o)
			_, err := New(o)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got %v, want %q", err, tt.want)
			}
			if strings.Contains(err.Error(), "cret") {
				t.Errorf("the password leaks: %v", err)
			}
		})
	}
	t.Run("LongNamesAreAllowed", func(t *testing.T) {
		if _, err := New(Options{Username: strings.Repeat("u", 30), Password: strings.Repeat("p", 30)}); err != nil {
			t.Error(err)
		}
	})
}

func TestLimits(t *testing.T) {
	for want, o := range map[int]Options{1: {MaxRecipients: 9}, 500: {Operation: "sendbatch"}, 1000: {Operation: "sendbatch", MaxRecipients: 1000}} {
		if got := testAdapter(t, o).Limits(); got.Recipients != want || got.Segments != 5 || got.Texts != providers.ManyTexts {
			t.Errorf("got %+v, want %d recipients", got, want)
		}
	}
}
