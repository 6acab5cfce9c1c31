package worker

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hibiken/asynq"

	"github.com/volleysms/volley/internal/pace"
	"github.com/volleysms/volley/internal/standing"
	"github.com/volleysms/volley/internal/task"
	"github.com/volleysms/volley/internal/window"
	"github.com/volleysms/volley/providers"
)

// account is one account's part of the worker: an asynq server for each of its queues, and lanes for its calls.
type account struct {
	w        *Worker
	name     string
	provider string
	settings string
	adapter  providers.Adapter
	limits   providers.Limits
	lanes    int
	shards   int // queues for each priority; known once the worker runs
	timeout  time.Duration
	resend   bool

	ready   *ready
	shares  shares
	gate    gate
	pace    *pace.Pacer
	servers []*asynq.Server
	busy    sync.WaitGroup // lanes and handlers
	placed  sync.WaitGroup // batches that have no task

	doings doings

	starts  starts
	guard   *window.Guard
	timings timings

	meter *meter

	asking   atomic.Bool // somebody here finds out whether the trouble is over
	troubled atomic.Bool // no call has been taken since there was trouble
}

func newAccount(w *Worker, o Account) *account {
	a := &account{
		w: w, name: o.Name, provider: o.Provider, settings: o.Settings, adapter: o.Adapter, limits: o.Adapter.Limits(),
		meter: w.metrics.of(o.Name), lanes: o.Concurrency, timeout: o.Timeout, resend: o.ResendUnknown, ready: newReady(), pace: pace.New(w.rdb, o.Name, o.Limits),
	}
	a.limits.Recipients = max(1, a.limits.Recipients)
	a.guard, _ = guardOf(&w.opts, &o) // the options were looked at
	a.gate.trial, a.gate.waits = true, firstWait
	return a
}

// firstWait is how long an account's calls wait at the start for the answer to its first one.
const firstWait = time.Second

// patientPoll is how many times longer a queue of bulk jobs is left alone when it was empty.
const patientPoll = 5

// duePoll is how often is looked for tasks whose time has come.
const duePoll = 100 * time.Millisecond

func (a *account) start() error {
	for range a.lanes {
		a.busy.Go(a.lane)
	}
	for _, p := range task.Priorities {
		poll := a.w.opts.Poll
		if p < 0 {
			poll *= patientPoll
			if err := a.serve(p, a.tasks(), poll, duePoll); err != nil {
				return err
			}
			continue
		}
		if err := a.serve(p, (a.tasks()+1)/2, poll, duePoll); err != nil {
			return err
		}
		for range helpers {
			if err := a.serve(p, max(1, a.tasks()/2/helpers), max(poll, helperPoll), helperDuePoll); err != nil {
				return err
			}
		}
	}
	return nil
}

// An asynq server takes one task at a time from Redis. Where many jobs of one batch may come at once, some more help; as
// long as there is little to do they ask seldom.
const (
	helpers       = 3
	helperPoll    = 250 * time.Millisecond
	helperDuePoll = 10 * time.Second
)

// serve starts a server for the queue of a priority, which has so many tasks in hand at a time, looks for tasks every poll
// when there were none, and for those whose time has come every due.
func (a *account) serve(p, tasks int, poll, due time.Duration) error {
	srv := asynq.NewServerFromRedisClient(a.w.srvRdb, asynq.Config{
		Concurrency:              tasks,
		Queues:                   a.queues(p),
		TaskCheckInterval:        poll,
		DelayedTaskCheckInterval: due,
		ShutdownTimeout:          a.w.drainTime() + drainMargin,
		RetryDelayFunc:           func(n int, err error, _ *asynq.Task) time.Duration { return pauseOf(n, err) },
		IsFailure:                func(error) bool { return false },
		Logger:                   a.w.log.Named("asynq").Sugar(),
		LogLevel:                 asynq.WarnLevel,
	})
	err := srv.Start(asynq.HandlerFunc(func(_ context.Context, t *asynq.Task) error {
		a.busy.Add(1)
		defer a.busy.Done()
		return a.w.handle(a, t)
	}))
	if err == nil {
		a.servers = append(a.servers, srv)
	}
	return err
}

// queues are the account's queues of a priority, which take turns.
func (a *account) queues(p int) map[string]int {
	out := map[string]int{}
	for _, q := range task.Queues(a.name, p, a.shards) {
		out[q] = 1
	}
	return out
}

// drain ends the account's work: nothing new is taken, calls on the wire end and are recorded, all else goes back.
func (a *account) drain() {
	var all sync.WaitGroup
	for _, s := range a.servers {
		all.Go(s.Shutdown) // waits for the handlers, whose calls the lanes make or leave
	}
	all.Wait()
	a.placed.Wait()
	a.ready.close()
	a.busy.Wait()
}

// maxShut is how long a task stays with a handler whose account is in trouble before it is looked at again.
const maxShut = 10 * time.Minute

// passable waits as long as the account is in trouble, so that its tasks stay where they are at no cost. What can go to
// another account instead does not wait.
func (a *account) passable(job *jobInfo) bool {
	if t := a.gate.shutFor(); t == nil || t.Why == standing.Down && job.failsOver() {
		return true
	}
	return a.gate.settled(a.w.stopCtx, maxShut)
}
