package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/providers/providertest/gateway"
)

func TestSuppress(t *testing.T) {
	c := newCLI(t)
	var done enqueue.Suppressed
	change := func(changed, unchanged, refused int64, args ...string) {
		t.Helper()
		done = enqueue.Suppressed{}
		c.must(append(append([]string{"suppress"}, args...), "--json")...).json(&done)
		if done.Changed != changed || done.Unchanged != unchanged || done.RefusedCount != refused {
			t.Errorf("%v: got %+v, want %d, %d and %d", args, done, changed, unchanged, refused)
		}
	}
	if a := c.must("suppress", "list", "--count"); !strings.Contains(a.stdout, "Nobody has opted out.") {
		t.Errorf("got %q", a.stdout)
	}
	change(2, 0, 0, "add", "+1 212 555 0100", "12125550101", "--reason", "by phone")
	change(1, 1, 0, "add", "12125550100", "12125550102")
	change(1, 0, 0, "add", "12125550100", "--account", "mttm")
	change(1, 1, 0, "remove", "12125550102", "12125550109")
	if a := c.must("suppress", "list", "--count"); !strings.Contains(a.stdout, "(all accounts) │       2") || !strings.Contains(a.stdout, "mttm") {
		t.Errorf("got %s", a.stdout)
	}
	list := c.must("suppress", "list").stdout
	if !strings.HasPrefix(list, "to,account,at,source,reason\n") || !strings.Contains(list, "12125550101,,") || !strings.Contains(list, ",cli,by phone\n") {
		t.Errorf("got %s", list)
	}
	var one enqueue.Suppression
	c.must("suppress", "list", "--account", "mttm", "--json").json(&one)
	if one.To != "12125550100" || one.Account != "mttm" || one.Source != "cli" || time.Since(one.At) > time.Hour {
		t.Errorf("got %+v", one)
	}

	file := c.write("list.csv", list+"abc,,,,\n12125550103,,,,\n")
	change(1, 2, 1, "import", file, "--reason", "old list")
	if r := done.Refused[0]; r.Row != 4 || r.To != "abc" {
		t.Errorf("refused: %+v, want row 4", r)
	}
	change(2, 0, 1, "import", c.write("list.txt", "\ufeff+1 212 555 0104\r\nx\n12125550105"), "--account", "gatewayapi")
	if r := done.Refused[0]; r.Row != 2 {
		t.Errorf("refused: %+v, want row 2", r)
	}
	if a := c.pipe("12125550106\n\nno\n", "suppress", "import", "-"); a.code != exitDone ||
		a.stdout != "1 number added to the list for all accounts; 1 refused.\n" || !strings.Contains(a.stderr, `refused: row 3: "no": has letters`) {
		t.Errorf("exit status %d, %q and %q", a.code, a.stdout, a.stderr)
	}

	var k known
	c.must("find", "12125550100", "--json").json(&k)
	if len(k.Suppressed) != 2 || k.Suppressed[0].Reason != "by phone" || k.Suppressed[1].Account != "mttm" {
		t.Errorf("got %+v", k)
	}
	if a := c.must("find", "12125550100"); !strings.Contains(a.stdout, "It is on the list of account mttm since") || !strings.Contains(a.stdout, "(cli: by phone): nobody sends to it.\n") {
		t.Errorf("got %s", a.stdout)
	}
	if a := c.must("forget", "12125550100"); !strings.Contains(a.stdout, "It stays on the list for all accounts, since") {
		t.Errorf("got %s", a.stdout)
	}
	change(1, 0, 0, "remove", "12125550100")

	for want, args := range map[string][]string{
		"give at least one MSISDN": {"add"},
		`"abc": has letters`:       {"add", "12125550100", "abc"},
		`"sun" is no account`:      {"add", "12125550100", "--account", "sun"},
		"--reason must be at most": {"add", "12125550100", "--reason", strings.Repeat("x", 101)},
		"--format is csv or":       {"list", "--format", "xml"},
		"can't be read":            {"import", "nowhere.csv"},
		"no column is called":      {"import", c.write("bad.csv", "a,b\n1,2\n")},
	} {
		if a := c.run(append([]string{"suppress"}, args...)...); a.code != exitInvalid || !strings.Contains(a.stderr, want) {
			t.Errorf("%v: exit status %d and %q, want %q", args, a.code, a.stderr, want)
		}
	}
}

// A message such as STOP that comes in while a job is paused keeps its sender from being sent to.
func TestSuppress_StopBetweenImportAndSending(t *testing.T) {
	c, _ := newReporting(t)
	job := c.queued("12125550100", "12125550101", "12125550102")
	c.must("pause", job)
	cb := c.start("callbacks")
	cb.says("callbacks are taken")
	var list []addressOf
	c.must("callbacks", "addresses", "--json").json(&list)
	for _, a := range list {
		if a.Account != "gatewayapi" || !a.Pushes {
			continue
		}
		push := c.sim(a.Account).Dialect().(gateway.InboundPusher).PushInbound(
			gateway.MO{ID: "1", From: 12125550101, To: "1234", Text: " Stop\n", At: time.Now()}, a.Inbound)
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
			t.Fatalf("status %d", resp.StatusCode)
		}
	}
	w := c.start("worker")
	w.says("worker is ready")
	c.must("resume", job)
	var s enqueue.Status
	eventually(t, "the job to be completed", func() bool {
		c.must("status", job, "--json").json(&s)
		return s.State == enqueue.Completed
	})
	if s.Counts.Suppressed != 1 || s.Counts.Suppressed+s.Counts.Accepted+s.Counts.Delivered+s.Counts.Undelivered != 3 {
		t.Errorf("got %+v, want one of three suppressed", s.Counts)
	}
	if o := c.found(job)["12125550101"]; o.Status != "suppressed" || o.Code != "suppressed" || o.Detail != "opted out: on the list for all accounts" {
		t.Errorf("got %+v", o)
	}
	var k known
	c.must("find", "12125550101", "--json").json(&k)
	if len(k.Suppressed) != 1 || k.Suppressed[0].Source != "stop" || k.Suppressed[0].Reason != "STOP to gatewayapi" {
		t.Errorf("got %+v", k)
	}
	c.must("verify", job)
	if a := c.must("retry", job, "--failed", "--unknown", "--json"); !strings.Contains(a.stdout, fmt.Sprintf("%q:0", "changed")) {
		t.Errorf("retry: %s", a.stdout)
	}
	for _, r := range []*running{w, cb} {
		if code := r.stop(); code != exitDone {
			t.Errorf("exit status %d", code)
		}
	}
}
