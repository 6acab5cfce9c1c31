package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/providers/providertest/gateway"
	"github.com/volleysms/volley/sms"
)

// newReporting is newCLI with gateways that report, out of order, twice, late and beside forgers, and with callbacks that
// serve on addr.
func newReporting(t *testing.T) (c *cli, addr string) {
	t.Helper()
	c = newCLI(t)
	if err := c.sims.close(); err != nil {
		t.Fatal(err)
	}
	addr = freeAddr(t)
	var err error
	c.sims, err = startSimulators("127.0.0.1:0", false, nil, 0, gateway.ReportPlan{
		On: true, Undelivered: 0.2, Transient: 0.5, Disorder: 0.5, Twice: 0.2, Forged: 0.2, Late: 0.2, LateBy: 200 * time.Millisecond, Pause: 100 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.sims.close() })
	c.file = c.write("volley.yaml", c.sims.yaml("redis://"+c.redis.Addr()+"/0")+
		fmt.Sprintf("callbacks: {public_url: 'http://%s', listen: '%s', secret: a-secret-for-tests}\n", addr, addr))
	return c, addr
}

// TestCallbacks_EndToEnd: what the gateways decide is what Volley says in the end, whatever the order and whoever forges.
func TestCallbacks_EndToEnd(t *testing.T) {
	const recipients = 120
	c, _ := newReporting(t)
	cb := c.start("callbacks")
	cb.says("callbacks are taken")
	w := c.start("worker")
	w.says("worker is ready")
	var list strings.Builder
	list.WriteString("to\n")
	for i := range recipients {
		fmt.Fprintf(&list, "%d\n", 12125550000+i)
	}
	file := c.write("list.csv", list.String())
	for _, via := range []string{"gatewayapi", "mttm"} {
		t.Run(via, func(t *testing.T) {
			var receipt struct {
				JobID string `json:"job_id"`
			}
			a := c.must("import", file, "--via", via, "--from", "Acme", "--text", "Hello", "--json")
			if err := json.Unmarshal([]byte(a.stdout), &receipt); err != nil {
				t.Fatal(err)
			}
			status := func() (s enqueue.Status) {
				c.must("status", receipt.JobID, "--json").json(&s)
				return s
			}
			eventually(t, "the job's completion", func() bool { return status().State == enqueue.Completed })
			g := c.sim(via)
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			if err := g.WaitPushed(ctx); err != nil {
				t.Fatal(err)
			}
			var delivered, undelivered int64
			for _, f := range g.Fates() {
				if f == providers.Delivered {
					delivered++
				} else {
					undelivered++
				}
			}
			if delivered+undelivered != recipients || undelivered == 0 {
				t.Fatalf("the gateway decided about %d and %d", delivered, undelivered)
			}
			eventually(t, "all reports", func() bool {
				s := status().Counts
				return s.Delivered+s.Undelivered == recipients
			})
			if s := status().Counts; s.Delivered != delivered || s.Undelivered != undelivered {
				t.Errorf("got %+v; the gateway decided %d and %d", s, delivered, undelivered)
			}
			if p := g.Pushed(); p.Believed > 0 || p.Forged == 0 || p.Dropped > 0 {
				t.Errorf("the gateway counts %+v", p)
			}
			fates := g.Fates()
			for line := range strings.SplitSeq(strings.TrimSpace(c.must("outcomes", receipt.JobID, "--format", "ndjson").stdout), "\n") {
				var o enqueue.Outcome
				if err := json.Unmarshal([]byte(line), &o); err != nil {
					t.Fatal(err)
				}
				to, err := sms.ParseMSISDN(o.To)
				if err != nil {
					t.Fatal(err)
				}
				if want := map[providers.Fate]string{providers.Delivered: "delivered", providers.Undelivered: "undelivered"}[fates[to]]; o.Status != want || o.Code == "" {
					t.Errorf("got %+v, want %s", o, want)
				}
			}
			if a := c.run("verify", receipt.JobID); a.code != exitDone {
				t.Errorf("verify: %s%s", a.stdout, a.stderr)
			}
		})
	}
	if code := w.stop(); code != exitDone {
		t.Errorf("worker: exit status %d", code)
	}
	if code := cb.stop(); code != exitDone {
		t.Errorf("callbacks: exit status %d", code)
	}
}

// TestCallbacks_AfterRetry: what is reported about messages that an operator sent again counts, also where the gateway has
// another identifier for each message than for the call.
func TestCallbacks_AfterRetry(t *testing.T) {
	c, _ := newReporting(t)
	cut, err := gateway.ParseFault("cut-before")
	if err != nil {
		t.Fatal(err)
	}
	cb := c.start("callbacks")
	cb.says("callbacks are taken")
	w := c.start("worker")
	w.says("worker is ready")
	for _, via := range []string{"gatewayapi", "mttm"} {
		t.Run(via, func(t *testing.T) {
			g := c.sim(via)
			g.SetFaults(cut)
			job := c.sent(via, "+12125550101", "+12125550102", "+12125550103")
			counts := func() enqueue.Counts {
				var s enqueue.Status
				c.must("status", job, "--json").json(&s)
				return s.Counts
			}
			eventually(t, "the cut", func() bool { return counts().Unknown == 3 })
			g.SetFaults()
			c.must("retry", job, "--unknown")
			eventually(t, "the reports", func() bool { return counts().Delivered+counts().Undelivered == 3 })
		})
	}
	w.stop()
	cb.stop()
}

func TestCallbacks_Addresses(t *testing.T) {
	c, addr := newReporting(t)
	var list []addressOf
	c.must("callbacks", "addresses", "--json").json(&list)
	var dk addressOf
	for _, a := range list {
		if a.Account == "gatewayapi" {
			dk = a
		}
	}
	if len(list) != 4 || !dk.Pushes || !strings.HasPrefix(dk.Inbound, "http://"+addr+"/in/gatewayapi/") {
		t.Errorf("got %+v", list)
	}
	if a := c.must("callbacks", "addresses"); !strings.Contains(a.stdout, dk.Inbound) {
		t.Errorf("got %s", a.stdout)
	}
	c.file = c.write("none.yaml", c.sims.yaml("redis://"+c.redis.Addr()+"/0"))
	for _, args := range [][]string{{"callbacks", "addresses"}, {"callbacks"}} {
		if a := c.run(args...); a.code != exitInvalid || !strings.Contains(a.stderr, "openssl rand") {
			t.Errorf("%v without a secret: exit status %d, %s", args, a.code, a.stderr)
		}
	}
}

func TestCallbacks_RoleAndInbound(t *testing.T) {
	c, addr := newReporting(t)
	if a := c.must("inbound"); !strings.Contains(a.stdout, "No message") {
		t.Errorf("got %s", a.stdout)
	}
	admin := freeAddr(t)
	cb := c.start("callbacks", "--admin", admin)
	cb.says("callbacks are taken")
	var list []addressOf
	c.must("callbacks", "addresses", "--json").json(&list)
	follow := c.start("inbound", "--follow", "--json")
	for _, a := range list {
		if a.Account != "mgage" && a.Account != "gatewayapi" || !a.Pushes {
			continue
		}
		g := c.sim(a.Account)
		p, ok := g.Dialect().(gateway.InboundPusher)
		if !ok {
			t.Fatalf("%s pushes nothing", a.Account)
		}
		push := p.PushInbound(gateway.MO{ID: "77", From: 4512345678, To: "1234", Text: "STOP\n\x1b[2J", At: time.Now()}, a.Inbound)
		req, err := http.NewRequest(push.Method, push.URL, strings.NewReader(string(push.Body)))
		if err != nil {
			t.Fatal(err)
		}
		req.Header = push.Header
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("%s: status %d", a.Account, resp.StatusCode)
		}
		follow.says(`"account":"` + a.Account + `"`)
	}
	if a := c.must("inbound"); strings.Contains(a.stdout, "\x1b") || !strings.Contains(a.stdout, "4512345678 → 1234  STOP") {
		t.Errorf("got %q", a.stdout)
	}
	if code := follow.stop(); code != exitDone {
		t.Errorf("follow: exit status %d", code)
	}
	resp, err := http.Get("http://" + addr + "/r/gatewayapi/forged")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if _, body := get(t, admin, "/metrics"); resp.StatusCode != http.StatusNotFound || !strings.Contains(body, `volley_callbacks_pushes_total{account="gatewayapi",result="token"}`) {
		t.Errorf("a forged push got %d, and is not counted", resp.StatusCode)
	}
	if a := c.run("callbacks", "--admin", ""); a.code != exitFailed || !strings.Contains(a.stderr, "choose another by --listen") {
		t.Errorf("a second one: exit status %d, %s", a.code, a.stderr)
	}
	if code := cb.stop(); code != exitDone {
		t.Errorf("exit status %d", code)
	}
}

// TestScheduler_AsksForReports: where nothing is pushed, the gateway is asked.
func TestScheduler_AsksForReports(t *testing.T) {
	c := newCLI(t)
	if err := c.sims.close(); err != nil {
		t.Fatal(err)
	}
	var err error
	if c.sims, err = startSimulators("127.0.0.1:0", false, nil, 0, gateway.ReportPlan{On: true, Silent: 1}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.sims.close() })
	c.file = c.write("volley.yaml", c.sims.yaml("redis://"+c.redis.Addr()+"/0")+"reports: {poll: 100ms}\ninbound: {poll: 100ms}\n")
	c.start("worker").says("worker is ready")
	c.start("scheduler").says("scheduler is ready")
	c.sim("ogangi").Write(gateway.MO{From: 4512345678, To: "1234", Text: "STOP"})
	for _, via := range []string{"gatewayapi", "ogangi"} {
		job := strings.TrimSpace(c.must("send", "--via", via, "--from", "2020", "--text", "Hi", "--to", "13055550100").stdout)
		eventually(t, via+"'s last word", func() bool {
			var s enqueue.Status
			c.must("status", job, "--json").json(&s)
			return s.Counts.Delivered == 1
		})
	}
	eventually(t, "the inbound message", func() bool { return strings.Contains(c.must("inbound").stdout, "4512345678 → 1234  STOP") })
}
