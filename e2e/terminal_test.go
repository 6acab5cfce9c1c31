package e2e_test

import (
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"github.com/volleysms/volley/e2e/world"
)

// terminal is one that answers nothing that it is asked, with a program in it.
type terminal struct {
	t     *testing.T
	size  func(rows, columns uint16)
	input func(keys string)
	ended func() int // the exit status
	raw   func() bool

	mu  sync.Mutex
	out strings.Builder
}

func (x *terminal) shown() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.out.String()
}

func inTerminal(t *testing.T, args ...string) *terminal {
	t.Helper()
	outside, inside, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	x := &terminal{t: t}
	x.size = func(rows, columns uint16) {
		if err := pty.Setsize(outside, &pty.Winsize{Rows: rows, Cols: columns}); err != nil {
			t.Fatal(err)
		}
	}
	x.size(24, 100)
	cmd := exec.CommandContext(t.Context(), world.Binary(t), args...)
	cmd.Env = append(cmd.Environ(), "TERM=xterm-256color")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = inside, inside, inside
	cmd.SysProcAttr = &unix.SysProcAttr{Setsid: true, Setctty: true} // so that it hears of a new size, and of Ctrl-C
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var reading sync.WaitGroup
	reading.Go(func() {
		part := make([]byte, 4096)
		for {
			n, err := outside.Read(part)
			if err != nil {
				return
			}
			x.mu.Lock()
			x.out.Write(part[:n])
			x.mu.Unlock()
		}
	})
	x.input = func(keys string) {
		if _, err := outside.WriteString(keys); err != nil {
			t.Fatal(err)
		}
	}
	x.raw = func() bool {
		mode, err := unix.IoctlGetTermios(int(inside.Fd()), unix.TCGETS)
		if err != nil {
			t.Fatal(err)
		}
		return mode.Lflag&(unix.ICANON|unix.ECHO) == 0
	}
	x.ended = sync.OnceValue(func() int {
		_ = cmd.Wait() // its exit status is in ProcessState
		return cmd.ProcessState.ExitCode()
	})
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		x.ended()
		inside.Close()
		reading.Wait() // its last word is read
		outside.Close()
	})
	return x
}

// TestTerminal_IsAskedNothing: a command that prints a line does not wait for a terminal that does not answer.
func TestTerminal_IsAskedNothing(t *testing.T) {
	x := inTerminal(t, "version")
	if code := x.ended(); code != 0 {
		t.Errorf("exit status %d", code)
	}
	w := world.New(t, "")
	w.Eventually("a line", func() bool { return strings.HasSuffix(x.shown(), "\n") })
	if s := x.shown(); strings.Contains(s, "\x1b") || !strings.HasPrefix(s, "volley ") {
		t.Errorf("it wrote %q", s)
	}
}

// TestTop_InATerminal: it writes what has changed and not the whole screen, follows the size, and leaves the terminal as it was.
func TestTop_InATerminal(t *testing.T) {
	const clear, aside, back, cursor = "\x1b[2J", "\x1b[?1049h", "\x1b[?1049l", "\x1b[?25h"
	w := newFour(t)
	x := inTerminal(t, "top", "--every", "200ms", "--config", w.Config)
	w.Eventually("the screen", func() bool { return strings.Contains(x.shown(), "q quits") })
	if !x.raw() {
		t.Error("what is typed is shown")
	}
	first := len(x.shown())
	var r struct {
		JobID string `json:"job_id"`
	}
	w.JSON(&r, "send", "--via", "mttm", "--from", from, "--text", "Hi", "--to", "12125550100", "--label", "greeting")
	w.Eventually("the job", func() bool { return strings.Contains(x.shown()[first:], "greeting") })
	if n := strings.Count(x.shown(), clear); n != 1 {
		t.Errorf("the screen was cleared %d times", n)
	}
	before := len(x.shown())
	x.size(12, 60)
	w.Eventually("the smaller screen", func() bool { return strings.Contains(x.shown()[before:], "WHAT IS WRONG") })
	x.input("\x03")
	if code := x.ended(); code != 0 {
		t.Errorf("exit status %d", code)
	}
	w.Eventually("the screen of before", func() bool {
		_, after, gone := strings.Cut(x.shown(), back)
		return gone && strings.Contains(after, cursor) && !strings.Contains(after, aside)
	})
	if x.raw() {
		t.Error("what is typed is not shown afterwards")
	}
}
