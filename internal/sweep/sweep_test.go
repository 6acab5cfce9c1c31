package sweep_test

import (
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/internal/sweep"
	"github.com/volleysms/volley/internal/task"
)

type rig struct {
	t       *testing.T
	rdb     *redis.Client
	ledger  *ledger.Ledger
	tasks   *asynq.Inspector
	sweeper *sweep.Sweeper
	job     string
	looks   int
}

// newRig enqueues a job of three batches of which the first two are on the queue.
func newRig(t *testing.T, at time.Time) *rig {
	t.Helper()
	m := miniredis.RunT(t)
	rdb := redis.NewClient(&redis.Options{Addr: m.Addr()})
	t.Cleanup(func() { rdb.Close() })
	c, err := enqueue.NewFromRedis(rdb, enqueue.Options{Accounts: []string{"a"}, BatchSize: 1})
	if err != nil {
		t.Fatal(err)
	}
	r, err := c.Enqueue(t.Context(), enqueue.Job{
		Via: "a", Text: "Hi", At: at, Recipients: []enqueue.Recipient{{To: "450000001"}, {To: "450000002"}, {To: "450000003"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	g := &rig{
		t: t, rdb: rdb, ledger: ledger.New(rdb), tasks: asynq.NewInspectorFromRedisClient(rdb),
		sweeper: sweep.New(rdb, zap.NewNop()), job: r.JobID,
	}
	if at.IsZero() {
		q := asynq.NewClientFromRedisClient(rdb)
		if err := task.Put(t.Context(), q, task.Queue("a", 0), task.Ref{Job: r.JobID, Batch: 1}, time.Time{}); err != nil {
			t.Fatal(err)
		}
		if _, err := g.ledger.SetFed(t.Context(), r.JobID, 2); err != nil {
			t.Fatal(err)
		}
	}
	return g
}

func (g *rig) sweep(want int) {
	g.t.Helper()
	g.looks++
	if n, err := g.sweeper.Sweep(g.t.Context()); err != nil || n != want {
		g.t.Errorf("Sweep put %d batches back, want %d (%v)", n, want, err)
	}
}

func (g *rig) take(batch int, token string) {
	g.t.Helper()
	if _, err := g.ledger.Take(g.t.Context(), g.job, batch, token, ""); err != nil {
		g.t.Fatal(err)
	}
}

// pending lists the IDs on the account's queue, without the job's.
func (g *rig) pending() string {
	g.t.Helper()
	list, err := g.tasks.ListPendingTasks(task.Queue("a", 0))
	if err != nil {
		g.t.Fatal(err)
	}
	var ids []string
	for _, i := range list {
		ids = append(ids, strings.TrimPrefix(i.ID, g.job))
	}
	return strings.Join(ids, " ")
}

// activate makes a batch's task look as one that a worker was given.
func (g *rig) activate(batch int, lease int64) {
	g.t.Helper()
	id, key := task.Ref{Job: g.job, Batch: batch}.ID(), "asynq:{"+task.Queue("a", 0)+"}:"
	for _, err := range []error{
		g.rdb.LRem(g.t.Context(), key+"pending", 1, id).Err(), g.rdb.HSet(g.t.Context(), key+"t:"+id, "state", "active").Err(),
		g.rdb.ZAdd(g.t.Context(), key+"lease", redis.Z{Member: id, Score: float64(lease)}).Err(),
	} {
		if err != nil {
			g.t.Fatal(err)
		}
	}
}

func (g *rig) drop(batch int) {
	g.t.Helper()
	if err := g.tasks.DeleteTask(task.Queue("a", 0), task.Ref{Job: g.job, Batch: batch}.ID()); err != nil {
		g.t.Fatal(err)
	}
}

func TestSweeper_Sweep(t *testing.T) {
	t.Run("WhatHasATaskIsLeftAlone", func(t *testing.T) {
		g := newRig(t, time.Time{})
		g.sweep(0)
		g.sweep(0)
	})
	t.Run("ABatchWithoutATaskIsPutBackAfterTwoLooks", func(t *testing.T) {
		g := newRig(t, time.Time{})
		g.drop(1)
		g.sweep(0)
		g.sweep(1)
		if p := g.pending(); !strings.Contains(p, ":1") {
			t.Errorf("pending: %s", p)
		}
		g.sweep(0)
	})
	t.Run("OnlyLateIsNotLost", func(t *testing.T) {
		g := newRig(t, time.Time{})
		g.drop(1)
		g.sweep(0)
		if err := task.Put(t.Context(), asynq.NewClientFromRedisClient(g.rdb), task.Queue("a", 0), task.Ref{Job: g.job, Batch: 1}, time.Time{}); err != nil {
			t.Fatal(err)
		}
		g.sweep(0)
		g.sweep(0)
	})
	t.Run("ADeadOwnersBatchIsPutBesideItsTask", func(t *testing.T) {
		g := newRig(t, time.Time{})
		g.take(1, "dead/1")
		g.sweep(0)
		g.sweep(1)
		if p := g.pending(); !strings.Contains(p, ":1~dead/1") {
			t.Errorf("pending: %s", p)
		}
	})
	t.Run("ADeadOwnersBatchIsPutOnceMoreWhenWhoeverTookItDiedToo", func(t *testing.T) {
		g := newRig(t, time.Time{})
		g.take(1, "dead/1")
		for range 5 {
			g.sweep(min(1, g.looks))
		}
		if p := g.pending(); strings.Count(p, "~dead/1") != 1 {
			t.Errorf("pending after five looks: %s", p)
		}
		g.sweep(1)
		if p := g.pending(); strings.Count(p, "~dead/1") != 2 {
			t.Errorf("pending after six looks: %s", p)
		}
	})
	t.Run("ALivingOwnersBatchIsLeftAlone", func(t *testing.T) {
		g := newRig(t, time.Time{})
		if _, _, err := g.ledger.Heartbeat(t.Context(), "alive", time.Hour); err != nil {
			t.Fatal(err)
		}
		g.take(1, "alive/1")
		g.drop(1)
		g.sweep(0)
		g.sweep(0)
	})
	t.Run("AnArchivedTaskIsPutBack", func(t *testing.T) {
		g := newRig(t, time.Time{})
		if err := g.tasks.ArchiveTask(task.Queue("a", 0), task.Ref{Job: g.job, Batch: 1}.ID()); err != nil {
			t.Fatal(err)
		}
		g.sweep(0)
		g.sweep(1)
		if p := g.pending(); !strings.Contains(p, ":1") {
			t.Errorf("pending: %s", p)
		}
	})
	t.Run("ATaskWhoseWorkerDiedBeforeItOwnedTheBatchIsPutBesideWhenItsLeaseStandsStill", func(t *testing.T) {
		g := newRig(t, time.Time{})
		g.activate(1, 1_900_000_000)
		for range 4 {
			g.sweep(0)
		}
		g.sweep(1)
		if p := g.pending(); !strings.Contains(p, ":1~lease-1900000000") {
			t.Errorf("pending: %s", p)
		}
		if wrong, err := g.sweeper.Forsaken(t.Context(), g.job); err != nil || len(wrong) > 0 {
			t.Errorf("what may be under way is called forsaken: %q, %v", wrong, err)
		}
	})
	t.Run("ATaskWhoseLeaseIsMovedOnIsLeftAlone", func(t *testing.T) {
		g := newRig(t, time.Time{})
		for i := range 8 {
			if i%3 == 0 {
				g.activate(1, 1_900_000_000+5*int64(i))
			}
			g.sweep(0)
		}
	})
	t.Run("ATaskThatNoWorkerCouldReadIsPutBack", func(t *testing.T) {
		g := newRig(t, time.Time{})
		g.drop(1)
		id := task.Ref{Job: g.job, Batch: 1}.ID()
		q := asynq.NewClientFromRedisClient(g.rdb)
		if _, err := q.EnqueueContext(t.Context(), asynq.NewTask(task.Type, []byte("2 of a newer version")), asynq.Queue(task.Queue("a", 0)), asynq.TaskID(id)); err != nil {
			t.Fatal(err)
		}
		g.sweep(0)
		g.sweep(0) // as long as no worker has tried it
		key := "asynq:{" + task.Queue("a", 0) + "}:"
		for _, err := range []error{
			g.rdb.LRem(t.Context(), key+"pending", 1, id).Err(), g.rdb.HSet(t.Context(), key+"t:"+id, "state", "retry").Err(),
			g.rdb.ZAdd(t.Context(), key+"retry", redis.Z{Member: id, Score: float64(time.Now().Add(time.Minute).Unix())}).Err(),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		g.sweep(0)
		g.sweep(1)
		info, err := g.tasks.GetTaskInfo(task.Queue("a", 0), id)
		if err != nil || info.State != asynq.TaskStatePending || string(info.Payload) != string((task.Ref{Job: g.job, Batch: 1}).Payload()) {
			t.Errorf("task %+v, %v", info, err)
		}
	})
	t.Run("AFinishedBatchNeedsNone", func(t *testing.T) {
		g := newRig(t, time.Time{})
		g.drop(1)
		if _, err := g.ledger.Finish(t.Context(), g.job, 1, time.Now()); err != nil {
			t.Fatal(err)
		}
		g.sweep(0)
		g.sweep(0)
	})
	t.Run("ACompletedJobIsNotLookedAtAgain", func(t *testing.T) {
		g := newRig(t, time.Time{})
		for b := range 3 {
			if _, err := g.ledger.Finish(t.Context(), g.job, b, time.Now()); err != nil {
				t.Fatal(err)
			}
		}
		if err := g.rdb.ZAdd(t.Context(), "volley:live", redis.Z{Member: g.job}).Err(); err != nil {
			t.Fatal(err)
		}
		g.sweep(0)
		if live, err := g.ledger.Live(t.Context()); err != nil || len(live) != 0 {
			t.Errorf("live: %v, %v", live, err)
		}
	})
	t.Run("AScheduledJobThatLostItsTaskIsPutBackForItsTime", func(t *testing.T) {
		at := time.Now().Add(time.Hour)
		g := newRig(t, at)
		g.drop(0)
		spec, err := g.rdb.HGet(t.Context(), "volley:{"+g.job+"}:job", "spec").Result()
		if err != nil {
			t.Fatal(err)
		}
		job, err := g.ledger.Job(t.Context(), g.job)
		if err != nil {
			t.Fatal(err)
		}
		old := strings.Replace(spec, `"created":`, `"created":1,"was":`, 1)
		if err := g.rdb.HSet(t.Context(), "volley:{"+g.job+"}:job", "spec", old).Err(); err != nil || old == spec {
			t.Fatal(job, err)
		}
		g.sweep(0)
		g.sweep(1)
		i, err := g.tasks.GetTaskInfo(task.Queue("a", 0), task.Ref{Job: g.job}.ID())
		if err != nil || i.State != asynq.TaskStateScheduled || i.NextProcessAt.Unix() != at.Add(-task.Ahead).Unix() {
			t.Errorf("task %+v, %v", i, err)
		}
	})
	t.Run("AJobThatWasJustEnqueuedIsGivenTime", func(t *testing.T) {
		g := newRig(t, time.Now().Add(time.Hour))
		g.drop(0)
		g.sweep(0)
		g.sweep(0)
	})
}
