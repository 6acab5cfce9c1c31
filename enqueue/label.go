package enqueue

import (
	"context"
	"errors"
	"sync"
)

// Labelled returns the IDs of the jobs with a label that Redis still has, the newest first; an *InvalidError for no label.
func (c *Client) Labelled(ctx context.Context, label string) ([]string, error) {
	if label == "" || len(label) > MaxLabel {
		return nil, invalid("label", "must be 1 to %d bytes", MaxLabel)
	}
	if err := c.Check(ctx); err != nil {
		return nil, err
	}
	ids, err := c.ledger.Labelled(ctx, label)
	return ids, reached(ctx, err)
}

// Done is what was done to one of several jobs.
type Done struct {
	JobID string
	// Changed is how many recipients it concerned.
	Changed int64
	// Err is ErrCompleted or ErrCancelled for a job that is left alone because of that, another error for one where it failed.
	Err error
}

// LeftAlone reports whether there was nothing that could be done.
func (d *Done) LeftAlone() bool {
	return errors.Is(d.Err, ErrCompleted) || errors.Is(d.Err, ErrCancelled) || errors.Is(d.Err, ErrNotFound)
}

// labelledAtOnce is how many jobs of a label are steered at a time.
const labelledAtOnce = 16

// ForLabel does something to every job with a label, to many at a time, and returns what became of each, the newest job first.
// do is a control function of the Client, such as Pause. Jobs that are enqueued with the label after that are not concerned.
func (c *Client) ForLabel(ctx context.Context, label string, do func(ctx context.Context, jobID string) (int64, error)) ([]Done, error) {
	ids, err := c.Labelled(ctx, label)
	if err != nil {
		return nil, err
	}
	done := make([]Done, len(ids))
	var wg sync.WaitGroup
	for k := range min(labelledAtOnce, len(ids)) {
		wg.Go(func() {
			for i := k; i < len(ids); i += labelledAtOnce {
				n, err := do(ctx, ids[i])
				done[i] = Done{ids[i], n, err}
			}
		})
	}
	wg.Wait()
	return done, ctx.Err()
}
