package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/archive"
	"github.com/volleysms/volley/internal/inbound"
	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/internal/pgtest"
	"github.com/volleysms/volley/providers"
)

// carried brings the long-term record up to date.
func (c *cli) carried(url string, jobs ...string) {
	c.t.Helper()
	s, err := archive.Open(url)
	if err != nil {
		c.t.Fatal(err)
	}
	defer s.Close()
	if whole, err := archive.NewCarrier(c.rdb(), s, nil, nil).Settle(c.t.Context(), jobs); err != nil || len(whole) != len(jobs) {
		c.t.Fatalf("%d of %d jobs are carried: %v", len(whole), len(jobs), err)
	}
}

func (c *cli) rdb() *redis.Client {
	rdb := redis.NewClient(&redis.Options{Addr: c.redis.Addr()})
	c.t.Cleanup(func() { rdb.Close() })
	return rdb
}

func TestFindAndForget(t *testing.T) {
	c := newCLI(t)
	url := pgtest.URL(t)
	c.more("outcomes: {postgres: \"" + url + "\"}\n")
	const one, two = "12125550100", "12125550101"
	old, last := c.sent("mttm", one, two), c.sent("gatewayapi", two)
	before := c.must("outcomes", old).stdout
	c.carried(url, old, last)
	if err := ledger.New(c.rdb()).Remove(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	t.Run("the outcomes of a job that Redis has forgotten are PostgreSQL's", func(t *testing.T) {
		if after := c.must("outcomes", old).stdout; after != before {
			t.Errorf("got\n%s\nand before\n%s", after, before)
		}
		if a := c.run("outcomes", "0197c1b2-7a4e-7000-8000-000000000000"); a.code != exitFailed || !strings.Contains(a.stderr, "no job") {
			t.Errorf("of no job: exit status %d and %s", a.code, a.stderr)
		}
	})
	err := inbound.NewStream(c.rdb()).Put(t.Context(), "mttm", []providers.Inbound{{ID: "1", From: 12125550101, To: "100", Text: "Thanks"}}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	find := func(number string) (k known) {
		t.Helper()
		c.must("find", number, "--json").json(&k)
		return k
	}
	t.Run("all that is known is told, wherever it is", func(t *testing.T) {
		k := find("+1 212 555 0101")
		if k.MSISDN != two || len(k.Outcomes) != 2 || len(k.Inbound) != 1 || k.Inbound[0].Text != "Thanks" {
			t.Fatalf("got %+v", k)
		}
		if o := k.Outcomes[0]; o.JobID != last || o.In != inRedis || o.Status != "accepted" || o.Account != "gatewayapi" {
			t.Errorf("the last: %+v", o)
		}
		if o := k.Outcomes[1]; o.JobID != old || o.In != inPostgres || o.Status != "accepted" || o.ProviderMessageID == "" {
			t.Errorf("the one before: %+v", o)
		}
		if shown := c.must("find", two).stdout; !strings.Contains(shown, last) || !strings.Contains(shown, old) || !strings.Contains(shown, "Thanks") {
			t.Errorf("shown:\n%s", shown)
		}
		if k := find("12125559999"); len(k.Outcomes) != 0 {
			t.Errorf("of nobody: %+v", k)
		}
	})
	t.Run("a number is forgotten everywhere", func(t *testing.T) {
		var f forgotten
		c.must("forget", two, "--json").json(&f)
		if f.Recipients != 1 || f.Jobs != 1 || f.Postgres != 2 || f.Inbound != 1 {
			t.Errorf("got %+v", f)
		}
		if k := find(two); len(k.Outcomes)+len(k.Inbound) != 0 {
			t.Errorf("left: %+v", k)
		}
		if k := find(one); len(k.Outcomes) != 1 {
			t.Errorf("of another: %+v", k)
		}
		if rows := c.must("outcomes", last).stdout; strings.Contains(rows, two) || !strings.Contains(rows, "accepted,gatewayapi") {
			t.Errorf("the outcomes are\n%s", rows)
		}
		c.must("verify", last)
		c.carried(url, last)
		if k := find(two); len(k.Outcomes) != 0 {
			t.Errorf("it is back: %+v", k)
		}
		if shown := c.must("forget", two).stdout; !strings.Contains(shown, "0 recipients in Redis (0 jobs)") {
			t.Errorf("shown: %s", shown)
		}
	})
	t.Run("a job is forgotten everywhere", func(t *testing.T) {
		for _, job := range []string{last, old} {
			c.must("forget", job)
			if a := c.run("status", job); a.code != exitFailed {
				t.Errorf("exit status %d: %s", a.code, a.stdout)
			}
		}
		if k := find(one); len(k.Outcomes) != 0 {
			t.Errorf("left: %+v", k)
		}
		if a := c.run("forget", last); a.code != exitFailed || !strings.Contains(a.stderr, "no job") {
			t.Errorf("again: exit status %d and %s", a.code, a.stderr)
		}
	})
	t.Run("a job that is to be sent is cancelled before", func(t *testing.T) {
		job := c.queued(one)
		if a := c.run("forget", job); a.code != exitInvalid || !strings.Contains(a.stderr, "volley cancel "+job) {
			t.Errorf("exit status %d and %s", a.code, a.stderr)
		}
		c.must("cancel", job)
		c.must("forget", job)
	})
	t.Run("what is neither", func(t *testing.T) {
		for _, command := range []string{"find", "forget"} {
			if a := c.run(command, "abc"); a.code != exitInvalid {
				t.Errorf("%s: exit status %d and %s", command, a.code, a.stderr)
			}
		}
	})
}

func TestOutcomes_Filters(t *testing.T) {
	c := newCLI(t)
	job := c.queued("12125550100", "12125550101", "abc")
	rows := func(args ...string) (states []string) {
		t.Helper()
		lines := strings.Split(strings.TrimSpace(c.must(append([]string{"outcomes", job}, args...)...).stdout), "\n")
		for _, l := range lines[1:] {
			states = append(states, strings.Split(l, ",")[1])
		}
		return states
	}
	for _, tt := range []struct {
		args []string
		want []string
	}{
		{nil, []string{"queued", "queued", "rejected"}},
		{[]string{"--status", "rejected"}, []string{"rejected"}},
		{[]string{"--status", "rejected", "--status", "queued"}, []string{"queued", "queued", "rejected"}},
		{[]string{"--status", "failed,rejected"}, []string{"rejected"}},
		{[]string{"--status", "queued", "--account", "nobody"}, nil},
	} {
		if got := rows(tt.args...); !slices.Equal(got, tt.want) {
			t.Errorf("%v: got %v, want %v", tt.args, got, tt.want)
		}
	}
	c.must("cancel", job)
	var s enqueue.Status
	c.must("status", job, "--json").json(&s)
	if got := rows("--status", "cancelled"); len(got) != int(s.Counts.Cancelled) {
		t.Errorf("%d cancelled, the status says %d", len(got), s.Counts.Cancelled)
	}
}
