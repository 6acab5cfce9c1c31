package enqueue

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/internal/window"
	"github.com/volleysms/volley/sms"
)

// Replacement is what is to be different for a recipient.
type Replacement struct {
	// To is another number; empty is the same.
	To string
	// At is another time; the zero time is the one that the recipient had.
	At time.Time
	// Values are other values of personal fields, by name; those that are left out stay.
	Values map[string]string
}

// Errors of Replace, to be told apart with errors.Is, beside those of CancelRef and Enqueue.
var (
	// ErrNotQueued: the recipient is past replacing, sent or on the way.
	ErrNotQueued = errors.New("the recipient is not queued any more")
	// ErrSameRef: several recipients of the job have the ref.
	ErrSameRef = errors.New("several recipients of the job have that ref")
)

// Replace cancels the recipient of a job who has the ref, as CancelRef does, and enqueues a job like it for that recipient
// alone, with what is to be different. The receipt is the new job's. What is not valid is refused before anything is
// cancelled. Replacing the recipient by the same again, as after a failure, enqueues nothing twice; one who was cancelled
// before is enqueued too.
func (c *Client) Replace(ctx context.Context, jobID, ref string, r Replacement, ask Ask) (Receipt, error) {
	if err := ask.check(); err != nil {
		return Receipt{}, err
	}
	j, err := c.job(ctx, jobID)
	if err != nil {
		return Receipt{}, err
	}
	if ref == "" {
		return Receipt{}, invalid("ref", "must not be empty")
	}
	found, err := c.ledger.FindRef(ctx, j, ref)
	switch {
	case errors.Is(err, ErrNoRef):
		return Receipt{}, err
	case err != nil:
		return Receipt{}, reached(ctx, err)
	case len(found) > 1:
		return Receipt{}, ErrSameRef
	}
	old := found[0]
	if !old.State.Open() && old.State != ledger.Cancelled {
		return Receipt{}, ErrNotQueued
	}
	job, err := replacing(&j.Spec, old.Recipient, r)
	if err != nil {
		return Receipt{}, err
	}
	job.Key = replacementKey(jobID, ref, r)
	if _, err := job.check(); err != nil {
		return Receipt{}, err
	}
	if !r.At.IsZero() && r.At.Before(time.Now()) {
		return Receipt{}, invalid("at", "%s has passed", r.At.Format(time.RFC3339))
	}
	if _, err := sms.ParseMSISDN(job.Recipients[0].To); err != nil {
		return Receipt{}, invalid("to", "%s", err)
	}
	job.By = ask.By
	e := newEntry(ActionReplace, ask, "")
	var receipt Receipt
	_, err = c.noted(ctx, jobID, e, func() (int64, error) {
		var n int64
		if old.State != ledger.Cancelled {
			if n, err = c.cancelRef(ctx, &j, ref); err != nil {
				return n, err
			}
			if n == 0 {
				return 0, ErrNotQueued
			}
		}
		if receipt, err = c.Enqueue(ctx, job); err == nil {
			e.Detail = "by job " + receipt.JobID
		}
		return n, err
	})
	return receipt, err
}

// replacementKey is the same for the same replacement of the same recipient.
func replacementKey(job, ref string, r Replacement) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%q %q %q %d", job, ref, r.To, r.At.UnixMilli())
	for _, k := range slices.Sorted(maps.Keys(r.Values)) {
		fmt.Fprintf(&b, " %q=%q", k, r.Values[k])
	}
	sum := sha256.Sum256([]byte(b.String()))
	return "replace:" + hex.EncodeToString(sum[:16])
}

// replacing is the job that sends to one of another job's recipients.
func replacing(spec *ledger.Spec, old ledger.Recipient, r Replacement) (job Job, err error) {
	job = Job{
		Via: spec.Via, From: spec.From, Text: spec.Text, Label: spec.Label,
		Flash: spec.Flash, Validity: time.Duration(spec.ValidFor) * time.Millisecond, AtGateway: spec.AtGateway,
	}
	if h := spec.Hook; h != nil {
		job.Hook = &Hook{URL: h.URL, Secret: h.Secret, At: h.At}
	}
	if len(spec.Payload) > 0 {
		job.Binary = &sms.Binary{UDH: spec.UDH, Payload: spec.Payload}
	}
	if spec.ResendUnknown {
		job.OnUnknown = Resend
	}
	switch {
	case spec.Priority > 0:
		job.Priority = Urgent
	case spec.Priority < 0:
		job.Priority = Bulk
	}
	to := Recipient{To: old.To.String(), Ref: old.Ref}
	if r.To != "" {
		to.To = r.To
	}
	own, zone := time.Time{}, ""
	left := maps.Clone(r.Values)
	for i, f := range spec.Fields {
		switch v := old.Values[i]; f {
		case ledger.FieldDue:
			own = ledger.ParseDue(v)
		case ledger.FieldZone:
			zone = v
		default:
			if other, ok := left[f]; ok {
				v = other
				delete(left, f)
			}
			job.Fields, to.Values = append(job.Fields, f), append(to.Values, v)
		}
	}
	for f := range left {
		return job, invalid("values", "the job has no field %q", f)
	}
	if zone != "" {
		if job.ZoneField = TimeZoneField; !slices.Contains(job.Fields, TimeZoneField) {
			job.Fields, to.Values = append(job.Fields, TimeZoneField), append(to.Values, zone)
		}
	}
	job.Recipients = []Recipient{to}
	return job, job.keepTimes(spec, own, r.At)
}

// keepTimes gives the job another's rules about time, and at as its time, or else the one that the recipient had.
func (j *Job) keepTimes(spec *ledger.Spec, own, at time.Time) (err error) {
	rules := ledger.TimeRules{}
	if spec.Time != nil {
		rules = *spec.Time
	}
	j.Zone, j.MaxLate, j.Past = rules.Zone, time.Duration(rules.MaxLate)*time.Millisecond, RefusePast
	if rules.NotAfter > 0 {
		j.NotAfter = time.UnixMilli(rules.NotAfter)
	}
	if rules.Window != "" {
		w, err := window.Parse(rules.Window)
		if err != nil {
			return fmt.Errorf("the job's window: %w", err)
		}
		j.Window = &w
	}
	switch {
	case !at.IsZero():
		j.At = at
		return nil // a time of the caller's is refused when it has passed
	case rules.Local != "":
		j.AtLocal = rules.Local
	case !own.IsZero():
		j.At = own
	case spec.At > 0:
		j.At = time.UnixMilli(spec.At)
	}
	j.Past = SendPast // who waits for a window or the account was due before
	return nil
}
