package why

import (
	"context"
	"time"

	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/internal/timing"
	"github.com/volleysms/volley/sms"
)

// Recipient is who has a number in a job, and what they wait for.
type Recipient struct {
	JobID string `json:"job_id"`
	Label string `json:"label,omitempty"`
	// Status is as in volley outcomes, Detail the last that is known of why.
	Status string `json:"status"`
	Detail string `json:"detail"`
	// Reasons are what they wait for; empty when they are not queued.
	Reasons []Reason `json:"reasons"`
}

// Number yields who has a number in the jobs that Redis has, the newest job first.
func (f *Finder) Number(ctx context.Context, to sms.MSISDN) (out []Recipient, err error) {
	l := ledger.New(f.Redis)
	for found, err := range l.Find(ctx, to) {
		if err != nil {
			return nil, err
		}
		o := &found.Outcome
		r := Recipient{
			JobID: found.Job.Spec.ID, Label: found.Job.Spec.Label, Status: o.State.String(), Detail: words(o.Code, o.Detail), Reasons: []Reason{},
		}
		if o.Code+o.Detail == "" {
			r.Detail = meaning[o.State]
		}
		if o.State == ledger.Queued {
			if r.Reasons, err = f.recipient(ctx, l, &found); err != nil {
				return nil, err
			}
		}
		out = append(out, r)
	}
	return out, nil
}

// meaning is what is to be said of states that come with no words of a gateway.
var meaning = map[ledger.State]string{
	ledger.Sending:    "a call is on the wire",
	ledger.Accepted:   "the gateway took it, and has not reported more",
	ledger.Delivered:  "the gateway reports that it was delivered",
	ledger.Unknown:    "the gateway may have taken it: it is held for a report, or volley retry --unknown",
	ledger.Cancelled:  "it was cancelled",
	ledger.Suppressed: "the number has opted out",
}

// recipient tells what one who is queued waits for: their own time, or what their job does.
func (f *Finder) recipient(ctx context.Context, l *ledger.Ledger, found *ledger.Found) ([]Reason, error) {
	j := found.Job
	job, err := f.Job(ctx, j.Spec.ID)
	if err != nil || j.Sealed == "" || j.Control != ledger.Run {
		return job.Reasons, ignoreGone(err)
	}
	to, via, err := l.RecipientAt(ctx, j, found.Batch, found.Position)
	if err != nil {
		return nil, ignoreGone(err)
	}
	guard, err := f.Guard(j.Spec.Account(via))
	if err != nil {
		return nil, err
	}
	turns, err := timing.Always(&j.Spec, guard)
	if err != nil {
		return nil, err
	}
	p := turns.Person(to)
	v := turns.Gate.Look(f.Now, p)
	switch {
	case v.Expired:
		return []Reason{{Rule: Rule(v.Why), Setting: "the job's own rules", Detail: "it is too late: they will be expired when their batch is looked at"}}, nil
	case !v.Open:
		r := f.timed(j, v.Why, v.Until)
		r.Detail = "by this recipient's own time and zone"
		if ripe := turns.Gate.Ripe(p); ripe.After(v.Until) {
			r.Until = utc(ripe)
		}
		return []Reason{r}, nil
	}
	out := []Reason{}
	for _, r := range job.Reasons {
		if r.Rule != Scheduled && r.Rule != Window && r.Rule != QuietHours || !time.UnixMilli(j.Spec.At).Before(f.Now) {
			out = append(out, r) // others of the job may wait for a time
		}
	}
	if found.Batch >= max(j.Fed, 1) {
		out = append(out, Reason{
			Rule: Behind, Account: j.Spec.Account(via), Setting: "none",
			Detail: plural(found.Batch-j.Done, "batch", "batches") + " of the same job are before theirs",
		})
	}
	return out, nil
}
