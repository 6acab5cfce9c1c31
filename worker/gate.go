package worker

import (
	"context"
	"sync"
	"time"
)

// gate holds an account's calls back: until a time the gateway named, or while the account is in trouble. After trouble
// one call goes through to probe, and the others wait for what it finds. The zero gate is open. It is safe for
// concurrent use.
type gate struct {
	mu      sync.Mutex
	until   time.Time
	trouble bool // the next call through is a probe
	probing bool
	strikes int
	changed chan struct{} // closed at each change
}

func (g *gate) notify() {
	if g.changed != nil {
		close(g.changed)
		g.changed = nil
	}
}

// hold closes the gate until t, unless it is closed for longer.
func (g *gate) hold(t time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if t.After(g.until) {
		g.until = t
		g.notify()
	}
}

// Pauses of an account in trouble.
const (
	firstTrouble = time.Second
	maxTrouble   = 5 * time.Minute
)

// fault closes the gate for the sake of the account itself, each time for longer, and returns for how long. Calls that
// were under way when the first one found the trouble lengthen nothing. first is true when the account was well before.
func (g *gate) fault(now time.Time) (pause time.Duration, first bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.trouble && !g.probing {
		return g.until.Sub(now), false
	}
	first = !g.trouble
	g.trouble, g.probing = true, false
	pause = min(maxTrouble, firstTrouble<<min(g.strikes, 10))
	g.strikes++
	g.until = now.Add(pause)
	g.notify()
	return pause, first
}

// unsure ends a probe that found out nothing about the account.
func (g *gate) unsure() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.probing {
		g.probing = false
		g.notify()
	}
}

// well opens the gate: the gateway took the account for good. It reports whether there had been trouble.
func (g *gate) well() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.trouble {
		return false
	}
	g.trouble, g.probing, g.strikes = false, false, 0
	g.notify()
	return true
}

// closedFor is how long the gate stays closed at least.
func (g *gate) closedFor(now time.Time) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	return max(0, g.until.Sub(now))
}

// pass waits until a call may go. It is an error only when ctx ends first.
func (g *gate) pass(ctx context.Context) error {
	for {
		g.mu.Lock()
		wait := time.Until(g.until)
		if wait <= 0 && !g.probing {
			g.probing = g.trouble
			g.mu.Unlock()
			return ctx.Err()
		}
		if g.changed == nil {
			g.changed = make(chan struct{})
		}
		changed := g.changed
		g.mu.Unlock()
		var timer <-chan time.Time
		if wait > 0 {
			timer = time.After(wait)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		case <-timer:
		}
	}
}
