package world

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Process is a command that runs beside the test.
type Process struct {
	t    testing.TB
	cmd  *exec.Cmd
	log  string // the file with what it writes to standard error
	done chan struct{}
}

// Start starts a role. It is killed at the end of the test, if it is still there.
func (o *Operator) Start(args ...string) *Process {
	o.T.Helper()
	// The process outlives the test's context, which ends before the test's clean-up.
	cmd := exec.CommandContext(context.Background(), o.Volley, append(args, "--config", o.Config)...)
	p := &Process{t: o.T, cmd: cmd, log: o.Write("stderr.log", ""), done: make(chan struct{})}
	file, err := os.OpenFile(p.log, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		o.T.Fatal(err)
	}
	defer file.Close()
	p.cmd.Stdout, p.cmd.Stderr = file, file
	if err := p.cmd.Start(); err != nil {
		o.T.Fatal(err)
	}
	go func() {
		defer close(p.done)
		_ = p.cmd.Wait() // its exit status is in ProcessState
	}()
	o.T.Cleanup(p.Kill)
	return p
}

// Kill ends the process with SIGKILL and waits for it. Any goroutine may call it, any number of times.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill()
	<-p.done
}

// Signal sends a signal; to a process that has ended it does nothing.
func (p *Process) Signal(sig syscall.Signal) { _ = p.cmd.Process.Signal(sig) }

// Gone reports whether the process has ended.
func (p *Process) Gone() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// Ended waits until the process has ended and returns its exit status: -1 when a signal killed it.
func (p *Process) Ended() int {
	p.t.Helper()
	select {
	case <-p.done:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(Patience):
		p.t.Fatalf("the process does not end; it wrote:\n%s", p.Log())
		return -1
	}
}

// End sends a signal and returns what Ended does.
func (p *Process) End(sig syscall.Signal) int {
	p.t.Helper()
	p.Signal(sig)
	return p.Ended()
}

// Peak is the most memory that the process had so far, in bytes; 0 when it has ended.
func (p *Process) Peak() int64 { return PeakOf(p.cmd.Process.Pid) }

// PeakOf is the most memory that a process had so far, in bytes; 0 when it has ended.
func PeakOf(pid int) int64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, after, _ := strings.Cut(string(b), "VmHWM:")
	var kb int64
	_, _ = fmt.Sscan(after, &kb) // there is none when it has ended
	return kb << 10
}

// FreeAddr is an address on the loopback that nobody listens on, for a server that is to be found there.
func FreeAddr(t testing.TB) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// Log is what the process wrote so far.
func (p *Process) Log() string {
	p.t.Helper()
	b, err := os.ReadFile(p.log)
	if err != nil {
		p.t.Fatal(err)
	}
	return string(b)
}
