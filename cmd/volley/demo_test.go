package main

import (
	"strings"
	"testing"
)

func TestDemo(t *testing.T) {
	t.Run("JSON", func(t *testing.T) {
		c := newCLI(t)
		var s demoSummary
		c.must("demo", "--json").json(&s)
		if !s.OK || s.TakenTwice != 0 || s.Amiss != 0 || s.Violations != 0 {
			t.Errorf("the books differ: %+v", s)
		}
		if s.Recipients != 1207 || s.Duplicates != 4 || len(s.Jobs) != 4 {
			t.Errorf("%d recipients, %d duplicates, %d jobs; want 1207, 4, 4", s.Recipients, s.Duplicates, len(s.Jobs))
		}
		var sum, accepted, unknown int64
		accounts := map[string]bool{}
		for _, o := range s.Outcomes {
			sum += o.Recipients
			switch o.Status {
			case "accepted":
				accepted += o.Recipients
				accounts[o.Account] = true
			case "unknown":
				unknown += o.Recipients
			}
			if o.Status != "accepted" && o.Reason == "" {
				t.Errorf("no reason for %+v", o)
			}
		}
		if sum != s.Recipients || len(accounts) != 4 {
			t.Errorf("%d in the table, accepted by %v", sum, accounts)
		}
		if unknown == 0 || accepted+unknown != s.Taken {
			t.Errorf("%d accepted and %d unknown, and the gateways took %d", accepted, unknown, s.Taken)
		}
	})
	t.Run("ForPeople", func(t *testing.T) {
		c := newCLI(t)
		a := c.must("demo")
		for _, want := range []string{"gatewayapi", "mgage", "mttm", "ogangi", "unknown", "1,207", "no number was taken twice", "volley dev"} {
			if !strings.Contains(a.stdout, want) {
				t.Errorf("no %q in:\n%s", want, a.stdout)
			}
		}
		for line := range strings.Lines(a.stderr) {
			if !strings.Contains(line, " recipients, ") { // how far it is, on a slow machine
				t.Errorf("standard error has %q", line)
			}
		}
	})
}
