// Package world drives the built binary as an operator does, for tests: commands that are run to their end, and roles that
// are started and end by signals.
package world

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/volleysms/volley/enqueue"
)

// Patience is how long a test waits for what must happen; it is never waited for when things are well.
const Patience = 2 * time.Minute

// builds are the binaries of this process's tests, by the linker's flags.
var builds struct {
	mu   sync.Mutex
	dir  string
	made map[string]string
}

// Main runs the tests of a package that uses Binary, removes the binaries, and exits. It is what TestMain calls.
func Main(m *testing.M) {
	code := m.Run()
	if builds.dir != "" {
		_ = os.RemoveAll(builds.dir)
	}
	os.Exit(code)
}

// Binary builds cmd/volley, once for all tests of a process, and returns its path.
func Binary(t testing.TB) string {
	t.Helper()
	return BinaryOf(t, "")
}

// BinaryOf is Binary with flags for the linker.
func BinaryOf(t testing.TB, ldflags string) string {
	t.Helper()
	builds.mu.Lock()
	defer builds.mu.Unlock()
	if path, ok := builds.made[ldflags]; ok {
		return path
	}
	if builds.dir == "" {
		dir, err := os.MkdirTemp("", "volley-e2e-")
		if err != nil {
			t.Fatal(err)
		}
		builds.dir, builds.made = dir, map[string]string{}
	}
	path := filepath.Join(builds.dir, fmt.Sprintf("volley-%d", len(builds.made)))
	cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags", ldflags, "-o", path, "github.com/volleysms/volley/cmd/volley")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0") // as make build does it
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("cmd/volley does not build: %v\n%s", err, out)
	}
	builds.made[ldflags] = path
	return path
}

// Operator runs volley with one configuration. Its methods fail the test when what they do can't be done, and so belong
// to the test's own goroutine.
type Operator struct {
	T testing.TB
	// Volley is the binary, Config the path of the configuration.
	Volley, Config string
	// Said, when set, is told all that a command wrote, to standard output and standard error.
	Said func(args []string, stdout, stderr string)
}

// New returns an Operator with the configuration that yaml is.
func New(t testing.TB, yaml string) *Operator {
	t.Helper()
	o := &Operator{T: t, Volley: Binary(t)}
	o.Config = o.Write("volley.yaml", yaml)
	return o
}

// Write puts a file into a folder that goes with the test, and returns its path.
func (o *Operator) Write(name, content string) string {
	o.T.Helper()
	path := filepath.Join(o.T.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		o.T.Fatal(err)
	}
	return path
}

// Run runs a command to its end and returns its exit status and outputs.
func (o *Operator) Run(args ...string) (code int, stdout, stderr string) {
	o.T.Helper()
	cmd := exec.CommandContext(o.T.Context(), o.Volley, append(args, "--config", o.Config)...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		o.T.Fatal(err)
	}
	if o.Said != nil {
		o.Said(args, out.String(), errs.String())
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// JSON runs a command that must succeed and reads its answer into v.
func (o *Operator) JSON(v any, args ...string) {
	o.T.Helper()
	code, out, errs := o.Run(append(args, "--json")...)
	if code != 0 {
		o.T.Fatalf("volley %s: exit status %d: %s%s", args[0], code, errs, out)
	}
	if err := json.Unmarshal([]byte(out), v); err != nil {
		o.T.Fatalf("volley %s: %v in %s", args[0], err, out)
	}
}

// Status is the state of a job.
func (o *Operator) Status(job string) enqueue.Status {
	o.T.Helper()
	var s enqueue.Status
	o.JSON(&s, "status", job)
	return s
}

// Completed waits until a job is completed.
func (o *Operator) Completed(job string) enqueue.Status {
	o.T.Helper()
	var s enqueue.Status
	o.Eventually("job "+job+" to be completed", func() bool {
		s = o.Status(job)
		return s.State == enqueue.Completed
	})
	return s
}

// Outcomes are those of a job, by number; no number is in them twice.
func (o *Operator) Outcomes(job string) map[string]enqueue.Outcome {
	o.T.Helper()
	code, out, errs := o.Run("outcomes", job, "--format", "ndjson")
	if code != 0 {
		o.T.Fatalf("volley outcomes: exit status %d: %s", code, errs)
	}
	found := map[string]enqueue.Outcome{}
	for d := json.NewDecoder(strings.NewReader(out)); d.More(); {
		var one enqueue.Outcome
		if err := d.Decode(&one); err != nil {
			o.T.Fatal(err)
		}
		if _, twice := found[one.To]; twice {
			o.T.Errorf("job %s has %q twice", job, one.To)
		}
		found[one.To] = one
	}
	return found
}

// Eventually waits until done says yes; what names it for the failure when it never does.
func (o *Operator) Eventually(what string, done func() bool) {
	o.T.Helper()
	for end := time.Now().Add(Patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if done() {
			return
		}
	}
	o.T.Fatalf("waited in vain for %s", what)
}
