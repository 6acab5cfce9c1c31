package schedule

import (
	"errors"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// timing says when a schedule is due.
type timing struct {
	cron       cron.Schedule // nil when every is set; it is asked about wall clocks written as UTC
	every      time.Duration
	anchor     time.Time // every is counted from here
	zone       *time.Location
	start, end time.Time // zero is no bound
}

var parser = cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor)

func parseCron(expr string) (cron.Schedule, error) {
	switch {
	case strings.Contains(expr, "TZ="):
		return nil, errors.New("it names a time zone; that is what zone is for")
	case strings.HasPrefix(expr, "@every"):
		return nil, errors.New("for an interval use every")
	case len(expr) > maxCron:
		return nil, fmt.Errorf("it has more than %d bytes", maxCron)
	}
	return parser.Parse(expr)
}

const maxCron = 256

// LoadZone is time.LoadLocation, but for the zone of this machine, which is another elsewhere.
func LoadZone(name string) (*time.Location, error) {
	if name == "" {
		return time.UTC, nil
	}
	loc, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return nil, fmt.Errorf("%q is no time zone: name one such as Europe/Copenhagen", name)
	}
	return loc, nil
}

// timing returns when s, which is valid, is due. created is when it was added.
func (s *Schedule) timing(created time.Time) (timing, error) {
	t := timing{every: time.Duration(s.Every), start: s.Start, end: s.End, anchor: created.Truncate(time.Second)}
	if !s.Start.IsZero() {
		t.anchor = s.Start
	}
	var err error
	if t.zone, err = LoadZone(s.Zone); err == nil && s.Cron != "" {
		t.cron, err = parseCron(s.Cron)
	}
	return t, err
}

// next returns the first tick after the given time; the zero time when there is none.
func (t *timing) next(after time.Time) time.Time {
	if !t.start.IsZero() && after.Before(t.start) {
		after = t.start.Add(-time.Second)
	}
	var tick time.Time
	if t.cron != nil {
		tick = t.nextCron(after)
	} else {
		tick = t.nextEvery(after)
	}
	if !t.end.IsZero() && tick.After(t.end) {
		return time.Time{}
	}
	return tick
}

// nextEvery counts from the anchor; the anchor itself is a tick only when it is the start.
func (t *timing) nextEvery(after time.Time) time.Time {
	n := int64(0)
	if t.start.IsZero() {
		n = 1
	}
	if d := after.Sub(t.anchor); d >= 0 {
		n = int64(d/t.every) + 1
	}
	return t.anchor.Add(time.Duration(n) * t.every)
}

// nextCron asks the expression about the wall clock of the zone, and looks up when the clock shows that. What the clock
// shows later never comes earlier, so the first that lies after is the next.
func (t *timing) nextCron(after time.Time) time.Time {
	wall := asUTC(after.In(t.zone))
	for {
		if wall = t.cron.Next(wall); wall.IsZero() {
			return time.Time{}
		}
		if tick := moment(wall, t.zone); tick.After(after) {
			return tick
		}
	}
}

// asUTC returns the wall clock of t as if it were one of UTC.
func asUTC(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}

// moment returns when clocks in the zone show what wall shows in UTC: the first time when they do so twice, and the first
// moment after when they pass over it.
func moment(wall time.Time, zone *time.Location) time.Time {
	t := time.Date(wall.Year(), wall.Month(), wall.Day(), wall.Hour(), wall.Minute(), wall.Second(), 0, zone)
	start, end := t.ZoneBounds()
	switch shown := asUTC(t); {
	case shown.After(wall):
		return start
	case shown.Before(wall):
		return end
	}
	if start.IsZero() {
		return t
	}
	_, now := t.Zone()
	_, before := start.Add(-time.Second).Zone()
	if earlier := t.Add(time.Duration(now-before) * time.Second); earlier.Before(start) && earlier.Before(t) {
		return earlier
	}
	return t
}

// delay is how long after its tick a schedule with jitter fires: the same for every scheduler, from 0 to jitter.
func delay(id string, tick time.Time, jitter time.Duration) time.Duration {
	if jitter <= 0 {
		return 0
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(id + ":" + strconv.FormatInt(tick.Unix(), 10))) // it has no errors
	// FNV's high bits change little with the last byte.
	x := h.Sum64()
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	return time.Duration(x % uint64(jitter/time.Millisecond+1) * uint64(time.Millisecond))
}
