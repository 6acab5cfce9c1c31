package main

import (
	"strings"
	"testing"
)

func TestHealthcheck(t *testing.T) {
	c := newCLI(t)
	addr := freeAddr(t)

	if a := c.run("healthcheck", "--admin", addr); a.code != exitFailed || !strings.Contains(a.stderr, "nothing answers at "+addr) {
		t.Errorf("without a role: exit status %d and %q", a.code, a.stderr)
	}
	if a := c.run("healthcheck", "--admin", "nowhere"); a.code != exitInvalid || !strings.Contains(a.stderr, "host:port") {
		t.Errorf("an address without a port: exit status %d and %q", a.code, a.stderr)
	}

	w := c.start("worker", "--admin", addr)
	w.says("admin server is ready")
	w.says("worker is ready")
	if a := c.run("healthcheck", "--admin", addr); a.code != exitDone || a.stdout != "ready\n" {
		t.Errorf("exit status %d, %q and %q", a.code, a.stdout, a.stderr)
	}
	_, port, _ := strings.Cut(addr, ":")
	if a := c.run("healthcheck", "--admin", ":"+port); a.code != exitDone {
		t.Errorf("an address without a host: exit status %d and %q", a.code, a.stderr)
	}

	c.redis.SetError("LOADING out of order")
	if a := c.run("healthcheck", "--admin", addr); a.code != exitFailed || !strings.Contains(a.stderr, "Redis does not answer") {
		t.Errorf("without Redis: exit status %d and %q", a.code, a.stderr)
	}
	if a := c.run("healthcheck", "--alive", "--admin", addr); a.code != exitDone || a.stdout != "alive\n" {
		t.Errorf("alive without Redis: exit status %d and %q", a.code, a.stderr)
	}
	c.redis.SetError("")
	if code := w.stop(); code != exitDone {
		t.Errorf("exit status %d", code)
	}
}
