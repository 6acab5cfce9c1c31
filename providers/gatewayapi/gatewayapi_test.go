package gatewayapi_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/providers/gatewayapi"
	"github.com/volleysms/volley/providers/providertest"
	"github.com/volleysms/volley/providers/providertest/gateway"
	"github.com/volleysms/volley/sms"
)

func mustNew(t testing.TB, o gatewayapi.Options) *gatewayapi.Adapter {
	t.Helper()
	a, err := gatewayapi.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// cases are how many cases of the suite have something to look at; docs/providers.md says so too.
var cases = map[string]int{"TokenHeader": 54, "BasicAuth": 54, "Signed": 54, "Messaging": 51}

func TestConformance(t *testing.T) {
	for name, o := range map[string]gatewayapi.Options{
		"TokenHeader": {},
		"BasicAuth":   {BasicAuth: true},
		"Signed":      {WebhookSecret: gateway.GatewayAPIWebhookSecret, RequireSignature: true},
	} {
		t.Run(name, func(t *testing.T) {
			build := func(t testing.TB, baseURL, token string) providers.Adapter {
				t.Helper()
				o := o
				o.BaseURL, o.Token = baseURL, token
				return mustNew(t, o)
			}
			secrets := []string{gateway.GatewayAPIToken, base64.StdEncoding.EncodeToString([]byte(gateway.GatewayAPIToken + ":"))}
			if o.WebhookSecret != "" {
				secrets = append(secrets, o.WebhookSecret)
			}
			providertest.Run(t, providertest.Harness{
				Dialect: gateway.GatewayAPI{},
				New: func(t testing.TB, baseURL string) providers.Adapter {
					return build(t, baseURL, gateway.GatewayAPIToken)
				},
				Wrong: func(t testing.TB, baseURL string) providers.Adapter {
					return build(t, baseURL, "example-wrong-token")
				},
				Secrets:  secrets,
				Rejected: gateway.JSON(422, `{"code":"0x0312","incident_uuid":"x","message":"Content is not allowed"}`),
				Word:     statusPush,
				Cases:    cases[name],
				None: map[string]string{
					"ThrottledInItsOwnWords": "GatewayAPI documents no other answer than HTTP 429",
				},
			})
		})
	}
}

// statusPush returns a signed status webhook with a status of the caller's choice.
func statusPush(word string) gateway.PushRequest {
	body, err := json.Marshal(map[string]any{"id": 421000100, "msisdn": 4512340998, "time": 1900000000, "status": word})
	if err != nil {
		panic(err) // of strings and numbers
	}
	token := gateway.SignJWT(`{"typ":"JWT","alg":"HS256"}`, body, gateway.GatewayAPIWebhookSecret)
	return gateway.PushRequest{Method: "POST", URL: "https://sms.example.com/r/1", Body: body, Header: http.Header{
		"Content-Type": {"application/json"}, "X-Gwapi-Signature": {token},
	}}
}

func TestNew(t *testing.T) {
	good := gatewayapi.Options{BaseURL: "https://gateway.example.invalid/prefix/", Token: "example-token"}
	tests := []struct {
		name   string
		change func(*gatewayapi.Options)
		want   string // in the error; empty is none
	}{
		{"Good", func(*gatewayapi.Options) {}, ""},
		{"DefaultBaseURL", func(o *gatewayapi.Options) { o.BaseURL = "" }, ""},
		{"Classes", func(o *gatewayapi.Options) { o.Class, o.UrgentClass = "standard", "premium" }, ""},
		{"RequiredSignature", func(o *gatewayapi.Options) { o.WebhookSecret, o.RequireSignature = "s", true }, ""},
		{"MostRecipients", func(o *gatewayapi.Options) { o.MaxRecipients = 10_000 }, ""},
		{"NoToken", func(o *gatewayapi.Options) { o.Token = "" }, "token is missing"},
		{"TokenWithALineFeed", func(o *gatewayapi.Options) { o.Token = "example-token\n" }, "token has"},
		{"NoScheme", func(o *gatewayapi.Options) { o.BaseURL = "gateway.example.invalid" }, "base URL"},
		{"OtherScheme", func(o *gatewayapi.Options) { o.BaseURL = "ftp://gateway.example.invalid" }, "base URL"},
		{"Query", func(o *gatewayapi.Options) { o.BaseURL += "?a=b" }, "base URL"},
		{"EmptyQuery", func(o *gatewayapi.Options) { o.BaseURL = "https://gateway.example.invalid?" }, "base URL"},
		{"Fragment", func(o *gatewayapi.Options) { o.BaseURL += "#a" }, "base URL"},
		{"UserInTheURL", func(o *gatewayapi.Options) { o.BaseURL = "https://example-token@gateway.example.invalid" }, "base URL"},
		{"OtherClass", func(o *gatewayapi.Options) { o.Class = "charge" }, "class must be"},
		{"OtherUrgentClass", func(o *gatewayapi.Options) { o.UrgentClass = "fast" }, "urgent class must be"},
		{"RequiredSignatureWithoutASecret", func(o *gatewayapi.Options) { o.RequireSignature = true }, "webhook secret"},
		{"TinyBody", func(o *gatewayapi.Options) { o.MaxBodyBytes = 100 }, "max body bytes"},
		{"10001Recipients", func(o *gatewayapi.Options) { o.MaxRecipients = 10_001 }, "max recipients"},
		{"NegativeRecipients", func(o *gatewayapi.Options) { o.MaxRecipients = -1 }, "max recipients"},
		{"41Connections", func(o *gatewayapi.Options) { o.MaxConns = 41 }, "max connections"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := good
			tt.change(&o)
			_, err := gatewayapi.New(o)
			switch {
			case tt.want == "" && err != nil:
				t.Errorf("got %v", err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("got %v, want one about %q", err, tt.want)
			case err != nil && strings.Contains(err.Error(), "example-token"):
				t.Errorf("the error shows the token: %v", err)
			}
		})
	}
}

func TestAdapter_Send_Request(t *testing.T) {
	g := gateway.New(gateway.GatewayAPI{}, gateway.Options{})
	if err := g.Start(""); err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	a := mustNew(t, gatewayapi.Options{BaseURL: g.URL() + "/", Token: gateway.GatewayAPIToken})
	if got := outcome(a.Send(t.Context(), threeRecipients())); got != "accepted" {
		t.Fatal(got)
	}
	r := g.Requests()[0]
	if r.Method != "POST" || r.URL != "/rest/mtsms" || r.Header.Get("Authorization") != "Token "+gateway.GatewayAPIToken ||
		r.Header.Get("Content-Type") != "application/json" || r.Header.Get("Idempotency-Key") != "" {
		t.Errorf("got %s %s with %v", r.Method, r.URL, r.Header)
	}
}

func TestAdapter_Send_AllTenThousand(t *testing.T) {
	g := gateway.New(gateway.GatewayAPI{}, gateway.Options{})
	if err := g.Start(""); err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	a := mustNew(t, gatewayapi.Options{BaseURL: g.URL(), Token: gateway.GatewayAPIToken, MaxRecipients: 10_000})
	c := threeRecipients()
	c.Recipients = nil
	for i := range a.Limits().Recipients {
		c.Recipients = append(c.Recipients, providers.Recipient{To: 999_999_999_990_000 + sms.MSISDN(i)})
	}
	if got := outcome(a.Send(t.Context(), c)); got != "accepted" || g.Stats().Taken != 10_000 {
		t.Errorf("got %s, %d taken", got, g.Stats().Taken)
	}
}

func BenchmarkAdapter_Send250(b *testing.B) {
	g := gateway.New(gateway.GatewayAPI{}, gateway.Options{Keep: -1})
	if err := g.Start(""); err != nil {
		b.Fatal(err)
	}
	defer g.Close()
	a := mustNew(b, gatewayapi.Options{BaseURL: g.URL(), Token: gateway.GatewayAPIToken})
	c := threeRecipients()
	for i := range 247 {
		c.Recipients = append(c.Recipients, providers.Recipient{To: sms.MSISDN(4512350000 + i)})
	}
	b.ReportAllocs()
	for b.Loop() {
		if r := a.Send(context.Background(), c); r[0].Err != nil {
			b.Fatal(r[0].Err)
		}
	}
}
