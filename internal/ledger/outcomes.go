package ledger

import (
	"context"
	"fmt"
	"iter"

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
	// At is in milliseconds since 1970.
	At int64
}

// batchesPerRead bounds how much of a job is in memory while its outcomes are read.
const batchesPerRead = 16

// Outcomes yields every recipient of a job, batch by batch, the refused ones of a batch after its others. It stops at
// the first error.
func (l *Ledger) Outcomes(ctx context.Context, job Job) iter.Seq2[Outcome, error] {
	return func(yield func(Outcome, error) bool) {
		for first := 0; first < job.Batches; first += batchesPerRead {
			last := min(first+batchesPerRead, job.Batches)
			views, err := l.read(ctx, job.Spec.ID, first, last)
			if err != nil {
				yield(Outcome{}, err)
				return
			}
			for _, v := range views {
				if !v.yield(&job.Spec, yield) {
					return
				}
			}
		}
	}
}

// View is one batch as it is stored.
type View struct {
	Batch   *Batch
	Records []Record
	side    *SideView
}

func (l *Ledger) read(ctx context.Context, job string, first, last int) ([]View, error) {
	pipe := l.rdb.Pipeline()
	cmds := make([]*redis.SliceCmd, 0, last-first)
	for b := first; b < last; b++ {
		k := keysOf(job, b)
		cmds = append(cmds, pipe.MGet(ctx, k.recipients, k.outcomes, k.side))
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, err
	}
	views := make([]View, len(cmds))
	for i, c := range cmds {
		v := c.Val()
		r, ok := v[0].(string)
		if !ok {
			return nil, fmt.Errorf("job %s, batch %d: its recipients are gone: %w", job, first+i, ErrNotFound)
		}
		o, _ := v[1].(string)
		x, _ := v[2].(string)
		b, err := DecodeBatch([]byte(r))
		if err == nil {
			views[i].side, err = ReadSide([]byte(x))
		}
		if err != nil {
			return nil, fmt.Errorf("job %s, batch %d: %w", job, first+i, err)
		}
		views[i].Batch, views[i].Records = b, DecodeRecords([]byte(o), len(b.Recipients))
	}
	return views, nil
}

func (v View) yield(spec *Spec, yield func(Outcome, error) bool) bool {
	for i, r := range v.Batch.Recipients {
		rec := v.Records[i]
		o := Outcome{To: r.To.String(), Row: r.Row, Ref: r.Ref, State: rec.State, Attempts: int(rec.Attempts), At: rec.At}
		if int(rec.Account) < len(spec.Accounts) {
			o.Account = spec.Accounts[rec.Account]
		}
		n := v.side.Note(rec.Note)
		o.Code, o.Detail, o.ID = n.Code, n.Detail, v.side.ID(rec.ID)
		if o.At == 0 {
			o.At = spec.Created
		}
		if !yield(o, nil) {
			return false
		}
	}
	for _, r := range v.Batch.Refused {
		o := Outcome{To: r.To, Row: r.Row, Ref: r.Ref, State: Rejected, Code: CodeRefused, Detail: r.Reason, At: spec.Created}
		if !yield(o, nil) {
			return false
		}
	}
	return true
}

// CodeRefused is the code of recipients that were refused at the door.
const CodeRefused = "refused"
