package gateway_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/volleysms/volley/providers/providertest/gateway"
	"github.com/volleysms/volley/sms"
)

const mttmLogin = "username=" + gateway.MTTMUsername + "&password=" + gateway.MTTMPassword

func mttmForm(fields string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/send", strings.NewReader(fields))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

func TestMTTMURL_Takes(t *testing.T) {
	for fields, want := range map[string]gateway.Message{
		"to=31612030501&from=Fred&content=Hello%20world%20!":   {To: 31612030501, From: "Fred", Text: "Hello world !"},
		"to=31612030501&content=This%20is%20a%20long+message":  {To: 31612030501, Text: "This is a long message"},
		"to=31612030501&coding=8&hex-content=d83edd23":         {To: 31612030501, Text: "🤣", Encoding: sms.UCS2},
		"to=31612030501&content=Hi&dlr=yes&dlr-level=3&tags=a": {To: 31612030501, Text: "Hi"},
	} {
		for name, r := range map[string]*http.Request{
			"POST": mttmForm(mttmLogin + "&" + fields),
			"GET":  httptest.NewRequest(http.MethodGet, "/send?"+mttmLogin+"&&"+fields, nil), // the document has an empty pair too
		} {
			t.Run(name+"/"+fields, func(t *testing.T) {
				g, w := serve(t, gateway.MTTMURL{}, r)
				if w.Code != 200 || len(g.Violations()) > 0 {
					t.Fatalf("got %d %s, violations %q", w.Code, w.Body, g.Violations())
				}
				m := g.Messages()[0]
				if m.To != want.To || m.From != want.From || m.Text != want.Text || m.Encoding != want.Encoding {
					t.Errorf("got %+v, want %+v", m, want)
				}
				if got := w.Body.String(); got != `Success "`+m.ID+`"` {
					t.Errorf("got %s", got)
				}
			})
		}
	}
}

func TestMTTMURL_Refuses(t *testing.T) {
	const message = "&to=4512340101&content=Hi"
	form := func(fields string) func() *http.Request { return func() *http.Request { return mttmForm(fields) } }
	tests := []struct {
		name   string
		r      func() *http.Request
		status int
		want   string
	}{
		{"UnknownKey", form(mttmLogin + message + "&text=Hi"), 400, "Argument [text] is unknown"},
		{"AnUnderscore", form(mttmLogin + "&to=4512340101&coding=8&hex_content=0436"), 400, "Argument [hex_content] is unknown"},
		{"TheUnknownKeyComesBeforeTheLogin", form("username=x&password=y&text=Hi"), 400, "Argument [text] is unknown"},
		{"AKeyTwice", form(mttmLogin + message + "&to=4512340102"), 400, "Argument [to]"},
		{"NoUsername", form("password=x" + message), 400, "Mandatory argument [username]"},
		{"NoPassword", form("username=" + gateway.MTTMUsername + message), 400, "Mandatory argument [password]"},
		{"WrongPassword", form("username=" + gateway.MTTMUsername + "&password=x" + message), 403, "Authentication failure for username:"},
		{"LongPassword", form("username=" + gateway.MTTMUsername + "&password=" + strings.Repeat("x", 17) + message), 400, "Argument [password]"},
		{"NoNumber", form(mttmLogin + "&content=Hi"), 400, "Mandatory argument [to]"},
		{"BadNumber", form(mttmLogin + "&to=x&content=Hi"), 400, "Argument [to] has an invalid value"},
		{"NoContent", form(mttmLogin + "&to=4512340101"), 400, "hex-content"},
		{"BadLevel", form(mttmLogin + message + "&dlr-level=9"), 400, "Argument [dlr-level]"},
		{"NotUTF8", form(mttmLogin + "&to=4512340101&content=%ff"), 400, "Argument [content]"},
		{"EmptyContentIsAnsweredWithSuccess", form(mttmLogin + "&to=4512340101&content="), 200, "Success"},
		{"AQueryBesideTheForm", func() *http.Request { r := mttmForm(mttmLogin + message); r.URL.RawQuery = "a=b"; return r }, 400, "Mandatory"},
		{"AnotherType", func() *http.Request {
			r := mttmForm(mttmLogin + message)
			r.Header.Set("Content-Type", "text/plain")
			return r
		}, 400, "Mandatory"},
		{"NoLength", func() *http.Request { r := mttmForm(mttmLogin + message); r.ContentLength = -1; return r }, 400, "Mandatory"},
		{"HEAD", func() *http.Request { return httptest.NewRequest(http.MethodHead, "/send?"+mttmLogin+message, nil) }, 405, ""},
		{"OtherPath", func() *http.Request { return httptest.NewRequest(http.MethodPost, "/secure/send", nil) }, 404, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g, w := serve(t, gateway.MTTMURL{}, tt.r())
			if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.want) || g.Stats().Violations != 1 || g.Stats().Taken != 0 {
				t.Errorf("got %d %s, %+v; want %d %s", w.Code, w.Body, g.Stats(), tt.status, tt.want)
			}
		})
	}
	t.Run("ANumberInItsOwnManner", func(t *testing.T) {
		g := gateway.New(gateway.MTTMURL{}, gateway.Options{Faults: []gateway.Fault{{Kind: gateway.Refuse, Suffix: "101"}}})
		w := httptest.NewRecorder()
		g.ServeHTTP(w, mttmForm(mttmLogin+message))
		if w.Code != 412 || w.Body.String() != `Error "No route found"` || g.Stats().Refused != 1 {
			t.Errorf("got %d %s", w.Code, w.Body)
		}
	})
}

func TestMTTMURL_Ping(t *testing.T) {
	if g, w := serve(t, gateway.MTTMURL{}, httptest.NewRequest(http.MethodGet, "/ping", nil)); w.Body.String() != "Jasmin/PONG" || g.Stats().Violations != 0 {
		t.Errorf("got %s", w.Body)
	}
}
