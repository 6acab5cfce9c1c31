package scheduler

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"
	"go.uber.org/zap"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/schedule"
)

const (
	// firstPause and longestPause are between two attempts to fire a tick.
	firstPause, longestPause = 5 * time.Second, time.Minute
	// overlapPause is between two looks whether the job before has ended.
	overlapPause = 2 * time.Second
	// maxDetail bounds what is kept of an error, in bytes.
	maxDetail = 300
)

// attend does what is due of a schedule, until nothing is.
func (s *Scheduler) attend(ctx context.Context, name string) error {
	for ctx.Err() == nil {
		e, err := s.store.Load(ctx, name)
		if errors.Is(err, schedule.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		more, err := s.step(ctx, &e)
		if err != nil || !more {
			return err
		}
	}
	return ctx.Err()
}

// step does one thing, and reports whether there may be more to do at once. When another scheduler or an operator has
// changed the schedule in between, it has done nothing.
func (s *Scheduler) step(ctx context.Context, e *schedule.Entry) (more bool, err error) {
	p := e.State.Pending
	switch {
	case p != nil && p.Again > e.Now.UnixMilli():
		return false, s.again(ctx, e, time.UnixMilli(p.Again))
	case p != nil && p.Frozen != nil:
		return s.send(ctx, e)
	case p != nil:
		return s.freeze(ctx, e)
	case e.State.Now != "":
		e.State.Pending = &schedule.Pending{Tick: e.Now.Unix(), Now: e.State.Now}
		_, err := s.store.Swap(ctx, e, false, e.Now)
		return true, err
	case e.State.Paused != nil:
		return false, s.again(ctx, e, time.Time{})
	}
	return s.look(ctx, e)
}

// again notes when a schedule is to be looked at again.
func (s *Scheduler) again(ctx context.Context, e *schedule.Entry, at time.Time) error {
	_, err := s.store.Swap(ctx, e, false, at)
	return err
}

// look finds the next tick and notes what was missed before it.
func (s *Scheduler) look(ctx context.Context, e *schedule.Entry) (more bool, err error) {
	v, err := e.Look()
	if err != nil {
		return false, err
	}
	var firings []schedule.Firing
	if v.Missed > 0 {
		e.State.Cursor = v.LastMissed.Unix()
		e.State.Totals.Missed += int64(v.Missed)
		firings = append(firings, schedule.Firing{
			Tick: v.LastMissed.UTC(), Outcome: schedule.Missed, Count: v.Missed, Detail: "too late by the catch-up policy " + string(e.Def.CatchUp),
		})
	}
	if v.Fire.IsZero() {
		return false, s.conclude(ctx, e, v.Again, firings...)
	}
	if e.Def.Overlap == schedule.Skip {
		open, err := s.open(ctx, e.State.LastJob)
		if err != nil {
			return false, err
		}
		if open {
			e.State.Cursor = v.Fire.Unix()
			e.State.Totals.Skipped++
			firings = append(firings, schedule.Firing{
				Tick: v.Fire.UTC(), Outcome: schedule.Skipped, Count: 1, JobID: e.State.LastJob, Detail: "the job before has not completed",
			})
			return true, s.conclude(ctx, e, e.Now, firings...)
		}
	}
	e.State.Pending = &schedule.Pending{Tick: v.Fire.Unix()}
	if err := s.reached("begin"); err != nil {
		return false, err
	}
	return true, s.conclude(ctx, e, e.Now, firings...)
}

// open reports whether a job has something to send still.
func (s *Scheduler) open(ctx context.Context, job string) (bool, error) {
	if job == "" {
		return false, nil
	}
	st, err := s.client.Status(ctx, job)
	if errors.Is(err, enqueue.ErrNotFound) {
		return false, nil
	}
	return err == nil && st.State != enqueue.Completed && st.State != enqueue.Cancelled, err
}

// conclude writes a state and what became of ticks, and tells it when it was this scheduler that did.
func (s *Scheduler) conclude(ctx context.Context, e *schedule.Entry, again time.Time, firings ...schedule.Firing) error {
	for i := range firings {
		firings[i].Schedule, firings[i].At = e.Def.Name, e.Now.UTC().Truncate(time.Millisecond)
	}
	ok, err := s.store.Swap(ctx, e, false, again, firings...)
	if err != nil || !ok {
		return err
	}
	for _, f := range firings {
		if f.Outcome != schedule.Fired {
			s.log.Warn("ticks of a schedule were not fired", zap.String("schedule", f.Schedule), zap.Time("tick", f.Tick),
				zap.String("outcome", string(f.Outcome)), zap.Int("count", f.Count), zap.String("reason", f.Detail))
		} else {
			s.log.Info("a schedule fired", zap.String("schedule", f.Schedule), zap.Time("tick", f.Tick), zap.String("job", f.JobID),
				zap.Int64("queued", f.Queued), zap.Int64("refused", f.Refused))
		}
		if s.opts.Fired != nil {
			s.opts.Fired(f)
		}
	}
	return nil
}

// freeze asks for the recipients of the pending tick and makes them what it sends.
func (s *Scheduler) freeze(ctx context.Context, e *schedule.Entry) (more bool, err error) {
	p := e.State.Pending
	if e.Def.Overlap == schedule.Queue && p.Now == "" {
		open, err := s.open(ctx, e.State.LastJob)
		if err != nil {
			return false, err
		}
		if p.Waits = open; open {
			return false, s.again(ctx, e, e.Now.Add(overlapPause))
		}
	}
	list := e.State.ID + "." + uuid.NewString()
	rows, parts, err := s.fetch(ctx, e, list)
	if err != nil {
		return false, errors.Join(s.dropList(ctx, list), s.failed(ctx, e, err))
	}
	if err := s.reached("freeze"); err != nil {
		return false, err
	}
	p.Frozen = &schedule.Frozen{List: list, Parts: parts, Send: e.Def.Send, Zone: e.Def.Zone, Fields: rows.Fields, First: rows.FirstRow}
	ok, err := s.store.Swap(ctx, e, false, e.Now)
	if err == nil && !ok {
		// It was another's, which has a list of its own.
		return true, s.dropList(ctx, list)
	}
	return true, err
}

// fetch gets the recipients and keeps them.
func (s *Scheduler) fetch(ctx context.Context, e *schedule.Entry, list string) (rows Rows, parts int, err error) {
	rows, err = s.rows(ctx, e, e.State.Pending)
	if err != nil {
		return rows, 0, err
	}
	if rows.Close != nil {
		defer func() { err = errors.Join(err, rows.Close()) }()
	}
	parts, err = s.writeList(ctx, list, rows.Recipients)
	return rows, parts, err
}

// failed notes that the pending tick could not be fired: it is tried again, or given up.
func (s *Scheduler) failed(ctx context.Context, e *schedule.Entry, why error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	p := e.State.Pending
	now, err := s.store.Now(ctx)
	if err != nil {
		return err
	}
	e.Now = now
	if p.Since == 0 {
		p.Since = now.Unix()
	}
	p.Tries++
	p.Error = clip(why.Error())
	if now.Sub(time.Unix(p.Since, 0)) >= time.Duration(e.Def.RetryFor) || errors.Is(why, errListGone) {
		return s.finish(ctx, e, schedule.Firing{Outcome: schedule.Failed, Detail: p.Error})
	}
	pause := min(firstPause<<min(p.Tries-1, 10), longestPause)
	s.log.Warn("a schedule can't be fired; that is tried again", zap.String("schedule", e.Def.Name),
		zap.Time("tick", time.Unix(p.Tick, 0).UTC()), zap.Int("attempt", p.Tries), zap.Duration("pause", pause), zap.String("reason", p.Error))
	p.Again = now.Add(pause).UnixMilli()
	return s.again(ctx, e, now.Add(pause))
}

// send enqueues what the pending tick was found to send, and then, and only then, moves the cursor.
func (s *Scheduler) send(ctx context.Context, e *schedule.Entry) (more bool, err error) {
	p := e.State.Pending
	f := p.Frozen
	job, err := jobOf(&f.Send, time.Unix(p.Tick, 0), f.Zone)
	if err != nil {
		return false, s.failed(ctx, e, err)
	}
	job.Key, job.Fields, job.FirstRow = e.State.Key(p), f.Fields, f.First
	r, err := s.client.EnqueueStream(ctx, job, s.readList(ctx, f.List, f.Parts))
	if errors.Is(err, enqueue.ErrKeyConflict) {
		r, err = s.before(ctx, job.Key)
	}
	if err != nil && !errors.Is(err, enqueue.ErrNoRecipients) {
		return false, s.failed(ctx, e, err)
	}
	if err := s.reached("enqueue"); err != nil {
		return false, err
	}
	done := schedule.Firing{Outcome: schedule.Fired, JobID: r.JobID, Queued: r.Queued, Refused: r.RefusedCount}
	switch {
	case r.JobID != "":
		e.State.LastJob = r.JobID
	case r.RefusedCount > 0:
		done.Detail = "every recipient was refused"
	default:
		done.Detail = "there was nobody to send to"
	}
	if e.Now, err = s.store.Now(ctx); err != nil {
		return false, err
	}
	return true, s.finish(ctx, e, done)
}

// before finds the job of a tick that was enqueued before, and would be another now: a recipient's time, which is refused
// when it has passed, may have done so since.
func (s *Scheduler) before(ctx context.Context, key string) (enqueue.Receipt, error) {
	id, err := s.client.JobOfKey(ctx, key)
	if errors.Is(err, enqueue.ErrNotFound) {
		return enqueue.Receipt{}, enqueue.ErrKeyConflict
	}
	if err != nil {
		return enqueue.Receipt{}, err
	}
	st, err := s.client.Status(ctx, id)
	return enqueue.Receipt{JobID: id, Queued: st.Counts.Total - st.Counts.Rejected, RefusedCount: st.Counts.Rejected}, err
}

// finish ends the pending tick.
func (s *Scheduler) finish(ctx context.Context, e *schedule.Entry, f schedule.Firing) error {
	p := e.State.Pending
	f.Tick, f.Count, f.Request = time.Unix(p.Tick, 0).UTC(), 1, p.Now
	if p.Now != "" {
		e.State.Now = ""
	} else {
		e.State.Cursor = p.Tick
	}
	if f.Outcome == schedule.Fired {
		e.State.Totals.Fired++
	} else {
		e.State.Totals.Failed++
	}
	e.State.Pending = nil
	if err := s.conclude(ctx, e, e.Now, f); err != nil {
		return err
	}
	if p.Frozen != nil {
		return s.dropList(ctx, p.Frozen.List)
	}
	return nil
}

// clip cuts what is kept of an error.
func clip(s string) string {
	if len(s) <= maxDetail {
		return s
	}
	return strings.ToValidUTF8(s[:maxDetail], "") + "…"
}
