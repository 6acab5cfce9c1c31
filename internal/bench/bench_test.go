package bench_test

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/volleysms/volley/internal/bench"
	"github.com/volleysms/volley/internal/redistest"
)

func TestRun(t *testing.T) {
	addr := redistest.Start(t)
	rdb := redis.NewClient(&redis.Options{Addr: addr})
	t.Cleanup(func() { rdb.Close() })
	for name, o := range map[string]bench.Options{
		"ManyACall": {Recipients: 2100, PerCall: 250, Concurrency: 4},
		"OneACall":  {Recipients: 1100, PerCall: 1, Concurrency: 16, Urgent: 3, Latency: time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			o.RedisURL = "redis://" + addr
			r, err := bench.Run(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			// Batches have 1,000 recipients, and no call reaches over two of them.
			if calls := map[int]uint64{250: 9, 1: 1100}[o.PerCall]; r.Calls != calls {
				t.Errorf("%d calls, want %d", r.Calls, calls)
			}
			for what, v := range map[string]float64{
				"per second": r.PerSecond, "enqueued": r.EnqueuePerSecond, "bare": r.BarePerSecond, "ratio": r.Ratio, "whole": r.WholeRatio,
				"adapter": r.AdapterRatio, "CPU": r.CPU, "queued": r.BytesQueued, "done": r.BytesDone,
			} {
				if v <= 0 {
					t.Errorf("%s is %v", what, v)
				}
			}
			if r.BytesQueued > 20 || r.BytesDone > 80 {
				t.Errorf("%.1f bytes a recipient queued, %.1f finished", r.BytesQueued, r.BytesDone)
			}
			if (r.UrgentP50 > 0) != (o.Urgent > 0) || r.UrgentP99 < r.UrgentP50 {
				t.Errorf("urgent %v, %v", r.UrgentP50, r.UrgentP99)
			}
			left, err := rdb.Keys(t.Context(), "*").Result()
			if err != nil {
				t.Fatal(err)
			}
			for _, k := range left {
				if k != "volley:sweep" && k[:min(6, len(k))] != "asynq:" {
					t.Errorf("it left %s", k)
				}
			}
		})
	}
	if _, err := bench.Run(t.Context(), bench.Options{RedisURL: "http://x", Recipients: 1, PerCall: 1, Concurrency: 1}); err == nil {
		t.Error("an impossible address was taken")
	}
}
