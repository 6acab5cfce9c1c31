package gatewayapi_test

import (
	"context"
	"net/url"
	"testing"
	"time"

	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/providers/gatewayapi"
	"github.com/volleysms/volley/providers/providertest"
	"github.com/volleysms/volley/providers/providertest/gateway"
	"github.com/volleysms/volley/sms"
)

// start returns a simulated gateway that is ended with the test.
func start(t testing.TB, d gateway.Dialect, plan gateway.ReportPlan) *gateway.Gateway {
	t.Helper()
	g := gateway.New(d, gateway.Options{Reports: plan})
	if err := g.Start(""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close() })
	return g
}

// reportTo is a ReportTo that names one address.
func reportTo(url string) func(int) string { return func(int) string { return url } }

// golden makes a request of the adapter and compares what arrived with a file; the simulated gateway must not mind it.
func golden(t *testing.T, d gateway.Dialect, file string, do func(t *testing.T, baseURL string)) {
	t.Helper()
	g := start(t, d, gateway.ReportPlan{})
	do(t, g.URL())
	for _, v := range g.Violations() {
		t.Errorf("the gateway's rules were broken: %s", v)
	}
	if n := g.Stats().Requests; n != 1 {
		t.Fatalf("got %d requests", n)
	}
	providertest.Golden(t, "testdata/requests/"+file+".txt", g.Requests()[0])
}

func TestAdapter_Send_GoldenRequests(t *testing.T) {
	to := []providers.Recipient{{To: 4512340101}, {To: 4512340102}}
	plain := providers.Call{From: "Acme", Text: "Hi €", Reference: "j1.c0", Recipients: to}
	tests := []struct {
		name   string
		change func(*providers.Call, *gatewayapi.Options)
	}{
		{"text", func(*providers.Call, *gatewayapi.Options) {}},
		{"basic-auth", func(_ *providers.Call, o *gatewayapi.Options) { o.BasicAuth = true }},
		{"ucs2", func(c *providers.Call, _ *gatewayapi.Options) { c.Text, c.Encoding = "ж😀", sms.UCS2 }},
		{"tags", func(c *providers.Call, _ *gatewayapi.Options) {
			c.Text, c.Tags = "Hi %0~", []string{"%0~"}
			c.Recipients = []providers.Recipient{{To: 4512340101, Values: []string{"Ann"}}, {To: 4512340102, Values: []string{`"Bo"`}}}
		}},
		{"binary", func(c *providers.Call, _ *gatewayapi.Options) {
			c.Text, c.Binary, c.Encoding = "", &sms.Binary{UDH: []byte{5, 0, 3, 1, 1, 1}, Payload: []byte{0, 255}}, sms.Data
		}},
		{"callback", func(c *providers.Call, _ *gatewayapi.Options) {
			c.ReportTo = reportTo("https://sms.example.com/r/dk/abc")
		}},
		{"class", func(_ *providers.Call, o *gatewayapi.Options) { o.Class = "standard" }},
		{"urgent", func(c *providers.Call, o *gatewayapi.Options) {
			c.Options.Priority, o.Class, o.UrgentClass = providers.Urgent, "standard", "premium"
		}},
		{"urgent-premium-account", func(c *providers.Call, o *gatewayapi.Options) {
			c.Options.Priority, o.Class = providers.Urgent, "premium"
		}},
		{"urgent-without-premium", func(c *providers.Call, _ *gatewayapi.Options) { c.Options.Priority = providers.Urgent }},
		{"bulk", func(c *providers.Call, _ *gatewayapi.Options) { c.Options.Priority = providers.Bulk }},
		{"flash", func(c *providers.Call, _ *gatewayapi.Options) { c.Options.Flash = true }},
		{"validity", func(c *providers.Call, _ *gatewayapi.Options) { c.Options.Validity = 90*time.Minute + time.Millisecond }},
		{"validity-below-a-minute", func(c *providers.Call, _ *gatewayapi.Options) { c.Options.Validity = time.Second }},
		{"label", func(c *providers.Call, _ *gatewayapi.Options) { c.Options.Label = `Spring "2030"` }},
		{"at", func(c *providers.Call, _ *gatewayapi.Options) {
			c.Options.At = time.Date(2099, 5, 1, 9, 0, 0, 0, time.UTC)
		}},
		{"at-in-the-past", func(c *providers.Call, _ *gatewayapi.Options) {
			c.Options.At = time.Date(2019, 5, 1, 9, 0, 0, 0, time.UTC)
		}},
		{"everything", func(c *providers.Call, o *gatewayapi.Options) {
			o.Class, o.UrgentClass = "standard", "secret"
			c.ReportTo = reportTo("https://sms.example.com/r/dk/abc")
			c.Options = providers.Options{
				Flash: true, Priority: providers.Urgent, Validity: time.Hour, Label: "Spring", At: time.Date(2099, 5, 1, 9, 0, 0, 0, time.UTC),
			}
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			golden(t, gateway.GatewayAPI{}, "rest-"+tt.name, func(t *testing.T, baseURL string) {
				c, o := plain, gatewayapi.Options{BaseURL: baseURL, Token: gateway.GatewayAPIToken}
				tt.change(&c, &o)
				if got := outcome(mustNew(t, o).Send(t.Context(), c)); got != "accepted" {
					t.Errorf("got %s", got)
				}
			})
		})
	}
}

func TestAdapter_GoldenRequestsThatSendNothing(t *testing.T) {
	for name, do := range map[string]func(ctx context.Context, a *gatewayapi.Adapter) error{
		"read": func(ctx context.Context, a *gatewayapi.Adapter) error { _, err := a.Poll(ctx, "421332671"); return err },
		"cancel": func(ctx context.Context, a *gatewayapi.Adapter) error {
			_, err := a.Cancel(ctx, "421332671")
			return err
		},
		"balance": func(ctx context.Context, a *gatewayapi.Adapter) error { _, err := a.Check(ctx); return err },
	} {
		t.Run(name, func(t *testing.T) {
			golden(t, gateway.GatewayAPI{}, "rest-"+name, func(t *testing.T, baseURL string) {
				if err := do(t.Context(), mustNew(t, gatewayapi.Options{BaseURL: baseURL, Token: gateway.GatewayAPIToken})); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestAdapter_GoldenRequestOfTheInbox: the last day that is asked for is tomorrow.
func TestAdapter_GoldenRequestOfTheInbox(t *testing.T) {
	g := start(t, gateway.GatewayAPI{}, gateway.ReportPlan{})
	a := mustNew(t, gatewayapi.Options{BaseURL: g.URL(), Token: gateway.GatewayAPIToken})
	if _, err := a.PollInbound(t.Context(), time.Date(2026, 3, 1, 23, 0, 0, 0, time.UTC)); err != nil {
		t.Fatal(err)
	}
	for _, v := range g.Violations() {
		t.Errorf("the gateway's rules were broken: %s", v)
	}
	r := g.Requests()[0]
	u, err := url.Parse(r.URL)
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	if to, err := time.Parse(time.DateOnly, query.Get("to")); err != nil || to.Before(time.Now().UTC()) || to.After(time.Now().AddDate(0, 0, 1)) {
		t.Errorf("asked until %q, %v", query.Get("to"), err)
	}
	query.Set("to", "2026-03-03")
	r.URL = u.Path + "?" + query.Encode()
	providertest.Golden(t, "testdata/requests/rest-inbox.txt", r)
}

func TestMessaging_GoldenRequests(t *testing.T) {
	one := providers.Call{From: "Acme", Text: "Hi €", Reference: "j1.c0", Recipients: []providers.Recipient{{To: 4512340101}}}
	tests := []struct {
		name   string
		change func(*providers.Call)
	}{
		{"single", func(*providers.Call) {}},
		{"multi", func(c *providers.Call) { c.Recipients = []providers.Recipient{{To: 4512340101}, {To: 4512340102}} }},
		{"own-texts", func(c *providers.Call) {
			c.Text, c.Encoding = "", sms.UCS2
			c.Recipients = []providers.Recipient{{To: 4512340101, Text: "Hi Ann"}, {To: 4512340102, Text: "Привет"}}
		}},
		{"validity", func(c *providers.Call) { c.Options.Validity = 90 * time.Minute }},
		{"validity-of-a-year", func(c *providers.Call) { c.Options.Validity = 365 * 24 * time.Hour }},
		{"urgent", func(c *providers.Call) { c.Options.Priority = providers.Urgent }},
		{"label", func(c *providers.Call) { c.Options.Label = "Spring" }},
		{"what-it-does-not-know", func(c *providers.Call) {
			c.Options = providers.Options{Flash: true, Priority: providers.Bulk, At: time.Date(2099, 5, 1, 9, 0, 0, 0, time.UTC)}
			c.ReportTo = reportTo("https://sms.example.com/r/dk/abc")
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			golden(t, gateway.Messaging{}, "messaging-"+tt.name, func(t *testing.T, baseURL string) {
				c := one
				tt.change(&c)
				m := mustNewMessaging(t, gatewayapi.MessagingOptions{BaseURL: baseURL, Token: gateway.GatewayAPIToken})
				if got := outcome(m.Send(t.Context(), c)); got != "accepted" {
					t.Errorf("got %s", got)
				}
			})
		})
	}
	t.Run("check", func(t *testing.T) {
		golden(t, gateway.Messaging{}, "messaging-check", func(t *testing.T, baseURL string) {
			if _, err := mustNewMessaging(t, gatewayapi.MessagingOptions{BaseURL: baseURL, Token: gateway.GatewayAPIToken}).Check(t.Context()); err != nil {
				t.Error(err)
			}
		})
	})
}
