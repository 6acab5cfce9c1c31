package deploy

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// systemd's own checker reads the units, with the binary in the place that they name.
func TestSystemd_Units(t *testing.T) {
	units, err := filepath.Glob(filepath.Join(root, "deploy/systemd/volley-*"))
	if err != nil || len(units) != 5 {
		t.Fatalf("units: %v, %v", units, err)
	}
	dir := t.TempDir()
	var copies []string
	for _, u := range units {
		text, err := os.ReadFile(u)
		if err != nil {
			t.Fatal(err)
		}
		c := filepath.Join(dir, filepath.Base(u))
		if err := os.WriteFile(c, []byte(strings.ReplaceAll(string(text), "/usr/local/bin/volley", volley(t))), 0o600); err != nil {
			t.Fatal(err)
		}
		copies = append(copies, c)
	}
	if out, err := exec.Command("systemd-analyze", append([]string{"verify", "--man=no"}, copies...)...).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
	for _, c := range copies {
		if !strings.HasSuffix(c, ".service") {
			continue
		}
		// In tenths: 2.0 and more is what systemd itself does not call OK any more.
		if out, err := exec.Command("systemd-analyze", "security", "--offline=true", "--threshold=19", c).CombinedOutput(); err != nil {
			t.Errorf("systemd-analyze security %s: %v\n%.3000s", filepath.Base(c), err, out)
		}
	}
}

// configuration writes a configuration whose one account is at a port where nothing listens.
func configuration(t *testing.T, redisAddr string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "volley.yaml")
	err := os.WriteFile(path, fmt.Appendf(nil, `redis: {url: "redis://%s/0"}
accounts:
  dk: {provider: gatewayapi, base_url: "http://127.0.0.1:9", token: example, webhook_secret: example-webhook-secret}
callbacks: {public_url: "https://sms.example.com", secret: example-callback-secret-of-a-test}
`, redisAddr), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// redisServer starts a Redis and returns its address.
func redisServer(t *testing.T) string {
	t.Helper()
	host := loopback(t)
	start(t, t.TempDir(), nil, "redis-server", "--bind", host, "--save", "", "--maxmemory-policy", "noeviction")
	addr := net.JoinHostPort(host, "6379")
	until(t, "Redis to start", func() bool {
		c, err := net.DialTimeout("tcp", addr, time.Second)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
	return addr
}

// A role of Type=notify says when it is ready, and when it stops.
func TestSystemd_Notify(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "notify")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	said := func() string {
		_ = l.SetReadDeadline(time.Now().Add(patience))
		b := make([]byte, 1024)
		n, err := l.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		return string(b[:n])
	}
	for _, role := range []string{"worker", "scheduler"} {
		p := start(t, t.TempDir(), append(os.Environ(), "NOTIFY_SOCKET="+socket), volley(t), role, "--config", configuration(t, redisServer(t)))
		if got := said(); got != "READY=1" {
			t.Errorf("%s: it says %q, want READY=1", role, got)
		}
		if code := p.stop(t); code != 0 {
			t.Errorf("%s: exit status %d", role, code)
		}
		if got := said(); got != "STOPPING=1" {
			t.Errorf("%s: it says %q, want STOPPING=1", role, got)
		}
	}
}

// systemd's own starter opens the socket and hands it over.
func TestSystemd_Socket(t *testing.T) {
	addr := net.JoinHostPort(loopback(t), "8080")
	start(t, t.TempDir(), nil, "systemd-socket-activate", "-l", addr, volley(t), "callbacks", "--listen", "127.0.0.1:1", "--config", configuration(t, redisServer(t)))
	until(t, "callbacks to answer on the socket", func() bool {
		resp, err := http.Get("http://" + addr + "/nothing")
		if err != nil {
			return false
		}
		_ = resp.Body.Close()
		return resp.StatusCode == http.StatusNotFound || resp.StatusCode == http.StatusUnauthorized
	})
}
