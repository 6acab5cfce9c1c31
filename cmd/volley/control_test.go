package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/why"
)

// noJob is an ID that no job has.
const noJob = "0197c1b2-7a4e-7000-8000-000000000000"

// steered is how pause, resume, cancel and retry answer in JSON.
type steered struct {
	enqueue.Status
	Changed int64 `json:"changed"`
	// Recipients are there in a dry run only.
	Recipients []enqueue.Outcome `json:"recipients"`
}

// steer runs one of them, which has to succeed.
func (c *cli) steer(args ...string) steered {
	c.t.Helper()
	a := c.must(append(args, "--json")...)
	var s steered
	a.json(&s)
	keys := []string{"job_id", "via", "state", "created_at", "schedule_at", "completed_at", "counts", "changed"}
	if slices.Contains(args, "--dry-run") {
		keys = append(keys, "recipients")
	}
	wantKeys(c.t, a.stdout, keys...)
	return s
}

// queued enqueues numbers, which no worker sends.
func (c *cli) queued(numbers ...string) (job string) {
	c.t.Helper()
	return strings.TrimSpace(c.must("send", "--via", "gatewayapi", "--from", "Acme", "--text", "Hi", "--to", strings.Join(numbers, ",")).stdout)
}

// completes runs a worker until the job is completed.
func (c *cli) completes(job string) enqueue.Status {
	c.t.Helper()
	w := c.start("worker")
	var s enqueue.Status
	eventually(c.t, "the job to be completed", func() bool {
		c.must("status", job, "--json").json(&s)
		return s.State == enqueue.Completed
	})
	if code := w.stop(); code != exitDone {
		c.t.Fatalf("the worker ends with exit status %d: %s", code, w.stderr.String())
	}
	return s
}

func TestPauseAndResume(t *testing.T) {
	c := newCLI(t)
	job := c.queued("12125550100", "12125550101")
	changes := map[string]int64{"once": 2}
	for _, when := range []string{"once", "again"} {
		if s := c.steer("pause", job, "--reason", "too early"); s.JobID != job || s.State != enqueue.Paused || s.Counts.Queued != 2 || s.Changed != changes[when] {
			t.Errorf("paused %s: %+v", when, s)
		}
	}
	if out := c.must("pause", job).stdout; !strings.Contains(out, job) || !strings.Contains(out, "paused") {
		t.Errorf("for people: %s", out)
	}

	// Another job, enqueued later, shows that the worker came by.
	other := c.queued("12125550102")
	c.completes(other)
	var s enqueue.Status
	c.must("status", job, "--json").json(&s)
	if s.State != enqueue.Paused || s.Counts.Queued != 2 {
		t.Errorf("with a worker: %+v, want it paused", s)
	}

	for _, when := range []string{"once", "again"} {
		if s := c.steer("resume", job); s.State == enqueue.Paused || s.Counts.Queued != 2 || s.Changed != changes[when] {
			t.Errorf("resumed %s: %+v", when, s)
		}
	}
	if s := c.completes(job); s.Counts.Accepted != 2 {
		t.Errorf("got %+v, want two accepted", s.Counts)
	}
}

func TestStatus_History(t *testing.T) {
	c := newCLI(t)
	job := c.queued("12125550100", "12125550101", "abc")
	c.must("pause", job, "--reason", "too early", "--by", "ann@ops")
	c.must("resume", job)
	var s struct {
		enqueue.Status
		History []enqueue.Entry `json:"history"`
	}
	c.must("status", job, "--history", "--json").json(&s)
	if len(s.History) != 3 || s.JobID != job {
		t.Fatalf("got %+v", s)
	}
	for i, want := range []enqueue.Action{enqueue.ActionEnqueue, enqueue.ActionPause, enqueue.ActionResume} {
		if e := s.History[i]; e.Action != want || e.By == "" || e.Changed == nil || *e.Changed != 2 || e.At.IsZero() {
			t.Errorf("%s: got %+v", want, e)
		}
	}
	if e := s.History[1]; e.By != "ann@ops" || e.Reason != "too early" {
		t.Errorf("got %+v", e)
	}
	out := c.must("status", job, "--history").stdout
	for _, want := range []string{"pause", "ann@ops", "too early"} {
		if !strings.Contains(out, want) {
			t.Errorf("the table lacks %q: %s", want, out)
		}
	}
	if out := c.must("status", job, "--json").stdout; strings.Contains(out, "history") {
		t.Errorf("without --history: %s", out)
	}
	if a := c.run("status", "--history"); a.code != exitInvalid {
		t.Errorf("without a job: %d, %s", a.code, a.stderr)
	}
}

func TestCancel(t *testing.T) {
	c := newCLI(t)
	job := c.queued("12125550100", "12125550101", "abc")
	if s := c.steer("cancel", job, "--reason", "wrong text"); s.State != enqueue.Cancelled || s.Changed != 2 || s.Counts.Cancelled != 2 || s.Counts.Rejected != 1 || s.CompletedAt == nil {
		t.Errorf("got %+v", s)
	}
	if s := c.steer("cancel", job); s.State != enqueue.Cancelled || s.Changed != 0 || s.Counts.Cancelled != 2 {
		t.Errorf("again: %+v", s)
	}
	for _, args := range [][]string{{"pause", job}, {"resume", job}, {"retry", job, "--failed"}} {
		t.Run(args[0]+" is too late", func(t *testing.T) {
			a := c.run(append(args, "--json")...)
			if a.code != exitFailed || a.stdout != "" || !strings.Contains(a.stderr, "the job was cancelled, which is for good") {
				t.Errorf("exit status %d, %q and %q", a.code, a.stdout, a.stderr)
			}
		})
	}
	t.Run("ForPeople", func(t *testing.T) {
		out := c.must("cancel", c.queued("12125550100")).stdout
		if !strings.HasSuffix(out, "\n1 recipient cancelled.\n") || !strings.Contains(out, "total") {
			t.Errorf("got %s", out)
		}
	})
	t.Run("ACompletedJob", func(t *testing.T) {
		done := c.sent("gatewayapi", "12125550100")
		for _, command := range []string{"pause", "cancel"} {
			a := c.run(command, done)
			if want := "the job is completed: there is nothing left to " + command; a.code != exitFailed || !strings.Contains(a.stderr, want) {
				t.Errorf("exit status %d and %q, want %q", a.code, a.stderr, want)
			}
		}
	})
}

func TestRetry(t *testing.T) {
	t.Run("Unknown", func(t *testing.T) {
		c := newCLI(t, "gatewayapi/cut-after@1")
		job := c.sent("gatewayapi", "12125550100", "12125550101")
		for range 2 {
			if s := c.steer("retry", job, "--unknown", "--dry-run"); s.Changed != 2 || s.Counts.Unknown != 2 || s.State != enqueue.Completed {
				t.Errorf("dry: %+v, want two told and none changed", s)
			}
		}
		if out := c.must("retry", job, "--unknown", "--dry-run").stdout; !strings.HasSuffix(out, "\n2 recipients to be queued again; nothing was changed.\n") {
			t.Errorf("dry, for people: %s", out)
		}
		if who := c.steer("retry", job, "--unknown", "--dry-run").Recipients; len(who) != 2 || who[0].To != "12125550100" ||
			who[1].Status != "unknown" || who[1].Account != "gatewayapi" {
			t.Errorf("dry, who they are: %+v", who)
		}
		if out := c.must("retry", job, "--failed", "--dry-run", "--json").stdout; !strings.Contains(out, `"recipients":[]`) {
			t.Errorf("dry, and nobody has failed: %s", out)
		}
		for _, number := range []string{"12125550100", "12125550101"} {
			if out := c.must("retry", job, "--unknown", "--dry-run").stdout; !strings.Contains(out, number+" │ unknown │ gatewayapi") {
				t.Errorf("dry, for people: %s is not in %s", number, out)
			}
		}
		if s := c.steer("retry", job, "--failed"); s.Changed != 0 || s.Counts.Unknown != 2 || s.State != enqueue.Completed {
			t.Errorf("nobody has failed: %+v", s)
		}
		if s := c.steer("retry", job, "--unknown"); s.Changed != 2 || s.Counts.Queued != 2 || s.Counts.Unknown != 0 || s.CompletedAt != nil {
			t.Errorf("got %+v, want two queued again", s)
		}
		if s := c.completes(job); s.Counts.Accepted != 2 || s.Counts.Total != 2 {
			t.Errorf("got %+v, want two accepted", s.Counts)
		}
	})
	t.Run("Failed", func(t *testing.T) {
		c := newCLI(t, "gatewayapi/503@1")
		c.file = c.write("volley.yaml", c.sims.yaml("redis://"+c.redis.Addr()+"/0")+"retry: {max_attempts: 1}\n")
		job := c.sent("gatewayapi", "12125550100", "12125550101")
		if s := c.steer("retry", job, "--unknown"); s.Changed != 0 || s.Counts.Failed != 2 {
			t.Errorf("nobody is unknown: %+v", s)
		}
		if s := c.steer("retry", job, "--failed", "--dry-run"); s.Changed != 2 || s.Counts.Failed != 2 {
			t.Errorf("dry: %+v, want two told and none changed", s)
		}
		if out := c.must("retry", job, "--failed", "--unknown").stdout; !strings.HasSuffix(out, "\n2 recipients queued again.\n") {
			t.Errorf("for people: %s", out)
		}
		if s := c.completes(job); s.Counts.Accepted != 2 || s.Counts.Total != 2 {
			t.Errorf("got %+v, want two accepted", s.Counts)
		}
	})
	t.Run("NeitherIsInvalid", func(t *testing.T) {
		c := newCLI(t)
		for _, args := range [][]string{{"retry", noJob}, {"retry", noJob, "--dry-run", "--json"}} {
			a := c.run(args...)
			if a.code != exitInvalid || a.stdout != "" || !strings.Contains(a.stderr, "say whom: --unknown, --failed, or --status STATE") {
				t.Errorf("%v: exit status %d, %q and %q", args, a.code, a.stdout, a.stderr)
			}
		}
		c.untouched()
	})
}

func TestRetry_States(t *testing.T) {
	c := newCLI(t, "gatewayapi/refuse:0101")
	job := c.sent("gatewayapi", "12125550100", "12125550101", "abc")
	if s := c.steer("retry", job, "--status", "rejected,undelivered", "--dry-run"); s.Changed != 1 || s.Counts.Rejected != 2 {
		t.Errorf("got %+v, want the one whom the gateway refused", s)
	}
	if s := c.steer("retry", job, "--status", "rejected"); s.Changed != 1 || s.Counts.Queued != 1 || s.Counts.Rejected != 1 {
		t.Errorf("got %+v", s)
	}
	for _, state := range []string{"accepted", "suppressed", "expired", "lost"} {
		if a := c.run("retry", job, "--status", state); a.code != exitInvalid || !strings.Contains(a.stderr, state) {
			t.Errorf("%s: exit status %d and %q", state, a.code, a.stderr)
		}
	}
}

func TestReroute(t *testing.T) {
	c := newCLI(t)
	job := c.queued("12125550100", "12125550101")
	if s := c.steer("reroute", job, "--to", "mttm", "--reason", "too slow"); s.Changed != 2 || s.Counts.Queued != 2 {
		t.Errorf("got %+v", s)
	}
	if out := c.must("reroute", job, "--to", "mttm").stdout; !strings.HasSuffix(out, "\n0 recipients queued for mttm.\n") {
		t.Errorf("again: %s", out)
	}
	if a := c.run("reroute", job, "--to", "nobody"); a.code != exitInvalid || !strings.Contains(a.stderr, "mttm") {
		t.Errorf("to nobody: %d, %s", a.code, a.stderr)
	}
	if s := c.completes(job); s.Counts.Accepted != 2 {
		t.Errorf("got %+v", s.Counts)
	}
	if out := c.must("outcomes", job).stdout; strings.Count(out, ",mttm,") != 2 {
		t.Errorf("got %s", out)
	}
	if out := c.must("status", job, "--history").stdout; !strings.Contains(out, "to mttm") || !strings.Contains(out, "too slow") {
		t.Errorf("the history: %s", out)
	}
}

func TestSteering_ByLabel(t *testing.T) {
	c := newCLI(t)
	send := func(label string) string {
		return strings.TrimSpace(c.must("send", "--via", "gatewayapi", "--from", "Acme", "--text", "Hi", "--to", "12125550100,12125550101", "--label", label).stdout)
	}
	one, two, other := send("summer"), send("summer"), send("winter")
	all := func(args ...string) (out struct {
		Label     string       `json:"label"`
		Jobs      []steeredJob `json:"jobs"`
		LeftAlone int          `json:"left_alone"`
		Changed   int64        `json:"changed"`
	},
	) {
		t.Helper()
		c.must(append(args, "--label", "summer", "--json")...).json(&out)
		return out
	}
	state := func(job string) enqueue.State {
		var s enqueue.Status
		c.must("status", job, "--json").json(&s)
		return s.State
	}
	if got := all("pause", "--reason", "wrong price"); got.Changed != 4 || len(got.Jobs) != 2 || got.Jobs[0].JobID != two || got.Jobs[1].Changed != 2 {
		t.Errorf("got %+v", got)
	}
	if state(one) != enqueue.Paused || state(two) != enqueue.Paused || state(other) == enqueue.Paused {
		t.Errorf("they are %s, %s and %s", state(one), state(two), state(other))
	}
	c.must("cancel", one)
	if got := all("resume"); got.Changed != 2 || len(got.Jobs) != 1 || got.LeftAlone != 1 {
		t.Errorf("got %+v", got)
	}
	if got := all("reroute", "--to", "mttm"); got.Changed != 2 || got.LeftAlone != 1 {
		t.Errorf("got %+v", got)
	}
	if out := c.must("cancel", "--label", "summer").stdout; !strings.Contains(out, "2 recipients cancelled") || !strings.Contains(out, two) {
		t.Errorf("for people: %s", out)
	}
	for _, args := range [][]string{{"pause"}, {"pause", one, "--label", "summer"}, {"cancel", "--label", "summer", "--ref", "r"}, {"retry", "--label", "summer", "--status", "accepted"}} {
		if a := c.run(args...); a.code != exitInvalid {
			t.Errorf("%v: exit status %d, %s", args, a.code, a.stderr)
		}
	}
	if a := c.run("pause", "--label", "autumn"); a.code != exitFailed || !strings.Contains(a.stderr, "autumn") {
		t.Errorf("no such label: %d, %s", a.code, a.stderr)
	}
}

func TestWhy(t *testing.T) {
	c := newCLI(t)
	job := c.queued("12125550100", "12125550101")
	rules := func(args ...string) (rules []string) {
		t.Helper()
		var j why.Job
		c.must(append([]string{"why", "--json"}, args...)...).json(&j)
		for _, r := range j.Reasons {
			rules = append(rules, string(r.Rule))
		}
		return rules
	}
	if got := rules(job); !slices.Equal(got, []string{"no worker"}) {
		t.Errorf("without a worker: %q", got)
	}
	c.must("pause", job, "--by", "ann@ops", "--reason", "wrong price")
	if out := c.must("why", job).stdout; !strings.Contains(out, "by ann@ops at") || !strings.Contains(out, "wrong price") || !strings.Contains(out, "volley resume") {
		t.Errorf("paused: %s", out)
	}
	var found []why.Recipient
	c.must("why", "+1 212 555 0101", "--json").json(&found)
	if len(found) != 1 || found[0].JobID != job || found[0].Status != "queued" || len(found[0].Reasons) != 1 || found[0].Reasons[0].Rule != why.Paused {
		t.Errorf("the number: %+v", found)
	}
	later := strings.TrimSpace(c.must("send", "--via", "gatewayapi", "--from", "Acme", "--text", "Hi", "--to", "12125550102", "--at", "2h").stdout)
	if out := c.must("why", later).stdout; !strings.Contains(out, "scheduled") || !strings.Contains(out, "volley reschedule") {
		t.Errorf("scheduled: %s", out)
	}
	if a := c.run("why", "12125550109"); a.code != exitFailed {
		t.Errorf("nobody: %d, %s", a.code, a.stderr)
	}
	if a := c.run("why", "abc"); a.code != exitInvalid {
		t.Errorf("neither: %d, %s", a.code, a.stderr)
	}
	if a := c.run("why", noJob); a.code != exitFailed || !strings.Contains(a.stderr, "volley status lists the latest") {
		t.Errorf("no such job: %d, %s", a.code, a.stderr)
	}
}

func TestSteering_NoSuchJob(t *testing.T) {
	c := newCLI(t)
	for _, args := range [][]string{
		{"pause", noJob},
		{"resume", noJob},
		{"cancel", noJob},
		{"retry", noJob, "--failed"},
		{"retry", noJob, "--unknown", "--dry-run"},
		{"verify", noJob},
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			a := c.run(append(args, "--json")...)
			if a.code != exitFailed || a.stdout != "" || !strings.Contains(a.stderr, "volley status lists the latest") {
				t.Errorf("exit status %d, %q and %q", a.code, a.stdout, a.stderr)
			}
			c.untouched()
		})
	}
}

func TestVerify(t *testing.T) {
	c := newCLI(t, "gatewayapi/refuse:0101")
	t.Run("NoJobYet", func(t *testing.T) {
		if out := c.must("verify", "--json").stdout; out != `{"clean":true,"jobs":0,"problems":[]}`+"\n" {
			t.Errorf("got %s", out)
		}
	})
	job := c.sent("gatewayapi", "12125550100", "12125550101", "abc")
	other := c.queued("12125550100")

	t.Run("Clean", func(t *testing.T) {
		if out := c.must("verify", job, "--json").stdout; out != `{"clean":true,"jobs":1,"problems":[]}`+"\n" {
			t.Errorf("one job: %s", out)
		}
		if out := c.must("verify", "--json").stdout; out != `{"clean":true,"jobs":2,"problems":[]}`+"\n" {
			t.Errorf("all jobs: %s", out)
		}
		if out := c.must("verify", job).stdout; out != "The books of 1 job are clean.\n" {
			t.Errorf("for people: %q", out)
		}
	})

	c.redis.HSet("volley:{"+job+".0}:n", "accepted", "2")
	const wrong = "shard 0: the counter of accepted is 2, and 1 recipients are so"

	t.Run("ADamagedCounter", func(t *testing.T) {
		for jobs, args := range map[int][]string{1: {"verify", job}, 2: {"verify"}} {
			a := c.run(append(args, "--json")...)
			var v verdict
			a.json(&v)
			if a.code != exitFailed || v.Clean || v.Jobs != jobs || len(v.Problems) != 1 || v.Problems[0] != (problem{job, wrong}) {
				t.Errorf("%v: exit status %d and %+v", args, a.code, v)
			}
			if a.stderr != "" {
				t.Errorf("it also says %q", a.stderr)
			}
		}
		a := c.run("verify", job)
		if want := job + "  " + wrong + "\n1 problem in 1 job.\n"; a.code != exitFailed || a.stdout != want {
			t.Errorf("for people: exit status %d and %q, want %q", a.code, a.stdout, want)
		}
	})
	t.Run("AnotherJobIsStillClean", func(t *testing.T) {
		if out := c.must("verify", other, "--json").stdout; out != `{"clean":true,"jobs":1,"problems":[]}`+"\n" {
			t.Errorf("got %s", out)
		}
	})
}
