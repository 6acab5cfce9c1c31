package e2e_test

import (
	"strings"
	"syscall"
	"testing"

	"github.com/volleysms/volley/e2e/world"
	"github.com/volleysms/volley/enqueue"
)

// later makes a build of the next format of this one: what an older program meets during an upgrade.
const later = "-X github.com/volleysms/volley/internal/ledger.format=3"

// TestRollingUpgrade has two builds side by side in a campaign, goes forth and back between them, and then enqueues a job of
// the newer format: the older build leaves it alone and says why.
func TestRollingUpgrade(t *testing.T) {
	w := newFour(t, "latency:20ms")
	next := *w.Operator
	next.Volley = world.BinaryOf(t, later)

	file := w.Write("campaign.csv", campaign())
	var r enqueue.Receipt
	w.JSON(&r, "import", file, "--via", "mttm", "--from", from, "--text", "Dear {{name}}, "+marker)
	gateway := w.gateways["mttm"]
	sent := func(n int64) {
		t.Helper()
		w.Eventually("more to be sent", func() bool { return int64(gateway.Stats().Taken) >= n })
	}
	old := w.Start("worker")
	sent(50)
	for i := range int64(3) {
		upgraded := next.Start("worker")
		sent(150 + 250*i) // both are at work
		if code := old.End(syscall.SIGTERM); code != 0 {
			t.Errorf("the older worker ends with exit status %d", code)
		}
		sent(220 + 250*i)
		old = w.Start("worker")
		if code := upgraded.End(syscall.SIGTERM); code != 0 {
			t.Errorf("the newer worker ends with exit status %d", code)
		}
	}
	if c := w.Completed(r.JobID).Counts; c.Accepted != valid || c.Rejected != bad || c.Unknown != 0 {
		t.Errorf("counts %+v", c)
	}
	taken := w.taken("mttm")
	for i := range valid {
		if n := taken[number(i)]; n != 1 {
			t.Errorf("%s was taken %d times", number(i), n)
		}
	}

	// What only the newer build knows.
	var newer enqueue.Receipt
	next.JSON(&newer, "send", "--via", "mgage", "--from", from, "--text", marker, "--to", number(1))
	w.Eventually("the older worker to say that it leaves the job alone", func() bool {
		return strings.Contains(old.Log(), "a batch is left to a newer worker")
	})
	if code, _, errs := w.Run("status", newer.JobID); code != 1 || !strings.Contains(errs, "newer volley") {
		t.Errorf("the older build's status: exit status %d and %q", code, errs)
	}
	for _, args := range [][]string{{"cancel", newer.JobID}, {"retry", newer.JobID, "--unknown"}} {
		if code, _, _ := w.Run(args...); code != 1 {
			t.Errorf("the older build does it: volley %s", strings.Join(args, " "))
		}
	}
	for _, args := range [][]string{{"status"}, {"verify"}} {
		if code, _, errs := w.Run(args...); code != 0 {
			t.Errorf("volley %s: exit status %d and %q", args[0], code, errs)
		}
	}
	if n := len(w.taken("mgage")); n != 0 {
		t.Error("the older worker sent it")
	}
	upgraded := next.Start("worker")
	if c := next.Completed(newer.JobID).Counts; c.Accepted != 1 {
		t.Errorf("counts %+v", c)
	}
	for _, p := range []*world.Process{old, upgraded} {
		if code := p.End(syscall.SIGTERM); code != 0 {
			t.Errorf("exit status %d", code)
		}
	}
}
