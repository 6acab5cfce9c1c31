package mgage_test

import (
	"context"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/providers/mgage"
	"github.com/volleysms/volley/providers/providertest"
	"github.com/volleysms/volley/providers/providertest/gateway"
	"github.com/volleysms/volley/sms"
)

func options(baseURL string) mgage.Options {
	return mgage.Options{
		BaseURL: baseURL, Username: gateway.MGageUsername, Password: gateway.MGagePassword, ProgramID: gateway.MGageProgramID,
	}
}

func mustNew(t testing.TB, o mgage.Options) *mgage.Adapter {
	t.Helper()
	a, err := mgage.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// mustStart returns a gateway and an adapter before it.
func mustStart(t testing.TB) (*gateway.Gateway, *mgage.Adapter) {
	t.Helper()
	g := gateway.New(gateway.MGage{}, gateway.Options{})
	if err := g.Start(""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close() })
	return g, mustNew(t, options(g.URL()))
}

// cases are how many cases of the suite have something to look at; docs/providers.md says so too.
var cases = map[string]int{"xml": 45, "json": 45, "lines": 45}

func TestConformance(t *testing.T) {
	for _, form := range []string{"xml", "json", "lines"} {
		t.Run(form, func(t *testing.T) {
			providertest.Run(t, providertest.Harness{
				Dialect: gateway.MGage{Form: form},
				New: func(t testing.TB, baseURL string) providers.Adapter {
					return mustNew(t, options(baseURL))
				},
				Wrong: func(t testing.TB, baseURL string) providers.Adapter {
					o := options(baseURL)
					o.Password = "example-wrong-password"
					return mustNew(t, o)
				},
				Secrets: []string{
					gateway.MGageUsername, gateway.MGagePassword,
					base64.StdEncoding.EncodeToString([]byte(gateway.MGageUsername + ":" + gateway.MGagePassword)),
				},
				Rejected: gateway.Reply{Status: 200, Body: []byte("107: Too many characters in message")},
				Cases:    cases[form],
				None:     map[string]string{"ThrottledInItsOwnWords": "the vendor documents no limit of rate"},
			})
		})
	}
}

func TestAdapter_Send_Request(t *testing.T) {
	g, a := mustStart(t)
	results := a.Send(t.Context(), providers.Call{
		From: "87767", Text: "Your code is 1234 – é", Segments: 1, Encoding: sms.UCS2,
		Recipients: []providers.Recipient{{To: 12135550101}, {To: 12135550102}},
	})
	for i, r := range results {
		if r.Err != nil || r.Code != "0" {
			t.Errorf("result %d: %+v", i, r)
		}
	}
	r := g.Requests()[0]
	const want = "/api/gateway?allow_long_messages=no&message=Your%20code%20is%201234%20%E2%80%93%20%C3%A9&message_billed=no" +
		"&message_type=sms&numbers=12135550101%2C12135550102&program_id=108140&spoof_from=87767"
	if r.URL != want {
		t.Errorf("got  %s\nwant %s", r.URL, want)
	}
	if r.Method != "POST" || len(r.Body) != 0 || r.Header.Get("Content-Length") != "0" {
		t.Errorf("got %s with %d bytes and Content-Length %q", r.Method, len(r.Body), r.Header.Get("Content-Length"))
	}
	if auth := r.Header.Get("Authorization"); auth != "Basic "+base64.StdEncoding.EncodeToString([]byte(gateway.MGageUsername+":"+gateway.MGagePassword)) {
		t.Errorf("got Authorization %q", auth)
	}
	for _, name := range []string{"Idempotency-Key", "X-Idempotency-Key"} {
		if r.Header.Get(name) != "" {
			t.Errorf("%s is set, which makes net/http repeat a POST", name)
		}
	}
}

func TestAdapter_Send_RefusesLocally(t *testing.T) {
	g, a := mustStart(t)
	o := options(g.URL())
	o.GSMOnly = true
	gsmOnly := mustNew(t, o)
	to := []providers.Recipient{{To: 12135550101}}
	tests := []struct {
		name string
		a    *mgage.Adapter
		call providers.Call
	}{
		{"NoText", a, providers.Call{From: "87767", Recipients: to}},
		{"NoSender", a, providers.Call{Text: "Hi", Recipients: to}},
		{"Binary", a, providers.Call{From: "87767", Binary: &sms.Binary{Payload: []byte{1}}, Recipients: to}},
		{"Tags", a, providers.Call{From: "87767", Text: "Hi {0}", Tags: []string{"{0}"}, Recipients: to}},
		{"OutsideGSM7WhenOnlyThatIsAllowed", gsmOnly, providers.Call{From: "87767", Text: "ж", Encoding: sms.UCS2, Recipients: to}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := tt.a.Send(t.Context(), tt.call)
			if len(r) != 1 || r[0].Err == nil || providers.KindOf(r[0].Err) != providers.Invalid {
				t.Errorf("got %+v, want one that is invalid", r)
			}
		})
	}
	if got := g.Stats().Requests; got != 0 {
		t.Errorf("the gateway saw %d requests, want none", got)
	}
}

func TestAdapter_Send_UsesTheAccountsSender(t *testing.T) {
	g, _ := mustStart(t)
	o := options(g.URL())
	o.From = "26161"
	r := mustNew(t, o).Send(t.Context(), providers.Call{Text: "Hi", Segments: 1, Recipients: []providers.Recipient{{To: 12135550101}}})
	if r[0].Err != nil {
		t.Fatal(r[0].Err)
	}
	if got := g.Messages()[0].From; got != "26161" {
		t.Errorf("got sender %q", got)
	}
}

func TestAdapter_Check(t *testing.T) {
	tests := []struct {
		name   string
		status int
		body   string
		proven bool
		kind   providers.Kind // looked at when failed
		failed bool
	}{
		{"NoTextProvesTheLogin", 200, "<response><status>108</status></response>", true, 0, false},
		{"NobodyProvesTheLogin", 200, "109: You must specify at least one recipient.", true, 0, false},
		{"ACodeUnder400ProvesTheLogin", 400, "<response><status>109</status></response>", true, 0, false},
		{"AnUnreadableAnswerProvesNothing", 200, "hello", false, 0, false},
		{"400WithoutACodeProvesNothing", 400, "Bad Request", false, 0, false},
		{"401IsConfig", 401, "<response><status>108</status></response>", false, providers.Config, true},
		{"403IsConfig", 403, "", false, providers.Config, true},
		{"404IsConfig", 404, "", false, providers.Config, true},
		{"500IsUnavailable", 500, "", false, providers.Unavailable, true},
		{"503IsUnavailable", 503, "", false, providers.Unavailable, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := mustNew(t, options(answering(t, tt.status, tt.body, nil)))
			info, err := a.Check(t.Context())
			if (err != nil) != tt.failed || info.LoginProven != tt.proven {
				t.Fatalf("got %+v, %v", info, err)
			}
			if err != nil && providers.KindOf(err) != tt.kind {
				t.Errorf("got %v, want %v", err, tt.kind)
			}
			if err == nil && info.Note == "" {
				t.Error("no Note for the operator")
			}
		})
	}
}

func TestNew(t *testing.T) {
	good := options("https://gateway.example.invalid/path/")
	tests := []struct {
		name   string
		change func(*mgage.Options)
		want   string // in the error; empty is none
	}{
		{"Good", func(*mgage.Options) {}, ""},
		{"DefaultBaseURL", func(o *mgage.Options) { o.BaseURL = "" }, ""},
		{"PasswordWithAColon", func(o *mgage.Options) { o.Password = "a:b" }, ""},
		{"NoScheme", func(o *mgage.Options) { o.BaseURL = "gateway.example.invalid" }, "base URL"},
		{"OtherScheme", func(o *mgage.Options) { o.BaseURL = "ftp://gateway.example.invalid" }, "base URL"},
		{"NoHost", func(o *mgage.Options) { o.BaseURL = "https:///api" }, "base URL"},
		{"Query", func(o *mgage.Options) { o.BaseURL += "?a=b" }, "base URL"},
		{"EmptyQuery", func(o *mgage.Options) { o.BaseURL = "https://gateway.example.invalid?" }, "base URL"},
		{"UserInTheURL", func(o *mgage.Options) { o.BaseURL = "https://u:p@gateway.example.invalid" }, "base URL"},
		{"NoUsername", func(o *mgage.Options) { o.Username = "" }, "user name"},
		{"NoPassword", func(o *mgage.Options) { o.Password = "" }, "password"},
		{"UsernameWithAColon", func(o *mgage.Options) { o.Username = "a:b" }, "user name"},
		{"NoProgram", func(o *mgage.Options) { o.ProgramID = "" }, "program ID"},
		{"251Recipients", func(o *mgage.Options) { o.MaxRecipients = 251 }, "max recipients"},
		{"NegativeRecipients", func(o *mgage.Options) { o.MaxRecipients = -1 }, "max recipients"},
		{"ShortURL", func(o *mgage.Options) { o.MaxURLBytes = 999 }, "max URL bytes"},
		{"LongProgram", func(o *mgage.Options) { o.ProgramID = strings.Repeat("1", 6000) }, "no room"},
		{"NegativeConns", func(o *mgage.Options) { o.MaxConns = -1 }, "max connections"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := good
			tt.change(&o)
			_, err := mgage.New(o)
			switch {
			case tt.want == "" && err != nil:
				t.Errorf("got %v", err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("got %v, want one about %q", err, tt.want)
			case err != nil && strings.Contains(err.Error(), gateway.MGagePassword):
				t.Errorf("the error shows the password: %v", err)
			}
		})
	}
}

func BenchmarkAdapter_Send250(b *testing.B) {
	g := gateway.New(gateway.MGage{}, gateway.Options{Keep: -1})
	if err := g.Start(""); err != nil {
		b.Fatal(err)
	}
	defer g.Close()
	a := mustNew(b, options(g.URL()))
	c := providers.Call{From: "87767", Text: "Your code is 1234", Segments: 1}
	for i := range 250 {
		c.Recipients = append(c.Recipients, providers.Recipient{To: sms.MSISDN(12135550000 + i)})
	}
	b.ReportAllocs()
	for b.Loop() {
		if r := a.Send(context.Background(), c); r[0].Err != nil {
			b.Fatal(r[0].Err)
		}
	}
}
