package worker_test

import (
	"testing"
	"time"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/worker"
)

func TestWorker_Reroute(t *testing.T) {
	t.Run("WhatIsQueuedOfARunningJobGoesToTheOtherAccount", func(t *testing.T) {
		a, next := paced(10)
		b := &gateway{limits: providers.Limits{Recipients: 50}}
		s := newSystem(t, worker.Account{Name: "a", Adapter: a, Concurrency: 2}, worker.Account{Name: "b", Adapter: b})
		s.start()
		r := s.enqueue(enqueue.Job{Via: "a", Text: "Hi", Recipients: numbers(5000)})
		for range 20 {
			next <- struct{}{}
		}
		moved, err := s.client.Reroute(t.Context(), r.JobID, "b", enqueue.Ask{Reason: "slow"})
		if err != nil || moved > 4800 || moved < 4700 {
			t.Fatal(moved, err)
		}
		n := a.count()
		close(next)
		st := s.completed(r.JobID)
		if st.Counts.Accepted != 5000 || len(a.twice())+len(b.twice()) > 0 || a.count() > n+2 {
			t.Errorf("counts %+v; %d calls of a at the time, %d after it; twice %v %v", st.Counts, n, a.count(), a.twice(), b.twice())
		}
		by := map[string]int{}
		for _, o := range s.outcomes(r.JobID) {
			by[o.Account]++
		}
		if by["a"] != len(a.taken) || by["b"] != len(b.taken) || by["a"]+by["b"] != 5000 {
			t.Errorf("outcomes by account %v, taken by a %d, by b %d", by, len(a.taken), len(b.taken))
		}
		s.clean(r.JobID)
		if n, err := s.client.Reroute(t.Context(), r.JobID, "a", enqueue.Ask{}); err == nil {
			t.Errorf("a completed job was re-routed: %d", n)
		}
	})
	t.Run("AndOfAJobWhoseAccountIsSuspended", func(t *testing.T) {
		a := &gateway{limits: providers.Limits{Recipients: 10}, answer: func(_ int, c providers.Call) []providers.Result {
			return fail(c, providers.Config)
		}}
		b := &gateway{limits: providers.Limits{Recipients: 50}}
		s := newSystem(t, worker.Account{Name: "a", Adapter: a}, worker.Account{Name: "b", Adapter: b})
		s.start()
		r := s.enqueue(enqueue.Job{Via: "a", Text: "Hi", Recipients: numbers(3000)})
		s.eventually("suspended", func() bool { return s.standing("a") != nil })
		for range 2 { // the second one has nothing to do
			if _, err := s.client.Reroute(t.Context(), r.JobID, "b", enqueue.Ask{}); err != nil {
				t.Fatal(err)
			}
		}
		if st := s.completed(r.JobID); st.Counts.Accepted != 3000 || len(b.twice()) > 0 {
			t.Errorf("counts %+v, twice %v", st.Counts, b.twice())
		}
		s.clean(r.JobID)
	})
	t.Run("AndOfOneThatIsPausedOrScheduledWhenItsTurnComes", func(t *testing.T) {
		a := &gateway{limits: providers.Limits{Recipients: 10}}
		b := &gateway{limits: providers.Limits{Recipients: 50}}
		s := newSystem(t, worker.Account{Name: "a", Adapter: a}, worker.Account{Name: "b", Adapter: b})
		paused := s.enqueue(enqueue.Job{Via: "a", Text: "Hi", Recipients: numbers(1500)})
		if _, err := s.client.Pause(t.Context(), paused.JobID, enqueue.Ask{}); err != nil {
			t.Fatal(err)
		}
		later := s.enqueue(enqueue.Job{Via: "a", Text: "Hi", Recipients: numbers(20), At: time.Now().Add(1500 * time.Millisecond)})
		for job, want := range map[string]int64{paused.JobID: 1500, later.JobID: 20} {
			if n, err := s.client.Reroute(t.Context(), job, "b", enqueue.Ask{}); err != nil || n != want {
				t.Fatal(n, err)
			}
		}
		s.start()
		if _, err := s.client.Resume(t.Context(), paused.JobID, enqueue.Ask{}); err != nil {
			t.Fatal(err)
		}
		s.completed(paused.JobID)
		s.completed(later.JobID)
		if a.count() != 0 || len(b.taken) != 1500 {
			t.Errorf("%d calls of a; b has %d numbers", a.count(), len(b.taken))
		}
		s.clean(paused.JobID)
		s.clean(later.JobID)
	})
}
