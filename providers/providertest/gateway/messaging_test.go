package gateway_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/volleysms/volley/providers/providertest/gateway"
)

func messagingRequest(path, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Token "+gateway.GatewayAPIToken)
	r.Header.Set("Content-Type", "application/json")
	return r
}

func TestMessaging_Takes(t *testing.T) {
	const one = `{"sender":"ExampleSMS","message":"Hello world!","recipient":4512345678`
	for name, tt := range map[string]struct{ path, body, asked string }{
		"Minimal":        {"/mobile/single", one + `}`, ""},
		"WithReference":  {"/mobile/single", one + `,"reference":"j1.c0"}`, ""},
		"WithExpiration": {"/mobile/single", one + `,"expiration":"P3DT4H33M17S"}`, "expiration"},
		"WithLabel":      {"/mobile/single", one + `,"label":"Promotion"}`, "label"},
		"Urgent":         {"/mobile/single", one + `,"priority":"urgent"}`, "priority"},
		"Multi":          {"/mobile/multi", `{"messages":[` + one + `}]}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			g, w := serve(t, gateway.Messaging{}, messagingRequest(tt.path, tt.body))
			if w.Code != http.StatusAccepted || len(g.Violations()) > 0 || len(g.Messages()) != 1 {
				t.Fatalf("got %d %s, violations %q", w.Code, w.Body, g.Violations())
			}
			m := g.Messages()[0]
			if m.Text != "Hello world!" || m.To != 4512345678 || m.ID == "" || !strings.Contains(w.Body.String(), m.ID) || tt.asked != "" && m.Asked[tt.asked] == "" {
				t.Errorf("got %+v, %s", m, w.Body)
			}
		})
	}
}

func TestMessaging_Refuses(t *testing.T) {
	const one = `{"sender":"Acme","message":"Hi","recipient":4512345678`
	tests := []struct {
		name, path, body string
		status           int
	}{
		{"OtherPath", "/mobile/many", one + "}", 404},
		{"NotJSON", "/mobile/single", one, 422},
		{"ShortSender", "/mobile/single", `{"sender":"Ab","message":"Hi","recipient":4512345678}`, 422},
		{"NoSender", "/mobile/single", `{"message":"Hi","recipient":4512345678}`, 422},
		{"LongSender", "/mobile/single", `{"sender":"TwelveLetter","message":"Hi","recipient":4512345678}`, 422},
		{"RecipientAsAString", "/mobile/single", `{"sender":"Acme","message":"Hi","recipient":"4512345678"}`, 422},
		{"SixteenDigits", "/mobile/single", `{"sender":"Acme","message":"Hi","recipient":4512345678123456}`, 422},
		{"NoText", "/mobile/single", `{"sender":"Acme","recipient":4512345678}`, 422},
		{"UnknownKey", "/mobile/single", one + `,"class":"premium"}`, 422},
		{"AKeyTwice", "/mobile/single", one + `,"message":"Ho"}`, 422},
		{"OtherPriority", "/mobile/single", one + `,"priority":"URGENT"}`, 422},
		{"LongLabel", "/mobile/single", one + `,"label":"` + strings.Repeat("x", 129) + `"}`, 422},
		{"SixDays", "/mobile/single", one + `,"expiration":"P6D"}`, 422},
		{"NoDuration", "/mobile/single", one + `,"expiration":"soon"}`, 422},
		{"NoTime", "/mobile/single", one + `,"expiration":"PT"}`, 422},
		{"NoMessages", "/mobile/multi", `{"messages":[]}`, 422},
		{"OtherEnvelope", "/mobile/multi", `{"list":[]}`, 422},
		{"MoreThanAThousand", "/mobile/multi", `{"messages":[` + strings.TrimSuffix(strings.Repeat(one+"},", 1001), ",") + `]}`, 422},
		{"MoreThan1MiB", "/mobile/single", one + strings.Repeat(" ", 1<<20) + "}", 413},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g, w := serve(t, gateway.Messaging{}, messagingRequest(tt.path, tt.body))
			if w.Code != tt.status || g.Stats().Violations != 1 || g.Stats().Taken != 0 {
				t.Errorf("got %d %.200s, %+v; want %d", w.Code, w.Body, g.Stats(), tt.status)
			}
		})
	}
	t.Run("NoToken", func(t *testing.T) {
		r := messagingRequest("/mobile/single", one+"}")
		r.Header.Del("Authorization")
		if _, w := serve(t, gateway.Messaging{}, r); w.Code != http.StatusUnauthorized {
			t.Errorf("got %d", w.Code)
		}
	})
	t.Run("AnEmptyMessageBreaksNoRule", func(t *testing.T) {
		if g, w := serve(t, gateway.Messaging{}, messagingRequest("/mobile/single", "{}")); w.Code != 422 || g.Stats().Violations != 0 || g.Stats().Sends != 0 {
			t.Errorf("got %d, %+v", w.Code, g.Stats())
		}
	})
}
