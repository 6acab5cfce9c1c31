package ledger

import (
	"context"
	"iter"
)

// QueuedBatch is what of a batch is queued.
type QueuedBatch struct {
	Number int
	// Via says which of the job's accounts it is with.
	Via        int
	Recipients []Recipient
}

// Queued yields the batches of a job in which recipients are queued, some at a time, and of each only those. It stops at
// the first error.
func (l *Ledger) Queued(ctx context.Context, job Job) iter.Seq2[QueuedBatch, error] {
	return func(yield func(QueuedBatch, error) bool) {
		for v, err := range l.views(ctx, job) {
			if err != nil {
				yield(QueuedBatch{}, err)
				return
			}
			b := QueuedBatch{Number: v.number}
			for i := range v.records {
				if v.records[i].State == Queued {
					b.Recipients = append(b.Recipients, v.batch.Recipients[i])
				}
			}
			if len(b.Recipients) == 0 {
				continue
			}
			holders, err := l.Holders(ctx, job.Spec.ID, []int{v.number})
			if err != nil {
				yield(QueuedBatch{}, err)
				return
			}
			b.Via = holders[0].Via
			if !yield(b, nil) {
				return
			}
		}
	}
}
