package worker_test

import (
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/worker"
)

// throng is more jobs due at one moment than a worker claims as it does with others.
const throng = 80

// thronged is a system with as many jobs of three recipients, all due at one moment and held ready.
type thronged struct {
	*system
	rdb  redis.UniversalClient
	due  time.Time
	jobs []string
}

func newThronged(t *testing.T, g *gateway) *thronged {
	t.Helper()
	t.Parallel()
	s := &thronged{system: newSystem(t, worker.Account{Name: "a", Adapter: g, Concurrency: 8})}
	s.rdb = s.system.rdb()
	s.due = time.Now().Add(5 * time.Second).Truncate(time.Millisecond)
	for i := range throng {
		r := s.enqueue(enqueue.Job{Via: "a", From: "Demo", Text: "job " + strconv.Itoa(i), At: s.due, Recipients: numbers(3)})
		s.jobs = append(s.jobs, r.JobID)
	}
	s.start()
	for _, job := range s.jobs {
		s.held(job, true)
	}
	s.eventually("most claims to be drafted", func() bool { return s.drafts() > 0 })
	if !time.Now().Before(s.due) {
		t.Fatal("the machine was too busy: they are due before they are held ready")
	}
	return s
}

func batchKey(job string) string { return "volley:{" + job + ".0}:b0" }

// drafts counts the batches that have one.
func (s *thronged) drafts() (n int) {
	s.t.Helper()
	for _, job := range s.jobs {
		if has, err := s.rdb.HExists(s.t.Context(), batchKey(job), "draft").Result(); err != nil {
			s.t.Fatal(err)
		} else if has {
			n++
		}
	}
	return n
}

// settled waits until all jobs are as ok says, and checks that no draft is left, and the books.
func (s *thronged) settled(what string, ok func(enqueue.Status) bool) {
	s.t.Helper()
	for _, job := range s.jobs {
		s.until(job, what, ok)
		s.held(job, false)
		s.clean(job)
		if left, err := s.rdb.HKeys(s.t.Context(), batchKey(job)).Result(); err != nil || len(left) > 0 {
			s.t.Errorf("left beside the batch: %q, %v", left, err)
		}
	}
}

func TestWorker_ManyAtOnce(t *testing.T) {
	tests := map[string]struct {
		answer   func(c providers.Call, again bool) []providers.Result
		want     enqueue.Counts
		attempts int
	}{
		"Accepted": {want: enqueue.Counts{Accepted: 3}, attempts: 1},
		"Rejected": {
			answer:   func(c providers.Call, _ bool) []providers.Result { return fail(c, providers.Rejected) },
			want:     enqueue.Counts{Rejected: 3},
			attempts: 1,
		},
		"Unknown": {
			answer:   func(c providers.Call, _ bool) []providers.Result { return fail(c, providers.Unknown) },
			want:     enqueue.Counts{Unknown: 3},
			attempts: 1,
		},
		"SomeRejected": {
			answer: func(c providers.Call, _ bool) []providers.Result {
				res := providers.All(len(c.Recipients), providers.Result{ID: "1"})
				res[1] = fail(c, providers.Rejected)[1]
				return res
			},
			want:     enqueue.Counts{Accepted: 2, Rejected: 1},
			attempts: 1,
		},
		"TriedAgain": {
			answer: func(c providers.Call, again bool) []providers.Result {
				if !again {
					return fail(c, providers.Unavailable)
				}
				return nil
			},
			want:     enqueue.Counts{Accepted: 3},
			attempts: 2,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var mu sync.Mutex
			made := map[string]int{}
			var s *thronged
			drafted, early := 0, 0
			g := &gateway{limits: providers.Limits{Recipients: 10}}
			g.answer = func(_ int, c providers.Call) []providers.Result {
				mu.Lock()
				defer mu.Unlock()
				made[c.Text]++
				if time.Now().Before(s.due) {
					early++
				}
				n, err := strconv.Atoi(strings.TrimPrefix(c.Text, "job "))
				if err != nil {
					t.Error(err)
					return nil
				}
				counts, err := ledger.New(s.rdb).Counts(t.Context(), s.jobs[n])
				if err != nil {
					t.Error(err)
				}
				has, err := s.rdb.HExists(t.Context(), batchKey(s.jobs[n]), "draft").Result()
				if err != nil {
					t.Error(err)
				}
				if has {
					drafted++
				} else if counts[ledger.Sending] != 3 {
					t.Errorf("%s is called for, and the ledger says %v", c.Text, counts)
				}
				if tt.answer == nil {
					return nil
				}
				return tt.answer(c, made[c.Text] > 1)
			}
			s = newThronged(t, g)
			tt.want.Total = 3
			s.settled("completed", func(st enqueue.Status) bool { return st.State == enqueue.Completed && st.Counts == tt.want })
			for _, job := range s.jobs {
				for to, o := range s.outcomes(job) {
					if o.Attempts != tt.attempts {
						t.Errorf("%s after %d attempts", to, o.Attempts)
					}
				}
			}
			if len(made) != throng || g.count() != throng*tt.attempts || drafted < 10 || early > 0 {
				t.Errorf("%d jobs, %d calls, %d of them drafted, %d too early", len(made), g.count(), drafted, early)
			}
		})
	}
}

// TestWorker_ManyAtOnceAndThenNot: a draft that was laid down binds nobody.
func TestWorker_ManyAtOnceAndThenNot(t *testing.T) {
	each := func(t *testing.T, s *thronged, do func(job string) error) {
		t.Helper()
		for _, job := range s.jobs {
			if err := do(job); err != nil {
				t.Fatal(err)
			}
		}
	}
	newOne := func(t *testing.T) (*thronged, *gateway) {
		t.Helper()
		g := &gateway{limits: providers.Limits{Recipients: 10}}
		return newThronged(t, g), g
	}
	t.Run("Cancelled", func(t *testing.T) {
		s, g := newOne(t)
		each(t, s, func(job string) error { _, err := s.client.Cancel(t.Context(), job, enqueue.Ask{}); return err })
		s.settled("cancelled", func(st enqueue.Status) bool { return st.Counts.Cancelled == 3 })
		if g.count() > 0 {
			t.Errorf("%d calls of cancelled jobs", g.count())
		}
	})
	t.Run("PausedAndResumed", func(t *testing.T) {
		s, g := newOne(t)
		each(t, s, func(job string) error { _, err := s.client.Pause(t.Context(), job, enqueue.Ask{}); return err })
		s.settled("given back", func(st enqueue.Status) bool { return st.Counts.Queued == 3 })
		if g.count() > 0 {
			t.Errorf("%d calls of paused jobs", g.count())
		}
		each(t, s, func(job string) error { _, err := s.client.Resume(t.Context(), job, enqueue.Ask{}); return err })
		s.settled("completed", func(st enqueue.Status) bool { return st.Counts.Accepted == 3 })
		if g.count() != throng {
			t.Errorf("%d calls, want %d", g.count(), throng)
		}
	})
	t.Run("Anothers", func(t *testing.T) {
		s, g := newOne(t)
		l := ledger.New(s.rdb)
		each(t, s, func(job string) error {
			h, err := l.Holders(t.Context(), job, []int{0})
			if err == nil {
				_, err = l.Take(t.Context(), job, 0, "other/"+job, h[0].Owner)
			}
			return err
		})
		s.eventually("the worker to see it", func() bool {
			return s.logs.FilterMessageSnippet("a batch was taken over").Len() >= throng
		})
		if g.count() > 0 {
			t.Errorf("%d calls of batches that are another's", g.count())
		}
		for _, job := range s.jobs {
			if st := s.until(job, "as it was", func(enqueue.Status) bool { return true }); st.Counts.Queued != 3 {
				t.Errorf("got %+v", st.Counts)
			}
		}
	})
}
