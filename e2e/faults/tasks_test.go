package faults_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/volleysms/volley/internal/redistest"
	"github.com/volleysms/volley/internal/task"
)

// TestTasksLost takes tasks away from under the workers: the sweeper finds the batches, and the sum closes.
func TestTasksLost(t *testing.T) {
	queue := task.Queue(plain, 0)
	tests := []struct {
		name string
		// spoil does harm to the pending tasks, and reports to how many.
		spoil func(t *testing.T, r *rig, i *asynq.Inspector) int
	}{
		{"Archived", func(t *testing.T, _ *rig, i *asynq.Inspector) int {
			n, err := i.ArchiveAllPendingTasks(queue)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}},
		{"Deleted", func(t *testing.T, _ *rig, i *asynq.Inspector) int {
			n, err := i.DeleteAllPendingTasks(queue)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}},
		{"OfANewerVersion", func(t *testing.T, r *rig, i *asynq.Inspector) int {
			pending, err := i.ListPendingTasks(queue, asynq.PageSize(100))
			if err != nil {
				t.Fatal(err)
			}
			c := asynq.NewClientFromRedisClient(r.rdb)
			n := 0
			for _, p := range pending {
				if i.DeleteTask(queue, p.ID) != nil {
					continue // a worker was faster
				}
				newer := "2" + strings.TrimPrefix(string(p.Payload), "1")
				if _, err := c.Enqueue(asynq.NewTask(task.Type, []byte(newer)), asynq.Queue(queue), asynq.TaskID(p.ID), asynq.MaxRetry(1<<30)); err != nil {
					t.Fatal(err)
				}
				n++
			}
			return n
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			addr := redistest.Start(t)
			r := newRig(t, "redis://"+addr+"/0")
			for range 6 { // more than one worker has in hand: the batches of one job follow each other without the queue
				r.enqueue(plain, size.many/6)
			}
			r.seat(addr).live()
			i := asynq.NewInspectorFromRedisClient(r.rdb)
			harmed := 0
			for k := range size.rounds {
				r.sent(size.many / (size.rounds + 2) * (k + 1))
				before := harmed
				r.until("a pending task", func() bool {
					harmed += tt.spoil(t, r, i)
					return harmed > before || r.completed()
				})
			}
			if harmed == 0 {
				t.Error("no task was pending")
			}
			t.Logf("harm was done to %d tasks", harmed)
			r.steady(r.books())
			r.stop()
			r.recorded()
		})
	}
}

// TestScriptsKilled has operators kill scripts: the workers' own, as far as Redis allows it, and one that blocks Redis.
// Scripts that Redis has forgotten are loaded again.
func TestScriptsKilled(t *testing.T) {
	t.Parallel()
	addr := redistest.Start(t, "--busy-reply-threshold", "50")
	r := newRig(t, "redis://"+addr+"/0")
	r.enqueue(plain, size.many)
	var killed atomic.Int64
	for range 2 {
		l := newLife("", 0)
		l.refuse = func(c *command) string {
			if c.script == "" || r.rng.below(20) > 0 {
				return ""
			}
			killed.Add(1)
			return "ERR Error running script: Script killed by user with SCRIPT KILL..."
		}
		r.seat(addr).start(l)
	}
	for i := range size.rounds {
		r.sent(size.many / (size.rounds + 1) * (i + 1))
		endless := make(chan error, 1)
		go func() { endless <- r.rdb.Eval(t.Context(), "while true do end", nil).Err() }()
		time.Sleep(r.rng.between(500*time.Millisecond, time.Second))
		other := redis.NewClient(&redis.Options{Addr: addr})
		r.until("the script to be killed", func() bool { return other.ScriptKill(t.Context()).Err() == nil })
		if err := <-endless; err == nil {
			t.Error("the endless script ended")
		}
		if err := other.ScriptFlush(t.Context()).Err(); err != nil {
			t.Error(err)
		}
		other.Close()
	}
	r.steady(r.books())
	r.stop()
	r.recorded()
	if killed.Load() == 0 {
		t.Error("no script was killed")
	}
	t.Logf("%d scripts were killed", killed.Load())
}
