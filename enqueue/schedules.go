package enqueue

import (
	"context"

	"github.com/volleysms/volley/internal/schedule"
)

// Schedule is a recurring send: when, what, and to whom.
type Schedule = schedule.Schedule

// The parts of a Schedule.
type (
	// ScheduleTemplate is the job that each tick enqueues.
	ScheduleTemplate = schedule.Template
	// ScheduleRecipients says to whom: a list, a file, or an endpoint.
	ScheduleRecipients = schedule.Recipients
	// ScheduleRecipient is one number with its values by their names.
	ScheduleRecipient = schedule.Recipient
	// ScheduleFile is a CSV file that schedulers read when a tick fires.
	ScheduleFile = schedule.File
	// ScheduleEndpoint is an address that schedulers ask when a tick fires.
	ScheduleEndpoint = schedule.Endpoint
	// ScheduleDuration is a time.Duration that is written as in "90s" or "1h30m".
	ScheduleDuration = schedule.Duration
	// Overlap says what happens to a tick that is due while the schedule's last job has not completed.
	Overlap = schedule.Overlap
	// CatchUp says what happens to ticks that did not fire on time, because no scheduler ran.
	CatchUp = schedule.CatchUp
)

// The policies of a Schedule.
const (
	// OverlapAllow fires a tick although the job before has not completed; OverlapSkip leaves it out; OverlapQueue lets it
	// wait for the job's end.
	OverlapAllow = schedule.Allow
	OverlapSkip  = schedule.Skip
	OverlapQueue = schedule.Queue

	// CatchUpNone leaves out the ticks that are late; CatchUpLast fires the last of them, CatchUpAll each, when not older
	// than Schedule.CatchUpWithin.
	CatchUpNone = schedule.None
	CatchUpLast = schedule.Last
	CatchUpAll  = schedule.All
)

// What Schedules tells.
type (
	// ScheduleInfo is a schedule and how far it has come.
	ScheduleInfo = schedule.Info
	// Firing is what became of a tick.
	Firing = schedule.Firing
	// ScheduleChange is what Apply does, or would do, to a schedule.
	ScheduleChange = schedule.Change
	// ApplyOptions of Apply.
	ApplyOptions = schedule.ApplyOptions
	// InvalidScheduleError says which part of a schedule is not acceptable, and why.
	InvalidScheduleError = schedule.InvalidError
)

// Errors of Schedules, to be told apart with errors.Is.
var (
	// ErrNoSchedule: there is no schedule of that name.
	ErrNoSchedule = schedule.ErrNotFound
	// ErrScheduleExists: there is a schedule of that name already.
	ErrScheduleExists = schedule.ErrExists
	// ErrScheduleAsked: RunNow was asked for before, and nothing has been fired since.
	ErrScheduleAsked = schedule.ErrAsked
)

// Schedules keeps recurring sends in the client's Redis, where `volley scheduler` finds and fires them. It is safe for
// concurrent use, and good as long as its Client is.
type Schedules struct {
	client *Client
	store  *schedule.Store
}

// Schedules returns the recurring sends in the client's Redis.
func (c *Client) Schedules() *Schedules { return &Schedules{c, schedule.NewStore(c.rdb)} }

// do runs f on a Redis that is fit.
func (s *Schedules) do(ctx context.Context, f func() error) error {
	if err := s.client.Check(ctx); err != nil {
		return err
	}
	return reached(ctx, f())
}

// Add adds a schedule, the first tick of which is the next from now on. ErrScheduleExists when there is one of that name;
// an *InvalidScheduleError, or several joined, when it is not acceptable. Whether there is such an account or route is found
// out when a tick fires.
func (s *Schedules) Add(ctx context.Context, sc Schedule) (in ScheduleInfo, err error) {
	if err := sc.Validate(); err != nil {
		return ScheduleInfo{}, err
	}
	err = s.do(ctx, func() error {
		in, err = s.store.Add(ctx, sc)
		return err
	})
	return in, err
}

// Apply makes the schedules be what is declared, and returns what that changes, by the schedules' names; with
// ApplyOptions.Prune it removes those that are not declared. Applying the same again changes nothing. What is not
// acceptable in one of them is an *InvalidScheduleError, or several joined, and nothing is changed. A paused schedule
// stays paused.
func (s *Schedules) Apply(ctx context.Context, declared []Schedule, o ApplyOptions) (changes []ScheduleChange, err error) {
	err = s.do(ctx, func() error {
		changes, err = s.store.Apply(ctx, declared, o)
		return err
	})
	return changes, err
}

// Get returns a schedule with its next ticks; ErrNoSchedule when there is none.
func (s *Schedules) Get(ctx context.Context, name string) (in ScheduleInfo, err error) {
	err = s.do(ctx, func() error {
		in, err = s.store.Get(ctx, name)
		return err
	})
	return in, err
}

// List returns all schedules, by their names.
func (s *Schedules) List(ctx context.Context) (all []ScheduleInfo, err error) {
	err = s.do(ctx, func() error {
		all, err = s.store.List(ctx)
		return err
	})
	return all, err
}

// History returns what became of a schedule's latest ticks, the newest first, at most n and at most a hundred.
func (s *Schedules) History(ctx context.Context, name string, n int) (ticks []Firing, err error) {
	err = s.do(ctx, func() error {
		ticks, err = s.store.History(ctx, name, n)
		return err
	})
	return ticks, err
}

// Pause lets no tick of a schedule begin until Resume, and keeps the note, of at most 500 bytes; one that is being fired
// already goes out. Pausing a paused schedule gives it the new note.
func (s *Schedules) Pause(ctx context.Context, name, note string) error {
	return s.do(ctx, func() error { return s.store.Pause(ctx, name, note) })
}

// Resume lets a paused schedule go on with the next tick. Those of the meantime are not caught up with.
func (s *Schedules) Resume(ctx context.Context, name string) error {
	return s.do(ctx, func() error { return s.store.Resume(ctx, name) })
}

// RunNow asks for the schedule to be fired once, now, whatever the time and whether it is paused or not. A scheduler does
// so; the request is returned, by which Asked finds what became of it. ErrScheduleAsked when an earlier request is still
// open.
func (s *Schedules) RunNow(ctx context.Context, name string) (request string, err error) {
	err = s.do(ctx, func() error {
		request, err = s.store.RunNow(ctx, name)
		return err
	})
	return request, err
}

// Asked returns what became of a request that RunNow returned; nil when nothing has so far.
func (s *Schedules) Asked(ctx context.Context, name, request string) (f *Firing, err error) {
	err = s.do(ctx, func() error {
		f, err = s.store.Asked(ctx, name, request)
		return err
	})
	return f, err
}

// Remove removes a schedule and what is known of its ticks. Its jobs stay.
func (s *Schedules) Remove(ctx context.Context, name string) error {
	return s.do(ctx, func() error { return s.store.Remove(ctx, name) })
}
