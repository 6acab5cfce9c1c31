package enqueue

import (
	"context"
	"strings"
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

// Pause stops a job until Resume, and returns how many recipients it keeps queued. When it has returned no further call is
// made; those on the wire end and are recorded. Pausing a paused job changes nothing, and returns 0.
func (c *Client) Pause(ctx context.Context, jobID string, ask Ask) (held int64, err error) {
	_, held, err = c.control(ctx, jobID, ledger.Paused, newEntry(ActionPause, ask, ""), c.queued)
	return held, err
}

// Resume lets a paused job go on, and returns how many recipients are queued and go on. Resuming a job that is not paused
// changes nothing, and returns 0.
func (c *Client) Resume(ctx context.Context, jobID string, ask Ask) (queued int64, err error) {
	j, queued, err := c.control(ctx, jobID, ledger.Run, newEntry(ActionResume, ask, ""), c.queued)
	if err != nil {
		return 0, err
	}
	if j.Fed == 0 {
		return queued, c.putBack(ctx, &j, []int{0})
	}
	batches, err := c.ledger.Unfinished(ctx, j, j.Batches)
	if err != nil {
		return queued, reached(ctx, err)
	}
	return queued, c.putBack(ctx, &j, batches)
}

// Cancel ends a job for good, and returns how many recipients it cancelled itself; workers do the same with the batches
// that they hold. When it has returned no further call is made; those on the wire end and are recorded. Cancelling a
// cancelled job cancels who is still queued, if there is anybody.
func (c *Client) Cancel(ctx context.Context, jobID string, ask Ask) (cancelled int64, err error) {
	withdraw := func(ctx context.Context, j *ledger.Job) (int64, error) { return c.ledger.Withdraw(ctx, *j, time.Now()) }
	_, cancelled, err = c.control(ctx, jobID, ledger.Withdrawn, newEntry(ActionCancel, ask, ""), withdraw)
	return cancelled, err
}

// control sets a job's control word, and writes e to its history when it had another. It returns the job as it is then, and
// how many recipients that concerns, as effect finds out.
func (c *Client) control(ctx context.Context, jobID string, word ledger.Control, e *ledger.Entry,
	effect func(context.Context, *ledger.Job) (int64, error),
) (j ledger.Job, n int64, err error) {
	if err := (&Ask{e.By, e.Reason}).check(); err != nil {
		return j, 0, err
	}
	if _, err := c.job(ctx, jobID); err != nil {
		return j, 0, err
	}
	if err := c.ledger.SetControl(ctx, jobID, word, e); err != nil {
		return j, 0, reached(ctx, err)
	}
	if j, err = c.ledger.Job(ctx, jobID); err != nil {
		return j, 0, reached(ctx, err)
	}
	n, err = effect(ctx, &j)
	switch {
	case err != nil:
		return j, n, reached(ctx, err)
	case !e.Written() && word != ledger.Withdrawn:
		return j, 0, nil
	case !e.Written():
		return j, n, nil
	}
	e.Changed = &n
	return j, n, reached(ctx, c.ledger.Note(ctx, jobID, e))
}

// queued returns how many recipients of a job are queued.
func (c *Client) queued(ctx context.Context, j *ledger.Job) (int64, error) {
	n, err := c.ledger.Counts(ctx, j.Spec.ID)
	return n[ledger.Queued], err
}

// notRetried says why nobody in a state is sent to again; those in the others may be.
var notRetried = map[ledger.State]string{
	ledger.Queued:     "are still to be sent to",
	ledger.Sending:    "are being sent to",
	ledger.Accepted:   "are with the gateway, which has not said that they did not get it",
	ledger.Delivered:  "got it",
	ledger.Expired:    "are too late by the job's own rules, and would be again: enqueue them with another time",
	ledger.Cancelled:  "were cancelled, which is for good: enqueue them again",
	ledger.Suppressed: "have opted out",
}

// Retry sends again to a job's recipients in the given states, and to no others, with a new budget of attempts, and returns
// how many they are. It begins again with the first account of the route. States are words as in Outcome.Status:
//
//   - failed: provably not sent.
//   - rejected: refused by the gateway, and so not sent. Who was refused at the door stays refused.
//   - undelivered: the gateway says that the handset did not get it.
//   - unknown: the gateway may have taken it, so that they may get the message twice.
//
// Any other is refused with an *InvalidError. ErrCancelled when the job was cancelled.
func (c *Client) Retry(ctx context.Context, jobID string, states []string, ask Ask) (queued int64, err error) {
	parsed, err := retried(states)
	if err != nil {
		return 0, err
	}
	if err := ask.check(); err != nil {
		return 0, err
	}
	j, err := c.job(ctx, jobID)
	if err != nil {
		return 0, err
	}
	return c.noted(ctx, jobID, newEntry(ActionRetry, ask, strings.Join(states, ", ")), func() (int64, error) {
		queued, batches, err := c.ledger.Reopen(ctx, j, parsed...)
		if err != nil || j.Control == ledger.Paused {
			return queued, reached(ctx, err)
		}
		return queued, c.putBack(ctx, &j, batches)
	})
}

// Retriable returns how many recipients Retry would send to again.
func (c *Client) Retriable(ctx context.Context, jobID string, states []string) (int64, error) {
	parsed, err := retried(states)
	if err != nil {
		return 0, err
	}
	j, err := c.job(ctx, jobID)
	if err != nil {
		return 0, err
	}
	if j.Control == ledger.Withdrawn {
		return 0, ErrCancelled
	}
	n, err := c.ledger.CountIn(ctx, j, parsed...)
	return n, reached(ctx, err)
}

// RetriedStates are the states that Retry takes.
func RetriedStates() (words []string) {
	for s := range ledger.State(ledger.NumStates) {
		if _, not := notRetried[s]; !not {
			words = append(words, s.String())
		}
	}
	return words
}

// retried reads the states that Retry is asked for.
func retried(words []string) ([]ledger.State, error) {
	if len(words) == 0 {
		return nil, invalid("states", "must name one: failed, rejected, undelivered or unknown")
	}
	states := make([]ledger.State, len(words))
	for i, word := range words {
		s, ok := ledger.ParseState(word)
		if !ok {
			return nil, invalid("states", "%q is no state", word)
		}
		if why, not := notRetried[s]; not {
			return nil, invalid("states", "those who are %s are not sent to again: they %s", word, why)
		}
		states[i] = s
	}
	return states, nil
}

// putBack puts batches on the queues of the accounts they are with.
func (c *Client) putBack(ctx context.Context, j *ledger.Job, batches []int) error {
	holders, err := c.ledger.Holders(ctx, j.Spec.ID, batches)
	if err != nil {
		return reached(ctx, err)
	}
	var at time.Time
	if j.Spec.At > time.Now().UnixMilli() {
		at = time.UnixMilli(j.Spec.At)
	}
	for i, b := range batches {
		queue := task.QueueFor(&j.Spec, j.Spec.Account(holders[i].Via), b)
		if err := task.PutAhead(ctx, c.queue, queue, task.Ref{Job: j.Spec.ID, Batch: b}, at); err != nil {
			return reached(ctx, err)
		}
	}
	return nil
}
