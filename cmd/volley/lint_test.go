package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/volleysms/volley/internal/lint"
)

func TestLint(t *testing.T) {
	const content = "to,name\n12125550100,Ann\n4500000001,O’Neill\nx,Bo\n+12125550100,Ann\n4500000002\n"
	c := newCLI(t)
	file := c.write("campaign.csv", content)
	args := []string{file, "--via", "gatewayapi", "--from", "Acme", "--text", "Hi {{name}}, " + strings.Repeat("x", 100)}
	c.redis.Close() // it needs none

	for _, command := range [][]string{{"lint"}, {"import", "--dry-run"}} {
		t.Run(strings.Join(command, " "), func(t *testing.T) {
			var r lint.Report
			c.must(append(append(command, args...), "--json")...).json(&r)
			if r.Rows != 5 || r.Refused != 2 || r.Duplicates != 1 || r.Send != 2 || r.Segments != 3 || len(r.Accounts) != 1 || r.Accounts[0].Account != "gatewayapi" {
				t.Errorf("got %+v", r)
			}
			a := c.must(append(command, args...)...)
			for _, want := range []string{"has letters; write it in digits", "to be sent to", "DK", "US", "UCS-2", "GSM-7", "gatewayapi", "no limit is set", "no price is set", "Hi Ann,"} {
				if !strings.Contains(a.stdout, want) {
					t.Errorf("%q is not in\n%s", want, a.stdout)
				}
			}
			if !strings.Contains(a.stderr, "who has opted out is not known: Redis at ") || !strings.Contains(a.stderr, "warning: ’ (U+2019) alone makes UCS-2 of 1 message, which costs 1 segment more; --substitute writes ' for it") {
				t.Errorf("standard error is\n%s", a.stderr)
			}
			if strings.Contains(a.stdout+a.stderr, "12125550100") {
				t.Error("a whole number is shown")
			}
		})
	}
	t.Run("Substitute", func(t *testing.T) {
		var r lint.Report
		c.must(append([]string{"lint", "--substitute", "--json"}, args...)...).json(&r)
		if r.Segments != 2 || len(r.Warnings) != 0 || !strings.Contains(r.Samples[1].Text, "O'Neill") {
			t.Errorf("got %+v", r)
		}
	})
	t.Run("TheRefusedFile", func(t *testing.T) {
		left := filepath.Join(c.dir, "left.csv")
		c.must(append([]string{"lint", "--refused", left}, args...)...)
		got, err := os.ReadFile(left)
		if err != nil || strings.Count(string(got), "\n") != 4 || !strings.Contains(string(got), "\n5,+12125550100,duplicate") {
			t.Errorf("got %s, %v", got, err)
		}
	})
	t.Run("NobodyIsLeft", func(t *testing.T) {
		a := c.run("lint", c.write("x.csv", "to\nx\n"), "--via", "gatewayapi", "--from", "Acme", "--text", "Hi", "--json")
		var r lint.Report
		a.json(&r)
		if a.code != exitInvalid || r.Refused != 1 {
			t.Errorf("exit status %d: %+v", a.code, r)
		}
	})
	t.Run("APriceAndALimit", func(t *testing.T) {
		config, err := os.ReadFile(c.file)
		if err != nil {
			t.Fatal(err)
		}
		with := strings.Replace(string(config), "provider: gatewayapi", "provider: gatewayapi\n    rate: 2/s\n    price: {currency: EUR, segment: 0.01, prefixes: {45: 0.031}}", 1)
		c.write("volley.yaml", with)
		a := c.must(append([]string{"lint"}, args...)...)
		if !strings.Contains(a.stdout, "0.072 EUR") || !strings.Contains(a.stdout, "(rate)") {
			t.Errorf("got\n%s", a.stdout)
		}
	})
}

// Who has opted out by now is told, and is not in the calls.
func TestLint_Suppressed(t *testing.T) {
	c := newCLI(t)
	c.must("suppress", "add", "4500000001")
	var r lint.Report
	c.must("lint", c.write("x.csv", "to\n4500000001\n4500000002\n"), "--via", "gatewayapi", "--from", "Acme", "--text", "Hi", "--json").json(&r)
	if r.Suppressed == nil || *r.Suppressed != 1 || r.Send != 1 || r.Segments != 1 {
		t.Errorf("got %+v", r)
	}
}

// What --substitute changes is what goes out.
func TestSubstitute(t *testing.T) {
	c := newCLI(t)
	w := c.start("worker")
	c.imported("to,name\n12125550100,O’Neill\n", "--text", "“Hi” {{name}} – now", "--substitute")
	c.must("send", "--via", "gatewayapi", "--from", "Acme", "--text", "Hi… – now", "--to", "12125550101", "--substitute")
	eventually(t, "two messages", func() bool { return c.sims[0].Stats().Taken == 2 })
	w.stop()
	for _, m := range c.sims[0].Messages() {
		if want := map[string]string{"12125550100": `"Hi" O'Neill - now`, "12125550101": "Hi... - now"}[m.To.String()]; m.Text != want {
			t.Errorf("got %q, want %q", m.Text, want)
		}
	}
}
