package worker_test

import (
	"testing"
	"time"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/worker"
)

func TestWorker_Retry(t *testing.T) {
	t.Run("BackOnTheQueueAttemptsAreStillCounted", func(t *testing.T) {
		g := &gateway{limits: providers.Limits{Recipients: 10}, answer: func(n int, c providers.Call) []providers.Result {
			return fail(c, providers.Unavailable)
		}}
		s := newSystem(t, worker.Account{Name: "a", Adapter: g})
		s.opts.Retry.Inline = -1 // every pause is spent on the queue
		s.start()
		r := s.enqueue(enqueue.Job{Via: "a", Text: "Hi", Recipients: numbers(5)})
		if st := s.completed(r.JobID); st.Counts.Failed != 5 || g.count() != 3 {
			t.Errorf("%d calls, counts %+v", g.count(), st.Counts)
		}
		if o := s.outcomes(r.JobID)["4500000000"]; o.Attempts != 3 || o.Code != "xunavailable" {
			t.Errorf("outcome %+v", o)
		}
		s.clean(r.JobID)
	})
	for name, inline := range map[string]time.Duration{"InTheProcess": 0, "FromTheQueue": -1} {
		t.Run("RetryAfterIsNeverCutShort/"+name, func(t *testing.T) {
			const wish = 300 * time.Millisecond
			var first, second time.Time
			g := &gateway{limits: providers.Limits{Recipients: 10}, answer: func(n int, c providers.Call) []providers.Result {
				if n == 1 {
					first = time.Now()
					return providers.Fail(len(c.Recipients), &providers.Error{Kind: providers.Unavailable, RetryAfter: wish})
				}
				second = time.Now()
				return nil
			}}
			s := newSystem(t, worker.Account{Name: "a", Adapter: g, Concurrency: 1})
			s.opts.Retry.Inline = inline
			stop := s.start()
			r := s.enqueue(enqueue.Job{Via: "a", Text: "Hi", Recipients: numbers(5)})
			s.completed(r.JobID)
			stop()
			if d := second.Sub(first); d < wish {
				t.Errorf("sent again %v after the refusal, asked for %v", d, wish)
			}
		})
	}
	t.Run("AThrottledAccountHoldsAllItsCallsBack", func(t *testing.T) {
		const wish = 300 * time.Millisecond
		var refused time.Time
		g := &gateway{limits: providers.Limits{Recipients: 1}}
		g.answer = func(n int, c providers.Call) []providers.Result {
			switch {
			case n == 1:
				refused = time.Now()
				return providers.Fail(1, &providers.Error{Kind: providers.Throttled, RetryAfter: wish})
			case time.Since(refused) < wish:
				t.Errorf("call %d was made %v after the refusal", n, time.Since(refused))
			}
			return nil
		}
		s := newSystem(t, worker.Account{Name: "a", Adapter: g, Concurrency: 1})
		stop := s.start()
		r := s.enqueue(enqueue.Job{Via: "a", Text: "Hi", Recipients: numbers(20)})
		st := s.completed(r.JobID)
		stop()
		if st.Counts.Accepted != 20 || len(g.twice()) > 0 {
			t.Errorf("counts %+v", st.Counts)
		}
	})
	t.Run("ARateIsKeptOverAllWorkers", func(t *testing.T) {
		var times []time.Time
		g := &gateway{limits: providers.Limits{Recipients: 1}, answer: func(int, providers.Call) []providers.Result { return nil }}
		g.seen = func() { times = append(times, time.Now()) }
		s := newSystem(t, worker.Account{Name: "a", Adapter: g, Concurrency: 4, Limits: worker.Limits{Calls: 100}})
		stopA, stopB := s.start(), s.start()
		r := s.enqueue(enqueue.Job{Via: "a", Text: "Hi", Recipients: numbers(51)})
		s.completed(r.JobID)
		stopA()
		stopB()
		// 51 calls at 100 a second have 50 gaps of 10 ms between them; the first call may have been late and not the others.
		if d := times[len(times)-1].Sub(times[0]); len(times) != 51 || d < 400*time.Millisecond {
			t.Errorf("%d calls within %v", len(times), d)
		}
	})
}
