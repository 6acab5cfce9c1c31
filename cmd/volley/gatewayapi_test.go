package main

import (
	"strings"
	"testing"
	"time"

	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/providers/gatewayapi"
	"github.com/volleysms/volley/providers/providertest/gateway"
)

// simulated returns the simulated gateway of a provider.
func (c *cli) simulated(provider string) *gateway.Gateway {
	c.t.Helper()
	for _, g := range c.sims {
		if g.Dialect().Provider() == provider {
			return g
		}
	}
	c.t.Fatalf("there is no simulated %s", provider)
	return nil
}

// sendTo sends a message past the queue and returns its identifier.
func (c *cli) sendTo(g *gateway.Gateway, at time.Time) string {
	c.t.Helper()
	a, err := gatewayapi.New(gatewayapi.Options{BaseURL: g.URL(), Token: gateway.GatewayAPIToken})
	if err != nil {
		c.t.Fatal(err)
	}
	r := a.Send(c.t.Context(), providers.Call{
		From: "Acme", Text: "Hi", Options: providers.Options{At: at}, Recipients: []providers.Recipient{{To: 4512340101}, {To: 4512340102}},
	})
	if r[0].Err != nil {
		c.t.Fatal(r[0].Err)
	}
	return r[0].ID
}

func TestGatewayAPI_ShowAndCancel(t *testing.T) {
	c := newCLI(t)
	g := c.simulated("gatewayapi")
	id := c.sendTo(g, time.Now().Add(time.Hour))

	var list []shownReport
	c.must("gatewayapi", "show", id, "--account", "gatewayapi", "--json").json(&list)
	if len(list) != 2 || list[0].To != "4512340101" || list[0].Fate != "taken" || list[0].Code != "SCHEDULED" {
		t.Errorf("got %+v", list)
	}
	if out := c.must("gatewayapi", "show", id, "--account", "gatewayapi").stdout; !strings.Contains(out, "4512340102") || !strings.Contains(out, "SCHEDULED") {
		t.Errorf("got %s", out)
	}
	if out := c.must("gatewayapi", "show", "1", "--account", "gatewayapi").stdout; !strings.Contains(out, "nothing about message 1 yet") {
		t.Errorf("got %s", out)
	}
	if out := c.must("gatewayapi", "cancel", id, "--account", "gatewayapi").stdout; !strings.Contains(out, "taken back") {
		t.Errorf("got %s", out)
	}
	if a := c.run("gatewayapi", "cancel", id, "--account", "gatewayapi"); a.code != exitFailed || !strings.Contains(a.stderr, "was not taken back") {
		t.Errorf("got %d %s", a.code, a.stderr)
	}
	if a := c.run("gatewayapi", "cancel", id, "--account", "gatewayapi", "--json"); a.code != exitFailed || !strings.Contains(a.stdout, `"cancelled":false`) && !strings.Contains(a.stdout, `"cancelled": false`) {
		t.Errorf("got %d %s", a.code, a.stdout)
	}
}

func TestGatewayAPI_Inbound(t *testing.T) {
	c := newCLI(t)
	g := c.simulated("gatewayapi")
	g.Write(gateway.MO{From: 4512340101, To: "451204", Text: "STOP"})
	g.Write(gateway.MO{From: 4512340102, To: "451204", Text: "of last week", At: time.Now().AddDate(0, 0, -7)})
	var list []wroteIn
	c.must("gatewayapi", "inbound", "--account", "gatewayapi", "--json").json(&list)
	if len(list) != 1 || list[0].Text != "STOP" || list[0].From != "4512340101" {
		t.Errorf("got %+v", list)
	}
	c.must("gatewayapi", "inbound", "--account", "gatewayapi", "--since", "200h", "--json").json(&list)
	if len(list) != 2 || list[0].Text != "of last week" {
		t.Errorf("got %+v", list)
	}
}

func TestGatewayAPI_PricesAndUsage(t *testing.T) {
	c := newCLI(t)
	var prices []priceShown
	c.must("gatewayapi", "prices", "--account", "gatewayapi", "--country", "dk,SE", "--class", "standard", "--json").json(&prices)
	if want := (priceShown{"standard", "DK", "Denmark", "45", "0.15000", "0.02010"}); len(prices) != 1 || prices[0] != want {
		t.Errorf("got %+v, want %+v", prices, want)
	}
	if out := c.must("gatewayapi", "prices", "--account", "gatewayapi").stdout; !strings.Contains(out, "Andorra") || !strings.Contains(out, "premium") {
		t.Errorf("got %s", out)
	}
	c.sendTo(c.simulated("gatewayapi"), time.Time{})
	yesterday, tomorrow := time.Now().UTC().AddDate(0, 0, -1).Format(time.DateOnly), time.Now().UTC().AddDate(0, 0, 1).Format(time.DateOnly)
	var usage []usageShown
	c.must("gatewayapi", "usage", "--account", "gatewayapi", "--from", yesterday, "--to", tomorrow, "--json").json(&usage)
	if want := (usageShown{"", "DK", "standard", "2", "0.3", "DKK"}); len(usage) != 1 || usage[0] != want {
		t.Errorf("got %+v, want %+v", usage, want)
	}
	if out := c.must("gatewayapi", "usage", "--account", "gatewayapi", "--from", yesterday, "--to", tomorrow).stdout; !strings.Contains(out, "DKK") {
		t.Errorf("got %s", out)
	}
	c.must("gatewayapi", "usage", "--account", "gatewayapi", "--from", yesterday, "--to", tomorrow, "--label", "spring", "--json").json(&usage)
	if len(usage) != 0 {
		t.Errorf("got %+v", usage)
	}
}

func TestGatewayAPI_WrongUsage(t *testing.T) {
	c := newCLI(t)
	messaging := c.write("messaging.yaml", "redis: {url: redis://127.0.0.1}\naccounts: {dk: {provider: gatewayapi, api: messaging, token: t}}\n")
	for name, tt := range map[string]struct {
		file, args, want string
	}{
		"NoID":            {c.file, "show --account gatewayapi", "needs the ID of a message"},
		"NoAccount":       {c.file, "show 1", "account"},
		"OtherProvider":   {c.file, "show 1 --account mttm", "there is no account"},
		"OddID":           {c.file, "show ../me --account gatewayapi", "identifier"},
		"NoTimeAtAll":     {c.file, "inbound --account gatewayapi --since 0s", "--since"},
		"NoDay":           {c.file, "usage --account gatewayapi --from 2026-03-01 --to today", "--to \"today\" is no day"},
		"DaysBackwards":   {c.file, "usage --account gatewayapi --from 2026-03-02 --to 2026-03-01", "the last day is before the first"},
		"TheMessagingAPI": {messaging, "show 1 --account dk", "api: messaging"},
	} {
		t.Run(name, func(t *testing.T) {
			c := *c
			c.t, c.file = t, tt.file
			a := c.run(append([]string{"gatewayapi"}, strings.Fields(tt.args)...)...)
			if a.code != exitInvalid || !strings.Contains(a.stderr, tt.want) {
				t.Errorf("got %d %s", a.code, a.stderr)
			}
		})
	}
}

func TestSimulate_ReportsThatAreNoPlan(t *testing.T) {
	c := newCLI(t)
	for _, plan := range []string{"often", "lost=1", "undelivered=2"} {
		if a := c.run("simulate", "--reports", plan); a.code != exitInvalid || !strings.Contains(a.stderr, "--reports") {
			t.Errorf("%s: got %d %s", plan, a.code, a.stderr)
		}
	}
}
