package enqueue

import (
	"context"
	"errors"
	"time"
	"unicode/utf8"

	"github.com/volleysms/volley/internal/ledger"
)

// Bounds of an Ask. What is over them is refused at the door.
const (
	// MaxBy is the length of a name in bytes.
	MaxBy = 128
	// MaxReason is the length of a reason in bytes.
	MaxReason = 500
)

// MaxHistory is how many entries of a job's history are kept, the newest.
const MaxHistory = ledger.MaxHistory

// Ask says who asks for something to be done to a job, and why. Both are kept in the job's history and may be empty.
type Ask struct {
	// By is a person or a program, such as "ann@ops1".
	By string
	// Reason is a text for people. No numbers and no texts of messages belong in it.
	Reason string
}

func (a *Ask) check() error {
	var errs []error
	if len(a.By) > MaxBy || !utf8.ValidString(a.By) {
		errs = append(errs, invalid("by", "must be at most %d bytes of UTF-8", MaxBy))
	}
	if len(a.Reason) > MaxReason || !utf8.ValidString(a.Reason) {
		errs = append(errs, invalid("reason", "must be at most %d bytes of UTF-8", MaxReason))
	}
	return errors.Join(errs...)
}

// Action is what was asked to be done to a job.
type Action string

// The actions in a job's history.
const (
	ActionEnqueue    Action = "enqueue"
	ActionPause      Action = "pause"
	ActionResume     Action = "resume"
	ActionCancel     Action = "cancel"
	ActionCancelRef  Action = "cancel-ref"
	ActionRetry      Action = "retry"
	ActionReroute    Action = "reroute"
	ActionReschedule Action = "reschedule"
	ActionReplace    Action = "replace"
	ActionForget     Action = "forget"
)

// Entry is an entry of a job's history.
type Entry struct {
	At     time.Time `json:"at"`
	Action Action    `json:"action"`
	// By and Reason are as they were asked with; both may be empty.
	By     string `json:"by"`
	Reason string `json:"reason"`
	// Detail is what else there is to know, such as the new time of a job that was rescheduled.
	Detail string `json:"detail"`
	// Changed is how many recipients it concerned: those that were queued when the job was paused or resumed, those that
	// were cancelled, queued again, and so on. It is nil when whoever asked died before that was known.
	Changed *int64 `json:"changed"`
}

// History returns what was asked to be done to a job, the oldest entry first: its enqueueing, and the newest MaxHistory of
// what came after. What was asked for and changed nothing is not in it. ErrNotFound when there is no such job.
func (c *Client) History(ctx context.Context, jobID string) ([]Entry, error) {
	j, err := c.job(ctx, jobID)
	if err != nil {
		return nil, err
	}
	written, err := c.ledger.History(ctx, jobID)
	if err != nil {
		return nil, reached(ctx, err)
	}
	out := []Entry{{
		At: time.UnixMilli(j.Spec.Created).UTC(), Action: ActionEnqueue, By: j.Spec.By, Changed: &j.Receipt.Queued,
	}}
	for _, e := range written {
		out = append(out, Entry{
			At: time.UnixMilli(e.At).UTC(), Action: Action(e.Action), By: e.By, Reason: e.Reason, Detail: e.Detail, Changed: e.Changed,
		})
	}
	return out, nil
}

func newEntry(action Action, ask Ask, detail string) *ledger.Entry {
	return &ledger.Entry{At: time.Now().UnixMilli(), Action: string(action), By: ask.By, Reason: ask.Reason, Detail: detail}
}

// noted writes to a job's history that something is asked for, does it, and writes how many recipients it changed. What
// failed before it changed anybody is not in the history.
func (c *Client) noted(ctx context.Context, jobID string, e *ledger.Entry, do func() (int64, error)) (int64, error) {
	if err := c.ledger.Note(ctx, jobID, e); err != nil {
		return 0, reached(ctx, err)
	}
	n, err := do()
	if err != nil && n == 0 {
		bye, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = c.ledger.Unnote(bye, jobID, e) // what stays says that it isn't known whether anybody was changed
		return n, err
	}
	e.Changed = &n
	return n, errors.Join(err, reached(ctx, c.ledger.Note(ctx, jobID, e)))
}
