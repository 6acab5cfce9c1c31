// Package redistest starts real Redis servers for tests.
package redistest

import (
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
	return New(t, args...).Addr
}

// New is Start for a test that kills its server, freezes it, or starts it again.
func New(t testing.TB, args ...string) *Server {
	t.Helper()
	program := lookup(t, "redis-server")
	dir := t.TempDir()
	s := &Server{t: t, ready: "Ready to accept connections"}
	var said string
	for range ports {
		s.Addr = freeAddr(t, 0)
		_, port, _ := net.SplitHostPort(s.Addr)
		s.command = append([]string{
			program, "--bind", "127.0.0.1", "--port", port, "--dir", dir, "--save", "", "--appendonly", "no", "--logfile", "",
		}, args...)
		if said = s.launch(); said == "" {
			t.Cleanup(s.Kill)
			return s
		}
		if !strings.Contains(said, "Address already in use") {
			break
		}
	}
	t.Fatalf("redis-server did not start; it said:\n%s", said)
	return nil
}

func lookup(t testing.TB, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Fatalf("%s is not installed: run the tests with `make test`, which installs it (%v)", program, err)
	}
	return path
}

// freeAddr returns a loopback address that nobody listens on, and when room is not 0 nobody on the port that many above
// it either.
func freeAddr(t testing.TB, room int) string {
	t.Helper()
	for range 100 {
		l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatalf("no free loopback port: %v", err)
		}
		addr := l.Addr().(*net.TCPAddr)
		_ = l.Close()
		if room == 0 {
			return addr.String()
		}
		above := "127.0.0.1:" + strconv.Itoa(addr.Port+room)
		if l, err = new(net.ListenConfig).Listen(context.Background(), "tcp", above); err == nil {
			_ = l.Close()
			return addr.String()
		}
	}
	t.Fatalf("no free loopback port with another %d above it", room)
	return ""
}
