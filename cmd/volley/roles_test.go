package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/volleysms/volley/enqueue"
)

func TestWorker_Admin(t *testing.T) {
	c := newCLI(t)
	addr := freeAddr(t)
	w := c.start("worker", "--admin", addr)
	w.says("worker is ready")

	t.Run("HealthzReadyzAndMetrics", func(t *testing.T) {
		for path, want := range map[string]string{"/healthz": "alive", "/readyz": "ready", "/metrics": "go_goroutines"} {
			if status, body := get(t, addr, path); status != http.StatusOK || !strings.Contains(body, want) {
				t.Errorf("%s: %d %.80q, want 200 and %q", path, status, body, want)
			}
		}
	})
	t.Run("OtherPathsAndMethods", func(t *testing.T) {
		if status, _ := get(t, addr, "/"); status != http.StatusNotFound {
			t.Errorf("/: %d", status)
		}
		resp, err := http.Post("http://"+addr+"/healthz", "text/plain", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("POST /healthz: %d", resp.StatusCode)
		}
	})
	t.Run("AliveAndNotReadyWithoutRedis", func(t *testing.T) {
		c.redis.SetError("LOADING out of order")
		if status, _ := get(t, addr, "/readyz"); status != http.StatusServiceUnavailable {
			t.Errorf("/readyz: %d", status)
		}
		if status, _ := get(t, addr, "/healthz"); status != http.StatusOK {
			t.Errorf("/healthz: %d", status)
		}
		c.redis.SetError("")
		if status, _ := get(t, addr, "/readyz"); status != http.StatusOK {
			t.Errorf("/readyz: %d after Redis is back", status)
		}
	})
	t.Run("AnotherWorkerCannotHaveTheAddress", func(t *testing.T) {
		a := c.run("worker", "--admin", addr)
		if a.code != exitFailed || !strings.Contains(a.stderr, "choose another by --admin") {
			t.Errorf("exit status %d and %q", a.code, a.stderr)
		}
	})
	if code := w.stop(); code != exitDone {
		t.Errorf("exit status %d", code)
	}
	if conn, err := net.Dial("tcp", addr); err == nil {
		conn.Close()
		t.Error("the admin address still takes connections")
	}
	for line := range strings.SplitSeq(strings.TrimSpace(w.stderr.String()), "\n") {
		if !json.Valid([]byte(line)) {
			t.Errorf("a log line is not JSON: %s", line)
		}
	}
}

func TestWorker_ServesOnlyTheAccountsNamed(t *testing.T) {
	c := newCLI(t)
	w := c.start("worker", "--accounts", "mttm")
	mine := strings.TrimSpace(c.must("send", "--via", "mttm", "--from", "Acme", "--text", "Hi", "--to", "12125550100").stdout)
	other := strings.TrimSpace(c.must("send", "--via", "gatewayapi", "--from", "Acme", "--text", "Hi", "--to", "12125550100").stdout)
	state := func(job string) enqueue.State {
		var s enqueue.Status
		c.must("status", job, "--json").json(&s)
		return s.State
	}
	eventually(t, "the job of its account", func() bool { return state(mine) == enqueue.Completed })
	if got := state(other); got != enqueue.Queued {
		t.Errorf("the other account's job is %s", got)
	}
	if code := w.stop(); code != exitDone {
		t.Errorf("exit status %d", code)
	}
}

func TestSimulate(t *testing.T) {
	c := newCLI(t)
	t.Run("PrintsAConfigurationThatWorks", func(t *testing.T) {
		s := c.start("simulate", "--redis", "redis://"+c.redis.Addr()+"/0")
		s.says("routes:")
		own := *c
		own.file = c.write("simulated.yaml", s.stdout.String())
		if a := own.run("accounts", "check"); a.code != exitDone {
			t.Errorf("exit status %d:\n%s%s", a.code, a.stdout, a.stderr)
		}
		if code := s.stop(); code != exitDone {
			t.Errorf("exit status %d", code)
		}
		if a := own.run("accounts", "check"); a.code != exitFailed || !strings.Contains(a.stdout, "unreachable") {
			t.Errorf("after its end: exit status %d:\n%s", a.code, a.stdout)
		}
	})
	t.Run("FaultsHitTheGatewayThatIsNamed", func(t *testing.T) {
		s := c.start("simulate", "--json", "--fault", "gatewayapi/auth")
		s.says("ogangi")
		var list []simulated
		if err := json.Unmarshal([]byte(s.stdout.String()), &list); err != nil || len(list) != 4 {
			t.Fatalf("%v: %s", err, s.stdout.String())
		}
		var b strings.Builder
		fmt.Fprintf(&b, "redis: {url: \"redis://%s/0\"}\naccounts:\n", c.redis.Addr())
		for _, g := range list {
			fmt.Fprintf(&b, "  %s:\n    base_url: %s\n", g.Provider, g.BaseURL)
			for k, v := range g.Account {
				fmt.Fprintf(&b, "    %s: %q\n", k, v)
			}
		}
		own := *c
		own.file = c.write("faulty.yaml", b.String())
		var checks []checked
		a := own.run("accounts", "check", "--json")
		a.json(&checks)
		for _, k := range checks {
			if want := k.Name != "gatewayapi"; k.good() != want {
				t.Errorf("%s is %s", k.Name, k.Result)
			}
		}
		if a.code != exitFailed || len(checks) != 4 {
			t.Errorf("exit status %d, %d checks", a.code, len(checks))
		}
		s.stop()
	})
}

func TestAccounts(t *testing.T) {
	c := newCLI(t)
	t.Run("ListInJSON", func(t *testing.T) {
		var list []accountInfo
		c.must("accounts", "--json").json(&list)
		if len(list) != 4 || list[0].Name != "gatewayapi" || list[0].Host != strings.TrimPrefix(c.sims[0].URL(), "http://") || list[0].Concurrency != 10 || list[0].Timeout != "30s" {
			t.Errorf("got %+v", list)
		}
	})
	t.Run("NoSecretInTheList", func(t *testing.T) {
		for _, g := range c.sims {
			for k, v := range g.Dialect().Account() {
				if !slices.Contains([]string{"username", "password", "token", "private_key", "public_key"}, k) {
					continue
				}
				for _, args := range [][]string{{"accounts"}, {"accounts", "--json"}, {"accounts", "check"}} {
					if out := c.must(args...).stdout; strings.Contains(out, v) {
						t.Errorf("%v shows the %s of %s:\n%s", args, k, g.Dialect().Provider(), out)
					}
				}
			}
		}
	})
	t.Run("CheckOfOne", func(t *testing.T) {
		var checks []checked
		c.must("accounts", "check", "gatewayapi", "--json").json(&checks)
		if len(checks) != 1 || checks[0].Result != checkOK || checks[0].Balance == "" {
			t.Errorf("got %+v", checks)
		}
	})
	t.Run("NothingIsSent", func(t *testing.T) {
		for _, g := range c.sims {
			if n := g.Stats().Sends; n != 0 {
				t.Errorf("%s got %d sends", g.Dialect().Provider(), n)
			}
		}
	})
	t.Run("AWrongLogin", func(t *testing.T) {
		own := *c
		text, err := os.ReadFile(c.file)
		if err != nil {
			t.Fatal(err)
		}
		own.file = c.write("wrong.yaml", regexp.MustCompile(`token: .*`).ReplaceAllString(string(text), "token: wrong-example-token"))
		a := own.run("accounts", "check", "gatewayapi")
		if a.code != exitFailed || !strings.Contains(a.stdout, checkLogin) || a.stderr != "" {
			t.Errorf("exit status %d:\n%s%s", a.code, a.stdout, a.stderr)
		}
	})
}

func TestDev(t *testing.T) {
	c := newCLI(t)
	d := c.start("dev", "--json")
	d.says(`"config"`)
	d.says("worker is ready")
	var said struct{ Config string }
	if err := json.Unmarshal([]byte(d.stdout.String()), &said); err != nil {
		t.Fatal(err)
	}
	own := *c
	own.file = said.Config
	for _, via := range []string{"gatewayapi", "mgage", "mttm", "default"} {
		job := strings.TrimSpace(own.must("send", "--via", via, "--from", "Acme", "--text", "Hi", "--to", "12125550100").stdout)
		eventually(t, "a message by "+via, func() bool {
			return strings.Contains(own.must("outcomes", job, "--json").stdout, `"accepted"`)
		})
	}
	if code := d.stop(); code != exitDone {
		t.Errorf("exit status %d: %s", code, d.stderr.String())
	}
	if _, err := os.Stat(filepath.Dir(said.Config)); !os.IsNotExist(err) {
		t.Errorf("the configuration's folder is left behind: %v", err)
	}
}

func TestVersion(t *testing.T) {
	c := newCLI(t)
	wantKeys(t, c.must("version", "--json").stdout, "version", "go", "os", "arch")
	for _, args := range [][]string{{"version"}, {"--version"}} {
		if out := c.must(args...).stdout; !strings.HasPrefix(out, "volley "+version) {
			t.Errorf("%v says %q", args, out)
		}
	}
}

func TestHelp(t *testing.T) {
	c := newCLI(t)
	for _, cmd := range newRoot(&app{}).Commands() {
		if cmd.Name() == "help" || cmd.Name() == "completion" {
			continue
		}
		if out := c.must(cmd.Name(), "--help").stdout; !strings.Contains(out, "Examples:\n  volley "+cmd.Name()) {
			t.Errorf("the help of %s has no example:\n%s", cmd.Name(), out)
		}
	}
	if out := c.must("completion", "bash").stdout; !strings.Contains(out, "volley") {
		t.Errorf("no completion: %.80q", out)
	}
	t.Setenv("VOLLEY_CONFIG", c.file)
	var out bytes.Buffer
	if run(t.Context(), []string{"__complete", "send", "--via", ""}, strings.NewReader(""), &out, io.Discard); !strings.Contains(out.String(), "mttm\n") || !strings.Contains(out.String(), "default\n") {
		t.Errorf("--via completes to %q", out.String())
	}
}

func get(t *testing.T, addr, path string) (int, string) {
	t.Helper()
	resp, err := http.Get("http://" + addr + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
