package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/lint"
)

// TestCampaigns_FromStartToEnd does what docs/campaigns.md does, in small. After each step the books are clean and every count
// adds up.
func TestCampaigns_FromStartToEnd(t *testing.T) {
	w := newFour(t, "latency:200ms", "refuse:12")
	w.Start("worker")
	file := w.Write("campaign.csv", campaign())
	adds := func(t *testing.T, job string, total int64) enqueue.Status {
		t.Helper()
		s := w.Status(job)
		c := s.Counts
		sum := c.Queued + c.Sending + c.Accepted + c.Delivered + c.Undelivered + c.Rejected + c.Failed + c.Expired + c.Cancelled + c.Suppressed + c.Unknown
		if c.Total != total || sum != total {
			t.Errorf("the counts %+v sum up to %d, want %d", c, sum, total)
		}
		if code, out, errs := w.Run("verify", job); code != 0 {
			t.Errorf("verify: %s%s", out, errs)
		}
		return s
	}
	must := func(args ...string) string {
		t.Helper()
		code, out, errs := w.Run(args...)
		if code != 0 {
			t.Fatalf("volley %s: exit status %d: %s", strings.Join(args, " "), code, errs)
		}
		return out
	}

	// Looked at before: lint enqueues nothing, and says what the import does.
	flags := []string{file, "--via", "mttm", "--from", from, "--text", "Dear {{name}}"}
	var seen lint.Report
	w.JSON(&seen, append([]string{"lint"}, flags...)...)
	if jobs := must("status", "--json"); strings.Contains(jobs, "job_id") {
		t.Errorf("lint enqueued: %s", jobs)
	}
	var first enqueue.Receipt
	w.JSON(&first, append(append([]string{"import"}, flags...), "--label", "summer", "--by", "ann")...)
	if seen.Send != first.Queued || seen.Refused != first.RefusedCount || seen.Duplicates != first.Duplicates || first.Queued != valid {
		t.Errorf("lint saw %+v, and the import did %+v", seen, first)
	}
	gateway := w.gateways["mttm"]

	// Paused at a third: no further call is made.
	w.Eventually("a third to be sent", func() bool { return gateway.Stats().Taken >= valid/3 })
	must("pause", "--label", "summer", "--reason", "wrong price", "--by", "ann")
	w.Eventually("what is on the wire to end", func() bool { return w.Status(first.JobID).Counts.Sending == 0 })
	at := gateway.Stats().Taken
	if s := adds(t, first.JobID, valid+bad); s.State != enqueue.Paused || s.Counts.Queued == 0 || s.Reason != "wrong price" {
		t.Errorf("paused: %+v", s)
	}
	if out := must("why", first.JobID); !strings.Contains(out, "by ann") || !strings.Contains(out, "wrong price") {
		t.Errorf("why: %s", out)
	}
	if n := gateway.Stats().Taken; n != at {
		t.Errorf("%d calls were made after the pause", n-at)
	}

	// Some opt out meanwhile.
	var out []string
	for to, o := range w.Outcomes(first.JobID) {
		if o.Status == "queued" && !strings.HasSuffix(to, "12") && len(out) < 3 {
			out = append(out, to)
		}
	}
	must(append([]string{"suppress", "add", "--reason", "asked by phone"}, out...)...)

	w.faults("refuse:12")
	must("resume", first.JobID, "--by", "ann")
	w.Completed(first.JobID)
	if c := adds(t, first.JobID, valid+bad).Counts; c.Accepted != valid-13 || c.Rejected != bad+10 || c.Suppressed != 3 {
		t.Errorf("counts %+v", c)
	}
	for _, to := range out {
		if n := w.taken("mttm")[to]; n > 0 {
			t.Errorf("%s opted out, and was taken %d times", to, n)
		}
	}

	// The importer of a second campaign is killed in the middle, and run again.
	const people = 5000
	var b strings.Builder
	b.WriteString("to,name\n")
	for i := range people {
		fmt.Fprintf(&b, "45000%05d,Reader%d\n", i, i)
	}
	half := b.String()[:b.Len()*3/5]
	pipe := filepath.Join(t.TempDir(), "second.csv")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"--via", "gatewayapi", "--from", from, "--text", "Hi {{name}}", "--key", "second", "--label", "second", "--at", "2h"}
	importer := w.Start(append([]string{"import", pipe}, args...)...)
	in, err := os.OpenFile(pipe, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := in.WriteString(half); err != nil {
		t.Fatal(err)
	}
	importer.Kill()
	_ = in.Close()
	must("pause", "--label", "summer", "--by", "ann") // nobody is there to be paused: that is no error
	var second, again enqueue.Receipt
	whole := w.Write("second-whole.csv", b.String())
	w.JSON(&second, append([]string{"import", whole}, args...)...)
	w.JSON(&again, append([]string{"import", whole}, args...)...)
	if second.Queued != people || !again.Duplicate || again.JobID != second.JobID {
		t.Errorf("got %+v, and then %+v", second, again)
	}
	adds(t, second.JobID, people)
	if out := must("why", second.JobID); !strings.Contains(out, "scheduled") {
		t.Errorf("why: %s", out)
	}

	// It is cancelled.
	must("cancel", "--label", "second", "--reason", "not this week")
	if s := adds(t, second.JobID, people); s.State != enqueue.Cancelled || s.Counts.Cancelled != people {
		t.Errorf("cancelled: %+v", s)
	}

	// Who did not get the first is exported, and sent to.
	missed := w.Write("missed.csv", must("outcomes", first.JobID, "--status", "rejected,failed,undelivered,unknown"))
	w.faults()
	before := w.taken("mttm")
	var third enqueue.Receipt
	w.JSON(&third, "import", missed, "--via", "mttm", "--from", from, "--text", "Dear reader")
	if third.Queued != 10 || third.RefusedCount != bad {
		t.Errorf("got %+v", third)
	}
	if c := w.Completed(third.JobID).Counts; c.Accepted != 10 {
		t.Errorf("counts %+v", c)
	}
	adds(t, third.JobID, 10+bad)
	for to, n := range w.taken("mttm") {
		if n != 1 || before[to] == 0 != strings.HasSuffix(to, "12") {
			t.Errorf("%s was taken %d times, %d before", to, n, before[to])
		}
	}
	if out := must("status", first.JobID, "--history"); strings.Count(out, " ann ") != 3 {
		t.Errorf("the history: %s", out)
	}
	if code, out, errs := w.Run("verify"); code != 0 {
		t.Errorf("verify: %s%s", out, errs)
	}
}
