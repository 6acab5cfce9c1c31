package worker_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/worker"
)

// throng is many more jobs due at one moment than the few whose claims a worker does not draft.
const (
	throng = 120
	few    = 64
)

// thronged is a system with as many jobs of three recipients, all due at one moment and held ready.
type thronged struct {
	*system
	rdb   redis.UniversalClient
	due   time.Time
	jobs  []string
	index map[string]int // by text
	mu    sync.Mutex     // held by who looks at them while calls are made
}

func newThronged(t *testing.T, g *gateway) *thronged {
	t.Helper()
	s := &thronged{system: newSystem(t, worker.Account{Name: "a", Adapter: g, Concurrency: 8})}
	s.rdb = s.system.rdb()
	s.start()
	return s
}

// gather enqueues the jobs, waits until they are held ready, and lets do do something before they are due. When the machine is too
// busy for that, it begins with others.
func (s *thronged) gather(do func() error) {
	s.t.Helper()
	for ahead := 10 * time.Second; !s.gathered(ahead, do); ahead *= 2 {
		if ahead > time.Minute {
			s.t.Fatal("they were never all held ready, and drafted but a few")
		}
		s.t.Logf("the machine was too busy for %v", ahead)
	}
}

func (s *thronged) gathered(ahead time.Duration, do func() error) bool {
	s.t.Helper()
	s.mu.Lock()
	s.due = time.Now().Add(ahead).Truncate(time.Millisecond)
	s.jobs, s.index = nil, map[string]int{}
	for i := range throng {
		text := fmt.Sprintf("job %d of %v", i, s.due)
		s.index[text] = i
		s.jobs = append(s.jobs, s.enqueue(enqueue.Job{Via: "a", From: "Demo", Text: text, At: s.due, Recipients: numbers(3), Past: enqueue.SendPast}).JobID)
	}
	s.mu.Unlock()
	for s.drafts() < throng-few {
		if time.Now().After(s.due) {
			return false
		}
		time.Sleep(20 * time.Millisecond)
	}
	err := do()
	if time.Until(s.due) < 100*time.Millisecond {
		return false
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return true
}

func batchKey(job string) string { return "volley:{" + job + ".0}:b0" }

// drafts counts the batches that have one.
func (s *thronged) drafts() (n int) {
	s.t.Helper()
	for _, job := range s.jobs {
		if s.drafted(job) {
			n++
		}
	}
	return n
}

func (s *thronged) drafted(job string) bool {
	has, err := s.rdb.HExists(s.t.Context(), batchKey(job), "draft").Result()
	if err != nil {
		s.t.Error(err)
	}
	return has
}

// settled waits until a job is as ok says, and checks that no draft is left, and the books.
func (s *thronged) settled(job, what string, ok func(enqueue.Status) bool) {
	s.t.Helper()
	s.until(job, what, ok)
	s.held(job, false)
	s.clean(job)
	if left, err := s.rdb.HKeys(s.t.Context(), batchKey(job)).Result(); err != nil || len(left) > 0 {
		s.t.Errorf("%s: left beside the batch: %q, %v", what, left, err)
	}
}

// TestWorker_ManyAtOnce: whatever comes of the calls, it is recorded as with others.
func TestWorker_ManyAtOnce(t *testing.T) {
	t.Parallel()
	all := func(kind providers.Kind) func(providers.Call, bool) []providers.Result {
		return func(c providers.Call, _ bool) []providers.Result { return fail(c, kind) }
	}
	ways := []struct {
		name     string
		answer   func(c providers.Call, again bool) []providers.Result
		want     enqueue.Counts
		attempts int
	}{
		{"accepted", func(providers.Call, bool) []providers.Result { return nil }, enqueue.Counts{Total: 3, Accepted: 3}, 1},
		{"rejected", all(providers.Rejected), enqueue.Counts{Total: 3, Rejected: 3}, 1},
		{"unknown", all(providers.Unknown), enqueue.Counts{Total: 3, Unknown: 3}, 1},
		{"one of them rejected", func(c providers.Call, _ bool) []providers.Result {
			res := providers.All(len(c.Recipients), providers.Result{ID: "1"})
			res[1] = fail(c, providers.Rejected)[1]
			return res
		}, enqueue.Counts{Total: 3, Accepted: 2, Rejected: 1}, 1},
		{"tried again", func(c providers.Call, again bool) []providers.Result {
			if !again {
				return fail(c, providers.Unavailable)
			}
			return nil
		}, enqueue.Counts{Total: 3, Accepted: 3}, 2},
	}
	made, drafted := map[string]int{}, map[string]int{}
	g := &gateway{limits: providers.Limits{Recipients: 10}}
	s := newThronged(t, g)
	g.answer = func(_ int, c providers.Call) []providers.Result {
		s.mu.Lock()
		defer s.mu.Unlock()
		i, ours := s.index[c.Text]
		if !ours {
			return nil
		}
		way, job := ways[i%len(ways)], s.jobs[i]
		made[job]++
		if time.Now().Before(s.due) {
			t.Errorf("%s is called for too early", c.Text)
		}
		if s.drafted(job) {
			drafted[way.name]++
		} else if counts, err := ledger.New(s.rdb).Counts(t.Context(), job); err != nil || counts[ledger.Sending] != 3 {
			t.Errorf("%s is called for, and the ledger says %v, %v", c.Text, counts, err)
		}
		return way.answer(c, made[job] > 1)
	}
	s.gather(func() error { return nil })
	for i, job := range s.jobs {
		way := ways[i%len(ways)]
		s.settled(job, way.name, func(st enqueue.Status) bool { return st.State == enqueue.Completed && st.Counts == way.want })
		for to, o := range s.outcomes(job) {
			if o.Attempts != way.attempts {
				t.Errorf("%s: %s after %d attempts", way.name, to, o.Attempts)
			}
		}
		s.mu.Lock()
		if made[job] != way.attempts {
			t.Errorf("%s: %d calls", way.name, made[job])
		}
		s.mu.Unlock()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(drafted) != len(ways) {
		t.Errorf("of the calls for drafts there were %v", drafted)
	}
}

// TestWorker_ManyAtOnceAndThenNot: a draft that was laid down binds nobody.
func TestWorker_ManyAtOnceAndThenNot(t *testing.T) {
	t.Parallel()
	g := &gateway{limits: providers.Limits{Recipients: 10}}
	s := newThronged(t, g)
	const cancelled, paused, anothers = 0, 1, 2
	l := ledger.New(s.rdb)
	if _, _, err := l.Heartbeat(t.Context(), "other", time.Hour); err != nil {
		t.Fatal(err)
	}
	const each = 10
	fate := map[string]int{}
	s.gather(func() error {
		clear(fate)
		for _, job := range s.jobs {
			if len(fate) == 3*each {
				break
			}
			if !s.drafted(job) {
				continue
			}
			k := len(fate) % 3
			fate[job] = k
			var err error
			switch k {
			case cancelled:
				_, err = s.client.Cancel(t.Context(), job, enqueue.Ask{})
			case paused:
				_, err = s.client.Pause(t.Context(), job, enqueue.Ask{})
			case anothers:
				var h []ledger.Holder
				if h, err = l.Holders(t.Context(), job, []int{0}); err == nil {
					_, err = l.Take(t.Context(), job, 0, "other/"+job, h[0].Owner)
				}
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	calls := func() (n [3]int) {
		for _, c := range g.made() {
			if i, ours := s.index[c.Text]; ours {
				if k, is := fate[s.jobs[i]]; is {
					n[k]++
				}
			}
		}
		return n
	}
	s.eventually("the worker to see whose they are", func() bool {
		return s.logs.FilterMessageSnippet("a batch was taken over").Len() >= each
	})
	for job, k := range fate {
		switch k {
		case cancelled:
			s.settled(job, "cancelled", func(st enqueue.Status) bool { return st.Counts.Cancelled == 3 })
		case paused:
			s.settled(job, "given back", func(st enqueue.Status) bool { return st.Counts.Queued == 3 })
		}
	}
	if n := calls(); n != [3]int{} {
		t.Errorf("%v calls of jobs that are cancelled, paused and another's", n)
	}
	for job, k := range fate {
		switch k {
		case paused:
			if _, err := s.client.Resume(t.Context(), job, enqueue.Ask{}); err != nil {
				t.Fatal(err)
			}
			s.settled(job, "resumed", func(st enqueue.Status) bool { return st.State == enqueue.Completed && st.Counts.Accepted == 3 })
		case anothers:
			if st, err := s.client.Status(t.Context(), job); err != nil || st.Counts.Queued != 3 {
				t.Errorf("another's: %+v, %v", st.Counts, err)
			}
		}
	}
	if n := calls(); n != [3]int{paused: each} {
		t.Errorf("%v calls of jobs that are cancelled, resumed and another's", n)
	}
}
