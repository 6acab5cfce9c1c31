package faults_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/volleysms/volley/e2e/world"
	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/redistest"
)

// What a campaign of a million recipients may take, in bytes.
const (
	mostOfAProcess = 200 << 20
	mostOfRedis    = 150 << 20
)

// TestCampaignsStaySmall sends a campaign with two personal fields, at once, through a gateway of each kind that answers at
// once. Neither the importer nor the worker nor Redis takes more memory than a campaign of a million may, nor does the export
// of all outcomes; and it is paused, resumed and looked at on its way. A second one is cancelled. How long each command takes
// is told, and not asserted.
func TestCampaignsStaySmall(t *testing.T) {
	if size.large < 100_000 {
		t.Parallel() // a large one has the machine for itself
	}
	for _, kind := range []struct{ provider, settings string }{
		{"gatewayapi", "concurrency: 8"},
		{"mttm", "operation: sendbatch, concurrency: 8"},
		{"mgage", "concurrency: 32"},
		{"ogangi", "concurrency: 32"},
	} {
		t.Run(kind.provider, func(t *testing.T) { staysSmall(t, kind.provider, kind.settings) })
	}
}

func staysSmall(t *testing.T, provider, settings string) {
	addr := redistest.Start(t)
	rdb := redis.NewClient(&redis.Options{Addr: addr})
	defer rdb.Close()
	o := world.New(t, fmt.Sprintf("redis: {url: 'redis://%s/0'}\naccounts:\n  one: %s\n", addr, simulated(t, provider, settings)))
	producer, err := enqueue.NewFromRedis(rdb, enqueue.Options{})
	if err != nil {
		t.Fatal(err)
	}
	file := rowsFile(t, size.large)
	args := []string{"import", file, "--via", "one", "--from", sender, "--text", "Hi {{name}} in {{city}}"}

	worker := o.Start("worker")
	o.Eventually("the worker", func() bool { return strings.Contains(worker.Log(), "worker is ready") })
	began := time.Now()
	importer := largest(t, o.Start(append(args, "--label", "first")...))
	imported := time.Since(began)
	job := labelled(t, producer, "first")
	status := func() enqueue.Status {
		s, err := producer.Status(t.Context(), job)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	third := func() bool { c := status().Counts; return c.Queued+c.Sending < int64(size.large)*2/3 }
	within(t, "a third to be sent", third)
	var took []string
	command := func(args ...string) {
		began := time.Now()
		if code, out, errs := o.Run(args...); code != 0 && status().State != enqueue.Completed {
			t.Errorf("volley %s: exit status %d: %s%s", args[0], code, out, errs)
		}
		took = append(took, fmt.Sprintf("%s %d ms", args[0], time.Since(began).Milliseconds()))
	}
	command("pause", job)
	command("status", job)
	command("resume", job)
	command("status", job)
	within(t, "the campaign to be completed", func() bool { return status().State == enqueue.Completed })
	ended := time.Since(began)
	if c := status().Counts; c.Accepted != int64(size.large) {
		t.Errorf("counts %+v", c)
	}
	info, err := rdb.Info(t.Context(), "memory").Result()
	if err != nil {
		t.Fatal(err)
	}
	store := int64(after(info, "used_memory_peak:"))
	n, exporter := outcomes(t, o, job)
	if n != size.large {
		t.Errorf("%d outcomes of %d", n, size.large)
	}
	workers := worker.Peak()
	for what, peak := range map[string]int64{"importer": importer, "worker": workers, "export": exporter} {
		if peak <= 0 || peak > mostOfAProcess {
			t.Errorf("the %s took %d MB", what, peak>>20)
		}
	}
	if store <= 0 || store > mostOfRedis {
		t.Errorf("Redis took %d MB", store>>20)
	}

	if code := o.Start(append(args, "--label", "second", "--again")...).Ended(); code != 0 {
		t.Fatalf("the second import: exit status %d", code)
	}
	job = labelled(t, producer, "second")
	command("cancel", job)
	within(t, "the second campaign to end", func() bool { c := status().Counts; return c.Queued+c.Sending == 0 })
	if code, out, errs := o.Run("verify"); code != 0 {
		t.Errorf("verify: %s%s", out, errs)
	}
	if code := worker.End(syscall.SIGTERM); code != 0 {
		t.Errorf("the worker ends with exit status %d", code)
	}
	t.Logf("%d recipients: imported after %v, ended after %v; importer %d MB, worker %d MB, Redis %d MB, export %d MB; %s", size.large,
		imported.Round(time.Millisecond), ended.Round(time.Millisecond), importer>>20, workers>>20, store>>20, exporter>>20, strings.Join(took, ", "))
}

// simulated starts a gateway in a process of its own, and returns the account in the form of the configuration.
func simulated(t *testing.T, provider, settings string) string {
	t.Helper()
	o := world.New(t, "")
	p := o.Start("simulate", "--json")
	var all []struct {
		Provider string            `json:"provider"`
		BaseURL  string            `json:"base_url"`
		Account  map[string]string `json:"account"`
	}
	o.Eventually("the simulated gateways", func() bool { return json.Unmarshal([]byte(p.Log()), &all) == nil })
	for _, g := range all {
		if g.Provider != provider {
			continue
		}
		var b strings.Builder
		fmt.Fprintf(&b, "{base_url: %q", g.BaseURL)
		for k, v := range g.Account {
			fmt.Fprintf(&b, ", %s: %q", k, v)
		}
		return b.String() + ", timeout: 1m, " + settings + "}"
	}
	t.Fatalf("nobody simulates %s", provider)
	return ""
}

// rowsFile writes a campaign of n rows.
func rowsFile(t *testing.T, n int) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "campaign.csv")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriter(f)
	fmt.Fprintln(w, "to,name,city")
	for i := range n {
		fmt.Fprintf(w, "%s,Reader %d,Town %d\n", number(i), i, i%977)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return name
}

// largest waits for the end of a process, which must be a good one, and returns the most memory that it had.
func largest(t *testing.T, p *world.Process) (peak int64) {
	t.Helper()
	for ; !p.Gone(); time.Sleep(5 * time.Millisecond) {
		peak = max(peak, p.Peak())
	}
	if code := p.Ended(); code != 0 {
		t.Fatalf("exit status %d: %s", code, p.Log())
	}
	return peak
}

// labelled is the job with a label.
func labelled(t *testing.T, c *enqueue.Client, label string) string {
	t.Helper()
	ids, err := c.Labelled(t.Context(), label)
	if err != nil || len(ids) != 1 {
		t.Fatalf("the jobs with the label %q are %v, %v", label, ids, err)
	}
	return ids[0]
}

// outcomes exports those of a job, and returns how many there are and the most memory that it took.
func outcomes(t *testing.T, o *world.Operator, job string) (n int, peak int64) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), o.Volley, "outcomes", job, "--format", "ndjson", "--config", o.Config)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if n++; n%1000 == 1 {
			peak = max(peak, world.PeakOf(cmd.Process.Pid))
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	return n, peak
}
