package mttm

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/providers/providertest"
	"github.com/volleysms/volley/providers/providertest/gateway"
	"github.com/volleysms/volley/sms"
)

// seenRequest keeps a request as it came.
func seenRequest(t testing.TB, r *http.Request) gateway.Request {
	t.Helper()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Error(err)
	}
	if r.ContentLength != int64(len(body)) || len(r.TransferEncoding) > 0 {
		t.Errorf("Content-Length is %d, the body has %d bytes, %v", r.ContentLength, len(body), r.TransferEncoding)
	}
	return gateway.Request{Method: r.Method, URL: r.RequestURI, Header: r.Header, Body: body}
}

func reportTo(i int) string {
	if i < 0 {
		return "https://hooks.example.com/r/moon/j1.all.k"
	}
	return fmt.Sprintf("https://hooks.example.com/r/moon/j1.%d.k", i)
}

// Each operation, with everything that it can carry.
func TestRequests(t *testing.T) {
	const number = sms.MSISDN(4512345678)
	wish := providers.Options{
		Flash: true, Priority: providers.Urgent, Validity: 90 * time.Minute, Label: "spring", At: noon.Add(24 * time.Hour),
	}
	one := providers.Call{Reference: "r", From: "Acme", Text: `Hi "Ann" & 5 €`, Recipients: []providers.Recipient{{To: number}}}
	wished := one
	wished.Options, wished.ReportTo = wish, reportTo
	ucs2 := one
	ucs2.Text, ucs2.Encoding = "ж🤣", sms.UCS2
	binary := one
	binary.Text, binary.Binary, binary.Encoding = "", &sms.Binary{Payload: []byte{0, 0xab, 0xff}}, sms.Data
	two := one
	two.Recipients = []providers.Recipient{{To: number}, {To: number + 1}}
	two.ReportTo = reportTo
	twoWished := two
	twoWished.Options = wish
	twoUCS2, twoBinary := ucs2, binary
	twoUCS2.Recipients, twoBinary.Recipients = two.Recipients, two.Recipients
	own := two
	own.Text, own.Recipients = "", []providers.Recipient{{To: number, Text: "Hi Ann"}, {To: number + 1, Text: "Hi Bob"}}

	sends := func(c providers.Call) func(t *testing.T, a providers.Adapter) {
		return func(t *testing.T, a providers.Adapter) {
			c.Segments = 1
			a.Send(t.Context(), c)
		}
	}
	batch := Options{Operation: sendBatch}
	tests := []struct {
		name    string
		adapter any // Options or URLOptions
		do      func(t *testing.T, a providers.Adapter)
	}{
		{"send", Options{}, sends(one)},
		{"send_reports_and_wishes", Options{Tags: "a,b-1"}, sends(wished)},
		{"send_ucs2", Options{}, sends(ucs2)},
		{"send_binary", Options{}, sends(binary)},
		{"sendbatch", batch, sends(two)},
		{"sendbatch_own_texts", batch, sends(own)},
		{"sendbatch_ucs2", batch, sends(twoUCS2)},
		{"sendbatch_binary", batch, sends(twoBinary)},
		{"sendbatch_relative", Options{Operation: sendBatch, Tags: "a"}, sends(twoWished)},
		{"sendbatch_absolute", Options{Operation: sendBatch, ScheduleFormat: absolute, ScheduleZone: "Europe/Amsterdam"}, sends(twoWished)},
		{"ping", Options{}, func(t *testing.T, a providers.Adapter) { _ = a.(*Adapter).Ping(t.Context()) }},
		{"balance", Options{}, func(t *testing.T, a providers.Adapter) { _, _ = a.(*Adapter).Balance(t.Context()) }},
		{"rate", Options{Tags: "a"}, func(t *testing.T, a providers.Adapter) {
			_, _ = a.(*Adapter).Rate(t.Context(), number, "Acme", "Hi & bye")
		}},
		{"rate_ucs2", Options{}, func(t *testing.T, a providers.Adapter) { _, _ = a.(*Adapter).Rate(t.Context(), number, "", "ж") }},
		{"url_post", URLOptions{}, sends(one)},
		{"url_post_reports_and_wishes", URLOptions{Tags: "a,b-1"}, sends(wished)},
		{"url_post_ucs2", URLOptions{}, sends(ucs2)},
		{"url_post_binary", URLOptions{}, sends(binary)},
		{"url_get", URLOptions{Method: methodGet}, sends(one)},
		{"url_get_reports_and_wishes", URLOptions{Method: methodGet}, sends(wished)},
		{"url_get_ucs2", URLOptions{Method: methodGet}, sends(ucs2)},
		{"url_get_binary", URLOptions{Method: methodGet}, sends(binary)},
		{"url_ping", URLOptions{}, func(t *testing.T, a providers.Adapter) { _ = a.(*URL).Ping(t.Context()) }},
	}
	var names []string
	for _, tt := range tests {
		names = append(names, tt.name+".http")
		t.Run(tt.name, func(t *testing.T) {
			var got []gateway.Request
			s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = append(got, seenRequest(t, r)) }))
			defer s.Close()
			tt.do(t, testOf(t, tt.adapter, s.URL))
			if len(got) != 1 {
				t.Fatalf("%d requests were made", len(got))
			}
			providertest.Golden(t, filepath.Join("testdata", "requests", tt.name+".http"), got[0])
		})
	}
	t.Run("EveryFileIsUsed", func(t *testing.T) {
		files, err := os.ReadDir(filepath.Join("testdata", "requests"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if !slices.Contains(names, f.Name()) {
				t.Errorf("%s is of no operation", f.Name())
			}
		}
	})
}

// testOf returns an adapter at baseURL whose clock stands at noon.
func testOf(t *testing.T, options any, baseURL string) providers.Adapter {
	t.Helper()
	now := func() time.Time { return noon }
	switch o := options.(type) {
	case Options:
		o.BaseURL = baseURL
		a := testAdapter(t, o)
		a.now = now
		return a
	case URLOptions:
		o.BaseURL, o.Username, o.Password = baseURL, "example-user", "example-password"
		u, err := NewURL(o)
		if err != nil {
			t.Fatal(err)
		}
		u.now = now
		return u
	}
	t.Fatalf("no adapter has %T", options)
	return nil
}
