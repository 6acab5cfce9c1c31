package worker

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/volleysms/volley/internal/standing"
)

// gate holds an account's calls back: until a time the gateway named, and while the account is in trouble. At the start
// and after trouble one call goes first, and the others wait for what it finds. The zero gate is open. It is safe for
// concurrent use.
type gate struct {
	mu      sync.Mutex
	until   time.Time
	trouble *standing.Trouble // what the gate is shut for
	trial   bool              // one call goes first
	small   bool              // and it is to be a small one
	probing bool              // it is under way
	since   time.Time         // since when
	waits   time.Duration     // how long the others wait for it; 0 is as long as it takes
	misses  int               // calls in a row that got no answer
	changed chan struct{}     // closed at each change
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

// shut closes the gate for trouble, until open.
func (g *gate) shut(t *standing.Trouble) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.trouble, g.probing, g.misses = t, false, 0
	g.notify()
}

// open ends the trouble, if there is any: a call goes first.
func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.trouble != nil {
		g.small = g.trouble.Why == standing.Down
		g.trouble, g.trial, g.probing, g.waits = nil, true, false, 0
		g.notify()
	}
}

// shutFor returns what the gate is shut for, nil when it is not.
func (g *gate) shutFor() *standing.Trouble {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.trouble
}

// unsure ends a probe that found out nothing.
func (g *gate) unsure() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.probing {
		g.probing = false
		g.notify()
	}
}

// tripAfter is how many calls in a row without an answer are trouble.
const tripAfter = 5

// missed counts a call that got no answer. It reports whether that is one too many.
func (g *gate) missed() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.trouble != nil {
		return false
	}
	g.misses++
	if g.probing {
		g.probing = false
		g.notify()
	}
	return g.misses >= tripAfter || g.trial && g.small
}

// answered notes that the gateway is there.
func (g *gate) answered() {
	g.mu.Lock()
	g.misses = 0
	g.mu.Unlock()
}

// well lets everything through: the gateway knows the account.
func (g *gate) well() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.trial && g.trouble == nil {
		g.trial, g.probing, g.small = false, false, false
		g.notify()
	}
}

// closedFor is how long the gate stays closed at least.
func (g *gate) closedFor(now time.Time) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	return max(0, g.until.Sub(now))
}

// errShut: there is trouble.
var errShut = errors.New("the gate is shut")

// pass waits until a call may go, and reports whether it goes first and is to be a small one. The error is errShut, or
// that ctx ended before.
func (g *gate) pass(ctx context.Context) (small bool, err error) {
	for {
		g.mu.Lock()
		if g.trouble != nil {
			g.mu.Unlock()
			return false, errShut
		}
		wait := time.Until(g.until)
		others := wait <= 0 && g.probing && g.waits > 0 // are let go after a while
		if others {
			wait = g.waits - time.Since(g.since)
		}
		if wait <= 0 && (!g.probing || others) {
			if others {
				g.trial = false
			}
			g.probing, small, g.since = g.trial, g.trial && g.small, time.Now()
			g.mu.Unlock()
			return small, ctx.Err()
		}
		changed := g.waitable()
		g.mu.Unlock()
		if err := either(ctx, changed, wait); err != nil {
			return false, err
		}
	}
}

// waitable returns what is closed at the next change. The lock is held.
func (g *gate) waitable() <-chan struct{} {
	if g.changed == nil {
		g.changed = make(chan struct{})
	}
	return g.changed
}

// settled waits until the gate is not shut for trouble, or for as long as patience.
func (g *gate) settled(ctx context.Context, patience time.Duration) bool {
	deadline := time.Now().Add(patience)
	for {
		g.mu.Lock()
		if g.trouble == nil {
			g.mu.Unlock()
			return true
		}
		changed := g.waitable()
		g.mu.Unlock()
		wait := time.Until(deadline)
		if wait <= 0 || either(ctx, changed, wait) != nil {
			return false
		}
	}
}

// either waits for a change, or for a time when it is above 0.
func either(ctx context.Context, changed <-chan struct{}, wait time.Duration) error {
	var timer <-chan time.Time
	if wait > 0 {
		t := time.NewTimer(wait)
		defer t.Stop()
		timer = t.C
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-changed:
	case <-timer:
	}
	return nil
}
