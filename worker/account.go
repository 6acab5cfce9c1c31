package worker

import (
	"context"
	"sync"
	"time"

	"github.com/hibiken/asynq"
	"go.uber.org/zap"

	"github.com/volleysms/volley/internal/task"
	"github.com/volleysms/volley/providers"
)

// account is one account's part of the worker: an asynq server for its queue, and lanes for its calls.
type account struct {
	w        *Worker
	name     string
	provider string
	adapter  providers.Adapter
	limits   providers.Limits
	lanes    int
	timeout  time.Duration

	ready *ready
	gate  gate
	pace  *pacer
	srv   *asynq.Server
	busy  sync.WaitGroup // lanes and handlers
}

func newAccount(w *Worker, o Account) *account {
	a := &account{
		w: w, name: o.Name, provider: o.Provider, adapter: o.Adapter, limits: o.Adapter.Limits(), lanes: o.Concurrency, timeout: o.Timeout,
		ready: newReady(), pace: newPacer(w.rdb, o.Name, o.Rate),
	}
	a.limits.Recipients = max(1, a.limits.Recipients)
	return a
}

// batchesAtOnce is how many batches an account works on: enough that its lanes never wait for the queue.
func (a *account) batchesAtOnce() int { return min(max(8, a.lanes), 64) }

func (a *account) start() error {
	a.srv = asynq.NewServerFromRedisClient(a.w.srvRdb, asynq.Config{
		Concurrency:              a.batchesAtOnce(),
		Queues:                   map[string]int{task.Queue(a.name): 1},
		TaskCheckInterval:        a.w.opts.Poll,
		DelayedTaskCheckInterval: time.Second,
		ShutdownTimeout:          a.w.drainTime() + drainMargin,
		RetryDelayFunc:           func(n int, err error, _ *asynq.Task) time.Duration { return pauseOf(n, err) },
		IsFailure:                func(error) bool { return false },
		Logger:                   a.w.log.Named("asynq").Sugar(),
		LogLevel:                 asynq.WarnLevel,
	})
	for range a.lanes {
		a.busy.Go(a.lane)
	}
	return a.srv.Start(asynq.HandlerFunc(func(_ context.Context, t *asynq.Task) error {
		a.busy.Add(1)
		defer a.busy.Done()
		return a.w.handle(a, t)
	}))
}

// drain ends the account's work: nothing new is taken, calls on the wire end and are recorded, all else goes back.
func (a *account) drain() {
	a.srv.Shutdown() // waits for the handlers, whose calls the lanes make or leave
	a.ready.close()
	a.busy.Wait()
}

// lane makes one call after the other.
func (a *account) lane() {
	granted := make(chan bool, 1)
	var before *call
	for c := a.ready.pop(); c != nil; c = a.ready.pop() {
		a.call(c, before, granted)
		before = c
	}
}

// call makes a call once its recipients are claimed and what the lane's last call established is recorded. Both are on
// their way at the same time.
func (a *account) call(c, before *call, granted chan bool) {
	r, w := c.run, a.w
	if !r.wanted() {
		return
	}
	if closed := a.gate.closedFor(time.Now()); closed > max(w.opts.Retry.Inline, time.Second) {
		r.leave(closed)
		return
	}
	if a.gate.pass(w.stopCtx) != nil {
		r.leave(0)
		return
	}
	if err := a.pace.wait(w.stopCtx); err != nil {
		a.gate.unsure()
		if !w.stopped() {
			w.log.Warn("Redis does not pace; the batch waits", zap.String("account", a.name), zap.Error(err))
		}
		r.leave(time.Second)
		return
	}
	r.claim(c, granted)
	if !<-granted {
		a.gate.unsure()
		r.leave(0)
		return
	}
	if before != nil {
		before.run.recorded(before.gen)
	}
	// The call is not cut short by a stop: what is on the wire ends.
	ctx, cancel := context.WithTimeout(context.Background(), a.timeout)
	results := a.send(ctx, c.part.Call)
	cancel()
	r.settle(c, results)
}

// send makes the call. An adapter that panics may have sent: settle takes nothing for an answer as unknown.
func (a *account) send(ctx context.Context, c providers.Call) (results []providers.Result) {
	defer func() {
		if p := recover(); p != nil {
			a.w.log.Error("the adapter panicked", zap.String("account", a.name), zap.Stack("stack"))
			results = nil
		}
	}()
	return a.adapter.Send(ctx, c)
}
