package worker

import (
	"context"

	"github.com/volleysms/volley/internal/ledger"
)

// next returns the index of the account that follows on the batch's route, -1 when there is none.
func (r *run) next() int { return r.job.spec.Next(r.held.Via) }

// moveOn leaves a call to the route's next account: this one is down.
func (r *run) moveOn() {
	r.mu.Lock()
	r.move = true
	r.mu.Unlock()
	r.leave(0)
}

// Why recipients that were not sent to went on to another account.
const (
	downForOthers = "the gateway did not answer others"
	reroutedAway  = "the job was re-routed"
)

// again returns a job as it is now: it has accounts that it had not when it was cached.
func (w *Worker) again(ctx context.Context, a *account, job *jobInfo) (*jobInfo, error) {
	w.jobs.forget(job.spec.ID)
	fresh, err := w.job(ctx, job.spec.ID)
	if err != nil {
		return nil, err
	}
	own := *fresh
	own.spec.At, own.begun = job.spec.At, job.begun
	return own.forAccount(a), nil
}

// forward puts a batch of a job that was re-routed on the queue of the account that it is with.
func (w *Worker) forward(ctx context.Context, a *account, job *jobInfo, batch int) error {
	job, err := w.again(ctx, a, job)
	if err != nil {
		return err
	}
	return w.put(ctx, job, batch, batch+1)
}

// depart keeps, of each recipient that goes on to another account, what it has been through here, and gives it a fresh
// budget of attempts. The run's lock is held.
//
// They leave the account at index via, for a reason that counts for those who have none of their own. Who was not tried at an
// account from which the job was re-routed has been through nothing there.
func (r *run) depart(c *ledger.Commit, via int, reason string) {
	now := r.w.clock.now().UnixMilli()
	var was ledger.Departure
	for i, rec := range r.records {
		if rec.State != ledger.Queued {
			continue
		}
		if reason == reroutedAway && rec.Attempts == 0 {
			continue
		}
		d := ledger.Departure{Account: uint8(via), Attempts: rec.Attempts, At: now, Note: r.held.Side.Lookup(rec.Note)}
		if d.Note == (ledger.Note{}) {
			d.Note.Detail = reason
		}
		if d.Same(&was) {
			was.Include(i)
		} else {
			r.held.Side.Depart(&was)
			was = d
			was.Include(i)
		}
		if rec.Attempts > 0 {
			rec.Attempts = 0
			c.Records.Set(i, ledger.Queued, rec)
			r.records[i] = rec
		}
	}
	r.held.Side.Depart(&was)
}
