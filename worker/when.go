package worker

import (
	"context"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/internal/plan"
	"github.com/volleysms/volley/internal/timing"
	"github.com/volleysms/volley/internal/window"
)

// timings are those of an account's jobs. The zero value is empty; it is safe for concurrent use.
type timings struct {
	mu   sync.Mutex
	jobs map[timed]*timing.Turns
}

// timed is a job at the time that it has, which may be moved.
type timed struct {
	job string
	at  int64
}

// timing returns what holds for a job.
func (a *account) timing(job *jobInfo) (*timing.Turns, error) {
	a.timings.mu.Lock()
	defer a.timings.mu.Unlock()
	key := timed{job.spec.ID, job.spec.At}
	if t, ok := a.timings.jobs[key]; ok {
		return t, nil
	}
	t, err := timing.Of(&job.spec, a.guard)
	if err != nil {
		return nil, err
	}
	if a.timings.jobs == nil || len(a.timings.jobs) >= maxCachedJobs {
		a.timings.jobs = map[timed]*timing.Turns{}
	}
	a.timings.jobs[key] = t
	return t, nil
}

// hours is what a run knows of when its recipients may be sent to.
type hours struct {
	t *timing.Turns // nil when everybody may be sent to at once
	// closes is when it is too late in this stay for the recipient at each position, in milliseconds since 1970; 0 is never.
	closes []int64
	// waiting is how many wait, until when the first of them does, and why.
	waiting int
	until   time.Time
	why     window.Why
}

// ripe appends what the planner is to be asked: the recipients who are queued and may be sent to at a moment. Those for whom
// it is too late then are recorded as expired, and those who opted out as suppressed.
func (r *run) ripe(items []plan.Item, at time.Time) []plan.Item {
	items = slices.Grow(items, len(r.records))
	h := &r.hours
	t := h.t
	var late []lateOne
	var out []stopped
	r.turn = r.w.optOuts.Turn() // before the look
	lookout := r.w.optOuts.Lookout(r.a.name)
	for i := range r.records {
		if r.records[i].State != ledger.Queued {
			continue
		}
		to := &r.held.Recipients[i]
		if t != nil {
			v := t.Gate.Look(at, t.Person(to))
			if v.Expired {
				late = append(late, lateOne{i, v.Why})
				continue
			}
			if !v.Open {
				h.waiting++
				if h.until.IsZero() || v.Until.Before(h.until) {
					h.until, h.why = v.Until, v.Why
				}
				continue
			}
			if !v.Until.IsZero() {
				if h.closes == nil {
					h.closes = make([]int64, len(r.records))
				}
				h.closes[i] = v.Until.UnixMilli()
			}
		}
		if list, on := lookout.List(to.To); on {
			out = append(out, stopped{i, list})
			continue
		}
		items = append(items, plan.Item{Index: i, To: to.To, Values: r.job.values(to.Values)})
	}
	if len(out) > 0 {
		r.suppress(out)
	}
	if len(late) > 0 {
		r.expire(late)
	}
	return items
}

// lateOne is a recipient for whom it is too late.
type lateOne struct {
	index int
	why   window.Why
}

// expire records those for whom it is too late.
func (r *run) expire(late []lateOne) {
	now := r.w.clock.now().UnixMilli()
	r.commit(func(c *ledger.Commit) {
		for _, l := range late {
			rec := r.records[l.index]
			why := string(l.why)
			if l.why == window.TooLate {
				why = "it could not be sent before it was too late"
			}
			rec.State, rec.At = ledger.Expired, now
			rec.Note = r.held.Side.Note(ledger.Note{Code: "expired", Detail: why})
			c.Records.Set(l.index, ledger.Queued, rec)
			r.records[l.index] = rec
		}
	})
	r.a.meter.recorded(&ledger.Counts{ledger.Expired: int64(len(late))})
}

// shut reports whether the time has come at which a call must not be made any more, for one of its recipients at least.
func (c *call) shut() bool {
	closes := c.run.hours.closes
	if closes == nil {
		return false
	}
	now := c.run.w.clock.now().UnixMilli()
	return slices.ContainsFunc(c.part.Items, func(i int) bool { return closes[i] > 0 && now >= closes[i] })
}

// open leaves a call that is shut for a later stay.
func (c *call) open() bool {
	if c.shut() {
		c.run.leave(0)
		return false
	}
	return true
}

// punctuality notes how late a call's recipients are, of those that had to wait for their time and are called for the
// first time.
func (r *run) punctuality(c *call, at time.Time) {
	t, spec := r.hours.t, &r.job.spec
	if t == nil && (spec.At <= spec.Created || spec.AtGateway) {
		return
	}
	created := time.UnixMilli(spec.Created)
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, i := range c.part.Items {
		if r.records[i].Attempts != 1 {
			continue
		}
		ripe := time.UnixMilli(spec.At)
		if t != nil {
			ripe = t.Gate.Ripe(t.Person(&r.held.Recipients[i]))
		}
		if ripe.After(created) {
			r.a.meter.late.Observe(max(0, at.Sub(ripe).Seconds()))
		}
	}
}

// back says when a batch that goes back to the queue is to be looked at again: when the first of those who wait may be
// sent to, unless others are tried again before.
func (r *run) back(ctx context.Context) (pause time.Duration, err error) {
	h := &r.hours
	if h.waiting == 0 {
		return r.pause, errBack
	}
	left := 0
	for _, rec := range r.records {
		if rec.State == ledger.Queued {
			left++
		}
	}
	now := r.w.clock.now()
	if left > h.waiting && now.Add(r.pause).Before(h.until) {
		return r.pause, errBack
	}
	if h.t.Sliding {
		if err := r.w.feedPast(ctx, r.a, r.job, r.held.Batch); err != nil {
			return 0, err
		}
	}
	if h.until.Sub(now) > early {
		if err := r.w.ledger.SetWaiting(ctx, r.job.spec.ID, r.held.Batch, h.until, now, string(h.why)); err != nil {
			r.w.log.Warn("it is not noted until when a batch waits", zap.String("job", r.job.spec.ID), zap.Error(err))
		}
	}
	return 0, &waitError{r.w.clock.here(h.until), r.job}
}

// feedPast fills the window of a job behind a batch that waits: others may have their turn before.
func (w *Worker) feedPast(ctx context.Context, a *account, job *jobInfo, batch int) error {
	_, _, err := w.feed(ctx, job, min(job.batches, batch+1+w.window(a, job)), 1, 0)
	return err
}

// waitError sends a task back to its queue until a moment. It is no failure.
type waitError struct {
	until time.Time // by the machine's clock
	job   *jobInfo
}

func (e *waitError) Error() string { return "back to the queue until its time" }
