package enqueue

import (
	"context"
	"iter"
	"time"

	"github.com/volleysms/volley/internal/ledger"
)

// State is the state of a job.
type State string

// The states of a job.
const (
	Scheduled State = "scheduled"
	Queued    State = "queued"
	Running   State = "running"
	Paused    State = "paused"
	Completed State = "completed"
	Cancelled State = "cancelled"
)

// Counts is how many recipients of a job are in each state. Total is their sum.
type Counts struct {
	Total       int64 `json:"total"`
	Queued      int64 `json:"queued"`
	Sending     int64 `json:"sending"`
	Accepted    int64 `json:"accepted"`
	Delivered   int64 `json:"delivered"`
	Undelivered int64 `json:"undelivered"`
	Rejected    int64 `json:"rejected"`
	Failed      int64 `json:"failed"`
	Expired     int64 `json:"expired"`
	Cancelled   int64 `json:"cancelled"`
	Suppressed  int64 `json:"suppressed"`
	Unknown     int64 `json:"unknown"`
}

// Status is a job and how far it has come.
type Status struct {
	JobID string `json:"job_id"`
	Via   string `json:"via"`
	Label string `json:"label,omitempty"`
	State State  `json:"state"`
	// Reason is what whoever paused or cancelled the job gave for it; may be empty.
	Reason      string     `json:"reason,omitempty"`
	CreatedAt   time.Time  `json:"created_at"`
	ScheduleAt  *time.Time `json:"schedule_at"`
	CompletedAt *time.Time `json:"completed_at"`
	Counts      Counts     `json:"counts"`
	Timing
}

// Outcome is what is known about one recipient.
type Outcome struct {
	To string `json:"to"`
	// Status is the recipient's state: queued, sending, accepted, delivered, undelivered, rejected, failed, expired,
	// cancelled, suppressed or unknown.
	Status            string `json:"status"`
	Account           string `json:"account"`
	ProviderMessageID string `json:"provider_message_id"`
	// Code and Detail are the gateway's own words, or why the recipient was refused.
	Code      string    `json:"code"`
	Detail    string    `json:"detail"`
	Attempts  int       `json:"attempts"`
	UpdatedAt time.Time `json:"updated_at"`
	Ref       string    `json:"ref"`
	// Row is the recipient's place in what was enqueued, from Job.FirstRow.
	Row uint64 `json:"row"`
	// History is what the recipient had been through at accounts of the route that it left for the next one.
	History []Step `json:"history,omitempty"`
}

// Step is a recipient's time at an account that it left for the route's next one.
type Step struct {
	Account string `json:"account"`
	// Code and Detail are why nothing was sent there.
	Code     string    `json:"code"`
	Detail   string    `json:"detail"`
	Attempts int       `json:"attempts"`
	LeftAt   time.Time `json:"left_at"`
}

func history(steps []ledger.Step) []Step {
	var out []Step
	for _, s := range steps {
		out = append(out, Step{s.Account, s.Code, s.Detail, s.Attempts, time.UnixMilli(s.At).UTC()})
	}
	return out
}

// Status returns a job's state and counts; ErrNotFound when there is no such job.
func (c *Client) Status(ctx context.Context, jobID string) (Status, error) {
	j, err := c.job(ctx, jobID)
	if err != nil {
		return Status{}, err
	}
	all, err := c.statuses(ctx, []*ledger.Job{&j})
	if err != nil {
		return Status{}, reached(ctx, err)
	}
	return all[0], nil
}

// statusOf returns what a job's status says, but for what its recipients wait for.
func statusOf(j *ledger.Job, n *ledger.Counts, now time.Time) Status {
	s := Status{
		JobID: j.Spec.ID, Via: j.Spec.Via, Label: j.Spec.Label, State: stateOf(j, now), Reason: j.Reason,
		CreatedAt: time.UnixMilli(j.Spec.Created).UTC(), ScheduleAt: scheduleAt(j),
		Counts: Counts{
			Total: n.Total(), Queued: n[ledger.Queued], Sending: n[ledger.Sending], Accepted: n[ledger.Accepted],
			Delivered: n[ledger.Delivered], Undelivered: n[ledger.Undelivered], Rejected: n[ledger.Rejected],
			Failed: n[ledger.Failed], Expired: n[ledger.Expired], Cancelled: n[ledger.Cancelled],
			Suppressed: n[ledger.Suppressed], Unknown: n[ledger.Unknown],
		},
	}
	if !j.Completed.IsZero() {
		t := j.Completed.UTC()
		s.CompletedAt = &t
	}
	s.rules(j)
	return s
}

// Recent returns the IDs of the n jobs enqueued last, the newest first.
func (c *Client) Recent(ctx context.Context, n int) ([]string, error) {
	if err := c.Check(ctx); err != nil {
		return nil, err
	}
	ids, err := c.ledger.Recent(ctx, n)
	return ids, reached(ctx, err)
}

// Outcomes yields every recipient of a job once, those refused at the door included, in bounded memory. The order is
// that of the enqueueing, but that each batch's refused recipients come after its others. An error ends it.
func (c *Client) Outcomes(ctx context.Context, jobID string) iter.Seq2[Outcome, error] {
	return func(yield func(Outcome, error) bool) {
		j, err := c.job(ctx, jobID)
		if err != nil {
			yield(Outcome{}, err)
			return
		}
		for o, err := range c.ledger.Outcomes(ctx, j) {
			if err != nil {
				yield(Outcome{}, reached(ctx, err))
				return
			}
			if !yield(outcomeOf(&o), nil) {
				return
			}
		}
	}
}

func outcomeOf(o *ledger.Outcome) Outcome {
	return Outcome{
		To: o.To, Status: o.State.String(), Account: o.Account, ProviderMessageID: o.ID, Code: o.Code, Detail: o.Detail,
		Attempts: o.Attempts, UpdatedAt: time.UnixMilli(o.At).UTC(), Ref: o.Ref, Row: o.Row, History: history(o.History),
	}
}

func (c *Client) job(ctx context.Context, id string) (ledger.Job, error) {
	if err := c.Check(ctx); err != nil {
		return ledger.Job{}, err
	}
	if len(id) > 64 || id == "" {
		return ledger.Job{}, ErrNotFound
	}
	j, err := c.ledger.Job(ctx, id)
	if j.Gone {
		return ledger.Job{}, ErrNotFound
	}
	return j, reached(ctx, err)
}

func stateOf(j *ledger.Job, now time.Time) State { return State(j.State(now)) }

func scheduleAt(j *ledger.Job) *time.Time {
	if j.Spec.At == 0 || j.Spec.Time != nil && j.Spec.Time.Local != "" {
		return nil
	}
	t := time.UnixMilli(j.Spec.At).UTC()
	return &t
}
