package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/schedule"
)

// shownSchedule is how show and what changes a schedule answer in JSON.
type shownSchedule struct {
	schedule.Info
	Latest []schedule.Firing `json:"latest"`
}

var everyYear = []string{"--cron", "0 9 1 1 *", "--zone", "Europe/Copenhagen", "--via", "gatewayapi", "--from", "Acme", "--text", "Happy new year"}

func (c *cli) schedule(args ...string) shownSchedule {
	c.t.Helper()
	var s shownSchedule
	c.must(append(append([]string{"schedules"}, args...), "--json")...).json(&s)
	return s
}

func TestSchedules(t *testing.T) {
	c := newCLI(t)
	if out := c.must("schedules").stdout; !strings.HasPrefix(out, "There is no schedule yet") {
		t.Errorf("got %q", out)
	}
	add := append([]string{"add", "newyear", "--to", "12125550100,12125550101"}, everyYear...)
	s := c.schedule(add...)
	if s.Name != "newyear" || s.Condition != schedule.Active || len(s.Next) != 5 || s.Next[0].Hour() != 9 || len(s.Recipients.To) != 2 || s.Overlap != schedule.Allow {
		t.Errorf("got %+v", s)
	}
	t.Run("AddedTwice", func(t *testing.T) {
		if a := c.run(append([]string{"schedules"}, add...)...); a.code != exitFailed || !strings.Contains(a.stderr, "already") {
			t.Errorf("exit status %d and %q", a.code, a.stderr)
		}
	})
	t.Run("ListAndShow", func(t *testing.T) {
		var list []schedule.Info
		c.must("schedules", "list", "--json").json(&list)
		if len(list) != 1 || list[0].ID != s.ID {
			t.Errorf("got %+v", list)
		}
		for _, args := range [][]string{{"schedules", "list"}, {"schedules", "show", "newyear"}} {
			if out := c.must(args...).stdout; !strings.Contains(out, "01-01 09:00:00 CET") {
				t.Errorf("%v: %s", args, out)
			}
		}
	})
	t.Run("PauseAndResume", func(t *testing.T) {
		if s := c.schedule("pause", "newyear", "--note", "sold out"); s.Condition != schedule.Paused || s.Note != "sold out" || len(s.Next) > 0 {
			t.Errorf("got %+v", s)
		}
		if s := c.schedule("resume", "newyear"); s.Condition != schedule.Active || len(s.Next) != 5 {
			t.Errorf("got %+v", s)
		}
	})
	t.Run("RunNowWithoutAScheduler", func(t *testing.T) {
		a := c.run("schedules", "run-now", "newyear", "--wait", "1ms")
		if a.code != exitFailed || !strings.Contains(a.stderr, "is a volley scheduler running?") {
			t.Errorf("exit status %d and %q", a.code, a.stderr)
		}
		if a := c.run("schedules", "run-now", "newyear", "--wait", "0"); a.code != exitFailed || !strings.Contains(a.stderr, "was asked to run before") {
			t.Errorf("again: exit status %d and %q", a.code, a.stderr)
		}
	})
	t.Run("Remove", func(t *testing.T) {
		c.must("schedules", "remove", "newyear")
		for _, command := range []string{"remove", "show", "pause", "resume", "run-now"} {
			if a := c.run("schedules", command, "newyear"); a.code != exitFailed || !strings.Contains(a.stderr, `there is no schedule "newyear"`) {
				t.Errorf("%s: exit status %d and %q", command, a.code, a.stderr)
			}
		}
	})
}

func TestSchedules_Invalid(t *testing.T) {
	c := newCLI(t)
	for want, args := range map[string][]string{
		"cron":              {"--cron", "0 9 *", "--via", "dk", "--text", "Hi", "--to", "12125550100"},
		"zone":              {"--every", "1h", "--zone", "Nowhere", "--via", "dk", "--text", "Hi", "--to", "12125550100"},
		"recipients.to":     {"--every", "1h", "--via", "dk", "--text", "Hi", "--to", "abc"},
		"--start":           {"--every", "1h", "--start", "soon", "--via", "dk", "--text", "Hi", "--to", "12125550100"},
		"cron every":        {"--via", "dk", "--text", "Hi", "--to", "12125550100"},
		"to file url":       {"--every", "1h", "--via", "dk", "--text", "Hi"},
		"endpoint.url":      {"--every", "1h", "--via", "dk", "--text", "Hi", "--url", "ftp://example.com"},
		"send.window":       {"--every", "1h", "--via", "dk", "--text", "Hi", "--to", "12125550100", "--window", "at night"},
		"send.at_local":     {"--every", "1h", "--via", "dk", "--text", "Hi", "--to", "12125550100", "--at-local", "nine"},
		"recipients.file.p": {"--every", "1h", "--via", "dk", "--text", "Hi", "--file", "/etc/passwd"},
	} {
		t.Run(want, func(t *testing.T) {
			a := c.run(append([]string{"schedules", "add", "x"}, args...)...)
			if a.code != exitInvalid || !strings.Contains(a.stderr, want) {
				t.Errorf("exit status %d and %q", a.code, a.stderr)
			}
			c.untouched()
		})
	}
}

func TestSchedules_Apply(t *testing.T) {
	c := newCLI(t)
	file := c.write("schedules.yaml", "schedules:\n  hourly:\n    cron: '@hourly'\n    send: {via: mttm, from: Acme, text: Hi}\n    recipients: {to: [{to: 12125550100}]}\n")
	for i, want := range []string{"add", "add", "unchanged"} {
		args := []string{"schedules", "apply", "-f", file, "--json"}
		if i == 0 {
			args = append(args, "--dry-run")
		}
		var changes []schedule.Change
		c.must(args...).json(&changes)
		if len(changes) != 1 || string(changes[0].Action) != want || changes[0].Name != "hourly" {
			t.Errorf("%v: %+v, want %s", args, changes, want)
		}
	}
	none := c.write("none.yaml", "schedules: {}\n")
	if out := c.must("schedules", "apply", "-f", none, "--prune", "--dry-run").stdout; out != "remove hourly\n1 schedule to be changed; nothing was changed.\n" {
		t.Errorf("got %q", out)
	}
	if out := c.must("schedules", "apply", "-f", none).stdout; out != "0 schedules changed.\n" {
		t.Errorf("got %q", out)
	}
	bad := c.write("bad.yaml", "schedules:\n  hourly: {cron: x}\n")
	if a := c.run("schedules", "apply", "-f", bad); a.code != exitInvalid || !strings.Contains(a.stderr, "schedules.hourly.cron: ") {
		t.Errorf("exit status %d and %q", a.code, a.stderr)
	}
}

func TestScheduler(t *testing.T) {
	crm := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`[{"to":"12125550103","ref":"visit-17","values":{"name":"Ann"}}]`))
	}))
	defer crm.Close()
	c := newCLI(t)
	c.write("people.csv", "to,name\n12125550101,Ann\nabc,Bob\n12125550102,Eve\n")
	c.file = c.write("volley.yaml", c.sims.yaml("redis://"+c.redis.Addr()+"/0")+"scheduler: {allow_private: [127.0.0.0/8]}\n")
	addr := freeAddr(t)
	s := c.start("scheduler", "--admin", addr)
	s.says("scheduler is ready")

	base := []string{"--every", "24h", "--via", "gatewayapi", "--from", "Acme", "--text", "Hi {{name}}"}
	c.schedule(append([]string{"add", "file", "--file", "people.csv"}, base...)...)
	c.schedule(append([]string{"add", "crm", "--url", crm.URL}, base...)...)
	run := func(name string) schedule.Firing {
		t.Helper()
		var f schedule.Firing
		c.must("schedules", "run-now", name, "--json").json(&f)
		return f
	}
	t.Run("AFile", func(t *testing.T) {
		f := run("file")
		if f.Queued != 2 || f.Refused != 1 || f.Outcome != schedule.Fired {
			t.Fatalf("got %+v", f)
		}
		var o enqueue.Outcome
		if err := json.NewDecoder(strings.NewReader(c.must("outcomes", f.JobID, "--status", "rejected", "--json").stdout)).Decode(&o); err != nil || o.Row != 3 {
			t.Errorf("the refused one is in row %d (%v), want 3", o.Row, err)
		}
	})
	t.Run("AnEndpoint", func(t *testing.T) {
		if f := run("crm"); f.Queued != 1 || f.Refused != 0 {
			t.Errorf("got %+v", f)
		}
	})
	t.Run("AFileThatIsNotThere", func(t *testing.T) {
		c.schedule(append([]string{"add", "gone", "--file", "gone.csv"}, base...)...)
		c.must("schedules", "run-now", "gone", "--wait", "0")
		eventually(t, "the reason", func() bool {
			in := c.schedule("show", "gone")
			return in.Condition == schedule.Failing && strings.Contains(in.Error, "gone.csv: no such file")
		})
	})
	t.Run("Metrics", func(t *testing.T) {
		eventually(t, "the books' metrics", func() bool {
			_, body := get(t, addr, "/metrics")
			return strings.Contains(body, "volley_books_clean 1") && strings.Contains(body, `volley_schedule_ticks_total{outcome="fired"} `)
		})
	})
	if code := s.stop(); code != exitDone {
		t.Errorf("exit status %d", code)
	}
	for line := range strings.SplitSeq(strings.TrimSpace(s.stderr.String()), "\n") {
		if !json.Valid([]byte(line)) || strings.Contains(line, "12125550") {
			t.Errorf("a log line is not JSON, or has a number: %s", line)
		}
	}
}
