package schedule

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Condition is what a schedule does at present.
type Condition string

// The conditions of a schedule.
const (
	// Active: it waits for its next tick.
	Active Condition = "active"
	// Busy: a tick is being fired.
	Busy Condition = "firing"
	// Waiting: a tick waits for the job before to end.
	Waiting Condition = "waiting"
	// Failing: a tick could not be fired so far, and is tried again.
	Failing Condition = "failing"
	// Paused: no tick begins.
	Paused Condition = "paused"
	// Ended: there is no further tick.
	Ended Condition = "ended"
)

// Info is a schedule and how far it has come.
type Info struct {
	Schedule
	ID        string    `json:"id"`
	Condition Condition `json:"condition"`
	Created   time.Time `json:"created_at"`
	// Note is what Pause was given; PausedAt is nil when it is not paused.
	Note     string     `json:"note,omitempty"`
	PausedAt *time.Time `json:"paused_at"`
	// Next are the next ticks, in the schedule's zone and without jitter, as many as were asked for; none while it is
	// paused.
	Next []time.Time `json:"next"`
	// Tick is the one that is being fired, waits or fails, and Error why it could not be so far.
	Tick  *time.Time `json:"tick"`
	Error string     `json:"error,omitempty"`
	// LastJob is what was enqueued last; may be empty.
	LastJob string `json:"last_job,omitempty"`
	Totals  Totals `json:"totals"`
}

// shown is how many next ticks Get and List tell.
const shown = 5

// Get returns a schedule; ErrNotFound when there is none.
func (s *Store) Get(ctx context.Context, name string) (Info, error) {
	e, err := s.Load(ctx, name)
	if err != nil {
		return Info{}, err
	}
	return e.info()
}

// List returns all schedules, by their names.
func (s *Store) List(ctx context.Context) ([]Info, error) {
	names, err := s.names(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]Info, 0, len(names))
	for _, name := range names {
		in, err := s.Get(ctx, name)
		if errors.Is(err, ErrNotFound) {
			continue // removed in the meantime
		}
		if err != nil {
			return nil, err
		}
		out = append(out, in)
	}
	return out, nil
}

func (e *Entry) info() (Info, error) {
	st := &e.State
	in := Info{
		Schedule: e.Def, ID: st.ID, Condition: Active, Created: time.Unix(st.Created, 0).UTC(), Next: []time.Time{},
		LastJob: st.LastJob, Totals: st.Totals,
	}
	t, err := e.timing()
	if err != nil {
		return in, fmt.Errorf("schedule: %s: %w", e.Def.Name, err)
	}
	if st.Paused == nil {
		after := time.Unix(max(st.Cursor, e.Now.Unix()), 0)
		for range shown {
			if after = t.next(after); after.IsZero() {
				break
			}
			in.Next = append(in.Next, after.In(t.zone))
		}
	}
	p := st.Pending
	if p != nil {
		tick := time.Unix(p.Tick, 0).In(t.zone)
		in.Tick, in.Error = &tick, p.Error
	}
	switch {
	case st.Paused != nil:
		in.Condition, in.Note = Paused, st.Paused.Note
		at := time.Unix(st.Paused.At, 0).UTC()
		in.PausedAt = &at
	case p != nil && p.Waits:
		in.Condition = Waiting
	case p != nil && p.Error != "":
		in.Condition = Failing
	case p != nil || st.Now != "":
		in.Condition = Busy
	case len(in.Next) == 0:
		in.Condition = Ended
	}
	return in, nil
}

// maxHistory is how many firings are kept of a schedule; swap.lua trims to it.
const maxHistory = 100

// History returns what became of a schedule's latest ticks, the newest first, at most n.
func (s *Store) History(ctx context.Context, name string, n int) ([]Firing, error) {
	if _, err := s.Load(ctx, name); err != nil {
		return nil, err
	}
	list, err := s.rdb.LRange(ctx, historyOf(name), 0, int64(min(n, maxHistory))-1).Result()
	if err != nil {
		return nil, err
	}
	out := make([]Firing, len(list))
	for i, line := range list {
		if err := json.Unmarshal([]byte(line), &out[i]); err != nil {
			return nil, fmt.Errorf("schedule: a firing can't be read: %w", err)
		}
	}
	return out, nil
}

// Asked returns what became of a request that RunNow returned; nil when nothing has so far.
func (s *Store) Asked(ctx context.Context, name, request string) (*Firing, error) {
	all, err := s.History(ctx, name, maxHistory)
	if err != nil {
		return nil, err
	}
	for i := range all {
		if all[i].Request == request {
			return &all[i], nil
		}
	}
	return nil, nil
}
