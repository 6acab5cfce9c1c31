package worker

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/internal/plan"
	"github.com/volleysms/volley/internal/task"
)

// errBack: what is left of a batch is to be looked at again after a pause.
var errBack = errors.New("the batch goes back to the queue")

// maxRun is how long a batch may stay in the process before it makes room for others.
const maxRun = 10 * time.Minute

// waitForOwner is how often a batch is looked at that another living worker holds.
const waitForOwner = 3 * time.Second

// batch takes a batch, sends what is to be sent, and gives it up, and goes on with the batches that follow it. It returns nil
// when the batch needs no task any more, and errBack with a pause when it does.
func (w *Worker) batch(ctx context.Context, a *account, ref task.Ref) (pause time.Duration, err error) {
	job, err := w.job(ctx, ref.Job)
	if err != nil {
		return 0, err
	}
	if !a.passable(job) {
		return 0, errBack
	}
	if job, err = w.begin(ctx, job.forAccount(a), w.clock.now()); err != nil {
		return 0, err
	}
	if !a.shares.enter(w.stopCtx, ref.Job, a.perJob(job)) {
		return 0, errBack
	}
	defer a.shares.leave(ref.Job)
	p := place{until: time.Now().Add(maxRun)}
	pause, err = p.visit(ctx, a, job, ref)
	p.goOn(ctx, a, job, ref.Job)
	return pause, err
}

// hold takes a batch that is to be sent by this account now, or soon. It returns nil when there is no such thing, with what is
// to become of its task, as batch does.
func (w *Worker) hold(ctx context.Context, a *account, job *jobInfo, ref task.Ref) (_ *run, pause time.Duration, err error) {
	held, err := w.take(ctx, ref)
	if errors.Is(err, ledger.ErrLost) {
		return nil, waitForOwner, errBack
	}
	if err != nil {
		return nil, 0, err
	}
	if held.Via >= len(job.spec.Accounts) { // it was re-routed since it was cached
		if job, err = w.again(ctx, a, job); err != nil {
			w.holds.Delete(held.Token)
			return nil, 0, err
		}
	}
	r := newRun(w, a, job, &held)
	keep := false
	defer func() {
		if !keep {
			r.giveBack()
			w.holds.Delete(held.Token)
		}
	}()
	if held.Was != held.Via {
		r.commit(func(c *ledger.Commit) { r.depart(c, held.Was, reroutedAway) })
		r.c.flushed()
	}
	if r.hours.t, err = a.timing(job); err != nil {
		return nil, 0, err
	}
	if name := job.spec.Account(held.Via); name != a.name {
		// It moved to another account, and the task that says so may have been lost.
		return nil, 0, task.Put(ctx, w.queue, task.QueueFor(&job.spec, name, ref.Batch), ref, time.Time{})
	}
	if held.Control == ledger.Paused {
		return nil, 0, nil
	}
	keep = true
	return r, 0, nil
}

// whole sends what is to be sent of a batch, and gives it up.
func (r *run) whole(ctx context.Context) (pause time.Duration, err error) {
	defer r.traceBatch()()
	r.adopt() // nobody else touches the run yet
	if r.held.Control == ledger.Run {
		r.send(r.plan(r.w.clock.now()))
		<-r.done
	}
	return r.end(ctx)
}

// run is one stay of a batch in this process.
type run struct {
	w     *Worker
	a     *account
	job   *jobInfo
	held  *ledger.Held
	start time.Time

	mu      sync.Mutex
	records []ledger.Record
	open    int           // calls that have not come to an end here
	pause   time.Duration // until the batch is looked at again
	halted  bool          // no further call may be made: stopping, paused, cancelled, or lost
	lost    bool
	move    bool // what is left goes to the route's next account
	// released is true when the commit that records the last outcome gives the batch up as well.
	released bool
	control  ledger.Control
	place    *place
	done     chan struct{} // closed when open is 0
	hours    hours
	turn     uint64          // of the lists of opt-outs, when the calls were planned
	traced   context.Context // the span of this stay; nil when it is not traced

	planned *planned // the memory of its calls; nil before they are planned
	// over is closed when nothing else that was due at the same moment waits for its calls; nil when nothing was.
	over <-chan struct{}

	c committer
}

// free gives the memory of the batch and of its calls back, once all of them have come to an end.
func (r *run) free() {
	r.held.Free()
	if r.planned != nil {
		planPool.Put(r.planned)
		r.planned = nil
	}
	r.records = nil
}

func newRun(w *Worker, a *account, job *jobInfo, held *ledger.Held) *run {
	r := &run{
		w: w, a: a, job: job, held: held, start: time.Now(), records: held.Records, control: held.Control,
		done: make(chan struct{}),
	}
	r.c.init(r)
	return r
}

// giveBack gives the batch up as it was taken.
func (r *run) giveBack() {
	r.commit(func(c *ledger.Commit) { c.Release = true })
	r.c.flushed()
}

// adopt settles what an earlier owner left behind: what it had claimed may have been sent, and what was cancelled since
// is not to be.
func (r *run) adopt() {
	now := r.w.clock.now().UnixMilli()
	var outcomes ledger.Counts
	left := func(rec ledger.Record) bool {
		return rec.State == ledger.Sending || rec.State == ledger.Queued && r.control == ledger.Withdrawn
	}
	if !slices.ContainsFunc(r.records, left) {
		return
	}
	r.commit(func(c *ledger.Commit) {
		for i, rec := range r.records {
			from := rec.State
			switch {
			case from == ledger.Sending && r.resends(&rec):
				rec.State = ledger.Queued
				rec.Note = r.held.Side.Note(ledger.Note{Detail: diedDuringCall})
			case from == ledger.Sending:
				rec.State = ledger.Unknown
				rec.Note = r.held.Side.Note(ledger.Note{Detail: diedDuringCall})
			case from == ledger.Queued && r.control == ledger.Withdrawn:
				rec.State = ledger.Cancelled
			default:
				continue
			}
			rec.At = now
			outcomes[rec.State]++
			c.Records.Set(i, from, rec)
			r.records[i] = rec
		}
	})
	r.a.meter.recorded(&outcomes)
}

const diedDuringCall = "the worker died during the call"

// resends reports whether what may have been sent to a recipient is to be sent again.
func (r *run) resends(rec *ledger.Record) bool {
	return (r.job.spec.ResendUnknown || r.a.resend) && r.control != ledger.Withdrawn &&
		int(rec.Attempts) < r.w.opts.Retry.MaxAttempts
}

// planned is the memory of a batch's plan, kept for the next one's.
type planned struct {
	items []plan.Item
	calls plan.Memory
}

var planPool = sync.Pool{New: func() any { return new(planned) }}

// plan plans the calls for those who are queued and may be sent to at a moment.
func (r *run) plan(at time.Time) []*call {
	r.planned = planPool.Get().(*planned)
	r.planned.items = r.ripe(r.planned.items[:0], at)
	in := r.job.input(r.planned.items)
	in.Memory = &r.planned.calls
	calls, refused := plan.Plan(in, r.a.limits)
	clear(r.planned.items)
	if len(refused) > 0 {
		r.refuse(refused)
	}
	out, all := make([]*call, len(calls)), make([]call, len(calls))
	for i := range calls {
		r.dress(&calls[i])
		all[i] = call{part: calls[i], run: r, turn: r.turn}
		out[i] = &all[i]
	}
	return out
}

// send gives the calls of a stay to the lanes.
func (r *run) send(calls []*call) {
	if len(calls) == 0 {
		close(r.done)
		return
	}
	r.open = len(calls)
	r.push(calls...)
}

// push gives calls to the lanes.
func (r *run) push(calls ...*call) { r.a.ready.push(r.job.spec.ID, r.job.priority(), calls...) }

// dress gives a call what the planner does not know of.
func (r *run) dress(c *plan.Call) {
	c.Call.Options = r.job.options()
	if k := r.job.carrier; k >= 0 {
		for i, item := range c.Items {
			c.Call.Recipients[i].Carrier = r.held.Recipients[item].Values[k]
		}
	}
}

// refuse rejects recipients whose message no call to this gateway can hold.
func (r *run) refuse(refused []plan.Refused) {
	now := r.w.clock.now().UnixMilli()
	r.commit(func(c *ledger.Commit) {
		for _, f := range refused {
			rec := r.records[f.Index]
			rec.State, rec.At, rec.Account = ledger.Rejected, now, uint8(r.held.Via)
			rec.Note = r.held.Side.Note(ledger.Note{Code: ledger.CodeRefused, Detail: f.Reason})
			c.Records.Set(f.Index, ledger.Queued, rec)
			r.records[f.Index] = rec
		}
	})
	r.a.meter.recorded(&ledger.Counts{ledger.Rejected: int64(len(refused))})
}

// wanted reports whether a call may still be made in this stay; when not, it has been left.
func (r *run) wanted() bool {
	r.mu.Lock()
	halted := r.halted
	r.mu.Unlock()
	if halted || r.w.stopped() || time.Since(r.start) > maxRun {
		r.leave(0)
		return false
	}
	return true
}

// leave ends a call whose recipients stay queued, to be looked at again after a pause.
func (r *run) leave(pause time.Duration) {
	r.mu.Lock()
	r.pause = max(r.pause, pause)
	r.mu.Unlock()
	r.ended()
}

// ended counts a call off.
func (r *run) ended() {
	r.mu.Lock()
	r.open--
	last := r.open == 0
	r.mu.Unlock()
	if last {
		close(r.done)
	}
}

// finished reports whether every recipient has an outcome. The run's lock is held.
func (r *run) finished() bool {
	return !slices.ContainsFunc(r.records, func(rec ledger.Record) bool { return rec.State.Open() })
}

// end gives the batch up and says what becomes of it.
func (r *run) end(ctx context.Context) (pause time.Duration, err error) {
	r.c.flushed()
	if r.control == ledger.Withdrawn && !r.lost {
		r.adopt() // cancelled while it was under way
	}
	r.mu.Lock()
	finished := r.finished()
	next := r.next()
	move := r.move && !finished && next >= 0 && r.control != ledger.Moved
	released := r.released
	r.mu.Unlock()
	if !released && !r.lost {
		r.commit(func(c *ledger.Commit) {
			if move {
				c.Via = next
				r.depart(c, r.held.Via, downForOthers)
			}
			if r.control == ledger.Moved {
				r.depart(c, r.held.Via, reroutedAway)
			}
			c.Release, c.Compact, c.Outcomes = true, true, ledger.PackRecords(r.records)
		})
		r.c.flushed()
	}
	switch {
	case r.lost:
		return waitForOwner, errBack
	case finished:
		return 0, r.finish(ctx)
	case move:
		ref, spec := task.Ref{Job: r.job.spec.ID, Batch: r.held.Batch}, &r.job.spec
		return 0, task.Put(ctx, r.w.queue, task.QueueFor(spec, spec.Account(next), ref.Batch), ref, time.Time{})
	case r.control == ledger.Paused:
		return 0, nil
	case r.control == ledger.Moved:
		return 0, r.w.forward(ctx, r.a, r.job, r.held.Batch)
	}
	return r.back(ctx)
}
