package redistest

import (
	"bufio"
	"context"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// Server is a redis-server, or a sentinel, of a test's own. Its methods may be called from one goroutine at a time; it
// ends with the test.
type Server struct {
	// Addr is where it listens, also after a Restart.
	Addr string

	t       testing.TB
	command []string
	ready   string // what its log says when it takes connections
	cmd     *exec.Cmd
	ended   chan struct{}
}

// Kill ends the server with SIGKILL. It may be called on a server that has ended.
func (s *Server) Kill() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Kill()
	<-s.ended
	s.cmd = nil
}

// Restart kills the server if it still runs and starts it again on the same port and folder; it returns when the server
// has read what it kept on disk and takes connections.
func (s *Server) Restart() {
	s.t.Helper()
	s.Kill()
	if said := s.launch(); said != "" {
		s.t.Fatalf("%s did not start again; it said:\n%s", s.Addr, said)
	}
}

// Freeze stops the server where it is: connections stay, and nothing is answered until Thaw.
func (s *Server) Freeze() { _ = s.cmd.Process.Signal(syscall.SIGSTOP) }

// Thaw lets a frozen server go on.
func (s *Server) Thaw() { _ = s.cmd.Process.Signal(syscall.SIGCONT) }

// launch starts the server and reads its log up to the line that says it is ready. It returns what the log said when
// the server ended before that, and "" when it runs.
func (s *Server) launch() (said string) {
	// The server outlives t.Context, which ends before the test's clean-up.
	cmd := exec.CommandContext(context.Background(), s.command[0], s.command[1:]...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err.Error()
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		return err.Error()
	}
	var log strings.Builder
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if strings.Contains(lines.Text(), s.ready) {
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				for lines.Scan() { // so that the server never waits for a reader of its log
				}
				_ = cmd.Wait()
			}()
			s.cmd, s.ended = cmd, ended
			return ""
		}
		log.WriteString(lines.Text() + "\n")
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	return "it ended.\n" + log.String()
}
