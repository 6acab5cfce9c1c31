package worker

import (
	"context"
	"sync"

	"go.uber.org/zap"

	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/internal/suppress"
)

// CodeSuppressed is the code of the outcome of those who opted out.
const CodeSuppressed = "suppressed"

// stopped is a recipient who opted out, and the list that says so.
type stopped struct {
	index int
	list  string
}

// suppress records those who opted out. It is final: no other account of the route gets them.
func (r *run) suppress(some []stopped) {
	r.a.meter.recorded(&ledger.Counts{ledger.Suppressed: int64(len(some))})
	now := r.w.clock.now().UnixMilli()
	r.commit(func(c *ledger.Commit) {
		for _, s := range some {
			rec := r.records[s.index]
			rec.State, rec.At = ledger.Suppressed, now
			detail := "opted out: on the list for all accounts"
			if s.list != suppress.All {
				detail = "opted out: on the list of account " + s.list
			}
			rec.Note = r.held.Side.Note(ledger.Note{Code: CodeSuppressed, Detail: detail})
			c.Records.Set(s.index, ledger.Queued, rec)
			r.records[s.index] = rec
		}
	})
}

// permitted takes those who have opted out since the call was planned out of it, and reports whether anybody is left. A call
// is left for a later stay when it is not known who opted out.
func (c *call) permitted() bool {
	w, r := c.run.w, c.run
	if !w.optOuts.Fresh() {
		r.leave(lookAround)
		return false
	}
	turn := w.optOuts.Turn()
	if c.turn == turn {
		return true
	}
	c.turn = turn
	out, keep := c.optedOut()
	if len(out) == 0 {
		return true
	}
	r.suppress(out)
	if len(keep) == 0 {
		r.leave(0)
		return false
	}
	c.part = subset(c.part, keep)
	return true
}

// forbidden reports whether one of the call's recipients has opted out since it was last looked at, or that can't be known.
func (c *call) forbidden() bool {
	f := c.run.w.optOuts
	if turn := f.Turn(); c.turn != turn {
		if out, _ := c.optedOut(); len(out) > 0 {
			return true
		}
		c.turn = turn
	}
	return !f.Fresh()
}

// optedOut returns those of the call's recipients who are on a list that counts for the account, and the positions of the
// others.
func (c *call) optedOut() (out []stopped, keep []int) {
	lookout := c.run.w.optOuts.Lookout(c.run.a.name)
	if lookout.Empty() {
		return nil, nil
	}
	for k, i := range c.part.Items {
		if list, on := lookout.List(c.part.Call.Recipients[k].To); on {
			out = append(out, stopped{i, list})
		} else {
			keep = append(keep, k)
		}
	}
	return out, keep
}

// followOptOuts keeps the lists of opt-outs at hand until the worker stops. It returns once they are, or ctx ends.
func (w *Worker) followOptOuts(ctx context.Context, beats *sync.WaitGroup) {
	known := make(chan struct{})
	var once sync.Once
	beats.Go(func() {
		w.optOuts.Run(w.stopCtx, func(err error) {
			if err != nil {
				w.log.Warn("the lists of opt-outs can't be read; nothing is sent without them", zap.Error(err))
				return
			}
			w.log.Debug("the lists of opt-outs are read")
			once.Do(func() { close(known) })
		})
	})
	select {
	case <-known:
	case <-ctx.Done():
	}
}
