package gateway_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/volleysms/volley/providers/providertest/gateway"
	"github.com/volleysms/volley/sms"
)

// serve sends one request to a fresh gateway of d.
func serve(t *testing.T, d gateway.Dialect, r *http.Request) (*gateway.Gateway, *httptest.ResponseRecorder) {
	t.Helper()
	g := gateway.New(d, gateway.Options{})
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r)
	return g, w
}

func gatewayAPIRequest(body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/rest/mtsms", strings.NewReader(body))
	r.Header.Set("Authorization", "Token "+gateway.GatewayAPIToken)
	r.Header.Set("Content-Type", "application/json")
	return r
}

func TestGatewayAPI_Takes(t *testing.T) {
	tests := []struct {
		name, body string
		want       []gateway.Message
	}{
		{
			"OneText", `{"sender":"Acme","message":"Hi €","encoding":"UTF8","userref":"j1.c0","recipients":[{"msisdn":4512340101},{"msisdn":"4512340102"}]}`,
			[]gateway.Message{{To: 4512340101, From: "Acme", Text: "Hi €", Reference: "j1.c0"}, {To: 4512340102, From: "Acme", Text: "Hi €", Reference: "j1.c0"}},
		},
		{
			"UCS2", `{"message":"\u0436","encoding":"UCS2","recipients":[{"msisdn":4512340101}]}`,
			[]gateway.Message{{To: 4512340101, Text: "ж", Encoding: sms.UCS2}},
		},
		{
			"Tags", `{"message":"Hi %N%, %N%","tags":["%N%"],"recipients":[{"msisdn":4512340101,"tagvalues":["Ann"]},{"msisdn":4512340102,"tagvalues":[""]}]}`,
			[]gateway.Message{{To: 4512340101, Text: "Hi Ann, Ann"}, {To: 4512340102, Text: "Hi , "}},
		},
		{
			"ArrayOfObjects", `[{"message":"a","recipients":[{"msisdn":4512340101}]},{"message":"b","tags":["b"],"recipients":[{"msisdn":4512340101,"tagvalues":["c"]}]}]`,
			[]gateway.Message{{To: 4512340101, Text: "a"}, {To: 4512340101, Text: "c"}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g, w := serve(t, gateway.GatewayAPI{}, gatewayAPIRequest(tt.body))
			if w.Code != 200 || len(g.Violations()) > 0 {
				t.Fatalf("got %d %s, violations %q", w.Code, w.Body, g.Violations())
			}
			got := g.Messages()
			if len(got) != len(tt.want) {
				t.Fatalf("got %d messages", len(got))
			}
			for i, m := range got {
				want := tt.want[i]
				if m.To != want.To || m.From != want.From || m.Text != want.Text || m.Reference != want.Reference || m.Encoding != want.Encoding {
					t.Errorf("got %+v, want %+v", m, want)
				}
				if !strings.Contains(w.Body.String(), m.ID) || m.ID == "" {
					t.Errorf("the ID %q is not in %s", m.ID, w.Body)
				}
			}
		})
	}
}

func TestGatewayAPI_Refuses(t *testing.T) {
	const to = `"recipients":[{"msisdn":4512340101}]`
	tests := []struct {
		name, body string
		status     int
	}{
		{"NotJSON", `{"message"`, 400},
		{"MoreThanJSON", `{"message":"Hi",` + to + `}x`, 400},
		{"NotUTF8", "{\"message\":\"\xff\"," + to + "}", 400},
		{"NoObject", `[]`, 422},
		{"UnknownKey", `{"message":"Hi","msg":"Hi",` + to + `}`, 422},
		{"AKeyTwice", `{"message":"Hi","message":"Hi",` + to + `}`, 422},
		{"UnknownKeyOfARecipient", `{"message":"Hi","recipients":[{"msisdn":4512340101,"name":"x"}]}`, 422},
		{"NoText", `{` + to + `}`, 422},
		{"EmptyText", `{"message":"",` + to + `}`, 422},
		{"NoRecipients", `{"message":"Hi","recipients":[]}`, 422},
		{"NoRecipientsKey", `{"message":"Hi"}`, 422},
		{"NoNumber", `{"message":"Hi","recipients":[{}]}`, 422},
		{"Plus", `{"message":"Hi","recipients":[{"msisdn":"+4512340101"}]}`, 422},
		{"LeadingZero", `{"message":"Hi","recipients":[{"msisdn":"004512340101"}]}`, 422},
		{"SixteenDigits", `{"message":"Hi","recipients":[{"msisdn":4512340101123456}]}`, 422},
		{"Fraction", `{"message":"Hi","recipients":[{"msisdn":4512340101.5}]}`, 422},
		{"ANumberTwice", `{"message":"Hi","recipients":[{"msisdn":4512340101},{"msisdn":4512340102},{"msisdn":"4512340101"}]}`, 422},
		{"TagWithoutValue", `{"message":"Hi x","tags":["x"],` + to + `}`, 422},
		{"ValueWithoutTag", `{"message":"Hi","recipients":[{"msisdn":4512340101,"tagvalues":["x"]}]}`, 422},
		{"OneValueMissing", `{"message":"Hi x","tags":["x"],"recipients":[{"msisdn":4512340101,"tagvalues":["y"]},{"msisdn":4512340102}]}`, 422},
		{"LostCharacters", `{"message":"ж","encoding":"UTF8",` + to + `}`, 422},
		{"LostCharactersByDefault", `{"message":"😀",` + to + `}`, 422},
		{"LostCharactersInAValue", `{"message":"x","tags":["x"],"recipients":[{"msisdn":4512340101,"tagvalues":["ж"]}]}`, 422},
		{"OtherEncoding", `{"message":"Hi","encoding":"GSM",` + to + `}`, 422},
		{"LongSender", `{"sender":"TwelveLetter","message":"Hi",` + to + `}`, 422},
		{"LongNumericSender", `{"sender":"1234567890123456","message":"Hi",` + to + `}`, 422},
		{"LongReference", `{"userref":"` + strings.Repeat("x", 65) + `","message":"Hi",` + to + `}`, 422},
		{"256Segments", `{"message":"` + strings.Repeat("x", 255*153+1) + `",` + to + `}`, 422},
		{"PayloadBesideAText", `{"message":"Hi","payload":"AA==",` + to + `}`, 422},
		{"PayloadNotBase64", `{"payload":"A",` + to + `}`, 422},
		{"CallbackNotHTTP", `{"message":"Hi","callback_url":"ftp://example.invalid",` + to + `}`, 422},
		{"MoreThan1MiB", `{"message":"Hi",` + to + strings.Repeat(" ", 1<<20) + `}`, 413},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g, w := serve(t, gateway.GatewayAPI{}, gatewayAPIRequest(tt.body))
			if w.Code != tt.status || g.Stats().Violations != 1 || g.Stats().Taken != 0 {
				t.Errorf("got %d %.200s, %+v; want %d", w.Code, w.Body, g.Stats(), tt.status)
			}
		})
	}
	t.Run("10001Recipients", func(t *testing.T) {
		var b strings.Builder
		for i := range 10_001 {
			fmt.Fprintf(&b, `,{"msisdn":%d}`, 4512340000+i)
		}
		_, w := serve(t, gateway.GatewayAPI{}, gatewayAPIRequest(`{"message":"Hi","recipients":[`+b.String()[1:]+`]}`))
		if w.Code != 422 {
			t.Errorf("got %d", w.Code)
		}
	})
	for name, change := range map[string]func(*http.Request){
		"NoToken":     func(r *http.Request) { r.Header.Del("Authorization") },
		"OtherToken":  func(r *http.Request) { r.Header.Set("Authorization", "Token x") },
		"GET":         func(r *http.Request) { r.Method = http.MethodGet },
		"OtherPath":   func(r *http.Request) { r.URL.Path = "/rest/mtsms/" },
		"Query":       func(r *http.Request) { r.URL.RawQuery = "token=x" },
		"ContentType": func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") },
	} {
		t.Run(name, func(t *testing.T) {
			r := gatewayAPIRequest(`{"message":"Hi",` + to + `}`)
			change(r)
			g, w := serve(t, gateway.GatewayAPI{}, r)
			if w.Code < 400 || g.Stats().Violations != 1 {
				t.Errorf("got %d, %+v", w.Code, g.Stats())
			}
		})
	}
}

const mgageGood = "allow_long_messages=no&message=Hi%20%E2%82%AC&message_billed=no&message_type=sms&numbers=12135550101%2C12135550102&program_id=108140&spoof_from=87767"

func mgageRequest(query string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/api/gateway?"+query, nil)
	r.SetBasicAuth(gateway.MGageUsername, gateway.MGagePassword)
	return r
}

func TestMGage_Takes(t *testing.T) {
	g, w := serve(t, gateway.MGage{}, mgageRequest(mgageGood))
	if w.Code != 200 || len(g.Violations()) > 0 || len(g.Messages()) != 2 {
		t.Fatalf("got %d %s, violations %q", w.Code, w.Body, g.Violations())
	}
	if m := g.Messages()[1]; m.To != 12135550102 || m.Text != "Hi €" || m.From != "87767" {
		t.Errorf("got %+v", m)
	}
}

func TestMGage_Refuses(t *testing.T) {
	long := strings.Repeat("x", 161)
	var many strings.Builder
	for i := range 251 {
		fmt.Fprintf(&many, "%%2C%d", 12135550000+i)
	}
	tests := []struct {
		name, old, new string
		want           string // in the answer; empty is a status of 400 or more
	}{
		{"OtherType", "message_type=sms", "message_type=mms", "<status>104<"},
		{"Billed", "message_billed=no", "message_billed=yes", "<status>106<"},
		{"OtherAllow", "allow_long_messages=no", "allow_long_messages=1", "<status>114<"},
		{"161CharactersWithoutAllow", "message=Hi", "message=" + long, "<status>107<"},
		{"NoText", "message=Hi%20%E2%82%AC", "message=", "<status>108<"},
		{"NoNumbers", "numbers=12135550101%2C12135550102", "numbers=", "<status>109<"},
		{"BadNumber", "12135550102", "1213555010x", "<status>111<"},
		{"PlusBeforeANumber", "12135550102", "%2B12135550102", "<status>111<"},
		{"251Numbers", "12135550101%2C12135550102", many.String()[3:], "<status>112<"},
		{"ANumberTwice", "12135550102", "12135550101", "<status>113<"},
		{"NoSender", "spoof_from=87767", "spoof_from=", "<status>201<"},
		{"OtherProgram", "108140", "1", ""},
		{"UnknownParameter", "spoof_from", "x=1&spoof_from", ""},
		{"AParameterTwice", "spoof_from", "message=x&spoof_from", ""},
		{"BlankAsPlus", "Hi%20", "Hi+", ""},
		{"PlainComma", "%2C", ",", ""},
		{"BadEscape", "Hi%20", "Hi%2", ""},
		{"NotUTF8", "%E2%82%AC", "%E2%82", ""},
		{"LongURL", "Hi", strings.Repeat("x", 8000), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if !strings.Contains(mgageGood, tt.old) {
				t.Fatalf("%q is not in the request", tt.old)
			}
			g, w := serve(t, gateway.MGage{}, mgageRequest(strings.Replace(mgageGood, tt.old, tt.new, 1)))
			if g.Stats().Violations != 1 || g.Stats().Taken != 0 {
				t.Errorf("got %+v", g.Stats())
			}
			if tt.want == "" && w.Code < 400 || !strings.Contains(w.Body.String(), tt.want) {
				t.Errorf("got %d %s", w.Code, w.Body)
			}
		})
	}
	for name, change := range map[string]func(*http.Request){
		"NoLogin":       func(r *http.Request) { r.Header.Del("Authorization") },
		"OtherPassword": func(r *http.Request) { r.SetBasicAuth(gateway.MGageUsername, "x") },
		"GET":           func(r *http.Request) { r.Method = http.MethodGet },
		"OtherPath":     func(r *http.Request) { r.URL.Path = "/api/gateway/" },
		"Body":          func(r *http.Request) { r.Body, r.ContentLength = http.NoBody, 5 },
	} {
		t.Run(name, func(t *testing.T) {
			r := mgageRequest(mgageGood)
			change(r)
			g, w := serve(t, gateway.MGage{}, r)
			if w.Code < 400 || g.Stats().Violations != 1 {
				t.Errorf("got %d, %+v", w.Code, g.Stats())
			}
		})
	}
}

func TestMGage_Forms(t *testing.T) {
	for form, want := range map[string]string{
		"":      "<response><recipient><number>12135550101</number><status>1</status><message>Send failed. Please contact support.</message></recipient><recipient><number>12135550102</number><status>0</status><message>Request accepted onto the platform.</message></recipient></response>",
		"json":  `{"recipients":[{"number":"12135550101","status":1,"statusText":"Send failed. Please contact support."},{"number":"12135550102","status":0,"statusText":"Request accepted onto the platform."}]}`,
		"lines": "12135550101: 1: Send failed. Please contact support.\n12135550102: 0: Request accepted onto the platform.\n",
	} {
		g := gateway.New(gateway.MGage{Form: form}, gateway.Options{Faults: []gateway.Fault{{Kind: gateway.Refuse, Suffix: "101"}}})
		w := httptest.NewRecorder()
		g.ServeHTTP(w, mgageRequest(mgageGood))
		if w.Body.String() != want {
			t.Errorf("%q: got %s", form, w.Body)
		}
		if s := g.Stats(); s.Taken != 1 || s.Refused != 1 {
			t.Errorf("%q: got %+v", form, s)
		}
	}
}

func TestSegments(t *testing.T) {
	tests := []struct {
		text string
		n    int
		gsm7 bool
	}{
		{"", 1, true},
		{strings.Repeat("x", 160), 1, true},
		{strings.Repeat("x", 161), 2, true},
		{strings.Repeat("€", 80), 1, true},
		{strings.Repeat("€", 81), 2, true},
		{"ж", 1, false},
		{strings.Repeat("ж", 70), 1, false},
		{strings.Repeat("ж", 71), 2, false},
		{strings.Repeat("😀", 36), 2, false},
	}
	for _, tt := range tests {
		if n, gsm7 := gateway.Segments(tt.text); n != tt.n || gsm7 != tt.gsm7 {
			t.Errorf("%.10q of %d: got %d, %v", tt.text, len(tt.text), n, gsm7)
		}
	}
}
