package worker

import (
	"errors"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/internal/task"
)

// What a worker holds of batches whose time is near, over all accounts: so many recipients, each job counting as some more.
const (
	maxPrepared = 100_000
	perPrepared = 4
)

// startAhead is how long before its time the sending of a job that is held ready starts, as far as rescheduling is
// concerned. No call is made before the time.
const startAhead = time.Second

// maxYield is how long a batch whose call has ended waits at most, before its job is completed, for others of its moment to be
// punctual too.
const maxYield = 4 * time.Second

// prepared counts what is held ready.
type prepared struct{ n atomic.Int64 }

// room makes room for n more; false when there is none.
func (p *prepared) room(n int64) bool {
	if p.n.Add(n) <= maxPrepared {
		return true
	}
	p.n.Add(-n)
	return false
}

// prepare takes the only batch of a job before its time has come, so that when it has nothing but the claim stands between
// the job and the call, and returns true. When many jobs are due at the same moment, that is what makes them punctual.
// Whoever dies with a batch that is held ready leaves it to the sweep, as every batch. It returns false, and does
// nothing, when the batch had better wait on the queue.
func (a *account) prepare(job *jobInfo, ref task.Ref, due time.Time) bool {
	w := a.w
	cost := job.queued + perPrepared
	if job.batches != 1 || job.begun || a.gate.shutFor() != nil || w.stopped() || !w.prepared.room(cost) {
		return false
	}
	a.busy.Go(func() {
		defer w.prepared.n.Add(-cost)
		pause, err := a.punctual(job, ref, due)
		var wait *waitError
		switch {
		case err == nil || errors.Is(err, ledger.ErrNotFound):
			return
		case errors.As(err, &wait):
			pause = time.Until(wait.until) - task.Ahead
		case !errors.Is(err, errBack):
			w.log.Error("a batch that was held ready goes back to the queue", zap.String("account", a.name), zap.String("job", ref.Job), zap.Error(err))
		}
		a.putAfter(task.QueueFor(&job.spec, a.name, ref.Batch), ref, pause)
	})
	return true
}

// punctual holds a batch ready until its time, and sends it.
func (a *account) punctual(job *jobInfo, ref task.Ref, due time.Time) (pause time.Duration, err error) {
	w, ctx := a.w, a.w.hard
	r, pause, err := w.hold(ctx, a, job, ref)
	if r == nil {
		return pause, err
	}
	defer w.holds.Delete(r.held.Token)
	defer a.starts.drop(due)
	if a.starts.hold(due) > manyAtOnce {
		r.draft(ctx, due)
	}
	if !a.sleep(due.Add(-startAhead)) {
		r.giveBack()
		return 0, errBack
	}
	if job, err = w.begin(ctx, job, w.clock.now().Add(startAhead)); err != nil {
		r.giveBack()
		return 0, err
	}
	r.job = job
	defer r.traceBatch()()
	r.adopt()
	s := &start{run: r}
	if r.held.Control == ledger.Run {
		s.calls = r.plan(w.clock.now().Add(time.Until(due)))
		r.drafted(s.calls)
	}
	select {
	case <-a.starts.add(due, s):
	case <-w.stopCtx.Done():
		if a.starts.withdraw(s) {
			r.giveBack()
			return 0, errBack
		}
	}
	<-r.done
	defer r.free()
	return r.end(ctx)
}

// sleep waits until a moment; false when the worker stops before.
func (a *account) sleep(until time.Time) bool {
	left := time.Until(until)
	if left <= 0 {
		return !a.w.stopped()
	}
	t := time.NewTimer(left)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-a.w.stopCtx.Done():
		return false
	}
}
