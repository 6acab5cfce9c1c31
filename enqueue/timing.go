package enqueue

import (
	"context"
	"errors"
	"time"

	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/internal/window"
)

// Timing is what a job's rules about time are, and what they hold back just now.
type Timing struct {
	// AtLocal and Window are the job's; empty is none.
	AtLocal string `json:"at_local,omitempty"`
	Window  string `json:"window,omitempty"`
	// NotAfter is when it is too late; nil is never. MaxLate is how long after a recipient was due it is.
	NotAfter *time.Time `json:"not_after,omitempty"`
	MaxLate  string     `json:"max_late,omitempty"`
	// WaitingUntil is when the first of those who wait is to be sent to, as far as it is known, and WaitingFor why they
	// wait: "scheduled", "window" or "quiet hours". Others of the job may be on their way.
	WaitingUntil *time.Time `json:"waiting_until,omitempty"`
	WaitingFor   string     `json:"waiting_for,omitempty"`
}

// rules fills in what a job's rules about time are.
func (t *Timing) rules(j *ledger.Job) {
	r := j.Spec.Time
	if r == nil {
		return
	}
	t.AtLocal, t.Window = r.Local, r.Window
	if r.NotAfter > 0 {
		end := time.UnixMilli(r.NotAfter).UTC()
		t.NotAfter = &end
	}
	if r.MaxLate > 0 {
		t.MaxLate = (time.Duration(r.MaxLate) * time.Millisecond).String()
	}
}

// waits fills in what holds a job's recipients back, of whom some are queued.
func (s *Status) waits(j *ledger.Job, w ledger.Wait, now time.Time) {
	if at := time.UnixMilli(j.Spec.At); j.Fed == 0 && at.After(now) {
		w = ledger.Wait{Until: at, Why: string(window.Scheduled)}
	}
	if w.Why == "" {
		return
	}
	until := w.Until.UTC()
	s.WaitingUntil, s.WaitingFor = &until, w.Why
	if s.Counts.Queued+s.Counts.Rejected == s.Counts.Total && w.Why == string(window.Scheduled) {
		s.State = Scheduled
	}
}

// Errors of CancelRef, to be told apart with errors.Is.
var (
	// ErrNoRef: no recipient of the job has that ref.
	ErrNoRef = ledger.ErrNoRef
	// ErrBusy: the recipient's batch is being sent just now.
	ErrBusy = ledger.ErrBusy
)

// CancelRef cancels the recipients of a job that have the ref, and returns how many they were; those that are not queued
// any more stay as they are. When it has returned, no further call is made for those that it cancelled.
func (c *Client) CancelRef(ctx context.Context, jobID, ref string, ask Ask) (int64, error) {
	if err := ask.check(); err != nil {
		return 0, err
	}
	j, err := c.job(ctx, jobID)
	if err != nil {
		return 0, err
	}
	if ref == "" {
		return 0, invalid("ref", "must not be empty")
	}
	n, err := c.cancelRef(ctx, &j, ref)
	if n == 0 {
		return 0, err
	}
	e := newEntry(ActionCancelRef, ask, "")
	e.Changed = &n
	return n, errors.Join(err, reached(ctx, c.ledger.Note(ctx, jobID, e)))
}

func (c *Client) cancelRef(ctx context.Context, j *ledger.Job, ref string) (int64, error) {
	n, err := c.ledger.CancelRef(ctx, *j, ref, time.Now())
	if errors.Is(err, ErrNoRef) || errors.Is(err, ErrBusy) {
		return n, err
	}
	return n, reached(ctx, err)
}
