package window_test

import (
	_ "embed"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/volleysms/volley/internal/window"
)

// zoneNames are those of the IANA database, a line each.
//
//go:embed testdata/zones.txt
var zoneNames string

// change is a moment at which the clocks of a zone are put forward or back.
type change struct {
	zone          string
	loc           *time.Location
	at            time.Time
	before, after time.Duration // east of UTC
}

// changes returns every change of clocks in every zone from 2025 to 2034, those that zones have in common once.
func changes(t *testing.T) []change {
	t.Helper()
	first, last := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2035, 1, 1, 0, 0, 0, 0, time.UTC)
	seen := map[string]bool{}
	var out []change
	zones := 0
	for name := range strings.FieldsSeq(zoneNames) {
		loc, err := window.Load(name)
		if err != nil {
			t.Fatal(err)
		}
		zones++
		for at := first; ; {
			_, next := at.In(loc).ZoneBounds()
			if next.IsZero() || next.After(last) {
				break
			}
			_, b := next.Add(-time.Second).In(loc).Zone()
			_, a := next.In(loc).Zone()
			at = next
			c := change{name, loc, next, time.Duration(b) * time.Second, time.Duration(a) * time.Second}
			if k := fmt.Sprint(next.Unix(), a, b); a != b && !seen[k] {
				seen[k] = true
				out = append(out, c)
			}
		}
	}
	if zones < 500 || len(out) < 300 {
		t.Fatalf("only %d changes in %d zones", len(out), zones)
	}
	return out
}

// wall is what clocks show at t with an offset.
func wall(t *testing.T, at time.Time, offset time.Duration) window.Wall {
	t.Helper()
	w, err := window.ParseWall(at.UTC().Add(offset).Format("2006-01-02 15:04:05"))
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestWall_InAtEveryChangeOfClocks(t *testing.T) {
	gaps, twice := 0, 0
	for _, c := range changes(t) {
		jump := (c.after - c.before).Abs()
		check := func(fact string, w window.Wall, want time.Time) {
			t.Helper()
			if got := w.In(c.loc); !got.Equal(want) {
				t.Errorf("%s: %s: %s is %s, want %s", c.zone, fact, w, got.UTC(), want.UTC())
			}
		}
		check("the second before", wall(t, c.at.Add(-time.Second), c.before), c.at.Add(-time.Second))
		for _, into := range []time.Duration{0, time.Second, jump / 2, jump - time.Second} {
			if c.after > c.before {
				gaps++
				check("left out", wall(t, c.at.Add(into), c.before), c.at)
			} else {
				twice++
				check("shown twice", wall(t, c.at.Add(into), c.after), c.at.Add(into-jump))
			}
		}
		end := c.at
		if c.after < c.before {
			end = end.Add(jump)
		}
		check("the first moment after", wall(t, end, c.after), end)
	}
	if gaps < 500 || twice < 500 {
		t.Errorf("%d gaps and %d overlaps were looked at", gaps, twice)
	}
}

// TestNext_AtEveryChangeOfClocks compares Next with looking at the clock every minute.
func TestNext_AtEveryChangeOfClocks(t *testing.T) {
	texts := []string{"21:00-08:00", "09:00-20:00", "01:30-02:30", "sun 02:00-03:00", "sat,sun 23:30-00:30"}
	type minutes struct{ from, to int }
	clock := []minutes{{21 * 60, 8 * 60}, {9 * 60, 20 * 60}, {90, 150}, {120, 180}, {23*60 + 30, 30}}
	days := []func(time.Weekday) bool{
		nil, nil, nil,
		func(d time.Weekday) bool { return d == time.Sunday },
		func(d time.Weekday) bool { return d == time.Saturday || d == time.Sunday },
	}
	for _, c := range changes(t) {
		z, err := window.ZonesOf(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		for k, text := range texts {
			w, err := window.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			quiet, err := window.Quiet(w)
			if err != nil {
				t.Fatal(err)
			}
			isQuiet := func(at time.Time) bool {
				here := at.In(c.loc)
				m := here.Hour()*60 + here.Minute()
				today := days[k] == nil || days[k](here.Weekday())
				yesterday := days[k] == nil || days[k]((here.Weekday()+6)%7)
				if clock[k].from < clock[k].to {
					return today && m >= clock[k].from && m < clock[k].to
				}
				return today && m >= clock[k].from || yesterday && m < clock[k].to
			}
			// Every whole minute around the change; clocks are changed on whole minutes.
			const span = 30 * 60
			start := c.at.Add(-span / 2 * time.Minute)
			quietAt := make([]bool, span)
			changesAt := make([]int, span) // the next minute at which it is otherwise
			for m := span - 1; m >= 0; m-- {
				quietAt[m] = isQuiet(start.Add(time.Duration(m) * time.Minute))
				changesAt[m] = span
				if m+1 < span {
					changesAt[m] = changesAt[m+1]
					if quietAt[m+1] != quietAt[m] {
						changesAt[m] = m + 1
					}
				}
			}
			for m := 3; m < span; m += 97 {
				at := start.Add(time.Duration(m)*time.Minute + 17*time.Second)
				open, until := window.Next(at, z, quiet)
				if open == quietAt[m] {
					t.Fatalf("%s: quiet %s: at %s open is %v", c.zone, text, at.In(c.loc), open)
				}
				want := start.Add(time.Duration(changesAt[m]) * time.Minute)
				if changesAt[m] < span && !until.Equal(want) || changesAt[m] == span && !until.IsZero() && until.Before(want) {
					t.Fatalf("%s: quiet %s: at %s open=%v until %s, want %s", c.zone, text, at.In(c.loc), open, until.In(c.loc), want.In(c.loc))
				}
			}
		}
	}
}

// TestGate_LocalTimeIsNeverInQuietHours asks for a time of day at each change of clocks, where quiet hours forbid it.
func TestGate_LocalTimeIsNeverInQuietHours(t *testing.T) {
	guard := &window.Guard{}
	if err := guard.Always(mustParse(t, "00:00-04:00")); err != nil {
		t.Fatal(err)
	}
	for _, c := range changes(t) {
		z, err := window.ZonesOf(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		// A time of day around the change, in the hours in which clocks are changed.
		w := wall(t, c.at.Add(10*time.Minute), c.before)
		g, err := window.NewGate(window.Times{Created: c.at.Add(-100 * time.Hour), Local: w}, guard)
		if err != nil {
			t.Fatal(err)
		}
		now := c.at.Add(-100 * time.Hour)
		for range 10 {
			v := g.Look(now, window.Person{To: 4500000001, Zones: z})
			if v.Expired {
				t.Fatalf("%s: %s expired: %s", c.zone, w, v.Why)
			}
			if v.Open {
				break
			}
			if !v.Until.After(now) {
				t.Fatalf("%s: %s: waits at %s until %s", c.zone, w, now, v.Until)
			}
			now = v.Until
		}
		if here := now.In(c.loc); here.Hour() < 4 || now.Before(w.In(c.loc)) {
			t.Errorf("%s: %s goes out at %s", c.zone, w, here)
		}
	}
}

func mustParse(t *testing.T, s string) window.Window {
	t.Helper()
	w, err := window.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return w
}
