package worker_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/internal/task"
	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/worker"
)

func (g *gateway) twice() (out []string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for to, n := range g.taken {
		if n != 1 {
			out = append(out, fmt.Sprintf("%s %d times", to, n))
		}
	}
	return out
}

func TestWorker_Stop(t *testing.T) {
	for perCall, n := range map[int]int{5: 3000, 1000: 20_000} { // those on the wire are of one batch, and of batches without a task
		t.Run(fmt.Sprintf("CallsOnTheWireEndAndAreRecordedAndTheRestGoesOnLater/%d", perCall), func(t *testing.T) {
			onWire, release := make(chan struct{}, 1000), make(chan struct{})
			g := &gateway{limits: providers.Limits{Recipients: perCall}, answer: func(int, providers.Call) []providers.Result {
				onWire <- struct{}{}
				<-release
				return nil
			}}
			s := newSystem(t, worker.Account{Name: "a", Adapter: g, Concurrency: 4})
			stop := s.start()
			r := s.enqueue(enqueue.Job{Via: "a", From: "Demo", Text: "Hi", Recipients: numbers(n)})
			for range 4 {
				<-onWire
			}
			stopped := make(chan struct{})
			go func() { stop(); close(stopped) }()
			s.until(r.JobID, "waiting for four calls", func(enqueue.Status) bool {
				return s.logs.FilterMessageSnippet("worker stops").Len() == 1
			})
			close(release)
			<-stopped
			st, err := s.client.Status(t.Context(), r.JobID)
			if err != nil {
				t.Fatal(err)
			}
			if st.Counts.Sending != 0 || st.Counts.Unknown != 0 || st.Counts.Accepted != int64(len(g.taken)) {
				t.Errorf("taken %d, counts %+v", len(g.taken), st.Counts)
			}
			if g.count() > 8 {
				t.Errorf("%d calls, 4 of them after the stop at the most", g.count())
			}
			if q, err := asynq.NewInspectorFromRedisClient(s.rdb()).GetQueueInfo(task.Queue("a", 0)); err != nil || q.Size == 0 {
				t.Errorf("the batches that are left are not on the queue: %+v, %v", q, err)
			}
			s.start()
			if st := s.completed(r.JobID); st.Counts.Accepted != int64(n) || len(g.twice()) > 0 {
				t.Errorf("counts %+v, twice: %v", st.Counts, g.twice())
			}
		})
	}
	t.Run("FiftyStartsAndStops", func(t *testing.T) {
		g := &gateway{limits: providers.Limits{Recipients: 7}}
		s := newSystem(t, worker.Account{Name: "a", Adapter: g, Concurrency: 3})
		r := s.enqueue(enqueue.Job{Via: "a", From: "Demo", Text: "Hi", Recipients: numbers(20_000)})
		for range 50 {
			stop := s.start()
			n := g.count()
			for g.count() == n && len(g.twice()) == 0 {
				if st, err := s.client.Status(t.Context(), r.JobID); err != nil || st.State == enqueue.Completed {
					break
				}
				time.Sleep(time.Millisecond)
			}
			stop()
		}
		s.start()
		if st := s.completed(r.JobID); st.Counts.Accepted != 20_000 || len(g.twice()) > 0 {
			t.Errorf("counts %+v, twice: %v", st.Counts, g.twice())
		}
	})
}

func TestWorker_Recover(t *testing.T) {
	t.Run("WhatADeadWorkerHadOnTheWireIsUnknownAndTheRestIsSent", func(t *testing.T) {
		g := &gateway{limits: providers.Limits{Recipients: 10}}
		s := newSystem(t, worker.Account{Name: "a", Adapter: g})
		r := s.enqueue(enqueue.Job{Via: "a", From: "Demo", Text: "Hi", Recipients: numbers(100)})
		l := ledger.New(s.rdb())
		held, err := l.Take(t.Context(), r.JobID, 0, "dead/1", "")
		if err != nil {
			t.Fatal(err)
		}
		c := ledger.Commit{Seq: 1, Via: -1}
		for i := range 10 {
			c.Claims.Set(i, ledger.Queued, ledger.Record{State: ledger.Sending, Attempts: 1})
		}
		if granted, _, err := l.Commit(t.Context(), &held, &c); err != nil || !granted {
			t.Fatal(granted, err)
		}
		s.start()
		st := s.completed(r.JobID)
		if st.Counts.Unknown != 10 || st.Counts.Accepted != 90 || len(g.taken) != 90 {
			t.Errorf("taken %d, counts %+v", len(g.taken), st.Counts)
		}
		if o := s.outcomes(r.JobID)["4500000003"]; o.Status != "unknown" || !strings.Contains(o.Detail, "died") {
			t.Errorf("outcome %+v", o)
		}
		c2 := ledger.Commit{Seq: 2, Via: -1}
		c2.Records.Set(0, ledger.Sending, ledger.Record{State: ledger.Accepted})
		if _, _, err := l.Commit(t.Context(), &held, &c2); err == nil {
			t.Error("the dead worker came back and recorded")
		}
	})
	t.Run("ABatchOfALivingWorkerIsLeftAlone", func(t *testing.T) {
		g := &gateway{limits: providers.Limits{Recipients: 10}}
		s := newSystem(t, worker.Account{Name: "a", Adapter: g})
		r := s.enqueue(enqueue.Job{Via: "a", From: "Demo", Text: "Hi", Recipients: numbers(100)})
		l := ledger.New(s.rdb())
		if _, _, err := l.Heartbeat(t.Context(), "other", time.Hour); err != nil {
			t.Fatal(err)
		}
		if _, err := l.Take(t.Context(), r.JobID, 0, "other/1", ""); err != nil {
			t.Fatal(err)
		}
		after := s.enqueue(enqueue.Job{Via: "a", From: "Demo", Text: "Hi", Recipients: numbers(5)})
		stop := s.start()
		s.completed(after.JobID)
		stop()
		if st, err := s.client.Status(t.Context(), r.JobID); err != nil || st.Counts.Queued != 100 || len(g.taken) != 5 {
			t.Errorf("taken %d, counts %+v, %v", len(g.taken), st.Counts, err)
		}
	})
	t.Run("TwoWorkersShareAJobAndSendNothingTwice", func(t *testing.T) {
		g := &gateway{limits: providers.Limits{Recipients: 50}}
		s := newSystem(t, worker.Account{Name: "a", Adapter: g})
		s.start()
		s.start()
		r := s.enqueue(enqueue.Job{Via: "a", From: "Demo", Text: "Hi", Recipients: numbers(40_000)})
		if st := s.completed(r.JobID); st.Counts.Accepted != 40_000 || len(g.twice()) > 0 {
			t.Errorf("counts %+v, twice: %v", st.Counts, g.twice())
		}
	})
	t.Run("NothingIsSentWhileRedisDoesNotRecord", func(t *testing.T) {
		var s *system
		var once sync.Once
		failed := make(chan struct{})
		g := &gateway{limits: providers.Limits{Recipients: 10}, answer: func(n int, _ providers.Call) []providers.Result {
			if n == 20 {
				once.Do(func() { s.mini.SetError("LOADING Redis is loading the dataset in memory"); close(failed) })
			}
			return nil
		}}
		s = newSystem(t, worker.Account{Name: "a", Adapter: g, Concurrency: 2})
		s.start()
		r := s.enqueue(enqueue.Job{Via: "a", From: "Demo", Text: "Hi", Recipients: numbers(3000)})
		<-failed
		for s.logs.FilterMessageSnippet("does not record").Len() == 0 {
			time.Sleep(time.Millisecond)
		}
		if n := g.count(); n > 22 {
			t.Errorf("%d calls; at most one a lane may follow the one during which Redis failed", n)
		}
		s.mini.SetError("")
		if st := s.completed(r.JobID); st.Counts.Accepted != 3000 || st.Counts.Unknown != 0 || len(g.twice()) > 0 {
			t.Errorf("counts %+v, twice: %v", st.Counts, g.twice())
		}
	})
}

func TestWorker_Accounts(t *testing.T) {
	t.Run("ASlowGatewayDelaysNoOther", func(t *testing.T) {
		release := make(chan struct{})
		slow := &gateway{limits: providers.Limits{Recipients: 10}, answer: func(int, providers.Call) []providers.Result {
			<-release
			return nil
		}}
		quick := &gateway{limits: providers.Limits{Recipients: 10}}
		s := newSystem(t, worker.Account{Name: "slow", Adapter: slow}, worker.Account{Name: "quick", Adapter: quick})
		s.start()
		a := s.enqueue(enqueue.Job{Via: "slow", From: "Demo", Text: "Hi", Recipients: numbers(500)})
		b := s.enqueue(enqueue.Job{Via: "quick", From: "Demo", Text: "Hi", Recipients: numbers(500)})
		s.completed(b.JobID)
		if slow.flying() == 0 {
			t.Error("the slow gateway should still be at it")
		}
		close(release)
		s.completed(a.JobID)
	})
	t.Run("NoMoreCallsInFlightThanAllowed", func(t *testing.T) {
		g := &gateway{limits: providers.Limits{Recipients: 1}}
		s := newSystem(t, worker.Account{Name: "a", Adapter: g, Concurrency: 3})
		s.start()
		r := s.enqueue(enqueue.Job{Via: "a", From: "Demo", Text: "Hi", Recipients: numbers(2500)})
		s.completed(r.JobID)
		if g.most > 3 || g.most == 0 {
			t.Errorf("%d calls in flight", g.most)
		}
	})
	t.Run("JobsOfOneAccountTakeTurns", func(t *testing.T) {
		first := make(chan struct{})
		var order []string
		var mu sync.Mutex
		g := &gateway{limits: providers.Limits{Recipients: 1}, answer: func(n int, c providers.Call) []providers.Result {
			<-first
			mu.Lock()
			order = append(order, c.Text)
			mu.Unlock()
			return nil
		}}
		s := newSystem(t, worker.Account{Name: "a", Adapter: g, Concurrency: 1})
		s.start()
		big := s.enqueue(enqueue.Job{Via: "a", From: "Demo", Text: "big", Recipients: numbers(2000)})
		s.until(big.JobID, "running", func(enqueue.Status) bool { return g.count() > 0 })
		small := s.enqueue(enqueue.Job{Via: "a", From: "Demo", Text: "small", Recipients: numbers(1)})
		time.AfterFunc(50*time.Millisecond, func() { close(first) })
		s.completed(small.JobID)
		mu.Lock()
		defer mu.Unlock()
		if len(order) > 500 {
			t.Errorf("the small job had to wait for %d calls of the big one", len(order))
		}
	})
}

func TestWorker_Texts(t *testing.T) {
	people := []enqueue.Recipient{
		{To: "450000001", Values: []string{"x", "Ann"}},
		{To: "450000002", Values: []string{"y", "Bo"}},
		{To: "450000003", Values: []string{"z", "Ann"}},
	}
	for name, c := range map[string]struct {
		texts providers.Texts
		calls int
	}{
		"OneText/EqualTextsShareACall": {providers.OneText, 2},
		"ManyTexts/OneCall":            {providers.ManyTexts, 1},
		"MergeFields/OneCall":          {providers.MergeFields, 1},
	} {
		t.Run(name, func(t *testing.T) {
			g := &gateway{limits: providers.Limits{Recipients: 100, Texts: c.texts}}
			s := newSystem(t, worker.Account{Name: "a", Adapter: g})
			s.start()
			r := s.enqueue(enqueue.Job{Via: "a", From: "Demo", Text: "Hi {{name}}!", Fields: []string{"other", "name"}, Recipients: people})
			s.completed(r.JobID)
			if g.count() != c.calls {
				t.Errorf("%d calls, want %d", g.count(), c.calls)
			}
			got := map[string]string{}
			for _, call := range g.calls {
				for _, to := range call.Recipients {
					text := call.Text
					if to.Text != "" {
						text = to.Text
					}
					for i, tag := range call.Tags {
						text = strings.ReplaceAll(text, tag, to.Values[i])
					}
					got[to.To.String()] = text
				}
			}
			want := map[string]string{"450000001": "Hi Ann!", "450000002": "Hi Bo!", "450000003": "Hi Ann!"}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
	t.Run("TooManySegmentsAreRefusedWithoutACall", func(t *testing.T) {
		g := &gateway{limits: providers.Limits{Recipients: 100, Segments: 2}}
		s := newSystem(t, worker.Account{Name: "a", Adapter: g})
		s.start()
		r := s.enqueue(enqueue.Job{Via: "a", From: "Demo", Text: strings.Repeat("long ", 100), Recipients: numbers(3)})
		if st := s.completed(r.JobID); st.Counts.Rejected != 3 || g.count() != 0 {
			t.Errorf("%d calls, counts %+v", g.count(), st.Counts)
		}
	})
	t.Run("NothingOfItIsInTheLogs", func(t *testing.T) {
		n := 0
		g := &gateway{limits: providers.Limits{Recipients: 100}, answer: func(_ int, c providers.Call) []providers.Result {
			if n++; n == 1 {
				return fail(c, providers.Unavailable)
			}
			return fail(c, providers.Unknown)
		}}
		s := newSystem(t, worker.Account{Name: "a", Adapter: g, Concurrency: 1})
		stop := s.start()
		r := s.enqueue(enqueue.Job{Via: "a", From: "Demo", Text: "marker text {{name}}", Fields: []string{"other", "name"}, Recipients: people})
		s.completed(r.JobID)
		stop()
		if s.logs.Len() == 0 {
			t.Fatal("no log at all")
		}
		for _, e := range s.logs.All() {
			line := fmt.Sprint(e.Message, e.ContextMap())
			for _, secret := range []string{"marker", "45000000", "Ann"} {
				if strings.Contains(line, secret) {
					t.Errorf("a log line holds %q: %s", secret, line)
				}
			}
		}
	})
}

func TestWorker_Schedule(t *testing.T) {
	t.Run("NeverEarly", func(t *testing.T) {
		var first time.Time
		g := &gateway{limits: providers.Limits{Recipients: 100}, answer: func(n int, _ providers.Call) []providers.Result {
			if n == 1 {
				first = time.Now()
			}
			return nil
		}}
		s := newSystem(t, worker.Account{Name: "a", Adapter: g, Concurrency: 1})
		stop := s.start()
		at := time.Now().Add(1500 * time.Millisecond)
		r := s.enqueue(enqueue.Job{Via: "a", From: "Demo", Text: "Hi", Recipients: numbers(3), At: at})
		if r.State != enqueue.Scheduled || !r.ScheduleAt.Equal(at.Truncate(time.Millisecond)) {
			t.Errorf("receipt %+v", r)
		}
		s.completed(r.JobID)
		stop()
		if first.Before(at.Truncate(time.Millisecond)) {
			t.Errorf("sent %v early", at.Sub(first))
		}
	})
}

// rdb is a connection of the test's own.
func (s *system) rdb() redis.UniversalClient {
	rdb := redis.NewUniversalClient(s.redis)
	s.t.Cleanup(func() {
		if err := rdb.Close(); err != nil {
			s.t.Error(err)
		}
	})
	return rdb
}
