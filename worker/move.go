package worker

import (
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

// depart keeps, of each recipient that goes on to another account, what it has been through here, and gives it a fresh
// budget of attempts. The run's lock is held.
func (r *run) depart(c *ledger.Commit) {
	now := r.w.clock.now().UnixMilli()
	var was ledger.Departure
	for i, rec := range r.records {
		if rec.State != ledger.Queued {
			continue
		}
		d := ledger.Departure{Account: uint8(r.held.Via), Attempts: rec.Attempts, At: now, Note: r.held.Side.Lookup(rec.Note)}
		if d.Note == (ledger.Note{}) {
			d.Note.Detail = "the gateway did not answer others"
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
