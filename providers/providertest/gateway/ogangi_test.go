package gateway_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/volleysms/volley/providers/providertest/gateway"
)

// ogangiRequest is signed unless params ends in "!".
func ogangiRequest(method, params string) *http.Request {
	params, wrong := strings.CutSuffix(params, "!")
	mac := hmac.New(sha256.New, []byte(gateway.OgangiPrivateKey))
	if wrong {
		mac = hmac.New(sha256.New, []byte("another key"))
	}
	mac.Write([]byte(params))
	return httptest.NewRequest(http.MethodGet, "/rest/api/"+method+"/"+params+"/"+gateway.OgangiPublicKey+"/"+hex.EncodeToString(mac.Sum(nil)), nil)
}

func TestOgangi_Takes(t *testing.T) {
	for name, r := range map[string]*http.Request{
		"SendSMS":           ogangiRequest("tools/sendSMS", "43/Movistar/2020/MTMwNTU1NTAxMDA/SGnigqw"),
		"SendMT":            ogangiRequest("sendMT", "43/2020/null/13055550100/SGnigqw"),
		"SendMTToAnID":      ogangiRequest("sendMT", "43/2020/2/13055550100/SGnigqw"),
		"SendMTWithFlags":   ogangiRequest("sendMT", "43/2020/2/13055550100/SGnigqw/job-7"),
		"BelowAStripPrefix": ogangiRequest("sendMT", "43/2020/null/13055550100/SGnigqw"),
	} {
		t.Run(name, func(t *testing.T) {
			g := gateway.New(gateway.Ogangi{}, gateway.Options{})
			var h http.Handler = g
			if name == "BelowAStripPrefix" {
				h = http.StripPrefix("/sim", g)
				r.URL.Path = "/sim" + r.URL.Path
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if len(g.Violations()) > 0 || len(g.Messages()) != 1 || !strings.Contains(w.Body.String(), "<status>OK</status>") {
				t.Fatalf("got %d %s, violations %q", w.Code, w.Body, g.Violations())
			}
			if m := g.Messages()[0]; m.To != 13055550100 || m.From != "2020" || m.Text != "Hi€" || !strings.Contains(w.Body.String(), m.ID) {
				t.Errorf("got %+v", m)
			}
		})
	}
}

func TestOgangi_Refuses(t *testing.T) {
	const failure = "<status>ERROR</status>"
	tests := []struct {
		name, method, params string
		want                 string // in the answer; empty is a status of 400 or more
	}{
		{"WrongSignature", "sendMT", "43/2020/null/13055550100/SGk!", "BAD_SIGNATURE"},
		{"OtherInstance", "sendMT", "44/2020/null/13055550100/SGk", failure},
		{"SendMTWithCarrierBeforeSender", "sendMT", "43/null/2020/13055550100/SGk", failure},
		{"SendMTWithTheNumberInBase64", "sendMT", "43/2020/null/MTMwNTU1NTAxMDA/SGk", failure},
		{"SendMTWithACarriersName", "sendMT", "43/2020/Movistar/13055550100/SGk", failure},
		{"SendMTBelowTools", "tools/sendMT", "43/2020/null/13055550100/SGk", ""},
		{"SendSMSWithSenderBeforeCarrier", "tools/sendSMS", "43/2020/Movistar/MTMwNTU1NTAxMDA/SGk", "BAD_CARRIER/FROM"},
		{"SendSMSWithThePlainNumber", "tools/sendSMS", "43/Movistar/2020/13055550100/SGk", "BAD_TO"},
		{"SendSMSWithLettersInTheNumber", "tools/sendSMS", "43/Movistar/2020/MTMwNTU1NTAxMDB4/SGk", "BAD_TO"},
		{"SendSMSWithASenderOfLetters", "tools/sendSMS", "43/Movistar/Acme/MTMwNTU1NTAxMDA/SGk", "BAD_FROM"},
		{"OtherCarrier", "tools/sendSMS", "43/movistar/2020/MTMwNTU1NTAxMDA/SGk", "BAD_CARRIER/FROM"},
		{"PlainText", "sendMT", "43/2020/null/13055550100/Hi!there", failure},
		{"PaddedBase64", "sendMT", "43/2020/null/13055550100/SGk=", failure},
		{"StandardBase64", "sendMT", "43/2020/null/13055550100/Pj8+", failure},
		{"TextNotUTF8", "sendMT", "43/2020/null/13055550100/_w", failure},
		{"EmptyText", "sendMT", "43/2020/null/13055550100/", ""},
		{"OneSegmentShort", "sendMT", "43/2020/13055550100/SGk", ""},
		{"OneSegmentOver", "tools/sendSMS", "43/Movistar/2020/MTMwNTU1NTAxMDA/SGk/x", ""},
		{"EscapedSlash", "tools/sendSMS", "43/Movi%2Fstar/2020/MTMwNTU1NTAxMDA/SGk", ""},
		{"UnknownOperation", "tools/deleteAll", "43", ""},
		{"LongURL", "sendMT", "43/2020/null/13055550100/" + strings.Repeat("SGlp", 2000), ""},
		{"OtherFilter", "tools/getMOMessages", "43/1/1/sort=asc", failure},
		{"PageIsNoNumber", "tools/getMOMessages", "43/x/1/order=asc", failure},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g, w := serve(t, gateway.Ogangi{}, ogangiRequest(tt.method, tt.params))
			if g.Stats().Violations != 1 || g.Stats().Taken != 0 {
				t.Errorf("got %d %s, %+v", w.Code, w.Body, g.Stats())
			}
			if tt.want == "" && w.Code < 400 || tt.want != "" && !strings.Contains(w.Body.String(), tt.want) {
				t.Errorf("got %d %s, want %q", w.Code, w.Body, tt.want)
			}
		})
	}
	for name, change := range map[string]func(*http.Request){
		"POST":      func(r *http.Request) { r.Method = http.MethodPost },
		"HEAD":      func(r *http.Request) { r.Method = http.MethodHead },
		"Query":     func(r *http.Request) { r.URL.RawQuery = "x=1" },
		"OtherPath": func(r *http.Request) { r.URL.Path = "/mmc" + r.URL.Path },
		"OtherKey": func(r *http.Request) {
			r.URL.Path = strings.Replace(r.URL.Path, gateway.OgangiPublicKey, "x", 1)
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := ogangiRequest("sendMT", "43/2020/null/13055550100/SGk")
			change(r)
			if g, w := serve(t, gateway.Ogangi{}, r); g.Stats().Violations != 1 || g.Stats().Taken != 0 {
				t.Errorf("got %d, %+v", w.Code, g.Stats())
			}
		})
	}
	t.Run("UnpaddedBase64WherePaddingIsWanted", func(t *testing.T) {
		g, _ := serve(t, gateway.Ogangi{Padded: true}, ogangiRequest("sendMT", "43/2020/null/13055550100/SGk"))
		if g.Stats().Violations != 1 {
			t.Error("taken")
		}
	})
}

func TestOgangi_ReadsInboundMessages(t *testing.T) {
	g, w := serve(t, gateway.Ogangi{Rootless: true}, ogangiRequest("tools/getMOMessages", "43/1/1/order=asc"))
	if s := g.Stats(); s.Violations != 0 || s.Sends != 0 || !strings.HasPrefix(w.Body.String(), "<input>getMOMessages</input> <status>OK</status>") {
		t.Errorf("got %s, %+v", w.Body, s)
	}
}

func TestOgangi_RefusesNumbersInItsOwnManner(t *testing.T) {
	for method, want := range map[string]string{
		"tools/sendSMS 43/Movistar/2020/MTMwNTU1NTAxMDA/SGk": "<status>BLACKLISTED</status>",
		"sendMT 43/2020/null/13055550100/SGk":                "<status>ERROR</status>",
	} {
		op, params, _ := strings.Cut(method, " ")
		g := gateway.New(gateway.Ogangi{}, gateway.Options{Faults: []gateway.Fault{{Kind: gateway.Refuse, Suffix: "100"}}})
		w := httptest.NewRecorder()
		g.ServeHTTP(w, ogangiRequest(op, params))
		if s := g.Stats(); s.Refused != 1 || s.Taken != 0 || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: got %s, %+v", op, w.Body, s)
		}
	}
}
