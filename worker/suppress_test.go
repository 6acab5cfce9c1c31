package worker_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/worker"
)

func (s *system) suppress(account string, numbers ...string) {
	s.t.Helper()
	if _, err := s.client.Suppress(s.t.Context(), enqueue.SuppressOptions{Account: account}, numbers...); err != nil {
		s.t.Fatal(err)
	}
}

// saw reports whether all workers have told that they know of the last change of the lists.
func (s *system) saw() bool {
	s.t.Helper()
	rdb := s.rdb()
	names, err := ledger.New(rdb).Workers(s.t.Context())
	if err != nil || len(names) == 0 {
		s.t.Fatal(names, err)
	}
	version := rdb.HGet(s.t.Context(), "volley:{suppress}:meta", "version").Val()
	return !slices.ContainsFunc(names, func(name string) bool {
		return rdb.HGet(s.t.Context(), "volley:{suppress}:seen", name).Val() != version
	})
}

// numbered are n recipients from 4500000000 on.
func people(n int) []enqueue.Recipient {
	out := make([]enqueue.Recipient, n)
	for i := range out {
		out[i].To = fmt.Sprint(4500000000 + i)
	}
	return out
}

func completed(s enqueue.Status) bool { return s.State == enqueue.Completed }

// outcomes are those of a job by number.
func (s *system) outcomesOf(job string) map[string]enqueue.Outcome {
	s.t.Helper()
	out := map[string]enqueue.Outcome{}
	for o, err := range s.client.Outcomes(s.t.Context(), job) {
		if err != nil {
			s.t.Fatal(err)
		}
		out[o.To] = o
	}
	return out
}

func TestWorker_SuppressedAreNotSentTo(t *testing.T) {
	dk, moon := &gateway{}, &gateway{}
	dk.limits.Recipients, moon.limits.Recipients = 10, 10
	s := newSystem(t, worker.Account{Name: "dk", Adapter: dk}, worker.Account{Name: "moon", Adapter: moon})
	s.suppress("", "4500000001")
	s.suppress("dk", "4500000002", "4500000001")
	s.suppress("moon", "4500000003")
	s.start()
	r := s.enqueue(enqueue.Job{Via: "dk", From: "Acme", Text: "Hi", Recipients: people(6)})
	st := s.until(r.JobID, "completed", completed)
	if st.Counts.Accepted != 4 || st.Counts.Suppressed != 2 {
		t.Errorf("got %+v, want 4 accepted and 2 suppressed", st.Counts)
	}
	for to, detail := range map[string]string{
		"4500000001": "opted out: on the list for all accounts", "4500000002": "opted out: on the list of account dk",
	} {
		o := s.outcomesOf(r.JobID)[to]
		if o.Status != "suppressed" || o.Code != worker.CodeSuppressed || o.Detail != detail || o.Attempts != 0 || dk.taken[to] != 0 {
			t.Errorf("got %+v, sent %d times, want suppressed: %s", o, dk.taken[to], detail)
		}
	}
	// It is final, whatever is retried.
	if n, err := s.client.Retry(t.Context(), r.JobID, []string{"failed", "unknown"}, enqueue.Ask{}); err != nil || n != 0 {
		t.Errorf("queued again: %d, %v", n, err)
	}
}

// Who opts out while calls wait for their moment, or are tried again, gets none of them; those beside them do.
func TestWorker_AnOptOutCountsBeforeEachCall(t *testing.T) {
	g := &gateway{}
	g.limits.Recipients = 5
	s := newSystem(t, worker.Account{Name: "dk", Adapter: g, Concurrency: 1})
	s.opts.Retry.Initial, s.opts.Retry.Max = 50*time.Millisecond, 50*time.Millisecond
	g.answer = func(n int, c providers.Call) []providers.Result {
		if n > 1 {
			return nil
		}
		// Of this call, and of another one that waits.
		s.suppress("", "4500000001", "4500000007")
		if !s.saw() {
			t.Error("no worker has told that it read the list")
		}
		return fail(c, providers.Unavailable)
	}
	s.start()
	r := s.enqueue(enqueue.Job{Via: "dk", From: "Acme", Text: "Hi", Recipients: people(10)})
	st := s.until(r.JobID, "completed", completed)
	if st.Counts.Accepted != 8 || st.Counts.Suppressed != 2 {
		t.Errorf("got %+v, want 8 accepted and 2 suppressed", st.Counts)
	}
	for to, o := range s.outcomesOf(r.JobID) {
		out := to == "4500000001" || to == "4500000007"
		if out != (o.Status == "suppressed") || out != (g.taken[to] == 0) {
			t.Errorf("%s is %s, taken %d times", to, o.Status, g.taken[to])
		}
	}
}

// The list of an account counts for those whom it would send to, and not for those who go to the next one.
func TestWorker_TheListOfTheAccountThatWouldSend(t *testing.T) {
	dk, moon := &gateway{}, &gateway{}
	dk.limits.Recipients, moon.limits.Recipients = 10, 10
	s := newSystem(t, worker.Account{Name: "dk", Adapter: dk}, worker.Account{Name: "moon", Adapter: moon})
	s.suppress("moon", "4500000001")
	dk.answer = func(_ int, c providers.Call) []providers.Result {
		// The first is taken, and all others go on.
		res := fail(c, providers.Unavailable)
		for i, r := range c.Recipients {
			if r.To == 4500000000 {
				res[i] = providers.Result{ID: "x"}
			}
		}
		return res
	}
	s.start()
	r := s.enqueue(enqueue.Job{Via: "all", From: "Acme", Text: "Hi", Recipients: people(4)})
	st := s.until(r.JobID, "completed", completed)
	if st.Counts.Accepted != 3 || st.Counts.Suppressed != 1 {
		t.Errorf("got %+v, want 3 accepted and 1 suppressed", st.Counts)
	}
	if o := s.outcomesOf(r.JobID)["4500000001"]; o.Status != "suppressed" || o.Detail != "opted out: on the list of account moon" {
		t.Errorf("got %+v", o)
	}
}
