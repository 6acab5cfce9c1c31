package scheduler_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/volleysms/volley/internal/schedule"
	"github.com/volleysms/volley/scheduler"
)

// TestRedisRestarts: Redis is restarted between ticks, and while schedulers look; what it kept in its log is enough.
func TestRedisRestarts(t *testing.T) {
	const n = 6
	r := newRig(t, "--appendonly", "yes", "--appendfsync", "always", "--enable-debug-command", "yes")
	fired := make(chan schedule.Firing, 100)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	r.add(every10(func(s *schedule.Schedule) { s.CatchUp = schedule.All }))
	for range 2 {
		s := r.scheduler(scheduler.Options{Fired: func(f schedule.Firing) { fired <- f }})
		running.Go(func() { s.Run(ctx) })
	}
	servers := map[string]bool{}
	for i := range n {
		if i%2 == 1 {
			// It gives no answer: the server is gone before.
			_ = r.rdb.Do(t.Context(), "DEBUG", "RESTART").Err()
		}
		r.clock.pass(10 * time.Minute)
		if f := <-fired; f.Outcome != schedule.Fired || !f.Tick.Equal(begin.Add(time.Duration(i+1)*10*time.Minute)) {
			t.Errorf("firing %d is %+v", i, f)
		}
		_, id, _ := strings.Cut(r.rdb.Info(t.Context(), "server").Val(), "run_id:")
		servers[id[:40]] = true
	}
	if len(servers) != 1+n/2 {
		t.Errorf("Redis was another %d times, want %d", len(servers), 1+n/2)
	}
	cancel()
	running.Wait()
	if jobs := r.jobs(); len(jobs) != n {
		t.Errorf("%d jobs, want %d", len(jobs), n)
	}
	if in := r.get("reminder"); in.Totals != (schedule.Totals{Fired: n}) {
		t.Errorf("got %+v", in.Totals)
	}
}
