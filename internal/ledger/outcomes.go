package ledger

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/redis/go-redis/v9"
)

// Outcome is what is known about one recipient, in words.
type Outcome struct {
	// To is the MSISDN, or what the producer wrote when it was refused for that.
	To       string
	Row      uint64
	Ref      string
	State    State
	Account  string
	ID       string
	Code     string
	Detail   string
	Attempts int
	// History is what the recipient had been through at other accounts, the earliest first.
	History []Step
	// At is in milliseconds since 1970.
	At int64
}

// Step is a recipient's time at an account that it left for another.
type Step struct {
	Account, Code, Detail string
	Attempts              int
	// At is when it left, in milliseconds since 1970.
	At int64
}

// batchesPerRead bounds how much of a job is in memory while its outcomes are read.
const batchesPerRead = 16

// Outcomes yields every recipient of a job, batch by batch, the refused ones of a batch after its others. It stops at
// the first error.
func (l *Ledger) Outcomes(ctx context.Context, job Job) iter.Seq2[Outcome, error] {
	return func(yield func(Outcome, error) bool) {
		for v, err := range l.views(ctx, job) {
			if err != nil {
				yield(Outcome{}, err)
				return
			}
			if !v.yield(&job.Spec, yield) {
				return
			}
		}
	}
}

// view is one batch as it is stored.
type view struct {
	number int
	batch  *Batch
	// recorded are the outcomes as calls established them, records as reports have changed them.
	recorded []Record
	records  []Record
	side     *SideView
	reports  *reported
}

// views yields a job's batches, some at a time. It stops at the first error.
func (l *Ledger) views(ctx context.Context, job Job) iter.Seq2[view, error] {
	return l.viewsFrom(ctx, job, 0)
}

// viewsFrom is views from a batch on.
func (l *Ledger) viewsFrom(ctx context.Context, job Job, first int) iter.Seq2[view, error] {
	return func(yield func(view, error) bool) {
		for first := first; first < job.Batches; first += batchesPerRead {
			views, err := l.read(ctx, job.Spec.ID, first, min(first+batchesPerRead, job.Batches))
			if err != nil {
				yield(view{}, err)
				return
			}
			for _, v := range views {
				if !yield(v, nil) {
					return
				}
			}
		}
	}
}

// has reports whether a recipient who was not forgotten is in one of the states.
func (v *view) has(states []State) bool {
	for i := range v.records {
		if v.batch.Recipients[i].To != 0 && slices.Contains(states, v.records[i].State) {
			return true
		}
	}
	return false
}

func (l *Ledger) read(ctx context.Context, job string, first, last int) ([]view, error) {
	pipe := l.rdb.Pipeline()
	cmds := make([]*redis.SliceCmd, 0, last-first)
	for b := first; b < last; b++ {
		k := keysOf(job, b)
		cmds = append(cmds, pipe.MGet(ctx, k.recipients, k.outcomes, k.side, k.reports))
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, err
	}
	views := make([]view, len(cmds))
	for i, c := range cmds {
		var err error
		if views[i], err = readView(job, first+i, c.Val()); err != nil {
			return nil, err
		}
	}
	return views, nil
}

// readView reads a batch from its recipients, outcomes, side and reports.
func readView(job string, batch int, v []any) (view, error) {
	r, ok := v[0].(string)
	if !ok {
		return view{}, fmt.Errorf("job %s, batch %d: its recipients are gone: %w", job, batch, ErrNotFound)
	}
	o, _ := v[1].(string)
	x, _ := v[2].(string)
	d, _ := v[3].(string)
	b, err := DecodeBatch([]byte(r))
	if err != nil {
		return view{}, fmt.Errorf("job %s, batch %d: %w", job, batch, err)
	}
	side, err := ReadSide([]byte(x))
	if err != nil {
		return view{}, fmt.Errorf("job %s, batch %d: %w", job, batch, err)
	}
	records, err := ReadRecords([]byte(o), len(b.Recipients))
	if err != nil {
		return view{}, fmt.Errorf("job %s, batch %d: %w", job, batch, err)
	}
	reports, err := readReported([]byte(d), len(records))
	if err != nil {
		return view{}, fmt.Errorf("job %s, batch %d: %w", job, batch, err)
	}
	out := view{number: batch, batch: b, recorded: records, records: records, side: side, reports: reports}
	if d != "" {
		out.records = make([]Record, len(records))
		for i, rec := range records {
			out.records[i] = reports.over(i, rec)
		}
	}
	return out, nil
}

// outcome returns what is known about the recipient at a position, without History.
func (v *view) outcome(spec *Spec, i int) Outcome {
	r, rec := &v.batch.Recipients[i], &v.records[i]
	o := Outcome{To: r.To.String(), Row: r.Row, Ref: r.Ref, State: rec.State, Attempts: int(rec.Attempts), At: rec.At}
	if int(rec.Account) < len(spec.Accounts) {
		o.Account = spec.Accounts[rec.Account]
	}
	n := v.side.Note(rec.Note)
	o.Code, o.Detail, o.ID = n.Code, n.Detail, v.side.ID(rec.ID)
	v.reported(i, &o)
	if r.To == 0 {
		o.To, o.Detail = "", DetailForgotten
	}
	if o.At == 0 {
		o.At = spec.Created
	}
	return o
}

func (v *view) yield(spec *Spec, yield func(Outcome, error) bool) bool {
	departures := v.side.Departures()
	for i := range v.batch.Recipients {
		o := v.outcome(spec, i)
		for k := range departures {
			if d := &departures[k]; d.Has(i) && int(d.Account) < len(spec.Accounts) {
				o.History = append(o.History, Step{spec.Accounts[d.Account], d.Note.Code, d.Note.Detail, int(d.Attempts), d.At})
			}
		}
		if !yield(o, nil) {
			return false
		}
	}
	for _, r := range v.batch.Refused {
		o := Outcome{To: r.To, Row: r.Row, Ref: r.Ref, State: Rejected, Code: CodeRefused, Detail: r.Reason, At: spec.Created}
		if !yield(o, nil) {
			return false
		}
	}
	return true
}

// reported puts the words of a report in the place of the call's.
func (v *view) reported(i int, o *Outcome) {
	rep := &v.reports.records[i]
	if rep.State == Queued || rep.State != o.State {
		return
	}
	if n := v.reports.texts.Note(rep.Note); n != (Note{}) {
		o.Code, o.Detail = n.Code, n.Detail
	}
	if o.ID == "" {
		o.ID = v.reports.texts.ID(rep.ID)
	}
}

// CodeRefused is the code of recipients that were refused at the door.
const CodeRefused = "refused"
