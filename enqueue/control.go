package enqueue

import (
	"context"
	"time"

	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/internal/task"
)

// Errors of Pause, Resume, Cancel and Retry, to be told apart with errors.Is.
var (
	// ErrCompleted: the job has nothing left that could be stopped.
	ErrCompleted = ledger.ErrCompleted
	// ErrCancelled: the job was cancelled, which is for good.
	ErrCancelled = ledger.ErrCancelled
)

// Pause stops a job until Resume. When it has returned no further call is made; those on the wire end and are recorded.
// Pausing a paused job changes nothing.
func (c *Client) Pause(ctx context.Context, jobID, reason string) error {
	if _, err := c.job(ctx, jobID); err != nil {
		return err
	}
	return c.ledger.SetControl(ctx, jobID, ledger.Paused, reason)
}

// Resume lets a paused job go on. Resuming one that runs changes nothing.
func (c *Client) Resume(ctx context.Context, jobID string) error {
	if _, err := c.job(ctx, jobID); err != nil {
		return err
	}
	if err := c.ledger.SetControl(ctx, jobID, ledger.Run, ""); err != nil {
		return err
	}
	j, err := c.ledger.Job(ctx, jobID)
	if err != nil {
		return err
	}
	if j.Fed == 0 {
		return c.putBack(ctx, &j, []int{0})
	}
	batches, err := c.ledger.Unfinished(ctx, j, j.Batches)
	if err != nil {
		return err
	}
	return c.putBack(ctx, &j, batches)
}

// Cancel ends a job for good, and returns how many recipients it cancelled itself; workers do the same with the batches
// that they hold. When it has returned no further call is made; those on the wire end and are recorded.
func (c *Client) Cancel(ctx context.Context, jobID, reason string) (int64, error) {
	if _, err := c.job(ctx, jobID); err != nil {
		return 0, err
	}
	if err := c.ledger.SetControl(ctx, jobID, ledger.Withdrawn, reason); err != nil {
		return 0, err
	}
	j, err := c.ledger.Job(ctx, jobID)
	if err != nil {
		return 0, err
	}
	return c.ledger.Withdraw(ctx, j, time.Now())
}

// Retry sends again to a job's recipients that are unknown or failed, as asked, and to no others, and returns how many
// they are. An unknown recipient may get the message twice: the gateway may have taken it the first time.
func (c *Client) Retry(ctx context.Context, jobID string, unknown, failed bool) (int64, error) {
	j, err := c.job(ctx, jobID)
	if err != nil {
		return 0, err
	}
	var states []ledger.State
	if unknown {
		states = append(states, ledger.Unknown)
	}
	if failed {
		states = append(states, ledger.Failed)
	}
	if len(states) == 0 {
		return 0, invalid("retry", "says neither unknown nor failed")
	}
	queued, batches, err := c.ledger.Reopen(ctx, j, states...)
	if err != nil {
		return queued, err
	}
	if j.Control == ledger.Paused {
		return queued, nil
	}
	return queued, c.putBack(ctx, &j, batches)
}

// putBack puts batches on the queues of the accounts they are with.
func (c *Client) putBack(ctx context.Context, j *ledger.Job, batches []int) error {
	holders, err := c.ledger.Holders(ctx, j.Spec.ID, batches)
	if err != nil {
		return err
	}
	var at time.Time
	if j.Spec.At > time.Now().UnixMilli() {
		at = time.UnixMilli(j.Spec.At)
	}
	for i, b := range batches {
		queue := task.Queue(j.Spec.Account(holders[i].Via), j.Spec.Priority)
		if err := task.PutAhead(ctx, c.queue, queue, task.Ref{Job: j.Spec.ID, Batch: b}, at); err != nil {
			return err
		}
	}
	return nil
}
