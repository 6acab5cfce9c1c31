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

// Tried is how a batch fared: the most attempts that a queued recipient has behind them, and what came of the last one.
type Tried struct {
	Attempts int
	Last     Note
}

// Tried tells how the queued recipients of a batch fared.
func (l *Ledger) Tried(ctx context.Context, job string, batch int) (t Tried, err error) {
	views, err := l.read(ctx, job, batch, batch+1)
	if err != nil {
		return t, err
	}
	v := &views[0]
	for _, rec := range v.records {
		if rec.State == Queued && int(rec.Attempts) > t.Attempts {
			t = Tried{int(rec.Attempts), v.side.Note(rec.Note)}
		}
	}
	return t, nil
}

// RecipientAt returns the recipient at a position of a batch, and the index of the account that the batch is with.
func (l *Ledger) RecipientAt(ctx context.Context, job *Job, batch, position int) (*Recipient, int, error) {
	views, err := l.read(ctx, job.Spec.ID, batch, batch+1)
	if err != nil {
		return nil, 0, err
	}
	holders, err := l.Holders(ctx, job.Spec.ID, []int{batch})
	if err != nil {
		return nil, 0, err
	}
	if position < 0 || position >= len(views[0].batch.Recipients) {
		return nil, 0, ErrNotFound
	}
	return &views[0].batch.Recipients[position], holders[0].Via, nil
}
