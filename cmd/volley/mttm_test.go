package main

import (
	"os"
	"strings"
	"testing"

	"github.com/volleysms/volley/providers/providertest/gateway"
)

// urlAccount adds an account at a simulated URL API to the configuration.
func (c *cli) urlAccount() *gateway.Gateway {
	c.t.Helper()
	g := gateway.New(gateway.MTTMURL{}, gateway.Options{})
	if err := g.Start(""); err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = g.Close() })
	b, err := os.ReadFile(c.file)
	if err != nil {
		c.t.Fatal(err)
	}
	account := "accounts:\n  byurl:\n    provider: mttm\n    api: url\n    base_url: " + g.URL() + "\n    username: " + gateway.MTTMUsername +
		"\n    password: " + gateway.MTTMPassword + "\n"
	c.file = c.write("url.yaml", strings.Replace(string(b), "accounts:\n", account, 1))
	return g
}

func TestMTTM(t *testing.T) {
	c := newCLI(t)
	byURL := c.urlAccount()

	t.Run("PingWithEitherAPI", func(t *testing.T) {
		for _, account := range []string{"mttm", "byurl"} {
			var got pinged
			c.must("mttm", "ping", "--account", account, "--json").json(&got)
			if want := (pinged{account, "ok"}); got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
			if a := c.must("mttm", "ping", "--account", account); a.stdout != "The gateway of "+account+" answers.\n" {
				t.Errorf("got %q", a.stdout)
			}
		}
	})
	t.Run("Rate", func(t *testing.T) {
		var got rated
		c.must("mttm", "rate", "--account", "mttm", "--to", "+45 00 12 34 56", "--text", strings.Repeat("x", 161), "--json").json(&got)
		if want := (rated{"mttm", "4500123456", "0.0", 2, 0}); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		if a := c.must("mttm", "rate", "--account", "mttm", "--to", "4500123456"); !strings.Contains(a.stdout, "4500123456") || !strings.Contains(a.stdout, "Segments") {
			t.Errorf("got %q", a.stdout)
		}
	})
	t.Run("SaysWhatToDo", func(t *testing.T) {
		for want, args := range map[string][]string{
			"there are: byurl, mttm":                            {"mttm", "ping", "--account", "nobody"},
			"use an account at the same gateway with api: rest": {"mttm", "rate", "--account", "byurl", "--to", "4500123456"},
			"--to abc":          {"mttm", "rate", "--account", "mttm", "--to", "abc"},
			"--from: sender ID": {"mttm", "rate", "--account", "mttm", "--to", "4500123456", "--from", "TwelveLetter"},
			"--text: ":          {"mttm", "rate", "--account", "mttm", "--to", "4500123456", "--text", ""},
			`"to" not set`:      {"mttm", "rate", "--account", "mttm"},
			`"account" not set`: {"mttm", "ping"},
		} {
			if a := c.run(args...); a.code != exitInvalid || !strings.Contains(a.stderr, want) {
				t.Errorf("%q: exit status %d, %q; want %q", args, a.code, a.stderr, want)
			}
		}
	})
	t.Run("FailsWhenNobodyIsThere", func(t *testing.T) {
		_ = byURL.Close()
		if a := c.run("mttm", "ping", "--account", "byurl"); a.code != exitFailed || !strings.Contains(a.stderr, "connection refused") {
			t.Errorf("exit status %d, %q", a.code, a.stderr)
		}
	})
	c.untouched()
}

func TestMTTM_AnAccountOfTheURLAPIIsCheckedAndSends(t *testing.T) {
	c := newCLI(t)
	g := c.urlAccount()
	var checks []checked
	c.must("accounts", "check", "byurl", "--json").json(&checks)
	if len(checks) != 1 || checks[0].Result != checkReachable || checks[0].Detail == "" {
		t.Errorf("got %+v", checks)
	}
	w := c.start("worker", "--accounts", "byurl")
	c.must("send", "--via", "byurl", "--from", "Acme", "--text", "Hi", "--to", "4500123456")
	eventually(t, "the message", func() bool { return len(g.Messages()) == 1 })
	if got := g.Messages()[0]; got.Text != "Hi" || got.From != "Acme" || got.To != 4500123456 {
		t.Errorf("got %+v", got)
	}
	if code := w.stop(); code != exitDone {
		t.Errorf("exit status %d", code)
	}
}
