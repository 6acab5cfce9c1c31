package gateway_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/volleysms/volley/providers/providertest/gateway"
)

func TestPlain_Refuses(t *testing.T) {
	const good = `{"from":"Acme","messages":[{"to":"4512340990","text":"hi"}]}`
	tests := []struct {
		name, method, target, kind, body string
		status                           int
	}{
		{"good", "POST", "/v1/messages", "application/json", good, 202},
		{"an unknown key", "POST", "/v1/messages", "application/json", strings.Replace(good, "from", "form", 1), 400},
		{"an unknown key of a message", "POST", "/v1/messages", "application/json", strings.Replace(good, "text", "txt", 1), 400},
		{"a number with a plus", "POST", "/v1/messages", "application/json", strings.Replace(good, `"45`, `"+45`, 1), 400},
		{"no messages", "POST", "/v1/messages", "application/json", `{"from":"Acme","messages":[]}`, 400},
		{"no JSON", "POST", "/v1/messages", "application/json", good[1:], 400},
		{"UCS-2 without unicode", "POST", "/v1/messages", "application/json", strings.Replace(good, "hi", "ж", 1), 400},
		{"a form", "POST", "/v1/messages", "application/x-www-form-urlencoded", good, 415},
		{"a query", "POST", "/v1/messages?a=b", "application/json", good, 400},
		{"another path", "POST", "/v2/messages", "application/json", good, 404},
		{"a good form", "POST", "/send", "application/x-www-form-urlencoded", "key=example-plain-token&to=4512340990&from=Acme&text=hi", 200},
		{"a good query", "GET", "/send?key=example-plain-token&to=4512340990&from=Acme&text=hi", "", "", 200},
		{"a field that is none", "GET", "/send?key=example-plain-token&to=4512340990&from=Acme&text=hi&x=1", "", "", 400},
		{"a field twice", "GET", "/send?key=example-plain-token&to=4512340990&to=4512340991&from=Acme&text=hi", "", "", 400},
		{"no text", "GET", "/send?key=example-plain-token&to=4512340990&from=Acme", "", "", 400},
		{"another coding", "GET", "/send?key=example-plain-token&to=4512340990&from=Acme&text=hi&coding=4", "", "", 400},
		{"a wrong key", "GET", "/send?key=example&to=4512340990&from=Acme&text=hi", "", "", 401},
		{"a method", "PUT", "/send?key=example-plain-token&to=4512340990&from=Acme&text=hi", "", "", 400},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := gateway.New(gateway.Plain{}, gateway.Options{})
			r := httptest.NewRequest(tt.method, tt.target, strings.NewReader(tt.body))
			r.Header = http.Header{"Content-Type": {tt.kind}, "Authorization": {"Bearer " + gateway.PlainToken}}
			w := httptest.NewRecorder()
			g.ServeHTTP(w, r)
			if w.Code != tt.status {
				t.Errorf("got %d %s, want %d", w.Code, w.Body, tt.status)
			}
			if taken := g.Stats().Taken; (taken == 1) != (tt.status/100 == 2) {
				t.Errorf("%d messages were taken", taken)
			}
		})
	}
}
