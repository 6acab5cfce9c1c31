package main

import (
	"strings"
	"testing"
)

func TestMgageWebMO(t *testing.T) {
	args := func(more ...string) []string {
		return append([]string{"mgage", "webmo", "--account", "mgage", "--from", "12135550101", "--to", "87767", "--text", "JOIN club"}, more...)
	}
	t.Run("Taken", func(t *testing.T) {
		c := newCLI(t)
		if a := c.must(args()...); !strings.Contains(a.stdout, "may answer the handset") {
			t.Errorf("got %q", a.stdout)
		}
		var got moTaken
		c.must(args("--json")...).json(&got)
		if want := (moTaken{"mgage", "12135550101", "87767", true, "0", "Request accepted onto the platform."}); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		c.untouched()
	})
	t.Run("AnUncertainOneSaysSoAndIsNotRepeated", func(t *testing.T) {
		c := newCLI(t, "mgage/cut-after")
		a := c.run(args()...)
		if a.code != exitFailed || !strings.Contains(a.stderr, "may have taken the message") || strings.Contains(a.stderr, "JOIN") {
			t.Errorf("got %d, %q", a.code, a.stderr)
		}
		if n := c.sim("mgage").Stats().Requests; n != 1 {
			t.Errorf("%d requests were made", n)
		}
	})
	t.Run("InvalidInput", func(t *testing.T) {
		c := newCLI(t)
		for want, bad := range map[string][]string{
			"--from x":         {"mgage", "webmo", "--account", "mgage", "--from", "x", "--to", "87767", "--text", "Hi"},
			"destination":      {"mgage", "webmo", "--account", "mgage", "--from", "12135550101", "--to", " ", "--text", "Hi"},
			"there are: mgage": {"mgage", "webmo", "--account", "ogangi", "--from", "12135550101", "--to", "87767", "--text", "Hi"},
			`"text"`:           {"mgage", "webmo", "--account", "mgage", "--from", "12135550101", "--to", "87767"},
		} {
			if a := c.run(bad...); a.code != exitInvalid || !strings.Contains(a.stderr, want) {
				t.Errorf("%q: got %d, %q, want %q", bad, a.code, a.stderr, want)
			}
		}
	})
	t.Run("RefusedByTheGateway", func(t *testing.T) {
		c := newCLI(t, "mgage/auth")
		if a := c.run(args()...); a.code != exitFailed || !strings.Contains(a.stderr, "401") {
			t.Errorf("got %d, %q", a.code, a.stderr)
		}
	})
}
