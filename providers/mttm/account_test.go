package mttm

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/sms"
)

const pongBody = `{"data": "Jasmin/PONG"}`

// paths returns a server that answers each path as said, and keeps what was asked.
func paths(t testing.TB, answers map[string]func(http.ResponseWriter)) (url string, asked *[]string) {
	t.Helper()
	asked = new([]string)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*asked = append(*asked, r.Method+" "+r.RequestURI)
		if answer := answers[r.URL.Path]; answer != nil {
			answer(w)
			return
		}
		w.WriteHeader(http.StatusNotFound)
	}))
	t.Cleanup(s.Close)
	return s.URL, asked
}

func says(status int, body string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

func TestCheck(t *testing.T) {
	const denied = `{"message": "Error \"Authorization failed for user [example-user] (Can not check balance)."}`
	const none, config, unavailable = "", "config", "unavailable"
	tests := []struct {
		name      string
		operation string
		balance   func(http.ResponseWriter)
		ping      func(http.ResponseWriter)
		want      string // the balance
		kind      string // of the error
		asked     int
	}{
		{"WithoutEnd", send, says(200, string(sample(t, "balance.txt"))), nil, "unlimited", none, 1},
		{"Number", send, says(200, `{"data": {"balance": 1234567.5, "sms_count": "ND"}}`), nil, "1234567.5", none, 1},
		{"NumberAndMessages", send, says(200, `{"data": {"balance": "12.5", "sms_count": 300}}`), nil, "12.5, 300 messages", none, 1},
		{"MessagesOnly", send, says(200, `{"data": {"balance": "ND", "sms_count": 300}}`), nil, "unlimited, 300 messages", none, 1},
		{"NoBalanceButAPing", send, nil, says(200, pongBody), "", none, 2},
		{"BalanceNotAllowedButAPing", send, says(400, denied), says(200, pongBody), "", none, 2},
		{"BalanceNotAllowedAndNeededForABatch", sendBatch, says(400, denied), says(200, pongBody), "", config, 1},
		{"NeitherBalanceNorPing", send, nil, nil, "", unavailable, 2},
		{"NoBalanceAndSomebodyElsesPing", send, nil, says(200, "<html>It works</html>"), "", unavailable, 2},
		{"NoBalanceAndABrokenPing", send, nil, says(500, `{"title": "500 Internal Server Error"}`), "", unavailable, 2},
		{"WrongLogin", send, says(403, `{"message": "Error \"Authentication failure for username:example-user"}`), nil, "", config, 1},
		{"MissingLogin", send, says(401, `{"title": "Authentication required"}`), nil, "", config, 1},
		{"LongPassword", send, says(400, `{"message": "Error \"Argument [password] has an invalid value: [example-password]."}`), nil, "", config, 1},
		{"ServerError", send, says(500, string(sample(t, "connection_refused.txt"))), nil, "", unavailable, 1},
		{"Throttled", send, says(403, `{"message": "Error \"User throughput exceeded"}`), nil, "", unavailable, 1},
		{"AnotherServer", send, says(200, `<html>It works</html>`), nil, "", unavailable, 1},
		{"NoNumber", send, says(200, `{"data": {"balance": "example-password"}}`), nil, "", unavailable, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			url, asked := paths(t, map[string]func(http.ResponseWriter){"/secure/balance": tt.balance, "/ping": tt.ping})
			info, err := testAdapter(t, Options{BaseURL: url, Operation: tt.operation}).Check(t.Context())
			kind := none
			if err != nil {
				kind = providers.KindOf(err).String()
				if strings.Contains(err.Error(), "example-") {
					t.Errorf("credentials leak: %v", err)
				}
			}
			if kind != tt.kind {
				t.Errorf("got %v, want %q", err, tt.kind)
			}
			if info.Balance != tt.want || info.LoginProven != (tt.want != "") || err == nil && !info.LoginProven && info.Note == "" {
				t.Errorf("got %+v", info)
			}
			if len(*asked) != tt.asked || (*asked)[0] != "GET /secure/balance" {
				t.Errorf("got %q", *asked)
			}
		})
	}
}

func TestBalance(t *testing.T) {
	url, _ := answering(t, 200, `{"data": {"balance": 12.5, "sms_count": "ND"}}`)
	got, err := testAdapter(t, Options{BaseURL: url}).Balance(t.Context())
	if want := (Balance{Amount: "12.5", Messages: "ND"}); err != nil || got != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
}

func TestPing(t *testing.T) {
	tests := []struct {
		name, body string
		status     int
		ok         bool
	}{
		{"Pong", pongBody, 200, true},
		{"PongOfTheURLAPI", "Jasmin/PONG", 200, true},
		{"AnotherAnswer", `{"data": "hello"}`, 200, false},
		{"Page", "<html>Jasmin</html>", 200, false},
		{"NotFound", "", 404, false},
		{"Broken", "", 502, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			url, requests := answering(t, tt.status, tt.body)
			u, err := NewURL(URLOptions{BaseURL: url, Username: "example-user", Password: "example-password"})
			if err != nil {
				t.Fatal(err)
			}
			for _, ping := range []func() error{
				func() error { return testAdapter(t, Options{BaseURL: url}).Ping(t.Context()) },
				func() error { return u.Ping(t.Context()) },
			} {
				err := ping()
				if (err == nil) != tt.ok || err != nil && providers.KindOf(err) != providers.Unavailable {
					t.Errorf("got %v", err)
				}
			}
			for _, r := range *requests {
				if r.line != "GET /ping" || r.body != "" {
					t.Errorf("got %+v", r)
				}
			}
			if (*requests)[1].header.Get("Authorization") != "" {
				t.Error("the URL API was sent a login that it has no use for")
			}
		})
	}
}

func TestRate(t *testing.T) {
	const answer = `{"data": {"unit_rate": 0.05, "submit_sm_count": 2}}`
	tests := []struct {
		name   string
		from   sms.SenderID
		text   string
		status int
		body   string
		asked  string // "" is nothing
		kind   string
	}{
		{"GSM7", "Acme", "Hi & bye", 200, answer, "GET /secure/rate?content=Hi%20%26%20bye&from=Acme&to=4512345678", ""},
		{"UCS2", "", "ж", 200, answer, "GET /secure/rate?coding=8&hex-content=0436&to=4512345678", ""},
		{"Empty", "", "", 200, answer, "", "invalid"},
		{"TooLong", "", strings.Repeat("x", 5*153+1), 200, answer, "", "invalid"},
		{"NoRoute", "", "Hi", 412, `{"message": "Error \"No route found"}`, "GET /secure/rate?content=Hi&to=4512345678", "rejected"},
		{"WrongLogin", "", "Hi", 403, `{"message": "Error \"Authentication failure for username:example-user"}`, "GET /secure/rate?content=Hi&to=4512345678", "config"},
		{"Broken", "", "Hi", 500, "", "GET /secure/rate?content=Hi&to=4512345678", "unavailable"},
		{"AnotherServer", "", "Hi", 200, "<html>", "GET /secure/rate?content=Hi&to=4512345678", "unavailable"},
		{"NoSegments", "", "Hi", 200, `{"data": {"unit_rate": 0.05}}`, "GET /secure/rate?content=Hi&to=4512345678", "unavailable"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			url, requests := answering(t, tt.status, tt.body)
			got, err := testAdapter(t, Options{BaseURL: url}).Rate(t.Context(), 4512345678, tt.from, tt.text)
			if tt.asked == "" && len(*requests) > 0 || tt.asked != "" && (len(*requests) != 1 || (*requests)[0].line != tt.asked) {
				t.Errorf("asked %+v, want %s", *requests, tt.asked)
			}
			if tt.kind != "" {
				if err == nil || providers.KindOf(err).String() != tt.kind || strings.Contains(err.Error(), "example-") {
					t.Errorf("got %v, want %s", err, tt.kind)
				}
				return
			}
			if want := (Rate{Unit: "0.05", Segments: 2}); err != nil || got != want {
				t.Errorf("got %+v, %v; want %+v", got, err, want)
			}
			if total, ok := got.Total(); !ok || total != 0.1 {
				t.Errorf("the total is %v, %v", total, ok)
			}
		})
	}
}
