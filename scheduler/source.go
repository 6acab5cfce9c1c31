package scheduler

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/volleysms/volley/enqueue"
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
type Files func(ctx context.Context, f File, fields []string) (Rows, error)

// rows asks for the recipients of a tick.
func (s *Scheduler) rows(ctx context.Context, e *entry, p *pending) (Rows, error) {
	fields, err := e.def.Send.fields()
	if err != nil {
		return Rows{}, err
	}
	switch from := &e.def.Recipients; {
	case from.File != nil && s.opts.Files == nil:
		return Rows{}, errors.New("this scheduler reads no files")
	case from.File != nil:
		return s.opts.Files(ctx, *from.File, fields)
	case from.Endpoint != nil:
		return s.endpoint.ask(ctx, *from.Endpoint, question{
			Schedule: e.def.Name, ID: e.st.ID, Tick: time.Unix(p.Tick, 0).UTC(), Request: p.Now, Zone: e.def.Zone, Fields: fields,
		})
	default:
		return Rows{Fields: fields, Recipients: stored(from.To, fields)}, nil
	}
}

// stored yields the recipients that are kept with a schedule.
func stored(list []Recipient, fields []string) iter.Seq2[enqueue.Recipient, error] {
	return func(yield func(enqueue.Recipient, error) bool) {
		for _, r := range list {
			if !yield(r.row(fields), nil) {
				return
			}
		}
	}
}

// row returns r with its values in the order of the fields. One that it lacks is empty.
func (r *Recipient) row(fields []string) enqueue.Recipient {
	out := enqueue.Recipient{To: r.To, Ref: r.Ref}
	for _, f := range fields {
		out.Values = append(out.Values, r.Values[f])
	}
	return out
}
