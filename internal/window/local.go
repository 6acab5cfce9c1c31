package window

import (
	"fmt"
	"time"
)

// Wall is a date and a time of day without a zone: what clocks show, kept as if it were UTC. The zero Wall is none.
type Wall struct{ t time.Time }

var wallForms = []string{"2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02T15:04:05", "2006-01-02T15:04"}

// ParseWall reads "2030-12-24 09:00" or "2030-12-24 09:00:00", with a blank or a T between.
func ParseWall(s string) (Wall, error) {
	for _, form := range wallForms {
		if t, err := time.Parse(form, s); err == nil {
			return Wall{t}, nil
		}
	}
	return Wall{}, fmt.Errorf("%q is no date and time of day: write 2030-12-24 09:00", s)
}

// IsZero reports whether there is none.
func (w Wall) IsZero() bool { return w.t.IsZero() }

// String returns "2030-12-24 09:00:00".
func (w Wall) String() string { return w.t.Format(wallForms[0]) }

// The ends of the earth: a date begins first and ends last in these zones, as far from UTC as zones have ever been planned.
const (
	firstZone = 14 * time.Hour
	lastZone  = -12 * time.Hour
)

// First and Last are the moments at which clocks first and last show the time somewhere on earth.
func (w Wall) First() time.Time { return w.t.Add(-firstZone) }

// Last is the moment at which clocks show the time for the last time.
func (w Wall) Last() time.Time { return w.t.Add(-lastZone) }

// In returns the moment at which clocks in a zone show the time. One that they leave out means the first moment after the
// gap; one that they show twice means the first of the two.
func (w Wall) In(loc *time.Location) time.Time {
	// Every moment at which clocks show it lies within a day of it: look at each stretch of time with one offset there.
	end := w.t.Add(24 * time.Hour)
	for at := w.t.Add(-24 * time.Hour); at.Before(end); {
		here := at.In(loc)
		_, offset := here.Zone()
		_, next := here.ZoneBounds()
		t := w.t.Add(-time.Duration(offset) * time.Second)
		if t.Before(at) {
			return at // clocks went over it
		}
		if next.IsZero() || t.Before(next) {
			return t
		}
		at = next
	}
	return end
}

// At is ParseWall and Wall.In.
func At(s string, loc *time.Location) (time.Time, error) {
	w, err := ParseWall(s)
	if err != nil {
		return time.Time{}, err
	}
	return w.In(loc).UTC(), nil
}
