package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/volleysms/volley/providers/providertest/gateway"
)

// cli runs the binary's commands in this process, against a Redis and simulated gateways of its own.
type cli struct {
	t     *testing.T
	redis *miniredis.Miniredis
	sims  simulators
	// file is the configuration, and dir where it is.
	file, dir string
}

// newCLI starts what the commands need. faults are as --fault takes them.
func newCLI(t *testing.T, faults ...string) *cli {
	t.Helper()
	c := &cli{t: t, redis: miniredis.RunT(t), dir: t.TempDir()}
	var err error
	if c.sims, err = startSimulators("127.0.0.1:0", false, faults, 0, gateway.ReportPlan{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.sims.close() })
	c.file = c.write("volley.yaml", c.sims.yaml("redis://"+c.redis.Addr()+"/0"))
	return c
}

// write puts a file into the test's folder.
func (c *cli) write(name, content string) string {
	c.t.Helper()
	path := filepath.Join(c.dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		c.t.Fatal(err)
	}
	return path
}

// answer is what a command said.
type answer struct {
	t              *testing.T
	code           int
	stdout, stderr string
}

// run runs a command to its end.
func (c *cli) run(args ...string) answer {
	c.t.Helper()
	return c.pipe("", args...)
}

// pipe is run with a standard input.
func (c *cli) pipe(stdin string, args ...string) answer {
	c.t.Helper()
	var out, errs bytes.Buffer
	code := run(c.t.Context(), append(args, "--config", c.file), strings.NewReader(stdin), &out, &errs)
	return answer{c.t, code, out.String(), errs.String()}
}

// must is run for a command that has to succeed.
func (c *cli) must(args ...string) answer {
	c.t.Helper()
	a := c.run(args...)
	if a.code != exitDone {
		c.t.Fatalf("volley %s: exit status %d: %s", strings.Join(args, " "), a.code, a.stderr)
	}
	return a
}

// json reads the answer into v. It has to be one JSON value and nothing else.
func (a answer) json(v any) {
	a.t.Helper()
	d := json.NewDecoder(strings.NewReader(a.stdout))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		a.t.Fatalf("standard output is not the JSON that is documented: %v\n%s", err, a.stdout)
	}
	if d.More() {
		a.t.Fatalf("standard output has more than one JSON value:\n%s", a.stdout)
	}
}

// untouched fails the test when something was written to Redis.
func (c *cli) untouched() {
	c.t.Helper()
	if keys := c.redis.Keys(); len(keys) > 0 {
		c.t.Errorf("Redis has %q, and should have nothing", keys)
	}
}

// safeBuffer is a bytes.Buffer for several goroutines.
type safeBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// running is a command that goes on until it is stopped.
type running struct {
	t              *testing.T
	stdout, stderr safeBuffer
	cancel         context.CancelFunc
	code           chan int
}

// start runs a command beside the test, which stops it at the latest at its end.
func (c *cli) start(args ...string) *running {
	c.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{t: c.t, cancel: cancel, code: make(chan int, 1)}
	go func() {
		r.code <- run(ctx, append(args, "--config", c.file), strings.NewReader(""), &r.stdout, &r.stderr)
	}()
	c.t.Cleanup(func() { cancel() })
	return r
}

// says waits until text is in one of the outputs.
func (r *running) says(text string) {
	r.t.Helper()
	eventually(r.t, "the command to say "+text, func() bool {
		return strings.Contains(r.stdout.String(), text) || strings.Contains(r.stderr.String(), text)
	})
}

// stop stops the command and returns its exit status.
func (r *running) stop() int {
	r.t.Helper()
	r.cancel()
	select {
	case code := <-r.code:
		return code
	case <-time.After(patience):
		r.t.Fatalf("the command does not end; it said:\n%s", r.stderr.String())
		return -1
	}
}

// patience is how long a test waits for what must happen; it is never waited for when things are well.
const patience = 30 * time.Second

func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if done() {
			return
		}
	}
	t.Fatalf("waited in vain for %s", what)
}
