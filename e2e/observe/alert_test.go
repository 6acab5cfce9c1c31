package observe_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"gopkg.in/yaml.v3"

	"github.com/volleysms/volley/e2e/world"
	"github.com/volleysms/volley/internal/redistest"
	"github.com/volleysms/volley/providers/providertest/gateway"
)

// install is a real run: Redis, two gateways of which one refuses the login, and the three roles as processes.
type install struct {
	*world.Operator
	admin map[string]string // addresses by role
	roles map[string]*world.Process
}

// The numbers of the run: none of them may be in a metric.
var people = []string{"12125550101", "12125550102", "12125550103"}

func newInstall(t *testing.T, extra string) *install {
	t.Helper()
	good, bad := gateway.New(gateway.GatewayAPI{}, gateway.Options{}), gateway.New(gateway.MTTM{}, gateway.Options{})
	var b strings.Builder
	fmt.Fprintf(&b, "redis: {url: 'redis://%s/0'}\nreports: {poll: 1s}\naccounts:\n", redistest.Start(t))
	for _, g := range []*gateway.Gateway{good, bad} {
		if err := g.Start(""); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = g.Close() })
		fmt.Fprintf(&b, "  %s:\n    base_url: %s\n    rate: 500/s\n", g.Dialect().Provider(), g.URL())
		for k, v := range g.Dialect().Account() {
			if k == "password" {
				v = "wrong-" + v
			}
			fmt.Fprintf(&b, "    %s: %q\n", k, v)
		}
	}
	// Nothing is posted to it but by the test: it would need a port that is known before it is taken.
	b.WriteString("callbacks: {public_url: 'http://127.0.0.1:1', listen: '127.0.0.1:0', secret: a-secret-for-tests}\n" + extra)
	i := &install{Operator: world.New(t, b.String()), admin: map[string]string{}, roles: map[string]*world.Process{}}
	for _, role := range []string{"worker", "scheduler", "callbacks"} {
		p := i.Start(role, "--admin", "127.0.0.1:0")
		i.roles[role] = p
		i.Eventually(role+" to serve", func() bool {
			m := regexp.MustCompile(`"msg":"admin server is ready","address":"([^"]+)"`).FindStringSubmatch(p.Log())
			if m != nil {
				i.admin[role] = m[1]
			}
			return m != nil
		})
	}
	return i
}

// send enqueues a job for all people and returns its ID.
func (i *install) send(via string) string {
	i.T.Helper()
	args := []string{"send", "--via", via, "--from", "Acme", "--text", "Hello"}
	for _, n := range people {
		args = append(args, "--to", n)
	}
	var r struct {
		JobID string `json:"job_id"`
	}
	i.JSON(&r, args...)
	return r.JobID
}

// fetch gets a page; "" when there is none yet.
func fetch(t *testing.T, url string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		return ""
	}
	return string(b)
}

// TestMetrics: what the roles serve after a run is what docs/metrics.md has, and no label says more than accounts, masters
// and words of Volley.
func TestMetrics(t *testing.T) {
	i := newInstall(t, "")
	job := i.send("gatewayapi")
	i.Completed(job)
	refused := i.send("mttm")
	i.Eventually("the account to be suspended", func() bool {
		return strings.Contains(fetch(t, "http://"+i.admin["worker"]+"/metrics"), `volley_account_suspended{account="mttm"} 1`)
	})
	i.Eventually("the queues to be told", func() bool {
		page := fetch(t, "http://"+i.admin["scheduler"]+"/metrics")
		return strings.Contains(page, "volley_redis_memory_used_bytes") && strings.Contains(page, `volley_unreported_jobs{account="gatewayapi"} 1`)
	})
	known := series(t)
	word := regexp.MustCompile(`^[a-z_]*$`)
	n := 0
	for role, addr := range i.admin {
		page := fetch(t, "http://"+addr+"/metrics")
		for _, secret := range append([]string{job, refused, "Hello", "Acme"}, people...) {
			if strings.Contains(page, secret) {
				t.Errorf("%s: %q is in the metrics", role, secret)
			}
		}
		p := expfmt.NewTextParser(model.UTF8Validation)
		families, err := p.TextToMetricFamilies(strings.NewReader(page))
		if err != nil {
			t.Fatal(err)
		}
		for name, f := range families {
			if !strings.HasPrefix(name, "volley_") {
				continue
			}
			n++
			if !known[name] && !known[name+"_bucket"] {
				t.Errorf("%s serves %s, which docs/metrics.md does not have", role, name)
			}
			for _, m := range f.GetMetric() {
				for _, l := range m.GetLabel() {
					v := l.GetValue()
					switch l.GetName() {
					case "account":
						if v != "" && v != "gatewayapi" && v != "mttm" {
							t.Errorf("%s: the account %q is not of the configuration", name, v)
						}
					case "node": // Redis' masters
					default:
						if !word.MatchString(v) {
							t.Errorf("%s: %s=%q is no word", name, l.GetName(), v)
						}
					}
				}
			}
		}
	}
	if n < 25 {
		t.Errorf("the roles serve only %d metrics", n)
	}
}

// TestAlert: a real Prometheus, with the rules as they are shipped but for how long a state has to last, scrapes a real run
// in which a gateway refuses the login, and fires.
func TestAlert(t *testing.T) {
	i := newInstall(t, "")
	api := prometheus(t, i.admin)
	type alert struct {
		State       string            `json:"state"`
		Labels      map[string]string `json:"labels"`
		Annotations map[string]string `json:"annotations"`
	}
	// firing are the alerts that fire, by name and account.
	firing := func() map[string]alert {
		var answer struct {
			Data struct {
				Alerts []alert `json:"alerts"`
			} `json:"data"`
		}
		if page := fetch(t, api+"/api/v1/alerts"); page != "" {
			if err := json.Unmarshal([]byte(page), &answer); err != nil {
				t.Fatal(err)
			}
		}
		out := map[string]alert{}
		for _, a := range answer.Data.Alerts {
			if a.State == "firing" {
				out[a.Labels["alertname"]+" "+a.Labels["account"]] = a
			}
		}
		return out
	}
	i.Eventually("Prometheus to have scraped the roles", func() bool {
		return strings.Count(fetch(t, api+"/api/v1/query?query=up%3D%3D1"), `"instance"`) == 3
	})
	if a, found := firing()["VolleyAccountSuspended mttm"]; found {
		t.Fatalf("it fires before anything was sent: %+v", a)
	}
	job := i.send("mttm")
	var a alert
	i.Eventually("the alert to fire", func() (found bool) {
		a, found = firing()["VolleyAccountSuspended mttm"]
		return found
	})
	if a.Labels["severity"] != "page" || a.Annotations["summary"] != "mttm is suspended: its gateway refuses it" || !strings.HasSuffix(a.Annotations["runbook_url"], "docs/runbooks/account-suspended.md") {
		t.Errorf("the alert is %+v", a)
	}
	for name := range firing() {
		if strings.HasPrefix(name, "VolleyAccount") && name != "VolleyAccountSuspended mttm" || strings.HasPrefix(name, "VolleyNo") || strings.HasPrefix(name, "VolleyRoleDown") {
			t.Errorf("%s fires too", name)
		}
	}
	// What the page says is so: nobody is lost, and no attempt spent.
	if s := i.Status(job); s.Counts.Queued+s.Counts.Sending != int64(len(people)) {
		t.Errorf("the job's counts are %+v", s.Counts)
	}
	// A worker that ends is missed.
	i.roles["worker"].Kill()
	i.Eventually("the missing worker to be told", func() bool {
		_, found := firing()["VolleyRoleDown "]
		return found
	})
}

// prometheus starts Debian's Prometheus on a copy of the shipped rules in which states need not last, and returns its address.
func prometheus(t *testing.T, targets map[string]string) (api string) {
	t.Helper()
	dir := t.TempDir()
	write := func(name string, v any) {
		t.Helper()
		packed, err := yaml.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), packed, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var f ruleFile
	if err := yaml.Unmarshal(read(t, rules), &f); err != nil {
		t.Fatal(err)
	}
	for k := range f.Groups[0].Rules {
		if r := &f.Groups[0].Rules[k]; r.For != "" {
			r.For = "1s"
		}
	}
	write("rules.yml", f)
	var statics []any
	for role, addr := range targets {
		statics = append(statics, map[string]any{"targets": []string{addr}, "labels": map[string]string{"role": role}})
	}
	write("prometheus.yml", map[string]any{
		"global":         map[string]any{"scrape_interval": "1s", "evaluation_interval": "1s"},
		"rule_files":     []string{"rules.yml"},
		"scrape_configs": []any{map[string]any{"job_name": "volley", "static_configs": statics}},
	})
	for range 5 { // another program may take the port between its choice and the start
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		addr := l.Addr().String()
		l.Close()
		if started(t, dir, addr) {
			return "http://" + addr
		}
	}
	t.Fatal("Prometheus does not start")
	return ""
}

// started starts it, and reports whether it got the address.
func started(t *testing.T, dir, addr string) bool {
	t.Helper()
	var said strings.Builder
	cmd := exec.CommandContext(context.Background(), "prometheus", "--config.file", filepath.Join(dir, "prometheus.yml"),
		"--storage.tsdb.path", filepath.Join(dir, "data"), "--web.listen-address", addr, "--log.level", "warn")
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-done
	})
	o := world.Operator{T: t}
	ready := errors.New("it is not there")
	o.Eventually("Prometheus to be ready", func() bool {
		select {
		case <-done:
			ready = errors.New(said.String())
			return true
		default:
		}
		if strings.Contains(fetch(t, "http://"+addr+"/-/ready"), "Ready") {
			ready = nil
		}
		return ready == nil
	})
	if ready != nil && !strings.Contains(ready.Error(), "address already in use") {
		t.Fatalf("Prometheus does not start: %v", ready)
	}
	return ready == nil
}
