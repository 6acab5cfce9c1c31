package worker_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/task"
	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/worker"
)

func TestWorker_Priority(t *testing.T) {
	t.Run("AnUrgentMessageOvertakesACampaign", func(t *testing.T) {
		g, next := paced(1)
		s := newSystem(t, worker.Account{Name: "a", Adapter: g, Concurrency: 2})
		s.start()
		bulk := s.enqueue(enqueue.Job{Via: "a", Text: "Bulk", Recipients: numbers(1500), Priority: enqueue.Bulk})
		for range 20 {
			next <- struct{}{}
		}
		s.enqueue(enqueue.Job{Via: "a", Text: "Urgent", Recipients: numbers(1), Priority: enqueue.Urgent})
		made := func() int {
			g.mu.Lock()
			defer g.mu.Unlock()
			return slices.IndexFunc(g.calls, func(c providers.Call) bool { return c.Text == "Urgent" })
		}
		before := g.count()
		for made() < 0 && g.count() < before+200 {
			next <- struct{}{}
			time.Sleep(2 * time.Millisecond)
		}
		at := made()
		close(next)
		s.completed(bulk.JobID)
		if at < 0 || g.calls[at].Options.Priority != providers.Urgent {
			t.Errorf("the urgent call was number %d, after %d", at, before)
		}
	})
	t.Run("TwoCampaignsShareTheAccount", func(t *testing.T) {
		g, next := paced(50)
		s := newSystem(t, worker.Account{Name: "a", Adapter: g, Concurrency: 2})
		s.start()
		one := s.enqueue(enqueue.Job{Via: "a", Text: "One", Recipients: numbers(30_000)})
		for range 10 {
			next <- struct{}{}
		}
		two := s.enqueue(enqueue.Job{Via: "a", Text: "Two", Recipients: numbers(30_000)})
		seen := func(text string) (n int) {
			g.mu.Lock()
			defer g.mu.Unlock()
			for _, c := range g.calls {
				if c.Text == text {
					n++
				}
			}
			return n
		}
		for seen("Two") == 0 {
			next <- struct{}{}
		}
		first := seen("One")
		if first > 60 {
			t.Errorf("the second campaign waited for %d calls of the first", first)
		}
		for range 400 {
			next <- struct{}{}
		}
		if a, b := seen("One")-first, seen("Two"); a < b/2 || b < a/2 {
			t.Errorf("%d calls of the one and %d of the other", a, b)
		}
		close(next)
		s.completed(one.JobID)
		s.completed(two.JobID)
	})
}

// A campaign that is alone does not go through the queue batch by batch.
func TestWorker_BatchesFollowEachOther(t *testing.T) {
	g := &gateway{limits: providers.Limits{Recipients: 500}}
	s := newSystem(t, worker.Account{Name: "a", Adapter: g, Concurrency: 2})
	s.start()
	r := s.enqueue(enqueue.Job{Via: "a", Text: "Hi", Recipients: numbers(30_000)})
	if st := s.completed(r.JobID); st.Counts.Accepted != 30_000 || len(g.twice()) > 0 {
		t.Errorf("counts %+v", st.Counts)
	}
	s.clean(r.JobID)
	s.eventually("acknowledged", func() bool {
		q, err := asynq.NewInspectorFromRedisClient(s.rdb()).GetQueueInfo(task.Queue("a", 0))
		if err == nil && q.Processed > 1 {
			t.Fatalf("%d batches went through the queue, and not the first alone", q.Processed)
		}
		return err == nil && q.Size == 0
	})
}

func TestWorker_Limits(t *testing.T) {
	type moment struct {
		at         time.Time
		recipients int
	}
	var mu sync.Mutex
	var seen []moment
	g := &gateway{limits: providers.Limits{Recipients: 7}, answer: func(_ int, c providers.Call) []providers.Result {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, moment{time.Now(), len(c.Recipients)})
		return nil
	}}
	s := newSystem(t, worker.Account{Name: "a", Adapter: g, Concurrency: 4, Limits: worker.Limits{Calls: 40, Recipients: 150, InFlight: 3}})
	for range 4 {
		s.start()
	}
	r := s.enqueue(enqueue.Job{Via: "a", Text: "Hi", Recipients: numbers(600)})
	s.completed(r.JobID)
	if g.most > 3 {
		t.Errorf("%d calls in flight", g.most)
	}
	for i := range seen {
		calls, recipients := 0, 0
		for k := i; k < len(seen) && seen[k].at.Sub(seen[i].at) < time.Second; k++ {
			calls++
			recipients += seen[k].recipients
		}
		if calls > 40 || recipients > 150 {
			t.Fatalf("a second from call %d on has %d calls and %d recipients", i, calls, recipients)
		}
	}
}

// Slow calls of several workers come to no more in flight than the account may have.
func TestWorker_LimitOfCallsInFlight(t *testing.T) {
	g, next := paced(1)
	s := newSystem(t, worker.Account{Name: "a", Adapter: g, Concurrency: 4, Limits: worker.Limits{InFlight: 3}})
	for range 3 {
		s.start()
	}
	r := s.enqueue(enqueue.Job{Via: "a", Text: "Hi", Recipients: numbers(200)})
	s.eventually("three are in flight", func() bool { return g.flying() >= 3 })
	for range 150 {
		next <- struct{}{}
	}
	close(next)
	if s.completed(r.JobID); g.most != 3 {
		t.Errorf("%d calls in flight", g.most)
	}
}

func TestWorker_Branches(t *testing.T) {
	dk, us := &gateway{limits: providers.Limits{Recipients: 100}}, &gateway{limits: providers.Limits{Recipients: 100}}
	bad := &gateway{limits: providers.Limits{Recipients: 100}, answer: func(_ int, c providers.Call) []providers.Result {
		return fail(c, providers.Unavailable)
	}}
	s := newSystem(t, worker.Account{Name: "dk", Adapter: dk}, worker.Account{Name: "us", Adapter: us}, worker.Account{Name: "bad", Adapter: bad})
	client, err := enqueue.New(s.redis, enqueue.Options{Branching: map[string][]enqueue.Branch{
		"eu": {{Prefix: "45", Use: []string{"bad", "dk"}}, {Prefix: "1", Use: []string{"us"}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	s.start()
	to := []enqueue.Recipient{{To: "447700900000"}}
	for i, n := range numbers(1500) {
		to = append(to, n)
		if i%2 == 0 {
			to = append(to, enqueue.Recipient{To: "1212555" + n.To[6:]})
		}
	}
	r, err := client.Enqueue(t.Context(), enqueue.Job{Via: "eu", Text: "Hi", Recipients: to, Key: "k"})
	if err != nil {
		t.Fatal(err)
	}
	if r.RefusedCount != 1 || r.Refused[0].Row != 1 {
		t.Errorf("refused: %+v", r.Refused)
	}
	st := s.completed(r.JobID)
	if st.Counts.Accepted != 2250 || len(dk.taken) != 1500 || len(us.taken) != 750 {
		t.Errorf("counts %+v; %d through dk, %d through us", st.Counts, len(dk.taken), len(us.taken))
	}
	again, err := client.Enqueue(t.Context(), enqueue.Job{Via: "eu", Text: "Hi", Recipients: to, Key: "k"})
	if err != nil || !again.Duplicate || again.JobID != r.JobID {
		t.Errorf("the same again: %+v, %v", again, err)
	}
	s.clean(r.JobID)
}

func TestWorker_AtGateway(t *testing.T) {
	able := &gateway{limits: providers.Limits{Recipients: 10, Schedules: true}}
	unable := &gateway{limits: providers.Limits{Recipients: 10}}
	s := newSystem(t, worker.Account{Name: "able", Adapter: able}, worker.Account{Name: "unable", Adapter: unable})
	s.start()
	at := time.Now().Add(3 * time.Second).Truncate(time.Millisecond)
	job := enqueue.Job{Text: "Hi", Recipients: numbers(20), At: at, AtGateway: true, Flash: true, Validity: time.Hour, Label: "x"}
	job.Via = "able"
	r := s.enqueue(job)
	s.completed(r.JobID)
	want := providers.Options{Flash: true, Validity: time.Hour, Label: "x", At: at}
	if got := able.calls[0].Options; !got.At.Equal(want.At) || got.Flash != want.Flash || got.Validity != want.Validity || got.Label != want.Label {
		t.Errorf("the gateway is asked for %+v, want %+v", got, want)
	}
	job.Via = "unable"
	var early bool
	unable.seen = func() { early = early || time.Now().Before(at) }
	r = s.enqueue(job)
	s.completed(r.JobID)
	if got := unable.calls[0].Options.At; early || !got.IsZero() {
		t.Errorf("a gateway that keeps no schedule is called early %v, and told %v", early, got)
	}
}
