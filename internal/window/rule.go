package window

import "time"

// Rule is a window in which sending is allowed or, for quiet hours, is not.
type Rule struct {
	w     Window
	quiet bool
	zone  *Zones // nil: each recipient's own
}

// Allow returns the rule that sending is allowed inside w only.
func Allow(w Window) (Rule, error) { return newRule(w, false) }

// Quiet returns the rule that sending is not allowed inside w.
func Quiet(w Window) (Rule, error) { return newRule(w, true) }

func newRule(w Window, quiet bool) (Rule, error) {
	w, err := w.valid()
	if err != nil {
		return Rule{}, err
	}
	r := Rule{w: w, quiet: quiet}
	if w.Zone != Recipient {
		r.zone, err = ZonesOf(w.Zone)
	}
	return r, err
}

// zones are those that the rule counts in for a recipient in these.
func (r *Rule) zones(own *Zones) *Zones {
	if r.zone != nil {
		return r.zone
	}
	return own
}

// horizon is how far ahead is looked for a change. Every window of the week opens and closes within it.
const horizon = 16 * 24 * time.Hour

// in reports whether the rule allows sending at t in one zone, and until when that stays so; the zero time is beyond the
// horizon.
func (r *Rule) in(t time.Time, loc *time.Location) (open bool, until time.Time) {
	end := t.Add(horizon)
	here := t.In(loc)
	open = r.allows(here)
	_, change := here.ZoneBounds()
	for {
		// Up to the next change of the clocks they run evenly, and what they show passes From, To or midnight next.
		next := here.Add(r.step(here))
		if !change.IsZero() && change.Before(next) {
			next = change
			_, change = change.In(loc).ZoneBounds()
		}
		if next.After(end) {
			return open, time.Time{}
		}
		here = next.In(loc)
		if r.allows(here) != open {
			return open, next
		}
	}
}

func (r *Rule) allows(here time.Time) bool {
	h, m, _ := here.Clock()
	return r.w.inside(here.Weekday(), Clock(h*60+m)) != r.quiet
}

// step is how long even clocks take to the next time of day at which the rule may change.
func (r *Rule) step(here time.Time) time.Duration {
	h, m, s := here.Clock()
	now := Clock(h*60 + m)
	next := endOfDay
	for _, c := range [...]Clock{r.w.From, r.w.To} {
		if c > now && c < next {
			next = c
		}
	}
	return time.Duration(next-now)*time.Minute - time.Duration(s)*time.Second - time.Duration(here.Nanosecond())
}

// Next reports whether all rules allow sending at t to somebody in these zones. When they do, until is when that ends;
// when not, it is the next moment at which they do. The zero time is beyond two weeks; so rules that are never open
// together give false and the zero time.
func Next(t time.Time, own *Zones, rules ...Rule) (open bool, until time.Time) {
	open, until, _ = next(t, own, rules)
	return open, until
}

// next is Next. which is the rule that opens last; -1 when it is open.
func next(t time.Time, own *Zones, rules []Rule) (open bool, until time.Time, which int) {
	end := t.Add(horizon)
	which = -1
	for at := t; ; {
		opens := at
		var closes time.Time
		for i := range rules {
			for _, loc := range rules[i].zones(own).locs {
				ok, change := rules[i].in(at, loc)
				switch {
				case !ok && change.IsZero():
					return false, change, i
				case !ok && change.After(opens):
					opens, which = change, i
				case ok && !change.IsZero() && (closes.IsZero() || change.Before(closes)):
					closes = change
				}
			}
		}
		switch {
		case opens.Equal(at) && at.Equal(t):
			return true, closes, -1
		case opens.Equal(at):
			return false, at, which
		case opens.After(end):
			return false, time.Time{}, which
		}
		at = opens
	}
}
