package sweep_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/task"
)

// puts sweeps until a batch was put back, at most n times.
func (g *rig) puts(n int) {
	g.t.Helper()
	for range n {
		put, err := g.sweeper.Sweep(g.t.Context())
		if err != nil {
			g.t.Fatal(err)
		}
		if put > 0 {
			return
		}
	}
	g.t.Errorf("nothing was put back in %d sweeps", n)
}

func TestSweeper_AmongMoreJobsThanOneSweepLooksAt(t *testing.T) {
	g := newRig(t, time.Time{})
	others := make([]redis.Z, 4000)
	for i := range others {
		others[i] = redis.Z{Score: float64(i), Member: fmt.Sprintf("job-%d", i)}
	}
	if err := g.rdb.ZAdd(t.Context(), "volley:live", others...).Err(); err != nil {
		t.Fatal(err)
	}
	g.drop(1)
	g.puts(10)
}

func TestSweeper_AmongMoreBatchesThanOneLook(t *testing.T) {
	const batches, lost = 600, 590
	g := newRig(t, time.Time{})
	c, err := enqueue.NewFromRedis(g.rdb, enqueue.Options{Accounts: []string{"a"}, BatchSize: 1})
	if err != nil {
		t.Fatal(err)
	}
	var to []enqueue.Recipient
	for i := range batches {
		to = append(to, enqueue.Recipient{To: fmt.Sprint(450000000 + i)})
	}
	r, err := c.Enqueue(t.Context(), enqueue.Job{Via: "a", Text: "Hi", Recipients: to})
	if err != nil {
		t.Fatal(err)
	}
	q := asynq.NewClientFromRedisClient(g.rdb)
	for b := range batches {
		if b != lost {
			if err := task.Put(t.Context(), q, task.Queue("a", 0), task.Ref{Job: r.JobID, Batch: b}, time.Time{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := g.ledger.SetFed(t.Context(), r.JobID, batches); err != nil {
		t.Fatal(err)
	}
	if late, err := g.sweeper.Forsaken(t.Context(), r.JobID); err != nil || len(late) != 1 {
		t.Errorf("all at once: %v, %v", late, err)
	}
	g.puts(20)
}
