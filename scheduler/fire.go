package scheduler

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"
	"go.uber.org/zap"

	"github.com/volleysms/volley/enqueue"
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
		e, err := s.store.load(ctx, name)
		if errors.Is(err, ErrNotFound) {
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
func (s *Scheduler) step(ctx context.Context, e *entry) (more bool, err error) {
	p := e.st.Pending
	switch {
	case p != nil && p.Again > e.now.UnixMilli():
		return false, s.again(ctx, e, time.UnixMilli(p.Again))
	case p != nil && p.Frozen != nil:
		return s.send(ctx, e)
	case p != nil:
		return s.freeze(ctx, e)
	case e.st.Now != "":
		e.st.Pending = &pending{Tick: e.now.Unix(), Now: e.st.Now}
		_, err := s.store.swap(ctx, e, false, e.now)
		return true, err
	case e.st.Paused != nil:
		return false, s.again(ctx, e, time.Time{})
	}
	return s.look(ctx, e)
}

// again notes when a schedule is to be looked at again.
func (s *Scheduler) again(ctx context.Context, e *entry, at time.Time) error {
	_, err := s.store.swap(ctx, e, false, at)
	return err
}

// look finds the next tick and notes what was missed before it.
func (s *Scheduler) look(ctx context.Context, e *entry) (more bool, err error) {
	t, err := e.timing()
	if err != nil {
		return false, err
	}
	v := look(&e.def, &t, &e.st, e.now)
	var firings []Firing
	if v.Missed > 0 {
		e.st.Cursor = v.LastMissed.Unix()
		e.st.Totals.Missed += int64(v.Missed)
		firings = append(firings, Firing{
			Tick: v.LastMissed.UTC(), Outcome: Missed, Count: v.Missed, Detail: "too late by the catch-up policy " + string(e.def.CatchUp),
		})
	}
	if v.Fire.IsZero() {
		return false, s.conclude(ctx, e, v.Again, firings...)
	}
	if e.def.Overlap == Skip {
		open, err := s.open(ctx, e.st.LastJob)
		if err != nil {
			return false, err
		}
		if open {
			e.st.Cursor = v.Fire.Unix()
			e.st.Totals.Skipped++
			firings = append(firings, Firing{
				Tick: v.Fire.UTC(), Outcome: Skipped, Count: 1, JobID: e.st.LastJob, Detail: "the job before has not completed",
			})
			return true, s.conclude(ctx, e, e.now, firings...)
		}
	}
	e.st.Pending = &pending{Tick: v.Fire.Unix()}
	if err := s.reached("begin"); err != nil {
		return false, err
	}
	return true, s.conclude(ctx, e, e.now, firings...)
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
func (s *Scheduler) conclude(ctx context.Context, e *entry, again time.Time, firings ...Firing) error {
	for i := range firings {
		firings[i].Schedule, firings[i].At = e.def.Name, e.now.UTC().Truncate(time.Millisecond)
	}
	ok, err := s.store.swap(ctx, e, false, again, firings...)
	if err != nil || !ok {
		return err
	}
	for _, f := range firings {
		if f.Outcome != Fired {
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
func (s *Scheduler) freeze(ctx context.Context, e *entry) (more bool, err error) {
	p := e.st.Pending
	if e.def.Overlap == Queue && p.Now == "" {
		open, err := s.open(ctx, e.st.LastJob)
		if err != nil {
			return false, err
		}
		if p.Waits = open; open {
			return false, s.again(ctx, e, e.now.Add(overlapPause))
		}
	}
	list := e.st.ID + "." + uuid.NewString()
	rows, parts, err := s.fetch(ctx, e, list)
	if err != nil {
		return false, errors.Join(s.store.dropList(ctx, list), s.failed(ctx, e, err))
	}
	if err := s.reached("freeze"); err != nil {
		return false, err
	}
	p.Frozen = &frozen{List: list, Parts: parts, Send: e.def.Send, Zone: e.def.Zone, Fields: rows.Fields, First: rows.FirstRow}
	ok, err := s.store.swap(ctx, e, false, e.now)
	if err == nil && !ok {
		// It was another's, which has a list of its own.
		return true, s.store.dropList(ctx, list)
	}
	return true, err
}

// fetch gets the recipients and keeps them.
func (s *Scheduler) fetch(ctx context.Context, e *entry, list string) (rows Rows, parts int, err error) {
	rows, err = s.rows(ctx, e, e.st.Pending)
	if err != nil {
		return rows, 0, err
	}
	if rows.Close != nil {
		defer func() { err = errors.Join(err, rows.Close()) }()
	}
	parts, err = s.store.writeList(ctx, list, rows.Recipients)
	return rows, parts, err
}

// failed notes that the pending tick could not be fired: it is tried again, or given up.
func (s *Scheduler) failed(ctx context.Context, e *entry, why error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	p := e.st.Pending
	now, err := s.store.now(ctx)
	if err != nil {
		return err
	}
	e.now = now
	if p.Since == 0 {
		p.Since = now.Unix()
	}
	p.Tries++
	p.Error = clip(why.Error())
	if now.Sub(time.Unix(p.Since, 0)) >= time.Duration(e.def.RetryFor) || errors.Is(why, errListGone) {
		return s.finish(ctx, e, Firing{Outcome: Failed, Detail: p.Error})
	}
	pause := min(firstPause<<min(p.Tries-1, 10), longestPause)
	s.log.Warn("a schedule can't be fired; that is tried again", zap.String("schedule", e.def.Name),
		zap.Time("tick", time.Unix(p.Tick, 0).UTC()), zap.Int("attempt", p.Tries), zap.Duration("pause", pause), zap.String("reason", p.Error))
	p.Again = now.Add(pause).UnixMilli()
	return s.again(ctx, e, now.Add(pause))
}

// send enqueues what the pending tick was found to send, and then, and only then, moves the cursor.
func (s *Scheduler) send(ctx context.Context, e *entry) (more bool, err error) {
	p := e.st.Pending
	f := p.Frozen
	job, err := f.Send.job(time.Unix(p.Tick, 0), f.Zone)
	if err != nil {
		return false, s.failed(ctx, e, err)
	}
	job.Key, job.Fields, job.FirstRow = e.st.key(p), f.Fields, f.First
	r, err := s.client.EnqueueStream(ctx, job, s.store.readList(ctx, f.List, f.Parts))
	if errors.Is(err, enqueue.ErrKeyConflict) {
		r, err = s.before(ctx, job.Key)
	}
	if err != nil && !errors.Is(err, enqueue.ErrNoRecipients) {
		return false, s.failed(ctx, e, err)
	}
	if err := s.reached("enqueue"); err != nil {
		return false, err
	}
	done := Firing{Outcome: Fired, JobID: r.JobID, Queued: r.Queued, Refused: r.RefusedCount}
	switch {
	case r.JobID != "":
		e.st.LastJob = r.JobID
	case r.RefusedCount > 0:
		done.Detail = "every recipient was refused"
	default:
		done.Detail = "there was nobody to send to"
	}
	if e.now, err = s.store.now(ctx); err != nil {
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
func (s *Scheduler) finish(ctx context.Context, e *entry, f Firing) error {
	p := e.st.Pending
	f.Tick, f.Count, f.Request = time.Unix(p.Tick, 0).UTC(), 1, p.Now
	if p.Now != "" {
		e.st.Now = ""
	} else {
		e.st.Cursor = p.Tick
	}
	if f.Outcome == Fired {
		e.st.Totals.Fired++
	} else {
		e.st.Totals.Failed++
	}
	e.st.Pending = nil
	if err := s.conclude(ctx, e, e.now, f); err != nil {
		return err
	}
	if p.Frozen != nil {
		return s.store.dropList(ctx, p.Frozen.List)
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
