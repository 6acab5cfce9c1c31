package e2e_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/redistest"
	"github.com/volleysms/volley/providers/providertest/gateway"
)

// patience is how long a test waits for what must happen; it is never waited for when things are well.
const patience = 60 * time.Second

var build struct {
	once sync.Once
	dir  string
	err  error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if build.dir != "" {
		_ = os.RemoveAll(build.dir)
	}
	os.Exit(code)
}

// binary builds cmd/volley, once for all tests, and returns its path.
func binary(t *testing.T) string {
	t.Helper()
	build.once.Do(func() {
		if build.dir, build.err = os.MkdirTemp("", "volley-e2e-"); build.err != nil {
			return
		}
		out, err := exec.Command("go", "build", "-o", filepath.Join(build.dir, "volley"), "../cmd/volley").CombinedOutput()
		if err != nil {
			build.err = fmt.Errorf("%w\n%s", err, out)
		}
	})
	if build.err != nil {
		t.Fatalf("cmd/volley does not build: %v", build.err)
	}
	return filepath.Join(build.dir, "volley")
}

// world is a Redis, the four simulated gateways with an account at each, and a configuration of them.
type world struct {
	t      *testing.T
	volley string
	redis  string
	config string
	// gateways by their provider, which is the account's name too.
	gateways map[string]*gateway.Gateway
}

// newWorld starts it. Faults are in the form of volley simulate --fault.
func newWorld(t *testing.T, faults ...string) *world {
	t.Helper()
	w := &world{t: t, volley: binary(t), redis: redistest.Start(t), gateways: map[string]*gateway.Gateway{}}
	var o gateway.Options
	for _, f := range faults {
		parsed, err := gateway.ParseFault(f)
		if err != nil {
			t.Fatal(err)
		}
		o.Faults = append(o.Faults, parsed)
	}
	for _, d := range []gateway.Dialect{gateway.GatewayAPI{}, gateway.MGage{}, gateway.MTTM{}, gateway.Ogangi{}} {
		g := gateway.New(d, o)
		if err := g.Start(""); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = g.Close() })
		w.gateways[d.Provider()] = g
	}
	w.config = w.write("volley.yaml", w.yaml())
	return w
}

// yaml is the configuration.
func (w *world) yaml() string {
	var b strings.Builder
	fmt.Fprintf(&b, "redis:\n  url: redis://%s/0\naccounts:\n", w.redis)
	for _, name := range slices.Sorted(maps.Keys(w.gateways)) {
		g := w.gateways[name]
		fmt.Fprintf(&b, "  %s:\n    base_url: %s\n", name, g.URL())
		for k, v := range g.Dialect().Account() {
			fmt.Fprintf(&b, "    %s: %q\n", k, v)
		}
	}
	b.WriteString("retry: {initial: 100ms, max: 1s}\n")
	return b.String()
}

// write puts a file into a folder that goes with the test, and returns its path.
func (w *world) write(name, content string) string {
	w.t.Helper()
	path := filepath.Join(w.t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return path
}

// run runs a command to its end and returns its exit status and outputs.
func (w *world) run(args ...string) (code int, stdout, stderr string) {
	w.t.Helper()
	cmd := exec.CommandContext(w.t.Context(), w.volley, append(args, "--config", w.config)...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		w.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// json runs a command that must succeed and reads its answer into v.
func (w *world) json(v any, args ...string) {
	w.t.Helper()
	code, out, errs := w.run(append(args, "--json")...)
	if code != 0 {
		w.t.Fatalf("volley %s: exit status %d: %s", args[0], code, errs)
	}
	if err := json.Unmarshal([]byte(out), v); err != nil {
		w.t.Fatalf("volley %s: %v in %s", args[0], err, out)
	}
}

// status is the state of a job.
func (w *world) status(job string) enqueue.Status {
	w.t.Helper()
	var s enqueue.Status
	w.json(&s, "status", job)
	return s
}

// completed waits until a job is completed.
func (w *world) completed(job string) enqueue.Status {
	w.t.Helper()
	var s enqueue.Status
	w.eventually("job "+job+" to be completed", func() bool {
		s = w.status(job)
		return s.State == enqueue.Completed
	})
	return s
}

// outcomes are those of a job, by number; no number is in them twice.
func (w *world) outcomes(job string) map[string]enqueue.Outcome {
	w.t.Helper()
	code, out, errs := w.run("outcomes", job, "--format", "ndjson")
	if code != 0 {
		w.t.Fatalf("volley outcomes: exit status %d: %s", code, errs)
	}
	found := map[string]enqueue.Outcome{}
	for d := json.NewDecoder(strings.NewReader(out)); d.More(); {
		var o enqueue.Outcome
		if err := d.Decode(&o); err != nil {
			w.t.Fatal(err)
		}
		if _, twice := found[o.To]; twice {
			w.t.Errorf("job %s has %q twice", job, o.To)
		}
		found[o.To] = o
	}
	return found
}

// taken is how often a gateway took each number.
func (w *world) taken(provider string) map[string]int {
	n := map[string]int{}
	for _, m := range w.gateways[provider].Messages() {
		n[m.To.String()]++
	}
	return n
}

func (w *world) eventually(what string, done func() bool) {
	w.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if done() {
			return
		}
	}
	w.t.Fatalf("waited in vain for %s", what)
}

// process is a command that runs beside the test.
type process struct {
	w    *world
	cmd  *exec.Cmd
	log  string // the file with what it writes to standard error
	done chan struct{}
}

// start starts a role. It is killed at the end of the test, if it is still there.
func (w *world) start(args ...string) *process {
	w.t.Helper()
	p := &process{
		w: w, cmd: exec.Command(w.volley, append(args, "--config", w.config)...), log: w.write("stderr.log", ""),
		done: make(chan struct{}),
	}
	file, err := os.OpenFile(p.log, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	defer file.Close()
	p.cmd.Stderr = file
	if err := p.cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	go func() {
		defer close(p.done)
		_ = p.cmd.Wait() // its exit status is in ProcessState
	}()
	w.t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.done
	})
	return p
}

// end sends a signal and returns the exit status: -1 when the signal killed it.
func (p *process) end(sig syscall.Signal) int {
	p.w.t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		p.w.t.Fatal(err)
	}
	select {
	case <-p.done:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(patience):
		p.w.t.Fatalf("the process does not end; it wrote:\n%s", p.stderr())
		return -1
	}
}

// stderr is what the process wrote to standard error so far.
func (p *process) stderr() string {
	p.w.t.Helper()
	b, err := os.ReadFile(p.log)
	if err != nil {
		p.w.t.Fatal(err)
	}
	return string(b)
}

// discreet fails the test when a log has a credential, one of the words, or a line that is not JSON.
func (w *world) discreet(log string, words ...string) {
	w.t.Helper()
	for _, g := range w.gateways {
		for k, v := range g.Dialect().Account() {
			switch k {
			case "password", "token", "private_key", "public_key", "username":
				words = append(words, v)
			}
		}
	}
	for line := range strings.Lines(log) {
		if !json.Valid([]byte(line)) {
			w.t.Errorf("a line is not JSON: %s", line)
		}
		for _, word := range words {
			if strings.Contains(line, word) {
				w.t.Errorf("the log has %q: %s", word, line)
			}
		}
	}
}
