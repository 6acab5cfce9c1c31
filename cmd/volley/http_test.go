package main

import (
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/volleysms/volley/internal/config"
	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/providers/providertest/gateway"
	"github.com/volleysms/volley/sms"
)

// documented returns the account of an example in docs/http-gateway.md, before a gateway at baseURL.
func documented(t *testing.T, name, baseURL string) config.Account {
	t.Helper()
	page, err := os.ReadFile("../../docs/http-gateway.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(page), "<!-- example: "+name+" -->\n```yaml\n")
	text, _, found := strings.Cut(text, "```")
	if !found {
		t.Fatalf("the page has no example %s", name)
	}
	c, err := config.Parse("example.yaml", []byte(text), func(name string) (string, bool) {
		if name == "ACME_HOOK_SECRET" {
			return gateway.PlainWebhookSecret, true
		}
		return gateway.PlainToken, true
	})
	if err != nil {
		t.Fatal(err)
	}
	account := c.Accounts[0]
	account.Gateway.BaseURL = baseURL
	return account
}

func TestHTTPGateway_TheDocumentedExamplesSend(t *testing.T) {
	for name, recipients := range map[string]int{"json": 3, "form": 1} {
		t.Run(name, func(t *testing.T) {
			g := gateway.New(gateway.Plain{}, gateway.Options{})
			if err := g.Start(""); err != nil {
				t.Fatal(err)
			}
			defer g.Close()
			a, err := wire(documented(t, name, g.URL()))
			if err != nil {
				t.Fatal(err)
			}
			call := providers.Call{
				Reference: "job-1.2", From: "Acme", Text: "Grüße: \"5 €\"", Encoding: sms.GSM7, Segments: 1,
				ReportTo: func(int) string { return "https://sms.example.com/r/1" },
			}
			for i := range recipients {
				call.Recipients = append(call.Recipients, providers.Recipient{To: 4512340990 + sms.MSISDN(i)})
			}
			for i, r := range a.Adapter.Send(t.Context(), call) {
				if r.Err != nil || r.ID == "" {
					t.Errorf("result %d: %+v", i, r)
				}
			}
			if v := g.Violations(); len(v) > 0 {
				t.Errorf("the gateway's rules were broken: %v", v)
			}
			taken := g.Messages()
			if len(taken) != recipients || taken[0].Text != call.Text || taken[0].Callback == nil {
				t.Fatalf("the gateway took %+v", taken)
			}
			for _, req := range (gateway.Plain{}).Push(&taken[0], gateway.Event{Fate: providers.Delivered, At: time.Now()}) {
				u, err := url.Parse(req.URL)
				if err != nil {
					t.Fatal(err)
				}
				pushed, err := a.Adapter.(providers.Receiver).Receive(providers.Push{
					Method: req.Method, Query: u.Query(), Header: req.Header, Body: req.Body,
				})
				if err != nil || len(pushed.Reports) != 1 || pushed.Reports[0].Fate != providers.Delivered || pushed.Reports[0].To != taken[0].To {
					t.Errorf("got %+v, %v", pushed, err)
				}
			}
			if checker, ok := a.Adapter.(providers.Checker); ok {
				if info, err := checker.Check(t.Context()); err != nil || !info.LoginProven || info.Balance != "12.50 EUR" {
					t.Errorf("check: got %+v, %v", info, err)
				}
			}
		})
	}
}
