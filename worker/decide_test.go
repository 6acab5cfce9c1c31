package worker_test

import (
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/worker"
)

// one runs a job of n recipients through a single gateway to its end.
func one(t *testing.T, g *gateway, n int) (enqueue.Status, map[string]enqueue.Outcome) {
	t.Helper()
	g.limits.Recipients = max(g.limits.Recipients, 10)
	s := newSystem(t, worker.Account{Name: "a", Provider: "fake", Adapter: g, Concurrency: 2})
	s.start()
	r := s.enqueue(enqueue.Job{Via: "a", From: "Demo", Text: "Hi", Recipients: numbers(n)})
	return s.completed(r.JobID), s.outcomes(r.JobID)
}

func TestWorker_Decides(t *testing.T) {
	t.Run("UnavailableIsTriedAgainAndCounted", func(t *testing.T) {
		g := &gateway{answer: func(n int, c providers.Call) []providers.Result {
			if n <= 2 {
				return fail(c, providers.Unavailable)
			}
			return nil
		}}
		st, out := one(t, g, 5)
		if st.Counts.Accepted != 5 || g.count() != 3 {
			t.Errorf("%d calls, counts %+v", g.count(), st.Counts)
		}
		for _, o := range out {
			if o.Attempts != 3 || o.Status != "accepted" || o.Code != "0" {
				t.Errorf("outcome %+v", o)
			}
		}
	})
	t.Run("UsedUpAttemptsAreFailedWithTheLastReason", func(t *testing.T) {
		g := &gateway{answer: func(_ int, c providers.Call) []providers.Result { return fail(c, providers.Unavailable) }}
		st, out := one(t, g, 5)
		if st.Counts.Failed != 5 || g.count() != 3 {
			t.Errorf("%d calls, counts %+v", g.count(), st.Counts)
		}
		for _, o := range out {
			if o.Attempts != 3 || o.Code != "xunavailable" || o.Detail != "because" {
				t.Errorf("outcome %+v", o)
			}
		}
	})
	t.Run("RejectedAndInvalidAreFinal", func(t *testing.T) {
		g := &gateway{answer: func(_ int, c providers.Call) []providers.Result {
			res := providers.All(len(c.Recipients), providers.Result{ID: "i"})
			res[0] = fail(c, providers.Rejected)[0]
			res[1] = fail(c, providers.Invalid)[0]
			return res
		}}
		st, out := one(t, g, 5)
		if st.Counts.Rejected != 2 || st.Counts.Accepted != 3 || g.count() != 1 {
			t.Errorf("%d calls, counts %+v", g.count(), st.Counts)
		}
		if o := out["4500000000"]; o.Code != "xrejected" || o.ProviderMessageID != "" {
			t.Errorf("outcome %+v", o)
		}
	})
	t.Run("UnknownIsHeldAndNeverSentAgain", func(t *testing.T) {
		g := &gateway{answer: func(_ int, c providers.Call) []providers.Result { return fail(c, providers.Unknown) }}
		st, _ := one(t, g, 25)
		if st.Counts.Unknown != 25 || g.count() != 3 {
			t.Errorf("%d calls, counts %+v", g.count(), st.Counts)
		}
	})
	t.Run("AnErrorOfAnyOtherTypeIsUnknown", func(t *testing.T) {
		g := &gateway{answer: func(_ int, c providers.Call) []providers.Result {
			return providers.All(len(c.Recipients), providers.Result{Err: io.ErrUnexpectedEOF})
		}}
		if st, _ := one(t, g, 3); st.Counts.Unknown != 3 || g.count() != 1 {
			t.Errorf("%d calls, counts %+v", g.count(), st.Counts)
		}
	})
	t.Run("TooFewResultsAreUnknown", func(t *testing.T) {
		g := &gateway{answer: func(int, providers.Call) []providers.Result { return []providers.Result{{ID: "1"}} }}
		if st, _ := one(t, g, 3); st.Counts.Unknown != 3 || g.count() != 1 {
			t.Errorf("%d calls, counts %+v", g.count(), st.Counts)
		}
	})
	t.Run("APanicIsUnknownAndEndsNobodyElse", func(t *testing.T) {
		g := &gateway{answer: func(n int, _ providers.Call) []providers.Result {
			if n == 1 {
				panic("adapter")
			}
			return nil
		}}
		if st, _ := one(t, g, 30); st.Counts.Unknown != 10 || st.Counts.Accepted != 20 {
			t.Errorf("counts %+v", st.Counts)
		}
	})
	t.Run("DeliveredAtOnceIsDelivered", func(t *testing.T) {
		g := &gateway{answer: func(_ int, c providers.Call) []providers.Result {
			return providers.All(len(c.Recipients), providers.Result{ID: "i", Delivered: true})
		}}
		if st, _ := one(t, g, 3); st.Counts.Delivered != 3 {
			t.Errorf("counts %+v", st.Counts)
		}
	})
	t.Run("ThrottledCostsNoAttempt", func(t *testing.T) {
		g := &gateway{answer: func(n int, c providers.Call) []providers.Result {
			if n <= 8 {
				return providers.Fail(len(c.Recipients), &providers.Error{Kind: providers.Throttled, RetryAfter: time.Millisecond})
			}
			return nil
		}}
		st, out := one(t, g, 5)
		if st.Counts.Accepted != 5 || g.count() != 9 {
			t.Errorf("%d calls, counts %+v", g.count(), st.Counts)
		}
		if o := out["4500000000"]; o.Attempts != 1 {
			t.Errorf("outcome %+v", o)
		}
	})
	t.Run("AgainSendsTheOthersWithoutTheOneThatSpoiltIt", func(t *testing.T) {
		g := &gateway{answer: func(_ int, c providers.Call) []providers.Result {
			for i, r := range c.Recipients {
				if strings.HasSuffix(r.To.String(), "3") {
					res := fail(c, providers.Again)
					res[i] = fail(c, providers.Rejected)[i]
					return res
				}
			}
			return nil
		}}
		st, out := one(t, g, 20)
		if st.Counts.Rejected != 2 || st.Counts.Accepted != 18 || g.count() != 4 {
			t.Errorf("%d calls, counts %+v", g.count(), st.Counts)
		}
		if o := out["4500000004"]; o.Attempts != 1 {
			t.Errorf("outcome %+v", o)
		}
	})
	t.Run("OnlyAgainCountsAsUnavailable", func(t *testing.T) {
		g := &gateway{answer: func(_ int, c providers.Call) []providers.Result { return fail(c, providers.Again) }}
		if st, _ := one(t, g, 5); st.Counts.Failed != 5 || g.count() != 3 {
			t.Errorf("%d calls, counts %+v", g.count(), st.Counts)
		}
	})
	t.Run("SplitFindsTheOneThatSpoilsIt", func(t *testing.T) {
		g := &gateway{answer: func(_ int, c providers.Call) []providers.Result {
			if slices.ContainsFunc(c.Recipients, func(r providers.Recipient) bool { return r.To.String() == "4500000006" }) {
				return fail(c, providers.Split)
			}
			return nil
		}}
		st, out := one(t, g, 10)
		if st.Counts.Rejected != 1 || st.Counts.Accepted != 9 {
			t.Errorf("counts %+v", st.Counts)
		}
		if o := out["4500000006"]; o.Status != "rejected" || o.Code != "xsplit" {
			t.Errorf("outcome %+v", o)
		}
		for to, n := range g.taken {
			if n != 1 {
				t.Errorf("%s was taken %d times", to, n)
			}
		}
	})
}

func TestWorker_DecidesForEachAlone(t *testing.T) {
	// An adapter of somebody else's may mix what the contract keeps apart: whoever was taken is still not sent to again.
	for _, kind := range []providers.Kind{providers.Split, providers.Again, providers.Throttled, providers.Unavailable} {
		t.Run(kind.String(), func(t *testing.T) {
			g := &gateway{answer: func(n int, c providers.Call) []providers.Result {
				if n > 1 {
					return nil
				}
				res := providers.All(len(c.Recipients), providers.Result{ID: "i"})
				for i := 0; i < len(res); i += 3 {
					res[i] = providers.Result{Err: &providers.Error{Kind: kind, RetryAfter: time.Millisecond}}
				}
				res[1] = fail(c, providers.Unknown)[1]
				res[2] = fail(c, providers.Rejected)[2]
				return res
			}}
			st, _ := one(t, g, 10)
			if st.Counts.Accepted != 8 || st.Counts.Unknown != 1 || st.Counts.Rejected != 1 || len(g.twice()) > 0 {
				t.Errorf("counts %+v, twice %v", st.Counts, g.twice())
			}
		})
	}
}

func TestWorker_Config(t *testing.T) {
	t.Run("TheAccountGoesOnByItselfWhenAProbeIsTaken", func(t *testing.T) {
		g := &gateway{limits: providers.Limits{Recipients: 1}, answer: func(n int, c providers.Call) []providers.Result {
			if n == 1 {
				return fail(c, providers.Config)
			}
			return nil
		}}
		s := newSystem(t, worker.Account{Name: "a", Adapter: g, Concurrency: 2})
		s.start()
		r := s.enqueue(enqueue.Job{Via: "a", Text: "Hi", Recipients: numbers(50)})
		if st := s.completed(r.JobID); st.Counts.Accepted != 50 || len(g.twice()) > 0 || g.count() != 51 {
			t.Errorf("%d calls, counts %+v, twice %v", g.count(), st.Counts, g.twice())
		}
	})
	t.Run("RecipientsStayQueuedAndFewCallsAreMade", func(t *testing.T) {
		bad := &gateway{limits: providers.Limits{Recipients: 1}, answer: func(_ int, c providers.Call) []providers.Result {
			return fail(c, providers.Config)
		}}
		good := &gateway{limits: providers.Limits{Recipients: 1}}
		s := newSystem(t, worker.Account{Name: "bad", Adapter: bad, Concurrency: 4}, worker.Account{Name: "good", Adapter: good})
		began := time.Now()
		stop := s.start()
		sick := s.enqueue(enqueue.Job{Via: "bad", From: "Demo", Text: "Hi", Recipients: numbers(500)})
		fine := s.enqueue(enqueue.Job{Via: "good", From: "Demo", Text: "Hi", Recipients: numbers(500)})
		s.completed(fine.JobID)
		s.until(sick.JobID, "tried", func(enqueue.Status) bool { return bad.count() > 0 })
		stop()
		st, err := s.client.Status(t.Context(), sick.JobID)
		if err != nil {
			t.Fatal(err)
		}
		if st.Counts.Queued != 500 || st.State != enqueue.Running {
			t.Errorf("state %s, counts %+v", st.State, st.Counts)
		}
		probes := int(time.Since(began) / (2 * time.Second)) // the account is tried again after that, and each time later
		if bad.count() > 2+probes {
			t.Errorf("%d refused calls were made", bad.count())
		}
		if o := s.outcomes(sick.JobID)["4500000000"]; o.Attempts != 0 {
			t.Errorf("a refused account cost an attempt: %+v", o)
		}
		if n := s.logs.FilterMessageSnippet("refuses the account").Len(); n < 1 || n > 1+probes {
			t.Errorf("%d error lines", n)
		}
	})
}

func TestWorker_Failover(t *testing.T) {
	t.Run("WhatOneAccountCouldNotSendGoesToTheNext", func(t *testing.T) {
		first := &gateway{limits: providers.Limits{Recipients: 10}, answer: func(n int, c providers.Call) []providers.Result {
			if c.Recipients[0].To.String() == "4500000000" {
				return nil
			}
			return fail(c, providers.Unavailable)
		}}
		second := &gateway{limits: providers.Limits{Recipients: 4}}
		s := newSystem(t, worker.Account{Name: "a", Adapter: first}, worker.Account{Name: "b", Adapter: second})
		s.start()
		r := s.enqueue(enqueue.Job{Via: "all", From: "Demo", Text: "Hi", Recipients: numbers(30)})
		st := s.completed(r.JobID)
		if st.Counts.Accepted != 30 || len(first.taken) != 10 || len(second.taken) != 20 {
			t.Errorf("counts %+v, taken %d and %d", st.Counts, len(first.taken), len(second.taken))
		}
		if o := s.outcomes(r.JobID)["4500000029"]; o.Account != "b" {
			t.Errorf("outcome %+v", o)
		}
	})
	t.Run("WhatMayHaveBeenTakenDoesNotGoOnAndTheOthersKeepWhy", func(t *testing.T) {
		first := &gateway{limits: providers.Limits{Recipients: 10}, answer: func(_ int, c providers.Call) []providers.Result {
			res := fail(c, providers.Unavailable)
			for i := 0; i < len(res); i += 2 {
				res[i] = fail(c, providers.Unknown)[i]
			}
			res[1].Code = "busy"
			return res
		}}
		second := &gateway{limits: providers.Limits{Recipients: 10}}
		s := newSystem(t, worker.Account{Name: "a", Adapter: first, Concurrency: 1}, worker.Account{Name: "b", Adapter: second})
		s.opts.Retry.MaxAttempts = 1
		s.start()
		r := s.enqueue(enqueue.Job{Via: "all", From: "Demo", Text: "Hi", Recipients: numbers(30)})
		if st := s.completed(r.JobID); st.Counts.Accepted != 15 || st.Counts.Unknown != 15 || len(second.taken) != 15 || len(second.twice()) > 0 {
			t.Errorf("counts %+v, the second took %v", st.Counts, second.taken)
		}
		for to, o := range s.outcomes(r.JobID) {
			want := enqueue.Outcome{Account: "a", Status: "unknown"}
			if second.taken[to] > 0 {
				want = enqueue.Outcome{Account: "b", Status: "accepted"}
				code := "xunavailable"
				if strings.HasSuffix(to, "1") {
					code = "busy"
				}
				if len(o.History) != 1 || o.History[0].Account != "a" || o.History[0].Attempts != 1 || o.History[0].Code != code {
					t.Errorf("%s went through %+v", to[len(to)-3:], o.History)
				}
			}
			if o.Account != want.Account || o.Status != want.Status {
				t.Errorf("%s is %s by %s, want %s by %s", to[len(to)-3:], o.Status, o.Account, want.Status, want.Account)
			}
		}
	})
	t.Run("WhatMayHaveBeenTakenStaysUnknownWhenTheAccountIsDown", func(t *testing.T) {
		first := &gateway{limits: providers.Limits{Recipients: 10}, answer: func(_ int, c providers.Call) []providers.Result {
			return providers.Fail(len(c.Recipients), &providers.Error{Kind: providers.Unknown, Provider: "fake", Err: io.ErrUnexpectedEOF})
		}}
		second := &gateway{limits: providers.Limits{Recipients: 10}}
		s := newSystem(t, worker.Account{Name: "a", Adapter: first, Concurrency: 1}, worker.Account{Name: "b", Adapter: second})
		s.start()
		r := s.enqueue(enqueue.Job{Via: "all", From: "Demo", Text: "Hi", Recipients: numbers(200)})
		st := s.completed(r.JobID)
		n := int64(0)
		for _, c := range first.made() {
			n += int64(len(c.Recipients))
			for _, to := range c.Recipients {
				if second.taken[to.To.String()] > 0 {
					t.Errorf("%v was sent through both accounts", to.To)
				}
			}
		}
		if st.Counts.Unknown != n || st.Counts.Accepted != 200-n || n == 200 {
			t.Errorf("%d calls through the first account, counts %+v", first.count(), st.Counts)
		}
	})
	t.Run("TheLastAccountFails", func(t *testing.T) {
		no := func(_ int, c providers.Call) []providers.Result { return fail(c, providers.Unavailable) }
		a, b := &gateway{limits: providers.Limits{Recipients: 10}, answer: no}, &gateway{limits: providers.Limits{Recipients: 10}, answer: no}
		s := newSystem(t, worker.Account{Name: "a", Adapter: a}, worker.Account{Name: "b", Adapter: b})
		s.start()
		r := s.enqueue(enqueue.Job{Via: "all", From: "Demo", Text: "Hi", Recipients: numbers(3)})
		if st := s.completed(r.JobID); st.Counts.Failed != 3 || a.count() != 3 || b.count() != 3 {
			t.Errorf("%d and %d calls, counts %+v", a.count(), b.count(), st.Counts)
		}
	})
}
