package enqueue

import (
	"fmt"
	"time"
)

// wallClock is a date and a time of day without a zone.
const wallClock = "2006-01-02 15:04:05"

// ParseWhen reads the time at which a job is to be sent, as `volley send --at` takes it:
//
//	2028-01-31T09:30:00+01:00    RFC 3339
//	2028-01-31 09:30:00          in loc; nil is UTC
//	86400s, 1h30m                counted from now, not negative
//
// A time of day that occurs twice, because clocks are put back, is the first of the two; one that is left out, because
// they are put forward, is an error. Whether the time has passed is for Enqueue to judge. The result is in UTC.
func ParseWhen(s string, loc *time.Location, now time.Time) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t.UTC(), nil
	}
	if d, err := time.ParseDuration(s); err == nil {
		if d < 0 {
			return time.Time{}, fmt.Errorf("the time %q is negative", s)
		}
		return now.Add(d).UTC(), nil
	}
	if loc == nil {
		loc = time.UTC
	}
	t, err := time.ParseInLocation(wallClock, s, loc)
	if err != nil {
		return time.Time{}, fmt.Errorf("the time %q is none of RFC 3339 (2028-01-31T09:30:00Z), \"2028-01-31 09:30:00\" and a duration such as 86400s", s)
	}
	if wall, err := time.Parse(wallClock, s); err != nil || t.Format(wallClock) != wall.Format(wallClock) {
		return time.Time{}, fmt.Errorf("there is no %s in %s: clocks are put forward then", s, loc)
	}
	return firstReading(t).UTC(), nil
}

// firstReading returns the first of the times that clocks at t's place show as they do at t.
func firstReading(t time.Time) time.Time {
	start, _ := t.ZoneBounds()
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
