package main

import (
	"strings"
	"testing"
	"time"

	"github.com/volleysms/volley/enqueue"
)

func TestReschedule(t *testing.T) {
	c := newCLI(t)
	send := func(delay string) string {
		return strings.TrimSpace(c.must("send", "--via", "gatewayapi", "--from", "Acme", "--text", "Hi", "--to", "12125550100", "--delay", delay).stdout)
	}
	job, other := send("1h"), send("2h")
	at := time.Now().Add(72 * time.Hour).UTC().Truncate(time.Second)
	if s := c.steer("reschedule", job, "--at", at.Format(time.DateTime)); s.State != enqueue.Scheduled || !s.ScheduleAt.Equal(at) {
		t.Errorf("got %+v, want it at %s", s, at)
	}
	var list []enqueue.Status
	c.must("status", "--scheduled", "--json").json(&list)
	if len(list) != 2 || list[0].JobID != other || list[1].JobID != job {
		t.Errorf("got %+v", list)
	}
	if out := c.must("status", "--scheduled").stdout; !strings.Contains(out, other) || strings.Index(out, other) > strings.Index(out, job) {
		t.Errorf("for people: %s", out)
	}
	for want, args := range map[string][]string{
		"no time zone":    {"--at", "1h", "--tz", "Nowhere"},
		"none of RFC":     {"--at", "soon"},
		"has passed":      {"--at", "2020-01-01 00:00:00"},
		"two years ahead": {"--at", "30000h"},
	} {
		if a := c.run(append([]string{"reschedule", job}, args...)...); a.code != exitInvalid || !strings.Contains(a.stderr, want) {
			t.Errorf("%v: exit status %d and %q", args, a.code, a.stderr)
		}
	}
	if a := c.run("status", job, "--scheduled"); a.code != exitInvalid {
		t.Errorf("exit status %d", a.code)
	}
	c.must("cancel", job)
	if a := c.run("reschedule", job, "--at", "1h"); a.code != exitFailed || !strings.Contains(a.stderr, "was cancelled") {
		t.Errorf("exit status %d and %q", a.code, a.stderr)
	}
}
