package why_test

import (
	"slices"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/internal/pace"
	"github.com/volleysms/volley/internal/standing"
	"github.com/volleysms/volley/internal/why"
	"github.com/volleysms/volley/internal/window"
	"github.com/volleysms/volley/sms"
)

// scene is a Redis in which jobs wait, and who finds out for what.
type scene struct {
	*testing.T
	rdb    *redis.Client
	client *enqueue.Client
	ledger *ledger.Ledger
	finder *why.Finder
	quiet  window.Guard
}

func newScene(t *testing.T) *scene {
	s := &scene{T: t, rdb: redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr()})}
	t.Cleanup(func() { s.rdb.Close() })
	var err error
	if s.client, err = enqueue.NewFromRedis(s.rdb, enqueue.Options{Accounts: []string{"dk", "moon"}}); err != nil {
		t.Fatal(err)
	}
	s.ledger = ledger.New(s.rdb)
	s.finder = &why.Finder{
		Redis: s.rdb, Now: time.Now(), Accounts: map[string]why.Account{"dk": {Limits: "rate: 1/m", Attempts: 8}},
		Guard: func(string) (*window.Guard, error) { return &s.quiet, nil },
	}
	return s
}

func (s *scene) enqueue(j enqueue.Job, to ...string) string {
	s.Helper()
	j.Via, j.From, j.Text = "dk", "Acme", "Hi"
	for _, n := range to {
		j.Recipients = append(j.Recipients, enqueue.Recipient{To: n})
	}
	r, err := s.client.Enqueue(s.Context(), j)
	if err != nil {
		s.Fatal(err)
	}
	return r.JobID
}

// worker makes a living worker serve the account.
func (s *scene) worker() {
	s.Helper()
	s.finder.Serves = func(string) bool { return true }
}

func (s *scene) why(job string) []why.Reason {
	s.Helper()
	j, err := s.finder.Job(s.Context(), job)
	if err != nil {
		s.Fatal(err)
	}
	return j.Reasons
}

// is fails the test unless these are the rules that hold, and returns the first reason.
func (s *scene) is(job string, rules ...why.Rule) why.Reason {
	s.Helper()
	got := s.why(job)
	var have []why.Rule
	for _, r := range got {
		if have = append(have, r.Rule); r.Setting == "" || r.Detail == "" {
			s.Errorf("%+v says too little", r)
		}
	}
	if !slices.Equal(have, rules) {
		s.Fatalf("it waits for %q, want %q: %+v", have, rules, got)
	}
	return got[0]
}

func TestJob(t *testing.T) {
	s := newScene(t)
	s.worker()
	job := s.enqueue(enqueue.Job{}, "4500000001", "4500000002")
	t.Run("the next worker that has room", func(*testing.T) { s.is(job, why.Behind) })
	t.Run("a call of the account that is reserved far ahead", func(t *testing.T) {
		p := pace.New(s.rdb, "dk", pace.Limits{Calls: 1.0 / 60})
		for range 2 {
			if _, err := p.Reserve(t.Context(), pace.Cost{Recipients: 1, Segments: 1}); err != nil {
				t.Fatal(err)
			}
		}
		if r := s.is(job, why.Rate); r.Setting != "accounts.dk: rate: 1/m" || r.Until == nil || r.Until.Before(s.finder.Now.Add(time.Minute)) {
			t.Errorf("got %+v", r)
		}
		s.rdb.Del(t.Context(), "volley:pace:{dk}")
	})
	t.Run("other jobs of the account", func(t *testing.T) {
		other := s.enqueue(enqueue.Job{Priority: enqueue.Urgent}, "4500000003")
		if r := s.is(job, why.Behind); r.Detail != "1 job goes of a higher priority first, and 0 jobs of the same in turns with it: 1 recipient is queued in them" {
			t.Errorf("got %s", r.Detail)
		}
		if r := s.is(other, why.Behind); r.Setting != "accounts.dk.concurrency" {
			t.Errorf("the urgent one: %+v", r)
		}
		if _, err := s.client.Cancel(t.Context(), other, enqueue.Ask{}); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("an account in trouble", func(t *testing.T) {
		for _, rule := range []string{standing.Down, standing.Suspended} {
			_, err := standing.New(s.rdb).Report(t.Context(), "dk", standing.Trouble{Why: rule, Since: s.finder.Now, Code: "401", Detail: "no such user"})
			if err != nil {
				t.Fatal(err)
			}
			if r := s.is(job, why.Rule(rule)); r.Until == nil || r.Account != "dk" {
				t.Errorf("got %+v", r)
			}
		}
		if _, err := standing.New(s.rdb).Resume(t.Context(), "dk"); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("a worker that has it, and one that died with it", func(t *testing.T) {
		if _, _, err := s.ledger.Heartbeat(t.Context(), "w", time.Minute); err != nil {
			t.Fatal(err)
		}
		if _, err := s.ledger.Take(t.Context(), job, 0, "w/1", ""); err != nil {
			t.Fatal(err)
		}
		s.is(job, why.Sending)
		if err := s.ledger.Gone(t.Context(), "w"); err != nil {
			t.Fatal(err)
		}
		s.is(job, why.WorkerDied)
	})
	t.Run("somebody", func(t *testing.T) {
		if _, err := s.client.Pause(t.Context(), job, enqueue.Ask{By: "ann", Reason: "wrong price"}); err != nil {
			t.Fatal(err)
		}
		if r := s.is(job, why.Paused); r.Until != nil || r.Detail[:9] != "by ann at" {
			t.Errorf("got %+v", r)
		}
	})
	t.Run("its time", func(t *testing.T) {
		at := s.finder.Now.Add(time.Hour).Truncate(time.Second)
		if r := s.is(s.enqueue(enqueue.Job{At: at}, "4500000001"), why.Scheduled); r.Until == nil || !r.Until.Equal(at) {
			t.Errorf("got %+v", r)
		}
	})
	t.Run("a window, as the worker that looked noted", func(t *testing.T) {
		until := s.finder.Now.Add(time.Hour).Truncate(time.Second)
		waits := s.enqueue(enqueue.Job{}, "4500000001")
		if err := s.ledger.SetWaiting(t.Context(), waits, 0, until, s.finder.Now, string(window.QuietHours)); err != nil {
			t.Fatal(err)
		}
		if r := s.why(waits)[0]; r.Rule != why.QuietHours || !r.Until.Equal(until) {
			t.Errorf("got %+v", r)
		}
	})
	t.Run("nobody", func(t *testing.T) {
		over := s.enqueue(enqueue.Job{}, "4500000001")
		if _, err := s.client.Cancel(t.Context(), over, enqueue.Ask{}); err != nil {
			t.Fatal(err)
		}
		if got := s.why(over); len(got) > 0 {
			t.Errorf("got %+v", got)
		}
	})
}

func TestNumber(t *testing.T) {
	s := newScene(t)
	s.worker()
	at := s.finder.Now.Add(3 * time.Hour).Truncate(time.Second)
	s.enqueue(enqueue.Job{At: at, Label: "summer"}, "4500000001")
	over := s.enqueue(enqueue.Job{}, "4500000001", "4500000002")
	if _, err := s.client.Cancel(t.Context(), over, enqueue.Ask{}); err != nil {
		t.Fatal(err)
	}
	to, err := sms.ParseMSISDN("4500000001")
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.finder.Number(t.Context(), to)
	if err != nil || len(got) != 2 {
		t.Fatalf("got %+v, %v", got, err)
	}
	slices.SortFunc(got, func(a, b why.Recipient) int { return len(a.Label) - len(b.Label) })
	if r := got[0]; r.JobID != over || r.Status != "cancelled" || len(r.Reasons) > 0 || r.Detail == "" {
		t.Errorf("got %+v", r)
	}
	if r := got[1]; r.Label != "summer" || len(r.Reasons) != 1 || r.Reasons[0].Rule != why.Scheduled || !r.Reasons[0].Until.Equal(at) {
		t.Errorf("got %+v", r)
	}
}
