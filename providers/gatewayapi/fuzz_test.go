package gatewayapi

import (
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/volleysms/volley/internal/httpc"
	"github.com/volleysms/volley/providers"
)

// seed adds the samples of testdata whose names begin with one of the prefixes.
func seed(f *testing.F, prefixes ...string) {
	f.Helper()
	entries, err := os.ReadDir("testdata")
	if err != nil {
		f.Fatal(err)
	}
	for _, e := range entries {
		for _, p := range prefixes {
			if !strings.HasPrefix(e.Name(), p) {
				continue
			}
			b, err := os.ReadFile("testdata/" + e.Name())
			if err != nil {
				f.Fatal(err)
			}
			f.Add(b)
		}
	}
	for _, s := range []string{"", "null", "{}", "[]", `{"ids":[1]}`, `{"code":"0x0215","variables":["4512340101"],"message":"%1"}`, `{"detail":[{"loc":["body","messages",0,"x"],"msg":"m","type":"t"}]}`} {
		f.Add([]byte(s))
	}
}

// sane fails when a report or a message is not what the contract says.
func sane(t *testing.T, reports []providers.Report, inbound []providers.Inbound) {
	t.Helper()
	for _, r := range reports {
		if len(r.Code) > maxCode || len(r.Detail) > providers.MaxDetail || !utf8.ValidString(r.Code+r.Detail) || r.To != 0 && !r.To.Valid() {
			t.Errorf("got %+v", r)
		}
		if r.ID != "" && !plausibleID(r.ID) || len(r.Reference) > 64 || r.Fate > providers.Undelivered {
			t.Errorf("got %+v", r)
		}
	}
	for _, m := range inbound {
		if m.ID == "" || !m.From.Valid() {
			t.Errorf("got %+v", m)
		}
	}
}

func FuzzParsePush(f *testing.F) {
	seed(f, "status_", "inbound")
	f.Fuzz(func(t *testing.T, b []byte) {
		pushed, err := parsePush(b)
		if err != nil && !errors.Is(err, providers.ErrMalformed) || (err == nil) != (len(pushed.Reports)+len(pushed.Inbound) == 1) {
			t.Errorf("got %+v, %v", pushed, err)
		}
		sane(t, pushed.Reports, pushed.Inbound)
	})
}

// A token that was not made with the secret proves nothing, whatever it looks like.
func FuzzReceive_Signature(f *testing.F) {
	for _, name := range []string{"signature_HS256.txt", "signature_HS384.txt", "signature_HS512.txt"} {
		b, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(strings.TrimSpace(string(b)))
	}
	f.Add("")
	f.Add("..")
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	a, err := New(Options{Token: "example-token", WebhookSecret: "a-secret-that-signed-nothing"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, signature string) {
		p := providers.Push{Method: "POST", Header: http.Header{signatureHeader: {signature}}, Body: []byte(`{"status":"DELIVERED"}`)}
		if pushed, err := a.Receive(p); !errors.Is(err, providers.ErrForged) || pushed.Proven || pushed.Reports != nil {
			t.Errorf("got %+v, %v", pushed, err)
		}
	})
}

func FuzzParseEvent(f *testing.F) {
	seed(f, "event_")
	f.Fuzz(func(t *testing.T, b []byte) {
		pushed, err := parseEvent(b)
		if err != nil && (!errors.Is(err, providers.ErrMalformed) || pushed.Reports != nil || pushed.Inbound != nil) {
			t.Errorf("got %+v, %v", pushed, err)
		}
		sane(t, pushed.Reports, pushed.Inbound)
	})
}

func FuzzParseShown(f *testing.F) {
	seed(f, "shown")
	f.Fuzz(func(t *testing.T, b []byte) {
		reports, ok := parseShown("1", b)
		if !ok && reports != nil {
			t.Errorf("got %+v", reports)
		}
		for _, r := range reports {
			if r.ID != "1" {
				t.Errorf("got %+v", r)
			}
		}
		sane(t, reports, nil)
	})
}

func FuzzParseInbox(f *testing.F) {
	seed(f, "inbox")
	f.Fuzz(func(t *testing.T, b []byte) {
		list, pages, ok := parseInbox(b)
		if pages > maxPages || !ok && (list != nil || pages != 0) {
			t.Errorf("got %+v, %d pages, %v", list, pages, ok)
		}
		sane(t, nil, list)
	})
}

// Whatever an answer is, each recipient has one result, and nothing of the call is in its words.
func FuzzSendAnswers(f *testing.F) {
	for _, status := range []uint16{200, 202, 403, 422, 500} {
		f.Add(status, []byte(`{"ids":[1],"msg_id":"A","recipient":4512340101}`))
		f.Add(status, []byte(`{"code":"0x0215","message":"about %1 and SECRETTEXT","variables":["4512340101"]}`))
		f.Add(status, []byte(`{"detail":[{"loc":["body","messages",1,"recipient"],"msg":"SECRETTEXT","type":"x"}]}`))
	}
	c := providers.Call{Text: "SECRETTEXT", Recipients: []providers.Recipient{{To: 4512340101}, {To: 4512340102}}}
	f.Fuzz(func(t *testing.T, status uint16, b []byte) {
		resp := &httpc.Response{Status: 100 + int(status)%500, Header: http.Header{}, Body: b}
		for name, got := range map[string][]providers.Result{
			"REST": results(resp, c, []string{c.Text}), "Messaging": messagingResults(resp, c, []string{c.Text}),
		} {
			if len(got) != len(c.Recipients) {
				t.Fatalf("%s: got %d results", name, len(got))
			}
			for _, r := range got {
				said := r.Code + r.Detail
				if r.Err != nil {
					said += r.Err.Error()
				}
				if r.Err == nil && (resp.Status/100 != 2 || !plausibleID(r.ID)) {
					t.Errorf("%s: %d: accepted as %q", name, resp.Status, r.ID)
				}
				if strings.Contains(said, c.Text) || strings.Contains(said, "4512340101") || len(r.Detail) > providers.MaxDetail || !utf8.ValidString(said) {
					t.Errorf("%s: %d: got %q", name, resp.Status, said)
				}
			}
		}
	})
}

func FuzzParseCosts(f *testing.F) {
	seed(f, "prices", "usage")
	f.Fuzz(func(t *testing.T, b []byte) {
		prices, ok := parsePrices(b)
		usage, ok2 := parseUsage(b)
		if !ok && prices != nil || !ok2 && usage != nil || ok && ok2 {
			t.Errorf("got %+v, %v; %+v, %v", prices, ok, usage, ok2)
		}
	})
}
