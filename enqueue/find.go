package enqueue

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/sms"
)

// Found is a recipient with the number that was looked for.
type Found struct {
	JobID     string    `json:"job_id"`
	Via       string    `json:"via"`
	Label     string    `json:"label,omitempty"`
	CreatedAt time.Time `json:"created_at"`
	Outcome
}

// Find yields who has a number in the jobs that Redis still has, the newest job first. Memory is bounded; it takes about a
// tenth of a second for 100,000 recipients. An error ends it.
func (c *Client) Find(ctx context.Context, to sms.MSISDN) iter.Seq2[Found, error] {
	return func(yield func(Found, error) bool) {
		if err := c.Check(ctx); err != nil {
			yield(Found{}, err)
			return
		}
		for f, err := range c.ledger.Find(ctx, to) {
			if err != nil {
				yield(Found{}, reached(ctx, err))
				return
			}
			s := &f.Job.Spec
			if !yield(Found{s.ID, s.Via, s.Label, time.UnixMilli(s.Created).UTC(), outcomeOf(&f.Outcome)}, nil) {
				return
			}
		}
	}
}

// Errors of Forget and Remove; compare with errors.Is.
var (
	// ErrBeingWritten: a job with the number is still being enqueued.
	ErrBeingWritten = ledger.ErrBeingWritten
	// ErrOpen: the job has recipients that are still to be sent to.
	ErrOpen = errors.New("the job has not completed")
)

// Forgotten is what Forget has done.
type Forgotten struct {
	// Recipients is how many recipients were forgotten, in how many Jobs; so many of them were Cancelled before.
	Recipients int `json:"recipients"`
	Jobs       int `json:"jobs"`
	Cancelled  int `json:"cancelled"`
}

// Forget takes a number, and what is personal beside it, out of all jobs that Redis has: what is left is that there was
// somebody, and what became of them. Who is queued is cancelled before. It can't be undone. After ErrBusy and
// ErrBeingWritten some have been done, and it can be repeated.
func (c *Client) Forget(ctx context.Context, to sms.MSISDN, ask Ask) (Forgotten, error) {
	if err := ask.check(); err != nil {
		return Forgotten{}, err
	}
	if err := c.Check(ctx); err != nil {
		return Forgotten{}, err
	}
	done, err := c.ledger.ForgetNumber(ctx, to, time.Now())
	for job, n := range done.By {
		if changed := int64(n); changed > 0 {
			e := newEntry(ActionForget, ask, "")
			e.Changed = &changed
			err = errors.Join(err, c.ledger.Note(ctx, job, e))
		}
	}
	return Forgotten{done.Recipients, done.Jobs, done.Cancelled}, reached(ctx, err)
}

// Remove deletes a job from Redis, with its recipients and their outcomes. It can't be undone. As long as its idempotency
// key is remembered a producer who repeats it still gets its receipt. ErrOpen when it is to be cancelled before, ErrNotFound
// when there is none.
func (c *Client) Remove(ctx context.Context, jobID string) error {
	j, err := c.job(ctx, jobID)
	if err != nil {
		return err
	}
	if j.Sealed != "" && j.Completed.IsZero() {
		return ErrOpen
	}
	return reached(ctx, c.ledger.Remove(ctx, jobID))
}
