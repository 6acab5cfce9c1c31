// Package pgtest runs a real PostgreSQL for tests: one server for a test binary, and a schema of its own for each test.
//
// A package that uses it has a TestMain that calls Main.
package pgtest

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Main runs a package's tests, and ends the server that they started. It returns the exit status.
func Main(m *testing.M) int {
	defer func() {
		if running != nil {
			running.end()
		}
	}()
	return m.Run()
}

var (
	running *server
	start   = sync.OnceValue(func() (err error) {
		running, err = launch()
		return err
	})
	schemas atomic.Int64
)

// URL returns the address of a schema that nobody else uses, on the server of this test binary, which the first call
// starts. When PostgreSQL isn't installed, or doesn't start, the test fails and says so.
func URL(t testing.TB) string {
	t.Helper()
	if err := start(); err != nil {
		t.Fatalf("PostgreSQL did not start: %v", err)
	}
	schema := "t" + strconv.FormatInt(schemas.Add(1), 10)
	conn := Connect(t, running.url(""))
	if _, err := conn.Exec(t.Context(), "create schema "+schema); err != nil {
		t.Fatal(err)
	}
	return running.url(schema)
}

// Connect returns a connection that is closed with the test.
func Connect(t testing.TB, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	return conn
}

// server is a PostgreSQL with nothing in it.
type server struct {
	dir, addr string
	cmd       *exec.Cmd
	said      bytes.Buffer
	ended     chan struct{}
}

const (
	role = "volley"
	// ports is how many ports are tried: another program may take one between its choice and the server's start.
	ports = 5
	// patience is how long a server may take to start.
	patience = time.Minute
)

func launch() (*server, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "pgtest")
	if err != nil {
		return nil, err
	}
	as, err := unprivileged(dir)
	if err == nil {
		err = create(bin, dir, as)
	}
	for range ports {
		if err != nil {
			break
		}
		s := &server{dir: dir}
		var taken bool
		if taken, err = s.serve(bin, as); err == nil {
			return s, nil
		}
		if !taken {
			break
		}
		err = nil
	}
	_ = os.RemoveAll(dir)
	if err == nil {
		err = fmt.Errorf("%d ports were taken", ports)
	}
	return nil, err
}

// binaries is where initdb and postgres are: on the path, or in Debian's folder of the newest version.
func binaries() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path), nil
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb") // the pattern is right
	if len(found) == 0 {
		return "", fmt.Errorf("it is not installed: run the tests with `make test`, which installs it")
	}
	newest := slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) })
	return filepath.Dir(newest), nil
}

func version(initdb string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(initdb))))
	return n
}

// unprivileged makes a folder that of a user who may run a server, which root may not; nil is this process's user.
func unprivileged(dir string) (*syscall.SysProcAttr, error) {
	as := &syscall.SysProcAttr{Pdeathsig: syscall.SIGQUIT}
	if os.Getuid() != 0 {
		return as, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err1 != nil || err2 != nil {
			continue
		}
		as.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		return as, os.Chown(dir, int(uid), int(gid))
	}
	return nil, fmt.Errorf("root may not run it, and there is no user postgres or nobody")
}

func create(bin, dir string, as *syscall.SysProcAttr) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(bin, "initdb"), "-D", filepath.Join(dir, "data"), "-U", role, "-A", "trust",
		"-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions")
	cmd.Dir, cmd.SysProcAttr = dir, as
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w; it said:\n%s", err, out)
	}
	return nil
}

// serve starts the server and returns when it takes connections. taken says that its port was another's.
func (s *server) serve(bin string, as *syscall.SysProcAttr) (taken bool, err error) {
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return false, err
	}
	s.addr = l.Addr().String()
	_ = l.Close()
	_, port, _ := net.SplitHostPort(s.addr)
	// The server outlives the test that starts it.
	s.cmd = exec.CommandContext(context.Background(), filepath.Join(bin, "postgres"), "-D", filepath.Join(s.dir, "data"), "-p", port,
		"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off", "-c", "synchronous_commit=off",
		"-c", "full_page_writes=off", "-c", "shared_buffers=32MB", "-c", "autovacuum=off")
	s.cmd.Dir, s.cmd.SysProcAttr, s.cmd.Stdout, s.cmd.Stderr = s.dir, as, &s.said, &s.said
	if err := s.cmd.Start(); err != nil {
		return false, err
	}
	s.ended = make(chan struct{})
	go func() {
		defer close(s.ended)
		_ = s.cmd.Wait()
	}()
	for end := time.Now().Add(patience); time.Now().Before(end); {
		if s.answers() {
			return false, nil
		}
		select {
		case <-s.ended:
			said := s.said.String()
			return strings.Contains(said, "Address already in use"), fmt.Errorf("it ended, and said:\n%s", said)
		case <-time.After(20 * time.Millisecond):
		}
	}
	s.stop()
	return false, fmt.Errorf("it took no connection within %v", patience)
}

func (s *server) answers() bool {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.url(""))
	if err != nil {
		return false
	}
	return conn.Close(ctx) == nil
}

// url is the server's address, of a schema unless that is empty.
func (s *server) url(schema string) string {
	u := url.URL{Scheme: "postgres", User: url.User(role), Host: s.addr, Path: "/postgres"}
	q := url.Values{"sslmode": {"disable"}}
	if schema != "" {
		q.Set("search_path", schema)
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// stop ends the server at once, without a last write of what is dropped anyway.
func (s *server) stop() {
	_ = s.cmd.Process.Signal(syscall.SIGQUIT)
	<-s.ended
}

func (s *server) end() {
	s.stop()
	_ = os.RemoveAll(s.dir)
}
