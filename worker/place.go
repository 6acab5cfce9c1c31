package worker

import (
	"context"
	"time"

	"github.com/volleysms/volley/internal/task"
)

// place is one of those that an account has for batches in hand. When a batch has finished, the next one that is not on the
// queue yet may have its place at once: that saves the way through the queue.
type place struct {
	until     time.Time // then the others on the queue have their turn
	following int       // the batch that is to have it; 0 is none
}

// visit is a batch's stay.
func (p *place) visit(ctx context.Context, a *account, job *jobInfo, ref task.Ref) (pause time.Duration, err error) {
	w := a.w
	p.following = 0
	r, pause, err := w.hold(ctx, a, job, ref)
	if r == nil {
		return pause, err
	}
	defer w.holds.Delete(r.held.Token)
	if ref.Batch == 0 && (job.batches > 1 || !job.begun) {
		if err := p.open(ctx, a, job); err != nil {
			r.giveBack()
			return 0, err
		}
	}
	r.place = p
	defer r.free()
	return r.whole(ctx)
}

// goOn gives the place to the batches that follow, one after the other.
func (p *place) goOn(ctx context.Context, a *account, job *jobInfo, id string) {
	for p.following > 0 {
		ref := task.Ref{Job: id, Batch: p.following}
		pause, err := p.visit(ctx, a, job, ref)
		a.aside(job, ref, pause, err)
	}
}

// open fills the window of a job whose first batch has come up. As many of its batches as are worked on at a time have places
// here at once, the others are put on the queue.
func (p *place) open(ctx context.Context, a *account, job *jobInfo) error {
	here := 0
	if p.free(a, job) {
		here = a.perJob(job) - 1
	}
	from, to, err := a.w.feedFirst(ctx, a, job, here)
	for b := from; b < to; b++ {
		a.placed.Go(func() { a.occupy(context.WithoutCancel(ctx), job, task.Ref{Job: job.spec.ID, Batch: b}, p.until) })
	}
	return err
}

// occupy gives a batch that has no task a place.
func (a *account) occupy(ctx context.Context, job *jobInfo, ref task.Ref, until time.Time) {
	if !a.shares.enter(a.w.stopCtx, ref.Job, a.perJob(job)) {
		a.aside(job, ref, 0, errBack)
		return
	}
	defer a.shares.leave(ref.Job)
	p := place{until: until, following: ref.Batch}
	p.goOn(ctx, a, job, ref.Job)
}

// free reports whether a batch of the job may follow the one whose place it is: it can be sent from here, and nobody is kept
// waiting.
func (p *place) free(a *account, job *jobInfo) bool {
	return len(job.spec.Legs) <= 1 && !a.w.stopped() && time.Now().Before(p.until) && a.gate.shutFor() == nil &&
		a.shares.spare(job.spec.ID, a.tasks()-a.perJob(job))
}

// aside puts a batch that has no task on the queue, when it needs one.
func (a *account) aside(job *jobInfo, ref task.Ref, pause time.Duration, err error) {
	if err == nil {
		return
	}
	if back := a.verdict(ref, pause, err); back != nil {
		a.putAfter(task.QueueFor(&job.spec, a.name, ref.Batch), ref, max(0, pauseBefore(back)))
	}
}
