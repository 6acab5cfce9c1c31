package ledger

import (
	"cmp"
	"context"
	"iter"
	"slices"
)

// Reason is what recipients of a job have in common: their state, where they are, and what was said about it.
type Reason struct {
	State                 State
	Account, Code, Detail string
}

// Reasoned is a Reason and how many recipients have it.
type Reasoned struct {
	Reason
	N int64
}

// maxReasons bounds how many are told apart: a gateway may put something of each recipient into its words.
const maxReasons = 1000

// Reasons counts a job's recipients by what became of them and why, the most frequent first. Beyond a thousand reasons the
// rest of a state are counted together, without words. A million recipients take about a third of a second.
func (l *Ledger) Reasons(ctx context.Context, job Job) ([]Reasoned, error) {
	n := map[Reason]int64{}
	for v, err := range l.views(ctx, job) {
		if err != nil {
			return nil, err
		}
		for r, k := range v.reasons(&job.Spec) {
			if _, known := n[r]; !known && len(n) >= maxReasons {
				r = Reason{State: r.State}
			}
			n[r] += k
		}
	}
	out := make([]Reasoned, 0, len(n))
	for r, k := range n {
		out = append(out, Reasoned{r, k})
	}
	slices.SortFunc(out, func(a, b Reasoned) int {
		return cmp.Or(cmp.Compare(b.N, a.N), cmp.Compare(a.State, b.State), cmp.Compare(a.Account, b.Account),
			cmp.Compare(a.Code, b.Code), cmp.Compare(a.Detail, b.Detail))
	})
	return out, nil
}

// reasons counts the recipients of one batch.
func (v *view) reasons(spec *Spec) map[Reason]int64 {
	// Words are looked up once for all who have the same numbers of them.
	type numbers struct {
		state, reportedState State
		account              uint8
		note, reported       uint16
		forgotten            bool
	}
	groups := map[numbers]int64{}
	first := map[numbers]int{}
	for i, rec := range v.records {
		rep := &v.reports.records[i]
		k := numbers{
			state: rec.State, account: rec.Account, note: rec.Note, reported: rep.Note, reportedState: rep.State,
			forgotten: v.batch.Recipients[i].To == 0,
		}
		if groups[k]++; groups[k] == 1 {
			first[k] = i
		}
	}
	out := make(map[Reason]int64, len(groups))
	for k, n := range groups {
		o := v.outcome(spec, first[k])
		out[Reason{o.State, o.Account, o.Code, o.Detail}] += n
	}
	for _, r := range v.batch.Refused {
		out[Reason{State: Rejected, Code: CodeRefused, Detail: r.Reason}]++
	}
	return out
}

// Place is where reading a job's outcomes goes on: a batch, and how many of it come before. The zero Place is the beginning.
type Place struct{ Batch, Skip int }

// Placed is an outcome and the Place behind it.
type Placed struct {
	Outcome
	Next Place
}

// OutcomesFrom is Outcomes from a place on.
func (l *Ledger) OutcomesFrom(ctx context.Context, job Job, at Place) iter.Seq2[Placed, error] {
	return func(yield func(Placed, error) bool) {
		for v, err := range l.viewsFrom(ctx, job, at.Batch) {
			if err != nil {
				yield(Placed{}, err)
				return
			}
			n := 0
			more := v.yield(&job.Spec, func(o Outcome, _ error) bool {
				n++
				return v.number == at.Batch && n <= at.Skip || yield(Placed{o, Place{v.number, n}}, nil)
			})
			if !more {
				return
			}
		}
	}
}
