// Package redistest starts real Redis servers for tests.
package redistest

import (
	"bufio"
	"context"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// ports is how many ports are tried: another program may take one between its choice and the server's start.
const ports = 5

// Start runs a redis-server of its own on a free loopback port, with nothing kept on disk, and returns its address once
// it takes connections. The server ends with the test. args are added to its command line, such as "--maxmemory", "64mb".
//
// When redis-server isn't installed, or doesn't start, the test fails and says so.
func Start(t testing.TB, args ...string) (addr string) {
	t.Helper()
	program, err := exec.LookPath("redis-server")
	if err != nil {
		t.Fatalf("redis-server is not installed: run the tests with `make test`, which installs it (%v)", err)
	}
	dir := t.TempDir()
	var said string
	for range ports {
		if addr, err = freeAddr(); err != nil {
			t.Fatalf("no free loopback port: %v", err)
		}
		_, port, _ := net.SplitHostPort(addr)
		// The server outlives t.Context, which ends before the test's clean-up.
		cmd := exec.CommandContext(context.Background(), program, append([]string{
			"--bind", "127.0.0.1", "--port", port, "--dir", dir, "--save", "", "--appendonly", "no", "--logfile", "",
		}, args...)...)
		var ready bool
		if ready, said = run(t, cmd); ready {
			return addr
		}
		if !strings.Contains(said, "Address already in use") {
			break
		}
	}
	t.Fatalf("redis-server did not start; it said:\n%s", said)
	return ""
}

// run starts the server and reads its log up to the line with which it opens its port. It returns what the log said when
// the server ended before that.
func run(t testing.TB, cmd *exec.Cmd) (ready bool, said string) {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatalf("redis-server: %v", err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		return false, err.Error()
	}
	var log strings.Builder
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "Ready to accept connections") {
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				for lines.Scan() { // so that the server never waits for a reader of its log
				}
				_ = cmd.Wait()
			}()
			t.Cleanup(func() {
				_ = cmd.Process.Kill()
				<-ended
			})
			return true, ""
		}
		log.WriteString(lines.Text() + "\n")
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	return false, log.String()
}

func freeAddr() (string, error) {
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return "", err
	}
	defer l.Close()
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(l.Addr().(*net.TCPAddr).Port)), nil
}
