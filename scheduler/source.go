package scheduler

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/schedule"
)

// Rows are the recipients of a tick, as they were found.
type Rows struct {
	// Fields name the recipients' values, in their order.
	Fields []string
	// FirstRow is the row of the first recipient, for people who look into the file; 0 is 1.
	FirstRow uint64
	// Recipients are used up one by one; an error among them ends the attempt, and nothing is sent.
	Recipients iter.Seq2[enqueue.Recipient, error]
	// Close is called in the end; nil does nothing.
	Close func() error
}

// Files reads the recipients that a File names, with the given fields.
type Files func(ctx context.Context, f enqueue.ScheduleFile, fields []string) (Rows, error)

// rows asks for the recipients of a tick.
func (s *Scheduler) rows(ctx context.Context, e *schedule.Entry, p *schedule.Pending) (Rows, error) {
	fields, err := e.Def.Send.Fields()
	if err != nil {
		return Rows{}, err
	}
	switch from := &e.Def.Recipients; {
	case from.File != nil && s.opts.Files == nil:
		return Rows{}, errors.New("this scheduler reads no files")
	case from.File != nil:
		return s.opts.Files(ctx, *from.File, fields)
	case from.Endpoint != nil:
		return s.endpoint.ask(ctx, *from.Endpoint, question{
			Schedule: e.Def.Name, ID: e.State.ID, Tick: time.Unix(p.Tick, 0).UTC(), Request: p.Now, Zone: e.Def.Zone, Fields: fields,
		})
	default:
		return Rows{Fields: fields, Recipients: stored(from.To, fields)}, nil
	}
}

// stored yields the recipients that are kept with a schedule.
func stored(list []schedule.Recipient, fields []string) iter.Seq2[enqueue.Recipient, error] {
	return func(yield func(enqueue.Recipient, error) bool) {
		for _, r := range list {
			if !yield(row(&r, fields), nil) {
				return
			}
		}
	}
}

// row returns r with its values in the order of the fields. One that it lacks is empty.
func row(r *schedule.Recipient, fields []string) enqueue.Recipient {
	out := enqueue.Recipient{To: r.To, Ref: r.Ref}
	for _, f := range fields {
		out.Values = append(out.Values, r.Values[f])
	}
	return out
}

// jobOf returns what a tick enqueues. zone is the schedule's.
func jobOf(t *schedule.Template, tick time.Time, zone string) (enqueue.Job, error) {
	j := enqueue.Job{
		Via: t.Via, From: t.From, Text: t.Text, Missing: t.Missing, Label: t.Label, AtField: t.AtField, ZoneField: t.ZoneField, Zone: t.Zone,
		MaxLate: time.Duration(t.MaxLate), Past: t.Past,
	}
	loc, err := schedule.LoadZone(zone)
	if err != nil {
		return j, err
	}
	if t.AtLocal != "" {
		j.AtLocal = tick.In(loc).Format(time.DateOnly) + " " + t.AtLocal
	}
	if t.Window != "" {
		j.Window, err = enqueue.ParseWindow(t.Window)
	}
	return j, err
}
