package worker_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/worker"
)

// gateway is an adapter that keeps a record of what it took and answers as the test says.
type gateway struct {
	limits providers.Limits
	// answer decides about call n, counted from 1; nil accepts everything.
	answer func(n int, c providers.Call) []providers.Result

	// seen is called once for each call, one at a time; may be nil.
	seen func()
	last time.Time // for a test's seen

	mu       sync.Mutex
	calls    []providers.Call
	taken    map[string]int
	inFlight int
	most     int
}

func (g *gateway) Limits() providers.Limits { return g.limits }

func (g *gateway) Send(_ context.Context, c providers.Call) []providers.Result {
	g.mu.Lock()
	kept := c
	kept.Recipients = slices.Clone(c.Recipients) // they are the worker's again once this returns
	g.calls = append(g.calls, kept)
	if g.seen != nil {
		g.seen()
	}
	n := len(g.calls)
	g.inFlight++
	g.most = max(g.most, g.inFlight)
	g.mu.Unlock()
	res := providers.All(len(c.Recipients), providers.Result{ID: "id-" + strconv.Itoa(n), Code: "0"})
	if g.answer != nil {
		if r := g.answer(n, c); r != nil {
			res = r
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inFlight--
	if g.taken == nil {
		g.taken = map[string]int{}
	}
	for i, r := range c.Recipients {
		if i < len(res) && res[i].Err == nil {
			g.taken[r.To.String()]++
		}
	}
	return res
}

// made are the calls so far.
func (g *gateway) made() []providers.Call {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.calls)
}

func (g *gateway) count() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.calls)
}

func fail(c providers.Call, kind providers.Kind) []providers.Result {
	return providers.Fail(len(c.Recipients), &providers.Error{Kind: kind, Provider: "fake", Code: "x" + kind.String(), Detail: "because"})
}

// system is a Redis, a producer and, once started, a worker.
type system struct {
	t      *testing.T
	redis  *redis.UniversalOptions
	mini   *miniredis.Miniredis
	client *enqueue.Client
	logs   *observer.ObservedLogs
	reg    *prometheus.Registry
	opts   worker.Options
	worker *worker.Worker // that was started last
}

func newSystem(t *testing.T, accounts ...worker.Account) *system {
	t.Helper()
	m := miniredis.RunT(t)
	core, logs := observer.New(zap.DebugLevel)
	s := &system{t: t, mini: m, redis: &redis.UniversalOptions{Addrs: []string{m.Addr()}}, logs: logs, reg: prometheus.NewRegistry()}
	names := make([]string, len(accounts))
	for i, a := range accounts {
		names[i] = a.Name
	}
	var err error
	s.client, err = enqueue.New(s.redis, enqueue.Options{Accounts: names, Routes: map[string][]string{"all": names}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.client.Close(); err != nil {
			t.Error(err)
		}
	})
	s.opts = worker.Options{
		Accounts: accounts, Logger: zap.New(core), Metrics: s.reg, Poll: 2 * time.Millisecond,
		Retry: worker.Retry{MaxAttempts: 3, Initial: time.Millisecond, Max: 4 * time.Millisecond},
	}
	return s
}

// start runs a worker; the returned function stops it and waits.
func (s *system) start() (stop func()) {
	s.t.Helper()
	w, err := worker.New(s.redis, s.opts)
	if err != nil {
		s.t.Fatal(err)
	}
	s.worker = w
	ctx, cancel := context.WithCancel(s.t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				s.t.Errorf("Run: %v", err)
			}
		})
	}
	s.t.Cleanup(stop)
	return stop
}

func (s *system) enqueue(j enqueue.Job) enqueue.Receipt {
	s.t.Helper()
	r, err := s.client.Enqueue(s.t.Context(), j)
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

// until polls the job's status until ok says so.
func (s *system) until(job string, what string, ok func(enqueue.Status) bool) enqueue.Status {
	s.t.Helper()
	var st enqueue.Status
	for range 4000 {
		var err error
		if st, err = s.client.Status(s.t.Context(), job); err != nil {
			s.t.Fatal(err)
		}
		if ok(st) {
			return st
		}
		time.Sleep(5 * time.Millisecond)
	}
	s.t.Fatalf("job never became %s: %+v", what, st)
	return st
}

func (s *system) completed(job string) enqueue.Status {
	s.t.Helper()
	return s.until(job, "completed", func(st enqueue.Status) bool { return st.State == enqueue.Completed })
}

func (s *system) outcomes(job string) map[string]enqueue.Outcome {
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

// numbers are n obviously fake recipients.
func numbers(n int) []enqueue.Recipient {
	out := make([]enqueue.Recipient, n)
	for i := range out {
		out[i].To = fmt.Sprintf("4500%06d", i)
	}
	return out
}

// flying is how many calls are on the wire.
func (g *gateway) flying() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.inFlight
}
