package enqueue

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/hibiken/asynq"

	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/internal/task"
)

// ErrBegun says that the job's sending has started, so that it can't be rescheduled any more.
var ErrBegun = ledger.ErrBegun

// Reschedule moves the time at which the sending of a scheduled job starts. Once it has returned without an error, sending
// starts at that time, neither before nor by the old one.
//
// ErrBegun when sending has started; ErrCompleted, ErrCancelled and ErrNotFound as for Cancel. An *InvalidError when the
// time has passed or is more than MaxAhead ahead, or when the job has no time that could be moved: it was not scheduled,
// its recipients have times of their own, or the gateway keeps it until then.
func (c *Client) Reschedule(ctx context.Context, jobID string, at time.Time, ask Ask) error {
	if err := ask.check(); err != nil {
		return err
	}
	j, err := c.job(ctx, jobID)
	if err != nil {
		return err
	}
	switch spec := &j.Spec; {
	case spec.AtGateway:
		return invalid("at", "can't be moved: the gateway has the job and keeps it until then")
	case spec.Time != nil && spec.Time.Local != "":
		return invalid("at", "can't be moved: each recipient has a time of their own")
	case spec.At == 0:
		return invalid("at", "can't be moved: the job was not scheduled")
	case !at.After(time.Now()):
		return invalid("at", "%s has passed", at.Format(time.RFC3339))
	case time.Until(at) > MaxAhead:
		return invalid("at", "is more than two years ahead")
	case spec.Time != nil && spec.Time.NotAfter > 0 && at.UnixMilli() >= spec.Time.NotAfter:
		return invalid("at", "is not before the time at which the job expires")
	}
	_, err = c.noted(ctx, jobID, newEntry(ActionReschedule, ask, "to "+at.UTC().Format(time.RFC3339)), func() (int64, error) {
		if err := c.ledger.Reschedule(ctx, jobID, at); err != nil {
			return 0, reached(ctx, err)
		}
		return j.Receipt.Queued, reached(ctx, c.moveTask(ctx, &j, at))
	})
	return err
}

// moveTask puts a job's first batch on the queue for another time. Whoever was given it already finds the new time in the
// ledger.
func (c *Client) moveTask(ctx context.Context, j *ledger.Job, at time.Time) error {
	holders, err := c.ledger.Holders(ctx, j.Spec.ID, []int{0})
	if err != nil {
		return err
	}
	queue, ref := task.QueueFor(&j.Spec, j.Spec.Account(holders[0].Via), 0), task.Ref{Job: j.Spec.ID}
	err = asynq.NewInspectorFromRedisClient(c.rdb).DeleteTask(queue, ref.ID())
	if err != nil && !errors.Is(err, asynq.ErrTaskNotFound) && !errors.Is(err, asynq.ErrQueueNotFound) {
		states, serr := task.States(ctx, c.rdb, []string{queue}, []task.Ref{ref})
		if serr != nil {
			return errors.Join(err, serr)
		}
		if states[0].Active() {
			return nil
		}
	}
	return task.PutAhead(ctx, c.queue, queue, ref, at)
}

// Scheduled returns the jobs that wait for their time, the next one first, at most n.
func (c *Client) Scheduled(ctx context.Context, n int) ([]Status, error) {
	if err := c.Check(ctx); err != nil {
		return nil, err
	}
	ids, err := c.ledger.Live(ctx)
	if err != nil {
		return nil, reached(ctx, err)
	}
	var waiting []ledger.Job
	for _, id := range ids {
		j, err := c.ledger.Job(ctx, id)
		if errors.Is(err, ErrNotFound) || errors.Is(err, ErrNewer) {
			continue // removed in the meantime, or for a newer program
		}
		if err != nil {
			return nil, reached(ctx, err)
		}
		if j.Sealed != "" && stateOf(&j, time.Now()) == Scheduled {
			waiting = append(waiting, j)
		}
	}
	slices.SortStableFunc(waiting, func(a, b ledger.Job) int { return cmp.Compare(a.Spec.At, b.Spec.At) })
	out := []Status{}
	for _, j := range waiting[:min(n, len(waiting))] {
		s, err := c.Status(ctx, j.Spec.ID)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}
