package window

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Clock is a time of day in minutes since midnight, 0 to 24*60.
type Clock int16

// endOfDay is written 24:00.
const endOfDay Clock = 24 * 60

var errClock = errors.New("a time of day is written 09:00, up to 24:00")

// ParseClock reads "09:00". "24:00" is the end of a day.
func ParseClock(s string) (Clock, error) {
	if len(s) != 5 || s[2] != ':' {
		return 0, errClock
	}
	var n [4]Clock
	for i, k := range []int{0, 1, 3, 4} {
		if s[k] < '0' || s[k] > '9' {
			return 0, errClock
		}
		n[i] = Clock(s[k] - '0')
	}
	h, m := n[0]*10+n[1], n[2]*10+n[3]
	if m > 59 || h*60+m > endOfDay {
		return 0, errClock
	}
	return h*60 + m, nil
}

// String returns the time of day as ParseClock reads it.
func (c Clock) String() string { return fmt.Sprintf("%02d:%02d", c/60, c%60) }

// UnmarshalText is ParseClock.
func (c *Clock) UnmarshalText(b []byte) (err error) {
	*c, err = ParseClock(string(b))
	return err
}

// MarshalText is String.
func (c Clock) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// Days is a set of weekdays, a bit for each from Sunday on. The zero value is every day.
type Days uint8

const everyDay Days = 1<<7 - 1

var dayNames = [7]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

var errDays = errors.New("days are written mon-sat, or sat,sun, or daily")

// ParseDays reads "mon-sat", "mon,wed,fri" or "fri-mon"; "daily" and "" are every day. Names may be written out and in
// capitals.
func ParseDays(s string) (Days, error) {
	var d Days
	if s == "" || strings.EqualFold(s, "daily") {
		return 0, nil
	}
	for part := range strings.SplitSeq(s, ",") {
		first, last, isRange := strings.Cut(part, "-")
		a, ok := parseDay(first)
		b := a
		if ok && isRange {
			b, ok = parseDay(last)
		}
		if !ok {
			return 0, errDays
		}
		for ; ; a = (a + 1) % 7 {
			d |= 1 << a
			if a == b {
				break
			}
		}
	}
	if d == everyDay {
		return 0, nil
	}
	return d, nil
}

func parseDay(s string) (time.Weekday, bool) {
	s = strings.ToLower(strings.TrimSpace(s))
	for i, n := range dayNames {
		if s == n || s == strings.ToLower(time.Weekday(i).String()) {
			return time.Weekday(i), true
		}
	}
	return 0, false
}

// Has reports whether the weekday is among them.
func (d Days) Has(w time.Weekday) bool { return d == 0 || d&(1<<w) != 0 }

// String returns the days as ParseDays reads them: from Monday on, three or more in a row as a range.
func (d Days) String() string {
	if d == 0 || d == everyDay {
		return "daily"
	}
	var parts []string
	for i := 0; i < 7; {
		n := 0
		for i+n < 7 && d.Has(time.Weekday((i+n+1)%7)) {
			n++
		}
		name := func(k int) string { return dayNames[(k+1)%7] }
		switch {
		case n >= 3:
			parts = append(parts, name(i)+"-"+name(i+n-1))
		default:
			for k := range n {
				parts = append(parts, name(i+k))
			}
		}
		i += max(n, 1)
	}
	return strings.Join(parts, ",")
}

// UnmarshalText is ParseDays.
func (d *Days) UnmarshalText(b []byte) (err error) {
	*d, err = ParseDays(string(b))
	return err
}

// MarshalText is String.
func (d Days) MarshalText() ([]byte, error) { return []byte(d.String()), nil }
