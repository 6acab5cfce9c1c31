package worker_test

import (
	"context"
	"errors"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/standing"
	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/worker"
)

// checked is a gateway that can be asked without sending.
type checked struct {
	*gateway
	checks atomic.Int64
	first  atomic.Int64 // when it was asked first, in milliseconds
	err    atomic.Pointer[providers.Error]
}

func (c *checked) Check(context.Context) (providers.AccountInfo, error) {
	c.first.CompareAndSwap(0, time.Now().UnixMilli())
	c.checks.Add(1)
	if err := c.err.Load(); err != nil {
		return providers.AccountInfo{}, err
	}
	return providers.AccountInfo{LoginProven: true}, nil
}

// silent is what comes of a call to a gateway that is not there.
func silent(c providers.Call) []providers.Result {
	return providers.Fail(len(c.Recipients), &providers.Error{
		Kind: providers.Unavailable, Provider: "fake", Err: errors.Join(errors.New("dial"), syscall.ECONNREFUSED),
	})
}

func (s *system) standing(account string) *standing.Trouble {
	s.t.Helper()
	all, err := standing.New(s.rdb()).Of(s.t.Context(), account)
	if err != nil {
		s.t.Fatal(err)
	}
	return all[account]
}

// eventually polls until ok.
func (s *system) eventually(what string, ok func() bool) {
	s.t.Helper()
	for range 4000 {
		if ok() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	s.t.Fatalf("never: %s", what)
}

func TestWorker_Suspension(t *testing.T) {
	wrong := &providers.Error{Kind: providers.Config, Provider: "fake", Code: "401", Detail: "wrong login"}
	var refuses atomic.Bool
	sick := func(recipients int) *checked {
		refuses.Store(true)
		g := &checked{gateway: &gateway{limits: providers.Limits{Recipients: recipients}}}
		g.answer = func(_ int, c providers.Call) []providers.Result {
			if refuses.Load() {
				return providers.Fail(len(c.Recipients), wrong)
			}
			return nil
		}
		g.err.Store(wrong)
		return g
	}
	t.Run("AllWorkersKnowOfItAndMakeFewRefusedCalls", func(t *testing.T) {
		g := sick(10)
		s := newSystem(t, worker.Account{Name: "a", Adapter: g, Concurrency: 4})
		for range 3 {
			s.start()
		}
		r := s.enqueue(enqueue.Job{Via: "a", Text: "Hi", Recipients: numbers(5000)})
		s.eventually("suspended", func() bool { return s.standing("a") != nil })
		got := s.standing("a")
		if got.Why != standing.Suspended || got.Code != "401" || got.Detail != "wrong login" || time.Since(got.Since) > time.Minute {
			t.Errorf("the record is %+v", got)
		}
		s.eventually("probed", func() bool { return g.checks.Load() >= 1 })
		if n := g.count(); n > 6 {
			t.Errorf("%d refused calls by 3 workers", n)
		}
		if early := got.Since.UnixMilli() + 2000 - g.first.Load(); early > 1 { // both are cut to milliseconds
			t.Errorf("the account was probed %d ms before its time", early)
		}
		st := s.until(r.JobID, "queued whole", func(st enqueue.Status) bool { return st.Counts.Sending == 0 })
		if st.Counts.Queued != 5000 || st.State != enqueue.Running {
			t.Errorf("state %s, counts %+v", st.State, st.Counts)
		}
		if n := s.logs.FilterMessageSnippet("it is suspended").Len(); n != 1 {
			t.Errorf("%d error lines", n)
		}
		refuses.Store(false)
		g.err.Store(nil)
		if st := s.completed(r.JobID); st.Counts.Accepted != 5000 || len(g.twice()) > 0 {
			t.Errorf("after the probe: %+v, twice %v", st.Counts, g.twice())
		}
		s.eventually("forgotten", func() bool { return s.standing("a") == nil })
	})
	t.Run("InTheMiddleOfACampaignFewCallsAreRefused", func(t *testing.T) {
		g := sick(1)
		refused := atomic.Int64{}
		var s *system
		g.answer = func(n int, c providers.Call) []providers.Result {
			switch {
			case n == 50: // is answered late, when all others are refused: that says nothing about now
				s.eventually("suspended", func() bool { return s.standing("a") != nil })
				return nil
			case n < 50:
				return nil
			}
			refused.Add(1)
			return providers.Fail(len(c.Recipients), wrong)
		}
		s = newSystem(t, worker.Account{Name: "a", Adapter: g, Concurrency: 4})
		s.start()
		r := s.enqueue(enqueue.Job{Via: "a", Text: "Hi", Recipients: numbers(500)})
		s.eventually("probed", func() bool { return g.checks.Load() >= 1 })
		st := s.until(r.JobID, "quiet", func(st enqueue.Status) bool { return st.Counts.Sending == 0 })
		if n := refused.Load(); n < 1 || n > 3 || s.standing("a") == nil {
			t.Errorf("%d refused calls by 3 lanes, and the account stands as %v", n, s.standing("a"))
		}
		if st.Counts.Queued != 450 || st.Counts.Accepted != 50 {
			t.Errorf("counts %+v", st.Counts)
		}
	})
	t.Run("AnOperatorResumesIt", func(t *testing.T) {
		g := sick(10)
		s := newSystem(t, worker.Account{Name: "a", Adapter: g, Concurrency: 2})
		s.start()
		r := s.enqueue(enqueue.Job{Via: "a", Text: "Hi", Recipients: numbers(50)})
		s.eventually("suspended", func() bool { return s.standing("a") != nil })
		refuses.Store(false) // but the check goes on failing
		if had, err := standing.New(s.rdb()).Resume(t.Context(), "a"); err != nil || !had {
			t.Fatal(had, err)
		}
		if st := s.completed(r.JobID); st.Counts.Accepted != 50 {
			t.Errorf("counts %+v", st.Counts)
		}
	})
	t.Run("AStartWithOtherSettingsTriesItAndWithTheSameDoesNot", func(t *testing.T) {
		g := sick(10)
		s := newSystem(t, worker.Account{Name: "a", Adapter: g, Settings: "one"})
		stop := s.start()
		r := s.enqueue(enqueue.Job{Via: "a", Text: "Hi", Recipients: numbers(50)})
		s.eventually("suspended", func() bool { return s.standing("a") != nil })
		stop()
		n := g.count()
		refuses.Store(false)
		stop = s.start()
		s.eventually("looked", func() bool { return g.checks.Load() > 0 })
		stop()
		if g.count() != n || s.standing("a") == nil {
			t.Errorf("%d calls after a start with the same settings", g.count()-n)
		}
		s.opts.Accounts[0].Settings = "two"
		s.start()
		if st := s.completed(r.JobID); st.Counts.Accepted != 50 {
			t.Errorf("counts %+v", st.Counts)
		}
	})
}

func TestWorker_Breaker(t *testing.T) {
	t.Run("ARunOfFailuresOpensItAndSpendsNoFurtherAttempts", func(t *testing.T) {
		var gone atomic.Bool
		gone.Store(true)
		g := &checked{gateway: &gateway{limits: providers.Limits{Recipients: 10}}}
		g.answer = func(_ int, c providers.Call) []providers.Result {
			if gone.Load() {
				return silent(c)
			}
			return nil
		}
		g.err.Store(&providers.Error{Kind: providers.Unavailable, Provider: "fake", Err: syscall.ECONNREFUSED})
		s := newSystem(t, worker.Account{Name: "a", Adapter: g, Concurrency: 4})
		s.opts.Retry.MaxAttempts = 20
		s.start()
		r := s.enqueue(enqueue.Job{Via: "a", Text: "Hi", Recipients: numbers(3000)})
		s.eventually("down", func() bool { return s.standing("a") != nil })
		if got := s.standing("a"); got.Why != standing.Down || got.Detail != "the connection was refused" {
			t.Errorf("the record is %+v", got)
		}
		s.until(r.JobID, "quiet", func(st enqueue.Status) bool { return st.Counts.Sending == 0 })
		n := g.count()
		s.eventually("probed", func() bool { return g.checks.Load() >= 1 })
		if g.count() > n+1 || n > 20 {
			t.Errorf("%d calls before it opened, %d while open", n, g.count()-n)
		}
		gone.Store(false)
		g.err.Store(nil)
		first := g.count()
		st := s.completed(r.JobID)
		if st.Counts.Accepted != 3000 || len(g.twice()) > 0 {
			t.Errorf("counts %+v, twice %v", st.Counts, g.twice())
		}
		if k := len(g.calls[first].Recipients); k != 1 {
			t.Errorf("the first call after it had %d recipients", k)
		}
	})
	t.Run("WhatHasANextAccountGoesThereAndKeepsWhy", func(t *testing.T) {
		dead := &checked{gateway: &gateway{limits: providers.Limits{Recipients: 10}, answer: func(_ int, c providers.Call) []providers.Result { return silent(c) }}}
		dead.err.Store(&providers.Error{Kind: providers.Unavailable, Provider: "fake", Err: syscall.ECONNREFUSED})
		well := &gateway{limits: providers.Limits{Recipients: 10}}
		s := newSystem(t, worker.Account{Name: "a", Adapter: dead}, worker.Account{Name: "b", Adapter: well})
		s.opts.Retry.MaxAttempts = 100
		s.start()
		r := s.enqueue(enqueue.Job{Via: "all", Text: "Hi", Recipients: numbers(3000)})
		if st := s.completed(r.JobID); st.Counts.Accepted != 3000 || len(well.twice()) > 0 {
			t.Errorf("counts %+v", st.Counts)
		}
		for to, o := range s.outcomes(r.JobID) {
			if o.Account != "b" || len(o.History) != 1 || o.History[0].Account != "a" || o.History[0].Detail == "" {
				t.Fatalf("%s: %+v", to[len(to)-3:], o)
			}
		}
		s.clean(r.JobID)
	})
}

func TestWorker_ResendUnknown(t *testing.T) {
	lost := func(n int, c providers.Call) []providers.Result {
		if n <= 2 {
			return fail(c, providers.Unknown)
		}
		return nil
	}
	t.Run("AJobThatAsksForIt", func(t *testing.T) {
		g := &gateway{limits: providers.Limits{Recipients: 10}, answer: lost}
		s := newSystem(t, worker.Account{Name: "a", Adapter: g, Concurrency: 1})
		s.start()
		r := s.enqueue(enqueue.Job{Via: "a", Text: "Hi", Recipients: numbers(30), OnUnknown: enqueue.Resend})
		s.eventually("lost", func() bool { return g.count() >= 2 })
		held := s.enqueue(enqueue.Job{Via: "a", Text: "Hi", Recipients: numbers(30)})
		if st := s.completed(r.JobID); st.Counts.Accepted != 30 || s.outcomes(r.JobID)["4500000000"].Attempts != 2 {
			t.Errorf("counts %+v", st.Counts)
		}
		s.completed(held.JobID)
		s.clean(r.JobID)
	})
	t.Run("AnAccountThatAsksForIt", func(t *testing.T) {
		g := &gateway{limits: providers.Limits{Recipients: 10}, answer: lost}
		s := newSystem(t, worker.Account{Name: "a", Adapter: g, ResendUnknown: true})
		s.start()
		r := s.enqueue(enqueue.Job{Via: "a", Text: "Hi", Recipients: numbers(30)})
		if st := s.completed(r.JobID); st.Counts.Accepted != 30 {
			t.Errorf("counts %+v", st.Counts)
		}
	})
	t.Run("WithinTheBudgetOfAttempts", func(t *testing.T) {
		g := &gateway{limits: providers.Limits{Recipients: 10}, answer: func(_ int, c providers.Call) []providers.Result { return fail(c, providers.Unknown) }}
		s := newSystem(t, worker.Account{Name: "a", Adapter: g, ResendUnknown: true})
		s.start()
		r := s.enqueue(enqueue.Job{Via: "a", Text: "Hi", Recipients: numbers(10)})
		if st := s.completed(r.JobID); st.Counts.Unknown != 10 || g.count() != 3 {
			t.Errorf("%d calls, counts %+v", g.count(), st.Counts)
		}
	})
}
