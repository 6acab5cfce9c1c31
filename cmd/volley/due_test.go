package main

import (
	"strings"
	"testing"
	"time"

	"github.com/volleysms/volley/enqueue"
)

// dueAnswer is what due --json says.
type dueAnswer struct {
	Due, Later, Never int64
	First             []dueLine
}

// appointments enqueues three recipients with times of their own, tomorrow and the day after.
func (c *cli) appointments() (job string, day time.Time) {
	c.t.Helper()
	day = time.Now().UTC().AddDate(0, 0, 1).Truncate(24 * time.Hour)
	at := func(days int, clock string) string { return day.AddDate(0, 0, days).Format("2006-01-02 ") + clock }
	file := c.write("appointments.csv", "to,ref,name,at,tz\n"+
		"+4512340001,a-1,Ann,"+at(1, "09:00")+",Asia/Kolkata\n"+
		"+4512340002,a-2,Bob,"+at(0, "23:00")+",Asia/Kolkata\n"+
		"+4512340003,a-3,Cy,"+at(3, "09:00")+",Asia/Kolkata\n")
	var r enqueue.Receipt
	c.must("import", file, "--via", "gatewayapi", "--from", "Acme", "--text", "Hi {{name}}", "--at-column", "at", "--tz-column", "tz",
		"--window", "08:00-20:00", "--json").json(&r)
	return r.JobID, day
}

func TestDue(t *testing.T) {
	c := newCLI(t)
	job, day := c.appointments()
	other := strings.TrimSpace(c.must("send", "--via", "gatewayapi", "--from", "Acme", "--text", "Hi", "--to", "12125550100").stdout)
	var d dueAnswer
	c.must("due", job, "--within", "72h", "--json").json(&d)
	if d.Due != 2 || d.Later != 1 || len(d.First) != 2 {
		t.Fatalf("got %+v", d)
	}
	// The night's is in the morning, and before the other one of that morning.
	half := 30 * time.Minute
	for i, want := range []struct {
		ref string
		at  time.Time
	}{{"a-2", day.Add(26*time.Hour + half)}, {"a-1", day.Add(27*time.Hour + half)}} {
		if got := d.First[i]; got.Ref != want.ref || !got.At.Equal(want.at) || got.JobID != job {
			t.Errorf("got %+v, want %s at %s", got, want.ref, want.at)
		}
	}
	d = dueAnswer{}
	c.must("due", "--within", "72h", "--limit", "1", "--json").json(&d)
	if d.Due != 3 || len(d.First) != 1 || d.First[0].JobID != other || d.First[0].Why != "" {
		t.Errorf("of all jobs: %+v", d)
	}
	if out := c.must("due", "--within", "72h", "--limit", "1").stdout; !strings.Contains(out, other) || !strings.Contains(out, "3 recipients due within 72h, of whom the first 1 are listed; 1 later.") {
		t.Errorf("for people: %s", out)
	}
	c.must("pause", job)
	d = dueAnswer{}
	if c.must("due", job, "--json").json(&d); d.Due+d.Later > 0 {
		t.Errorf("of a paused job: %+v", d)
	}
	for _, args := range [][]string{{"due", "--within", "-1h"}, {"due", "--limit", "0"}} {
		if a := c.run(args...); a.code != exitInvalid {
			t.Errorf("%v: exit status %d, %s", args, a.code, a.stderr)
		}
	}
	if a := c.run("due", noJob); a.code != exitFailed || !strings.Contains(a.stderr, "no job") {
		t.Errorf("no such job: exit status %d, %s", a.code, a.stderr)
	}
}

func TestReplace(t *testing.T) {
	c := newCLI(t)
	job, day := c.appointments()
	later := day.AddDate(0, 0, 1).Add(15 * time.Hour)
	replace := func(args ...string) (r enqueue.Receipt) {
		t.Helper()
		c.must(append([]string{"replace", job, "--json"}, args...)...).json(&r)
		return r
	}
	r := replace("--ref", "a-2", "--at", later.Format(time.RFC3339), "--set", "name=Bobby")
	if again := replace("--ref", "a-2", "--at", later.Format(time.RFC3339), "--set", "name=Bobby"); again.JobID != r.JobID || !again.Duplicate {
		t.Errorf("the same again: %+v, want job %s", again, r.JobID)
	}
	var d dueAnswer
	c.must("due", r.JobID, "--within", "100h", "--json").json(&d)
	if want := later.Add(11*time.Hour + 30*time.Minute); d.Due != 1 || !d.First[0].At.Equal(want) || d.First[0].Ref != "a-2" || d.First[0].To != "4512340002" {
		t.Errorf("got %+v, want it at %s, when the window of the recipient's zone opens", d, want)
	}
	moved := replace("--ref", "a-1", "--to", "+4512340009")
	c.must("due", moved.JobID, "--within", "100h", "--json").json(&d)
	if want := day.Add(27*time.Hour + 30*time.Minute); d.Due != 1 || !d.First[0].At.Equal(want) || d.First[0].To != "4512340009" {
		t.Errorf("another number: %+v, want it at %s", d, want)
	}
	got := c.found(job)
	if got["4512340001"].Status != "cancelled" || got["4512340002"].Status != "cancelled" || got["4512340003"].Status != "queued" {
		t.Errorf("the old job: %+v", got)
	}
	for name, args := range map[string][]string{
		"NothingElse": {"--ref", "a-3"}, "NoNumber": {"--ref", "a-3", "--to", "12"}, "Past": {"--ref", "a-3", "--at", "2020-01-01T09:00:00Z"},
		"NoField": {"--ref", "a-3", "--set", "shoe=43"}, "NoValue": {"--ref", "a-3", "--set", "name"},
	} {
		if a := c.run(append([]string{"replace", job}, args...)...); a.code != exitInvalid {
			t.Errorf("%s: exit status %d, %s", name, a.code, a.stderr)
		}
	}
	if a := c.run("replace", job, "--ref", "a-9", "--to", "+4512340009"); a.code != exitFailed || !strings.Contains(a.stderr, `no recipient of the job has the ref "a-9"`) {
		t.Errorf("nobody's ref: exit status %d, %s", a.code, a.stderr)
	}
	if got := c.found(job)["4512340003"].Status; got != "queued" {
		t.Errorf("whoever could not be replaced is %s", got)
	}
	sent := strings.TrimSpace(c.must("send", "--via", "gatewayapi", "--from", "Acme", "--text", "Hi", "--to", "12125550100").stdout)
	if a := c.run("replace", sent, "--ref", "a-9", "--to", "+4512340009"); a.code != exitFailed {
		t.Errorf("a job without refs: exit status %d", a.code)
	}
}

func TestReplace_NotAfterItWasSent(t *testing.T) {
	c := newCLI(t)
	var r enqueue.Receipt
	c.must("import", c.write("list.csv", "to,ref\n12125550100,a-1\n12125550101,a-2\n12125550102,a-2\n"), "--via", "gatewayapi", "--from", "Acme", "--text", "Hi", "--json").json(&r)
	if a := c.run("replace", r.JobID, "--ref", "a-2", "--to", "12125550109"); a.code != exitFailed || !strings.Contains(a.stderr, "several") {
		t.Errorf("a ref of two: exit status %d, %s", a.code, a.stderr)
	}
	c.completes(r.JobID)
	if a := c.run("replace", r.JobID, "--ref", "a-1", "--to", "12125550109"); a.code != exitFailed || !strings.Contains(a.stderr, "not queued any more") {
		t.Errorf("exit status %d, %s", a.code, a.stderr)
	}
	if n := len(c.sim("gatewayapi").Messages()); n != 3 {
		t.Errorf("the gateway took %d messages", n)
	}
}
