package schedule

import (
	"strconv"
	"time"
)

// State is how far a schedule has come. It changes by compare-and-set only.
type State struct {
	ID string `json:"id"`
	// Created is when it was added, in seconds since 1970, as are Cursor and the ticks.
	Created int64 `json:"created"`
	// Cursor: every tick up to it is done with.
	Cursor int64 `json:"cursor"`
	// Now is set by RunNow, to what tells one such request from another, until it has been fired.
	Now     string   `json:"now,omitempty"`
	Pending *Pending `json:"pending,omitempty"`
	Paused  *paused  `json:"paused,omitempty"`
	// LastJob is what was enqueued last.
	LastJob string `json:"last_job,omitempty"`
	Totals  Totals `json:"totals"`
}

// Pending is the tick that is being fired.
type Pending struct {
	Tick int64 `json:"tick"`
	// Now is State.Now when it was not a tick that made it due.
	Now string `json:"now,omitempty"`
	// Since is when it could not be fired for the first time, Again when it is to be tried again; 0 is not so far.
	Since int64  `json:"since,omitempty"`
	Again int64  `json:"again,omitempty"`
	Tries int    `json:"tries,omitempty"`
	Error string `json:"error,omitempty"`
	// Waits is true while it waits for the job before to end.
	Waits bool `json:"waits,omitempty"`
	// Frozen is what it sends; nil as long as its recipients are not known.
	Frozen *Frozen `json:"frozen,omitempty"`
}

// Frozen is what a tick sends, the same for every scheduler from now on.
type Frozen struct {
	// List names the recipients' list, and Parts is how long it is.
	List   string   `json:"list"`
	Parts  int      `json:"parts"`
	Send   Template `json:"send"`
	Zone   string   `json:"zone"`
	Fields []string `json:"fields,omitempty"`
	First  uint64   `json:"first,omitempty"`
}

type paused struct {
	At   int64  `json:"at"`
	Note string `json:"note,omitempty"`
}

// Totals count what became of a schedule's ticks.
type Totals struct {
	Fired int64 `json:"fired"`
	// Missed were too late by the catch-up policy, Skipped left out by the overlap policy, Failed had no recipients to be
	// had in time.
	Missed  int64 `json:"missed"`
	Skipped int64 `json:"skipped"`
	Failed  int64 `json:"failed"`
}

// Key is the idempotency key of the pending tick's job.
func (st *State) Key(p *Pending) string {
	prefix := p.Frozen.Send.KeyPrefix
	if p.Now != "" {
		return prefix + "schedule:" + st.ID + ":now:" + p.Now
	}
	return prefix + "schedule:" + st.ID + ":" + strconv.FormatInt(p.Tick, 10)
}

// Outcome is what became of a tick.
type Outcome string

// The outcomes of ticks.
const (
	// Fired: its job was enqueued, or there was nobody to send to.
	Fired Outcome = "fired"
	// Missed: it was too late by the catch-up policy.
	Missed Outcome = "missed"
	// Skipped: the job before had not completed.
	Skipped Outcome = "skipped"
	// Failed: its recipients could not be had in time, or its job could not be enqueued.
	Failed Outcome = "failed"
)

// Firing is what became of a tick, or of several that were missed in a row.
type Firing struct {
	Schedule string `json:"schedule"`
	// Tick is when it was due, the last of several; the request's time for one that was asked for by RunNow.
	Tick    time.Time `json:"tick"`
	At      time.Time `json:"at"`
	Outcome Outcome   `json:"outcome"`
	// Count is how many ticks this is about.
	Count int `json:"count"`
	// Request is what RunNow returned; empty for a tick that was due by itself.
	Request string `json:"request,omitempty"`
	// JobID is empty when nobody was to be sent to.
	JobID   string `json:"job_id,omitempty"`
	Queued  int64  `json:"queued"`
	Refused int64  `json:"refused"`
	// Detail says why, for people.
	Detail string `json:"detail,omitempty"`
}

// maxSteps bounds the ticks that one look counts; the next one goes on.
const maxSteps = 10_000

// Verdict is what a look at a schedule without a pending tick found.
type Verdict struct {
	// Fire is the tick to fire; zero is none.
	Fire time.Time
	// Missed are to be counted, the last of them being LastMissed.
	Missed     int
	LastMissed time.Time
	// Again is when to look again when there is nothing to fire; zero is never.
	Again time.Time
}

// look finds out what is due of a schedule that is neither paused nor firing.
func look(s *Schedule, t *timing, st *State, now time.Time) Verdict {
	var v Verdict
	var age time.Duration // of v.Fire
	miss := func(tick time.Time) { v.Missed, v.LastMissed = v.Missed+1, tick }
	after := time.Unix(st.Cursor, 0)
	for range maxSteps {
		tick := t.next(after)
		due := tick.Add(delay(st.ID, tick, time.Duration(s.Jitter)))
		if tick.IsZero() || due.After(now) {
			if !v.Fire.IsZero() && age > max(OnTime, time.Duration(s.CatchUpWithin)) {
				miss(v.Fire)
				v.Fire = time.Time{}
			}
			if !tick.IsZero() {
				v.Again = due
			}
			return v
		}
		age = now.Sub(due)
		switch {
		case s.CatchUp == Last:
			if !v.Fire.IsZero() {
				miss(v.Fire)
			}
			v.Fire = tick
		case age <= OnTime, s.CatchUp == All && age <= time.Duration(s.CatchUpWithin):
			v.Fire = tick
			return v
		default:
			miss(tick)
		}
		after = tick
	}
	// There are more: what was counted is done with, and the rest is for the next look.
	if !v.Fire.IsZero() {
		miss(v.Fire)
		v.Fire = time.Time{}
	}
	v.Again = now
	return v
}
