package worker_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/worker"
)

// ready enqueues a job for a moment that is near, and returns it once a worker holds it.
func (s *system) ready(delay time.Duration) (job string, due time.Time) {
	s.t.Helper()
	r := s.enqueue(enqueue.Job{Via: "a", From: "Demo", Text: "Hi", Delay: delay, Recipients: numbers(3)})
	s.held(r.JobID, true)
	return r.JobID, *r.ScheduleAt
}

// held waits until the job's only batch has an owner, or none.
func (s *system) held(job string, want bool) {
	s.t.Helper()
	rdb := redis.NewUniversalClient(s.redis)
	defer rdb.Close()
	s.until(job, "held as wanted", func(enqueue.Status) bool {
		h, err := ledger.New(rdb).Holders(s.t.Context(), job, []int{0})
		if err != nil {
			s.t.Fatal(err)
		}
		return (h[0].Owner != "") == want
	})
}

func TestWorker_HoldsReadyWhatIsNear(t *testing.T) {
	newOne := func(t *testing.T) (*system, *gateway) {
		t.Parallel()
		g := &gateway{limits: providers.Limits{Recipients: 10}}
		g.seen = func() { g.last = time.Now() }
		return newSystem(t, worker.Account{Name: "a", Adapter: g}), g
	}
	punctual := func(t *testing.T, s *system, g *gateway, job string, due time.Time) {
		t.Helper()
		if st := s.completed(job); st.Counts.Accepted != 3 {
			t.Errorf("got %+v", st.Counts)
		}
		if g.last.Before(due) || g.count() != 1 {
			t.Errorf("called for %v after its time, in %d calls", g.last.Sub(due), g.count())
		}
	}
	t.Run("AndCallsAtItsTime", func(t *testing.T) {
		s, g := newOne(t)
		defer s.start()()
		job, due := s.ready(3500 * time.Millisecond)
		punctual(t, s, g, job, due)
	})
	t.Run("CancelledBefore", func(t *testing.T) {
		s, g := newOne(t)
		defer s.start()()
		job, _ := s.ready(3500 * time.Millisecond)
		if _, err := s.client.Cancel(t.Context(), job, enqueue.Ask{}); err != nil {
			t.Fatal(err)
		}
		if st := s.until(job, "cancelled", func(st enqueue.Status) bool { return st.Counts.Queued == 0 }); st.Counts.Cancelled != 3 || g.count() != 0 {
			t.Errorf("got %+v after %d calls", st.Counts, g.count())
		}
	})
	t.Run("PausedOverItsTime", func(t *testing.T) {
		s, g := newOne(t)
		defer s.start()()
		job, due := s.ready(3500 * time.Millisecond)
		if _, err := s.client.Pause(t.Context(), job, enqueue.Ask{}); err != nil {
			t.Fatal(err)
		}
		s.held(job, false)
		if time.Now().Before(due) || g.count() != 0 {
			t.Errorf("given back %v before its time, after %d calls", time.Until(due), g.count())
		}
		if _, err := s.client.Resume(t.Context(), job, enqueue.Ask{}); err != nil {
			t.Fatal(err)
		}
		punctual(t, s, g, job, due)
	})
	t.Run("MovedLater", func(t *testing.T) {
		s, g := newOne(t)
		defer s.start()()
		job, due := s.ready(3500 * time.Millisecond)
		due = due.Add(time.Second)
		if err := s.client.Reschedule(t.Context(), job, due, enqueue.Ask{}); err != nil {
			t.Fatal(err)
		}
		punctual(t, s, g, job, due)
	})
	t.Run("NotMovedAnyMoreInItsLastSecond", func(t *testing.T) {
		s, g := newOne(t)
		defer s.start()()
		job, due := s.ready(1500 * time.Millisecond)
		s.until(job, "running", func(st enqueue.Status) bool { return st.State == enqueue.Running })
		if err := s.client.Reschedule(t.Context(), job, due.Add(time.Minute), enqueue.Ask{}); err == nil {
			t.Error("it was moved")
		}
		punctual(t, s, g, job, due)
	})
	t.Run("GivenBackByAWorkerThatStops", func(t *testing.T) {
		s, g := newOne(t)
		stop := s.start()
		job, due := s.ready(3500 * time.Millisecond)
		stop()
		s.held(job, false)
		defer s.start()()
		punctual(t, s, g, job, due)
	})
	t.Run("GivenBackInItsLastSecond", func(t *testing.T) {
		s, g := newOne(t)
		stop := s.start()
		job, due := s.ready(1500 * time.Millisecond)
		s.until(job, "running", func(st enqueue.Status) bool { return st.State == enqueue.Running })
		stop()
		defer s.start()()
		punctual(t, s, g, job, due)
	})
	t.Run("GivenBackWhenItsAccountIsInTroubleByThen", func(t *testing.T) {
		s, g := newOne(t)
		var refuses atomic.Bool
		refuses.Store(true)
		g.answer = func(_ int, c providers.Call) []providers.Result {
			if refuses.Load() {
				return fail(c, providers.Config)
			}
			return nil
		}
		defer s.start()()
		job, due := s.ready(3500 * time.Millisecond)
		other := s.enqueue(enqueue.Job{Via: "a", From: "Demo", Text: "Another", Recipients: numbers(1)})
		s.held(job, false) // the account is suspended before the job is due, and stays so
		if time.Now().Before(due) {
			t.Errorf("given back %v before its time", time.Until(due))
		}
		for _, c := range g.made() {
			if c.Text != "Another" {
				t.Error("it was called for though the account is suspended")
			}
		}
		refuses.Store(false)
		s.completed(other.JobID)
		if st := s.completed(job); st.Counts.Accepted != 3 {
			t.Errorf("got %+v", st.Counts)
		}
	})
}
