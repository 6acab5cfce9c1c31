package bench_test

import (
	"testing"
	"time"

	"github.com/volleysms/volley/internal/bench"
	"github.com/volleysms/volley/internal/redistest"
)

func TestScheduled(t *testing.T) {
	r, err := bench.Scheduled(t.Context(), bench.ScheduledOptions{
		Options: bench.Options{RedisURL: "redis://" + redistest.Start(t), Recipients: 2100, PerCall: 250, Concurrency: 4},
		Jobs:    20, Spread: 3, Ahead: 2 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	for what, l := range map[string]struct {
		bench.Lateness
		want int
	}{"jobs": {r.Jobs, 20}, "jobs in a second": {r.JobsInASecond, 20}, "recipients": {r.Recipients, 2100}} {
		if l.N != l.want || l.Early != 0 || l.P50 <= 0 || l.P99 < l.P50 || l.Max < l.P99 {
			t.Errorf("%s: %+v", what, l)
		}
	}
	if r.Batches != 3 {
		t.Errorf("%d batches, want 3", r.Batches)
	}
}
