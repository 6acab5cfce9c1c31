package worker

import (
	"context"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/internal/task"
	"github.com/volleysms/volley/providers"
)

// single takes one recipient a call.
type single struct{ send func() }

func (single) Limits() providers.Limits { return providers.Limits{Recipients: 1} }

func (s single) Send(_ context.Context, c providers.Call) []providers.Result {
	if s.send != nil {
		s.send()
	}
	return providers.All(len(c.Recipients), providers.Result{ID: "1"})
}

// idle is a worker that does not run, and a Redis with jobs for it.
type idle struct {
	*Worker
	t      *testing.T
	mini   *miniredis.Miniredis
	client *enqueue.Client
	logs   *observer.ObservedLogs
}

// newIdle returns an idle worker with one account, whose name is a.
func newIdle(t *testing.T, a Account) *idle {
	t.Helper()
	core, logs := observer.New(zap.WarnLevel)
	i := &idle{t: t, mini: miniredis.RunT(t), logs: logs}
	opts := &redis.UniversalOptions{Addrs: []string{i.mini.Addr()}}
	var err error
	if i.client, err = enqueue.New(opts, enqueue.Options{Accounts: []string{"a"}}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { i.client.Close() })
	a.Name = "a"
	if a.Adapter == nil {
		a.Adapter = single{}
	}
	if i.Worker, err = New(opts, Options{Accounts: []Account{a}, Logger: zap.New(core)}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { i.plain.Close(); i.srvPlain.Close() })
	return i
}

// stay is a batch in hand of an idle worker, with a call for each of its recipients.
type stay struct {
	*run
	t     *testing.T
	calls []*call
}

func newStay(t *testing.T) *stay {
	t.Helper()
	return newIdle(t, Account{}).stay()
}

// stay enqueues a job of three recipients and takes it in hand.
func (i *idle) stay() *stay {
	i.t.Helper()
	rc, err := i.client.Enqueue(i.t.Context(), enqueue.Job{Via: "a", From: "Demo", Text: "Hi", Recipients: []enqueue.Recipient{{To: "4500000001"}, {To: "4500000002"}, {To: "4500000003"}}})
	if err != nil {
		i.t.Fatal(err)
	}
	job, err := i.job(i.t.Context(), rc.JobID)
	if err != nil {
		i.t.Fatal(err)
	}
	r, _, err := i.hold(i.t.Context(), i.accounts[0], job, task.Ref{Job: rc.JobID})
	if err != nil || r == nil {
		i.t.Fatalf("%v, %v", r, err)
	}
	s := &stay{run: r, t: i.t, calls: r.plan(time.Now())}
	r.open = len(s.calls)
	return s
}

// claimed claims the recipients of a call.
func (s *stay) claimed(c *call) {
	s.t.Helper()
	granted := make(chan bool, 1)
	s.claim(c, granted)
	if !<-granted {
		s.t.Fatal("not granted")
	}
}

func (s *stay) taken(c *call, gather time.Duration) {
	s.settle(c, []providers.Result{{ID: "1"}}, gather)
}

// written waits until a call is recorded, and returns how many recipients the ledger has as accepted by then.
func (s *stay) written(c *call) int64 {
	s.t.Helper()
	done := make(chan struct{})
	go func() { s.recorded(c.gen); close(done) }()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		s.t.Fatal("the call is never recorded")
	}
	return s.accepted()
}

func (s *stay) accepted() int64 {
	s.t.Helper()
	n, err := s.w.ledger.Counts(s.t.Context(), s.job.spec.ID)
	if err != nil {
		s.t.Fatal(err)
	}
	return n[ledger.Accepted]
}

// TestGather: the record of a call waits for those of others of its batch that are on the wire, and no longer than for the last of
// them, for the next claim, or for its time.
func TestGather(t *testing.T) {
	t.Run("ForTheOthers", func(t *testing.T) {
		s := newStay(t)
		s.claimed(s.calls[0])
		s.claimed(s.calls[1])
		s.taken(s.calls[0], time.Hour)
		if n := s.accepted(); n != 0 {
			t.Errorf("%d were recorded before the other call ended", n)
		}
		s.taken(s.calls[1], time.Hour)
		if n := s.written(s.calls[0]); n != 2 || s.calls[0].gen != s.calls[1].gen {
			t.Errorf("%d are recorded, in commits %d and %d", n, s.calls[0].gen, s.calls[1].gen)
		}
	})
	t.Run("AClaimTakesItAlong", func(t *testing.T) {
		s := newStay(t)
		s.claimed(s.calls[0])
		s.claimed(s.calls[1])
		s.taken(s.calls[0], time.Hour)
		s.claimed(s.calls[2])
		if n := s.accepted(); n != 1 {
			t.Errorf("%d are recorded", n)
		}
	})
	t.Run("ForItsTime", func(t *testing.T) {
		s := newStay(t)
		s.claimed(s.calls[0])
		s.claimed(s.calls[1])
		s.taken(s.calls[0], time.Millisecond)
		if n := s.written(s.calls[0]); n != 1 {
			t.Errorf("%d are recorded", n)
		}
	})
	t.Run("NotForNobody", func(t *testing.T) {
		s := newStay(t)
		s.claimed(s.calls[0])
		s.taken(s.calls[0], time.Hour)
		if n := s.written(s.calls[0]); n != 1 {
			t.Errorf("%d are recorded", n)
		}
	})
}
