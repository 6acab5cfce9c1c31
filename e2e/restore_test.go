package e2e_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/redistest"
)

// TestRestore backs Redis up in the middle of a campaign, lets the campaign end, and starts another Redis from the copy. What
// was queued then has been sent since: nothing is sent again, and everybody in doubt is known.
func TestRestore(t *testing.T) {
	w := newFour(t, "latency:20ms")
	file := w.Write("campaign.csv", campaign())
	var r, later enqueue.Receipt
	w.JSON(&r, "import", file, "--via", "mttm", "--from", from, "--text", "Dear {{name}}, "+marker)
	w.JSON(&later, "send", "--via", "mgage", "--from", from, "--text", marker, "--to", number(1), "--delay", "1h")
	gateway := w.gateways["mttm"]
	worker := w.Start("worker")
	w.Eventually("some to be sent", func() bool { return gateway.Stats().Taken >= 200 })

	w.must("backup", "begin")
	copied := copyOf(t, w.redis)
	w.must("backup", "end")
	if c := w.Completed(r.JobID).Counts; c.Accepted != valid {
		t.Fatalf("counts %+v", c)
	}
	if code := worker.End(syscall.SIGTERM); code != 0 {
		t.Errorf("the worker ends with exit status %d", code)
	}

	restored := redistest.New(t, "--dir", copied)
	yaml, err := os.ReadFile(w.Config)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(w.Config, []byte(strings.ReplaceAll(string(yaml), w.redis, restored.Addr)), 0o600); err != nil {
		t.Fatal(err)
	}
	before := w.Status(r.JobID).Counts
	if before.Queued == 0 {
		t.Fatalf("nothing was queued when the copy was made: %+v", before)
	}
	worker = w.Start("worker")
	w.Eventually("the worker to say why it waits", func() bool { return strings.Contains(worker.Log(), "nothing is sent until volley settle") })

	var would, did settled
	w.JSON(&would, "settle", "--dry-run")
	doubt := before.Queued + before.Sending
	if would.Recipients != doubt || len(would.Jobs) != 1 || would.Jobs[0].JobID != r.JobID || would.Backup == nil {
		t.Errorf("it would settle %+v; %d were queued or sending", would, doubt)
	}
	if code, _, errs := w.Run("backup", "begin"); code != 1 || !strings.Contains(errs, "volley settle") {
		t.Errorf("another backup can begin: exit status %d and %q", code, errs)
	}
	w.JSON(&did, "settle")
	if did.Recipients != doubt {
		t.Errorf("it settled %+v, and would have settled %+v", did, would)
	}
	w.Eventually("the worker to go on", func() bool { return strings.Contains(worker.Log(), "worker is ready") })
	c := w.Completed(r.JobID).Counts
	if c.Unknown != doubt || c.Accepted != before.Accepted || c.Queued+c.Sending != 0 {
		t.Errorf("counts %+v, before %+v", c, before)
	}
	for to, n := range w.taken("mttm") {
		if n != 1 {
			t.Errorf("%s was taken %d times", to, n)
		}
	}
	if s := w.Status(later.JobID); s.Counts.Queued != 1 || s.State != enqueue.Scheduled {
		t.Errorf("the job whose time is to come: %+v", s)
	}
	for _, o := range w.Outcomes(r.JobID) {
		if o.Status == "unknown" && !strings.Contains(o.Detail, "backup") {
			t.Fatalf("%+v does not say why", o)
		}
	}
	w.must("verify")
	if code := worker.End(syscall.SIGTERM); code != 0 {
		t.Errorf("the worker ends with exit status %d", code)
	}
}

// copyOf copies what is in a Redis into a folder that another one can start from.
func copyOf(t *testing.T, addr string) (dir string) {
	t.Helper()
	rdb := redis.NewClient(&redis.Options{Addr: addr})
	defer rdb.Close()
	if err := rdb.Save(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	from, err := rdb.ConfigGet(t.Context(), "dir").Result()
	if err != nil {
		t.Fatal(err)
	}
	dump, err := os.ReadFile(filepath.Join(from["dir"], "dump.rdb"))
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "dump.rdb"), dump, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// settled is what volley settle answers.
type settled struct {
	Backup     *string `json:"backup"`
	Recipients int64   `json:"recipients"`
	Jobs       []struct {
		JobID string `json:"job_id"`
	} `json:"jobs"`
}

// must runs a command that has to succeed.
func (w *four) must(args ...string) {
	w.T.Helper()
	if code, out, errs := w.Run(args...); code != 0 {
		w.T.Fatalf("volley %s: exit status %d: %s%s", strings.Join(args, " "), code, errs, out)
	}
}
