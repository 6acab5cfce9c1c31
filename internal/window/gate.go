package window

import (
	"fmt"
	"sync"
	"time"

	"github.com/volleysms/volley/sms"
)

// Why says what a recipient waits for, or why it is too late for them.
type Why string

// The reasons.
const (
	// Scheduled: the time has not come.
	Scheduled Why = "scheduled"
	// OutsideWindow and QuietHours: the job's window, and the operator's quiet hours.
	OutsideWindow Why = "window"
	QuietHours    Why = "quiet hours"
	// TooLate: the end after which it is not to be sent has come.
	TooLate Why = "not_after"
	// Passed: the time had passed when the job was enqueued.
	Passed Why = "its time had passed when it was enqueued"
	// Never: the windows and quiet hours that apply leave no time.
	Never Why = "no time is inside all windows and outside all quiet hours"
)

// Past says what becomes of a time that has passed when the job is enqueued.
type Past string

// What becomes of it; the zero value is RefusePast.
const (
	// RefusePast refuses the job; or the recipient, where the time is a recipient's own.
	RefusePast Past = "refuse"
	// SendPast sends at once.
	SendPast Past = "send"
)

// Times are a job's rules. The zero value lets everything go at once.
type Times struct {
	// Created is when the job was enqueued.
	Created time.Time
	// Due is when sending may start; zero is Created.
	Due time.Time
	// Local is when sending may start in each recipient's zone; zero is no such time.
	Local Wall
	// SendPast lets what was due before the job was enqueued go at once; else it is never sent.
	SendPast bool
	// NotAfter is when it is too late; zero is never.
	NotAfter time.Time
	// MaxLate is how long after a recipient was due it is too late; 0 is never.
	MaxLate time.Duration
	// Window is when sending is allowed; nil is always.
	Window *Window
	// Zone is where recipients are of whom nothing tells it; nil is UTC.
	Zone *Zones
}

// Guard is an operator's quiet hours. The zero Guard has none. It is not to be changed once it is in use.
type Guard struct {
	always   []Rule
	prefixes map[uint64]Rule // 0 is for those of no other
}

// Always adds quiet hours for everybody.
func (g *Guard) Always(w Window) error {
	r, err := Quiet(w)
	if err == nil {
		g.always = append(g.always, r)
	}
	return err
}

// Rest adds quiet hours for those whose numbers begin with no prefix that has some.
func (g *Guard) Rest(w Window) error { return g.put(0, w) }

// Prefix adds quiet hours for the numbers that begin with prefix, which is 1 to 7 digits. The longest prefix counts.
func (g *Guard) Prefix(prefix string, w Window) error {
	m := uint64(0)
	for _, c := range prefix {
		if c < '0' || c > '9' || len(prefix) > 7 {
			return fmt.Errorf("%q is no country code or other beginning of a number: 1 to 7 digits", prefix)
		}
		m = m*10 + uint64(c-'0')
	}
	if m == 0 || prefix[0] == '0' {
		return fmt.Errorf("%q is no country code or other beginning of a number: 1 to 7 digits, the first of them not 0", prefix)
	}
	return g.put(m, w)
}

func (g *Guard) put(prefix uint64, w Window) error {
	r, err := Quiet(w)
	if err != nil {
		return err
	}
	if g.prefixes == nil {
		g.prefixes = map[uint64]Rule{}
	}
	g.prefixes[prefix] = r
	return nil
}

// Empty reports whether there are no quiet hours.
func (g *Guard) Empty() bool { return g == nil || len(g.always) == 0 && len(g.prefixes) == 0 }

// prefix is the longest one of a number that has rules; 0 when none has.
func (g *Guard) prefix(to sms.MSISDN) uint64 {
	if len(g.prefixes) == 0 {
		return 0
	}
	m := uint64(to)
	for m >= 1e7 {
		m /= 10
	}
	for ; m > 0; m /= 10 {
		if _, ok := g.prefixes[m]; ok {
			return m
		}
	}
	return 0
}

// Person is a recipient as a Gate sees one.
type Person struct {
	To sms.MSISDN
	// Zones are where the recipient may be; nil is not known.
	Zones *Zones
	// Due is the recipient's own time; zero is the job's.
	Due time.Time
}

// Verdict is whether a recipient may be sent to.
type Verdict struct {
	// Open is true when they may, now.
	Open bool
	// Expired is true when it is too late, for good.
	Expired bool
	// Until is when an open one closes, or when one that waits is to be looked at again; zero is not in sight.
	Until time.Time
	// Due is when the recipient's time came or comes, windows and quiet hours left out.
	Due time.Time
	// Why is the reason, when not open.
	Why Why
}

// Gate says, of one job and one account, which recipients may be sent to. It remembers what it worked out, so that a
// recipient costs a look into a map. It is safe for concurrent use.
type Gate struct {
	t     Times
	guard *Guard
	rules []Rule // the job's window and what holds for everybody

	mu     sync.Mutex
	byRule map[uint64][]Rule // by prefix
	known  map[known]answer
	locals map[*Zones]time.Time
	ripe   map[moment]time.Time
}

type known struct {
	zones  *Zones
	prefix uint64
}

type moment struct {
	known
	ms int64
}

// answer holds from a moment until another.
type answer struct {
	from, until time.Time
	open        bool
	why         Why
}

// NewGate returns the Gate of a job's rules and an account's quiet hours; nil for no quiet hours.
func NewGate(t Times, g *Guard) (*Gate, error) {
	if g == nil {
		g = &Guard{}
	}
	gate := &Gate{t: t, guard: g, byRule: map[uint64][]Rule{}, known: map[known]answer{}, locals: map[*Zones]time.Time{}}
	if gate.t.Zone == nil {
		gate.t.Zone = UTC
	}
	if t.Window != nil {
		r, err := Allow(*t.Window)
		if err != nil {
			return nil, err
		}
		gate.rules = append(gate.rules, r)
	}
	gate.rules = append(gate.rules, g.always...)
	return gate, nil
}

// NeedsZones reports whether it matters to the Gate where recipients are.
func (g *Gate) NeedsZones() bool {
	if !g.t.Local.IsZero() {
		return true
	}
	for i := range g.rules {
		if g.rules[i].zone == nil {
			return true
		}
	}
	for _, r := range g.guard.prefixes {
		if r.zone == nil {
			return true
		}
	}
	return false
}

// maxRipe bounds what is remembered of Ripe.
const maxRipe = 1 << 12

// Ripe returns the first moment at which a recipient could have been sent to, or can be: when due, or, where windows and
// quiet hours did not allow it then, when they first did. The zero time is never.
func (g *Gate) Ripe(p Person) time.Time {
	if p.Zones == nil {
		p.Zones = g.t.Zone
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	due := g.due(&p)
	if due.Before(g.t.Created) {
		due = g.t.Created
	}
	k := moment{known{p.Zones, g.guard.prefix(p.To)}, due.UnixMilli()}
	t, ok := g.ripe[k]
	if ok {
		return t
	}
	rules := g.rulesOf(k.prefix)
	open, until, _ := next(due, p.Zones, rules)
	if t = until; open {
		t = due
	}
	if g.ripe == nil || len(g.ripe) >= maxRipe {
		g.ripe = map[moment]time.Time{}
	}
	g.ripe[k] = t
	return t
}

// Idle reports whether a Gate with these rules would let everybody through at any time from t.Due on.
func Idle(t *Times, g *Guard) bool {
	return g.Empty() && t.Local.IsZero() && t.NotAfter.IsZero() && t.MaxLate == 0 && t.Window == nil
}

// Look says whether a recipient may be sent to at now.
func (g *Gate) Look(now time.Time, p Person) Verdict {
	if p.Zones == nil {
		p.Zones = g.t.Zone
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	v := Verdict{Due: g.due(&p)}
	if v.Due.Before(g.t.Created) {
		if !g.t.SendPast {
			v.Expired, v.Why = true, Passed
			return v
		}
		v.Due = g.t.Created
	}
	end := g.t.NotAfter
	if g.t.MaxLate > 0 {
		end = earlier(end, v.Due.Add(g.t.MaxLate))
	}
	switch {
	case !end.IsZero() && !now.Before(end):
		v.Expired, v.Why = true, TooLate
	case now.Before(v.Due):
		v.Until, v.Why = earlier(v.Due, end), Scheduled
	default:
		a := g.answer(now, &p)
		if !a.open && a.until.IsZero() {
			v.Expired, v.Why = true, Never
			return v
		}
		v.Open, v.Why, v.Until = a.open, a.why, earlier(a.until, end)
	}
	return v
}

// due is when a recipient's time comes, the latest of those that are given.
func (g *Gate) due(p *Person) time.Time {
	due := g.t.Created
	if !g.t.Due.IsZero() {
		due = g.t.Due
	}
	if !g.t.Local.IsZero() {
		t, ok := g.locals[p.Zones]
		if !ok {
			t = p.Zones.In(g.t.Local)
			g.locals[p.Zones] = t
		}
		due = t
	}
	if !p.Due.IsZero() {
		due = p.Due
	}
	return due
}

// rulesOf are the rules for the numbers with a prefix.
func (g *Gate) rulesOf(prefix uint64) []Rule {
	rules, ok := g.byRule[prefix]
	if !ok {
		rules = g.rules
		if r, ok := g.guard.prefixes[prefix]; ok {
			rules = append(rules[:len(rules):len(rules)], r)
		}
		g.byRule[prefix] = rules
	}
	return rules
}

// answer is what the windows and quiet hours say.
func (g *Gate) answer(now time.Time, p *Person) answer {
	k := known{p.Zones, g.guard.prefix(p.To)}
	if a, ok := g.known[k]; ok && !now.Before(a.from) && (now.Before(a.until) || a.until.IsZero() && now.Sub(a.from) < horizon/4) {
		return a
	}
	rules := g.rulesOf(k.prefix)
	a := answer{from: now}
	var which int
	a.open, a.until, which = next(now, p.Zones, rules)
	if !a.open {
		a.why = OutsideWindow
		if rules[which].quiet {
			a.why = QuietHours
		}
	}
	g.known[k] = a
	return a
}

// earlier is the earlier of two times, of which zero is never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
