package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/volleysms/volley/providers/ogangi"
	"github.com/volleysms/volley/providers/providertest/gateway"
)

// sim returns the simulated gateway of a provider.
func (c *cli) sim(provider string) *gateway.Gateway {
	c.t.Helper()
	for _, g := range c.sims {
		if g.Dialect().Provider() == provider {
			return g
		}
	}
	c.t.Fatalf("there is no simulated %s", provider)
	return nil
}

func pinArgs(more ...string) []string {
	return append([]string{"ogangi", "pin", "--account", "ogangi", "--from", "2020", "--to", "+1 305 555 0100", "--text", "Your code is"}, more...)
}

func TestOgangiPIN(t *testing.T) {
	t.Run("IsPrintedOnceOnStandardOutputAndNowhereElse", func(t *testing.T) {
		c := newCLI(t)
		a := c.must(pinArgs("--log-level", "debug")...)
		pin := strings.TrimSpace(a.stdout)
		if len(pin) != 6 || a.stdout != pin+"\n" || strings.Contains(a.stderr, pin) {
			t.Errorf("got %q and %q", a.stdout, a.stderr)
		}
		if m := c.sim("ogangi").Messages(); len(m) != 1 || m[0].Text != "Your code is "+pin || m[0].To != 13055550100 {
			t.Errorf("got %+v", m)
		}
		c.untouched()
	})
	t.Run("JSON", func(t *testing.T) {
		c := newCLI(t)
		var got pinSent
		c.must(pinArgs("--length", "4", "--json")...).json(&got)
		if got.Account != "ogangi" || got.To != "13055550100" || len(got.PIN) != 4 {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("AnUncertainOneSaysSoAndIsNotRepeated", func(t *testing.T) {
		c := newCLI(t, "ogangi/cut-after")
		a := c.run(pinArgs()...)
		if a.code != exitFailed || a.stdout != "" || !strings.Contains(a.stderr, "a PIN may be under way that nobody knows") {
			t.Errorf("got %d, %q, %q", a.code, a.stdout, a.stderr)
		}
		if n := c.sim("ogangi").Stats().Requests; n != 1 {
			t.Errorf("%d requests were made", n)
		}
	})
	t.Run("InvalidInputMakesNoRequest", func(t *testing.T) {
		c := newCLI(t)
		for want, args := range map[string][]string{
			"--to abc": {"ogangi", "pin", "--account", "ogangi", "--from", "2020", "--to", "abc", "--text", "x"},
			"the sender must be a code or number in digits": {"ogangi", "pin", "--account", "ogangi", "--from", "Acme", "--to", "13055550100", "--text", "x"},
			"length must be 1 to 20":                        pinArgs("--length", "0"),
			"there are: ogangi":                             {"ogangi", "pin", "--account", "mgage", "--from", "2020", "--to", "13055550100", "--text", "x"},
			`"account"`:                                     {"ogangi", "pin", "--from", "2020", "--to", "13055550100", "--text", "x"},
			"takes no argument":                             pinArgs("more"),
		} {
			if a := c.run(args...); a.code != exitInvalid || !strings.Contains(a.stderr, want) || a.stdout != "" {
				t.Errorf("%q: got %d, %q, want %q", args, a.code, a.stderr, want)
			}
		}
		if n := c.sim("ogangi").Stats().Requests; n != 0 {
			t.Errorf("%d requests were made", n)
		}
	})
}

func TestOgangiFire(t *testing.T) {
	c := newCLI(t)
	if a := c.must("ogangi", "fire", "--account", "ogangi", "--from", "13055550100", "--to", "2020", "--text", "JOIN club"); !strings.Contains(a.stdout, "may answer") {
		t.Errorf("got %q", a.stdout)
	}
	var got messageFired
	c.must("ogangi", "fire", "--account", "ogangi", "--from", "13055550101", "--text", "STOP", "--json").json(&got)
	if want := (messageFired{"ogangi", "13055550101", "", true}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	var methods []string
	for _, r := range c.sim("ogangi").Requests() {
		methods = append(methods, r.Method)
	}
	if got := strings.Join(methods, " "); got != "POST GET" {
		t.Errorf("got %s", got)
	}
	t.Run("AnUncertainOneSaysSoAndIsNotRepeated", func(t *testing.T) {
		c := newCLI(t, "ogangi/500-after")
		a := c.run("ogangi", "fire", "--account", "ogangi", "--from", "13055550100", "--to", "2020", "--text", "secret words")
		if a.code != exitFailed || !strings.Contains(a.stderr, "may have taken the message") || strings.Contains(a.stderr, "secret words") {
			t.Errorf("got %d, %q", a.code, a.stderr)
		}
		if n := c.sim("ogangi").Stats().Requests; n != 1 {
			t.Errorf("%d requests were made", n)
		}
	})
}

func TestOgangiInbox(t *testing.T) {
	c := newCLI(t)
	inbox := func(more ...string) []string {
		return append([]string{"ogangi", "inbox", "--account", "ogangi"}, more...)
	}
	if a := c.must(inbox()...); a.stdout != "No messages on page 1.\n" {
		t.Errorf("got %q", a.stdout)
	}
	at := time.Date(2030, 5, 17, 12, 0, 0, 0, time.UTC)
	for i, text := range []string{"JOIN club", "STOP", "two\nlines"} {
		c.sim("ogangi").Write(gateway.MO{From: 13055550100, To: "2020", Text: text, At: at.Add(time.Duration(i) * time.Minute)})
	}
	a := c.must(inbox()...)
	for _, want := range []string{"2030-05-17 12:01:00.000", "13055550100", "2020", "Movistar", "two lines", "Page 0, 3 messages in all."} {
		if !strings.Contains(a.stdout, want) {
			t.Errorf("%q is not in %s", want, a.stdout)
		}
	}
	texts := func(args ...string) string {
		var got inboxShown
		c.must(inbox(append(args, "--json")...)...).json(&got)
		var out []string
		for _, m := range got.Messages {
			if len(m.ID) != 32 || m.From != "13055550100" || m.To != "2020" || m.SendDate == "" {
				t.Errorf("got %+v", m)
			}
			out = append(out, m.Text)
		}
		return strings.Join(out, "|")
	}
	for want, args := range map[string][]string{
		"two\nlines|STOP|JOIN club": nil,
		"JOIN club|STOP|two\nlines": {"--order", "asc"},
		"STOP":                      {"--keyword", "^STOP"},
		"JOIN club":                 {"--page", "2", "--per-page", "1"},
		"":                          {"--from", "13055550199"},
	} {
		if got := texts(args...); got != want {
			t.Errorf("%q: got %q, want %q", args, got, want)
		}
	}
	if a := c.run(inbox("--keyword", "a/b")...); a.code != exitInvalid || !strings.Contains(a.stderr, `\x2F`) {
		t.Errorf("got %d, %q", a.code, a.stderr)
	}
}

func TestOgangiMessage(t *testing.T) {
	c := newCLI(t)
	if a := c.run("ogangi", "message", "--account", "ogangi", "--id", "-17"); a.code != exitFailed || !strings.Contains(a.stderr, "shows nothing of message -17") {
		t.Errorf("got %d, %q", a.code, a.stderr)
	}
	sent := c.sendSMS()
	var got messageShown
	c.must("ogangi", "message", "--account", "ogangi", "--id", sent, "--json").json(&got)
	if got.ID != sent || got.To != "13055550100" || got.Status != "SENT_TO_CARRIER" || got.Fate != "taken" {
		t.Errorf("got %+v", got)
	}
	if a := c.must("ogangi", "message", "--account", "ogangi", "--id", sent); !strings.Contains(a.stdout, "SENT_TO_CARRIER") || !strings.Contains(a.stdout, "taken") {
		t.Errorf("got %q", a.stdout)
	}
}

// sendSMS sends a message by the Ogangi account and returns the identifier that the platform gave it.
func (c *cli) sendSMS() string {
	c.t.Helper()
	cfg, err := (&app{configFile: c.file}).config()
	if err != nil {
		c.t.Fatal(err)
	}
	acc, _ := cfg.Account("ogangi")
	client, err := ogangiClient(acc)
	if err != nil {
		c.t.Fatal(err)
	}
	m, err := client.SendSMS(c.t.Context(), ogangi.SMS{Carrier: acc.Carrier, From: "2020", To: 13055550100, Text: "Hi"})
	if err != nil {
		c.t.Fatal(err)
	}
	return m.ID
}

// Every key by which an account says how its platform differs reaches the requests.
func TestOgangiQuirks(t *testing.T) {
	g := gateway.New(gateway.Ogangi{Padded: true, SignDecoded: true, Post: true, Base64Numbers: true, PlainFireText: true}, gateway.Options{})
	if err := g.Start(""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close() })
	c := newCLI(t)
	b, err := os.ReadFile(c.file)
	if err != nil {
		t.Fatal(err)
	}
	account := "accounts:\n  odd:\n    provider: ogangi\n    base_url: " + g.URL() + "\n    instance_id: \"43\"\n    carrier: Movistar\n    public_key: " +
		gateway.OgangiPublicKey + "\n    private_key: " + gateway.OgangiPrivateKey + "\n    empty_filter: \"null\"\n    status_error: rejected\n" +
		"    timezone: America/Caracas\n    post: [sendSMS, sendMT, sendSMSPinMobileNumberConfirm, fireMessage, getMOMessages, getMessage]\n" +
		"    quirks: [padded_base64, sign_decoded, plain_fire_text, base64_pin_number, base64_fire_number]\n"
	c.file = c.write("odd.yaml", strings.Replace(string(b), "accounts:\n", account, 1))
	for _, args := range [][]string{
		{"ogangi", "pin", "--account", "odd", "--from", "2020", "--to", "13055550100", "--text", "Hi"},
		{"ogangi", "fire", "--account", "odd", "--from", "13055550100", "--text", "JOIN club"},
		{"ogangi", "inbox", "--account", "odd"},
		{"accounts", "check", "odd"},
	} {
		c.must(args...)
	}
	if v := g.Violations(); len(v) > 0 {
		t.Errorf("the platform's rules were broken: %q", v)
	}
}
