package enqueue

import (
	"context"
	"slices"

	"github.com/hibiken/asynq"

	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/internal/task"
)

// Reroute lets what is queued of a job go to another account or route, and returns how many recipients that are. When it has
// returned no further call of the job is made through the accounts that it had. What is on the wire stays where it is, and so
// does what is unknown; what turns out not to have been sent goes along. Outcomes keep the account that they are from.
//
// To the account or route that the job goes to already nothing is changed, and 0 returned. ErrCompleted and ErrCancelled as for
// Pause; an *InvalidError when there is no such account, or the route chooses by the beginning of the number.
func (c *Client) Reroute(ctx context.Context, jobID, to string, ask Ask) (moved int64, err error) {
	if err := ask.check(); err != nil {
		return 0, err
	}
	j, err := c.job(ctx, jobID)
	if err != nil {
		return 0, err
	}
	var target ledger.Spec
	if err := c.route(ctx, to, &target); err != nil {
		return 0, err
	}
	if len(target.Legs) > 0 {
		return 0, invalid("to", "%q chooses by the beginning of the number, which recipients that are in batches can't: name one of its accounts", to)
	}
	if (j.From > 0 || len(j.Spec.Legs) == 0) && slices.Equal(j.Spec.Accounts[j.From:], target.Accounts) {
		if err := c.ledger.Spread(ctx, jobID); err != nil { // a crash may have left it undone
			return 0, reached(ctx, err)
		}
		return 0, c.moveTasks(ctx, &j, j.Spec.Accounts)
	}
	old := slices.Compact(slices.Sorted(slices.Values(j.Spec.Accounts)))
	e := newEntry(ActionReroute, ask, "to "+to)
	if j, err = c.ledger.Reroute(ctx, jobID, target.Accounts, e); err != nil {
		return 0, reached(ctx, err)
	}
	if moved, err = c.queued(ctx, &j); err != nil {
		return 0, reached(ctx, err)
	}
	e.Changed = &moved
	if err := c.ledger.Note(ctx, jobID, e); err != nil {
		return moved, reached(ctx, err)
	}
	return moved, c.moveTasks(ctx, &j, old)
}

// moveTasks puts the batches that are on the queues of some accounts on those of the accounts that they are with. A worker that
// was given one already finds out by itself.
func (c *Client) moveTasks(ctx context.Context, j *ledger.Job, old []string) error {
	if j.Control != ledger.Run {
		return nil
	}
	batches := []int{0}
	if j.Fed > 0 {
		var err error
		if batches, err = c.ledger.Unfinished(ctx, *j, j.Batches); err != nil {
			return reached(ctx, err)
		}
	}
	if err := c.putBack(ctx, j, batches); err != nil {
		return err
	}
	now := j.Spec.Accounts[j.From:]
	tasks := asynq.NewInspectorFromRedisClient(c.rdb)
	for _, account := range old {
		if slices.Contains(now, account) {
			continue
		}
		for _, b := range batches {
			// What can't be deleted is with a worker, or was never there.
			_ = tasks.DeleteTask(task.QueueFor(&j.Spec, account, b), task.Ref{Job: j.Spec.ID, Batch: b}.ID())
		}
	}
	return nil
}
