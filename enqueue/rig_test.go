package enqueue_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/internal/task"
)

// rig is a Redis with a Client on it, and what a worker and an operator would look at it with.
type rig struct {
	mr     *miniredis.Miniredis
	rdb    *redis.Client
	client *enqueue.Client
	ledger *ledger.Ledger
}

// testingT is what *testing.T and *rapid.T have in common.
type testingT interface {
	Helper()
	Errorf(format string, args ...any)
	Fatal(args ...any)
}

// newRig makes a rig whose client writes each batch to Redis on its own, so that short streams have many round trips.
func newRig(tb testing.TB, o enqueue.Options) *rig {
	tb.Helper()
	r := &rig{mr: miniredis.RunT(tb)}
	r.rdb = redis.NewClient(&redis.Options{Addr: r.mr.Addr(), MaxRetries: -1, DialerRetries: 1})
	tb.Cleanup(func() { r.rdb.Close() })
	r.client, r.ledger = newClient(tb, r.rdb, o), ledger.New(r.rdb)
	return r
}

func newClient(tb testingT, rdb redis.UniversalClient, o enqueue.Options) *enqueue.Client {
	tb.Helper()
	c, err := enqueue.NewFromRedis(rdb, o)
	if err != nil {
		tb.Fatal(err)
	}
	c.SetChunk(1)
	return c
}

// tasks returns what asynq holds for an account, due or not.
func (r *rig) tasks(tb testingT, account string) []*asynq.TaskInfo {
	tb.Helper()
	in := asynq.NewInspectorFromRedisClient(r.rdb)
	var all []*asynq.TaskInfo
	for _, list := range []func(string, ...asynq.ListOption) ([]*asynq.TaskInfo, error){in.ListPendingTasks, in.ListScheduledTasks} {
		some, err := list(task.Queue(account, 0))
		if err != nil && !errors.Is(err, asynq.ErrQueueNotFound) {
			tb.Fatal(err)
		}
		all = append(all, some...)
	}
	return all
}

// finish does what a worker does with a job whose recipients are all accepted.
func (r *rig) finish(tb testingT, id string) {
	tb.Helper()
	ctx := context.Background()
	check := func(err error) {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
	}
	job, err := r.ledger.Job(ctx, id)
	check(err)
	for b := range job.Batches {
		held, err := r.ledger.Take(ctx, id, b, "worker/1", "")
		check(err)
		c := &ledger.Commit{Seq: 1, Via: -1, Release: true}
		for i, rec := range held.Records {
			c.Records.Set(i, rec.State, ledger.Record{State: ledger.Accepted, Attempts: 1, At: time.Now().UnixMilli()})
		}
		_, _, err = r.ledger.Commit(ctx, &held, c)
		check(err)
		_, err = r.ledger.SetFed(ctx, id, b+1)
		check(err)
		_, err = r.ledger.Finish(ctx, id, b, time.Now())
		check(err)
	}
	in := asynq.NewInspectorFromRedisClient(r.rdb)
	for _, t := range r.tasks(tb, job.Spec.Accounts[0]) {
		check(in.DeleteTask(t.Queue, t.ID))
	}
}

// recipients returns what a worker would be given to send.
func (r *rig) recipients(tb testingT, id string) []ledger.Recipient {
	tb.Helper()
	job, err := r.ledger.Job(context.Background(), id)
	if err != nil {
		tb.Fatal(err)
	}
	var all []ledger.Recipient
	for b := range job.Batches {
		all = append(all, r.batch(tb, id, b)...)
	}
	return all
}

func (r *rig) batch(tb testingT, id string, b int) []ledger.Recipient {
	tb.Helper()
	held, err := r.ledger.Take(context.Background(), id, b, "reader/1", "")
	if err != nil {
		tb.Fatal(err)
	}
	return held.Recipients
}

func (r *rig) outcomes(tb testingT, id string) []enqueue.Outcome {
	tb.Helper()
	var all []enqueue.Outcome
	for o, err := range r.client.Outcomes(context.Background(), id) {
		if err != nil {
			tb.Fatal(err)
		}
		all = append(all, o)
	}
	return all
}

func (r *rig) counts(tb testingT, id string) enqueue.Counts {
	tb.Helper()
	s, err := r.client.Status(context.Background(), id)
	if err != nil {
		tb.Fatal(err)
	}
	return s.Counts
}

func (r *rig) requireNoJob(tb testingT) {
	tb.Helper()
	ids, err := r.ledger.Recent(context.Background(), 10)
	if err != nil {
		tb.Fatal(err)
	}
	if len(ids) > 0 {
		tb.Errorf("there are the jobs %v, want none", ids)
	}
	if n := len(r.tasks(tb, "dk")); n > 0 {
		tb.Errorf("there are %d tasks, want none", n)
	}
}

func (r *rig) requireNoKeys(tb testingT) {
	tb.Helper()
	if k := r.mr.Keys(); len(k) > 0 {
		tb.Errorf("Redis has the keys %v, want none", k)
	}
}

// to makes recipients without fields.
func to(numbers ...string) []enqueue.Recipient {
	rs := make([]enqueue.Recipient, len(numbers))
	for i, n := range numbers {
		rs[i].To = n
	}
	return rs
}

// numbered makes n recipients with different numbers.
func numbered(n int) []enqueue.Recipient {
	rs := make([]enqueue.Recipient, n)
	for i := range rs {
		rs[i].To = fmt.Sprintf("45%08d", i)
	}
	return rs
}

func stream(rs []enqueue.Recipient) iter.Seq2[enqueue.Recipient, error] {
	return func(yield func(enqueue.Recipient, error) bool) {
		for _, r := range rs {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// job is valid, but for having no recipients.
func job(key string, rs ...enqueue.Recipient) enqueue.Job {
	return enqueue.Job{Via: "dk", From: "Acme", Text: "Hi", Key: key, Recipients: rs}
}
