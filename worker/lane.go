package worker

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"

	"github.com/volleysms/volley/internal/pace"
	"github.com/volleysms/volley/internal/plan"
	"github.com/volleysms/volley/internal/standing"
	"github.com/volleysms/volley/providers"
)

// lane makes one of an account's calls after the other.
type lane struct {
	a       *account
	token   string // the lane's place among the calls in flight of all workers
	granted chan bool
	before  *call
	claims  time.Duration // how long they took lately, on average
	waited  time.Duration // how long the call has waited for the account's limits
	bound   bound
}

func (a *account) lane() {
	l := &lane{a: a, token: a.w.token(), granted: make(chan bool, 1)}
	defer l.bound.end()
	for a.ready.await() {
		l.turn()
	}
}

// turn makes a call: the one whose turn it is when the gate is open, the limits allow one, and its moment is near.
func (l *lane) turn() {
	a, w := l.a, l.a.w
	small, err := false, errShut
	for errors.Is(err, errShut) {
		if l.shut() {
			return
		}
		small, err = a.gate.pass(w.stopCtx)
	}
	if err != nil {
		a.ready.take().run.leave(0)
		return
	}
	at, ok := l.moment()
	if !ok {
		return
	}
	defer l.out()
	c := l.take()
	if c == nil {
		a.gate.unsure()
		return
	}
	if small {
		c = c.cut()
	}
	l.make(c, at)
}

// shut deals with a gate that stays closed for longer than a batch is kept here: the call is left for a later stay, or
// for the route's next account.
func (l *lane) shut() bool {
	a := l.a
	patience := max(a.w.opts.Retry.Inline, time.Second)
	if t := a.gate.shutFor(); t != nil {
		if r := a.ready.next().run; t.Why == standing.Down && r.next() >= 0 {
			a.ready.take().run.moveOn()
			return true
		}
		if !a.gate.settled(a.w.stopCtx, patience) {
			a.ready.take().run.leave(time.Second)
			return true
		}
	}
	if closed := a.gate.closedFor(time.Now()); closed > patience {
		a.ready.take().run.leave(closed)
		return true
	}
	return false
}

// A call is claimed that long before its moment, or twice as long as claims took lately.
const (
	leastLead = 3 * time.Millisecond
	mostLead  = time.Second
)

func (l *lane) lead() time.Duration { return min(mostLead, max(leastLead, 2*l.claims)) }

// moment waits until shortly before the next free moment, and for a place in flight. When Redis does not pace, the call
// is left.
func (l *lane) moment() (at time.Time, ok bool) {
	a, w := l.a, l.a.w
	if a.pace == nil {
		return time.Time{}, true
	}
	began := time.Now()
	err := a.pace.Enter(w.stopCtx, l.token, a.timeout+drainMargin)
	if err == nil && a.pace.Paced() {
		if at, err = a.pace.Reserve(w.stopCtx, a.ready.next().cost()); err == nil {
			err = pace.Until(w.stopCtx, at.Add(-l.lead()))
		}
	}
	l.waited = time.Since(began)
	if err == nil {
		return at, true
	}
	l.out()
	a.gate.unsure()
	if !w.stopped() {
		w.log.Warn("Redis does not pace; the batch waits", zap.String("account", a.name), zap.Error(err))
	}
	a.ready.take().run.leave(time.Second)
	return at, false
}

// out gives the lane's place in flight back.
func (l *lane) out() {
	a := l.a
	if a.pace == nil {
		return
	}
	ctx, cancel := context.WithTimeout(a.w.hard, ackTimeout)
	defer cancel()
	if err := a.pace.Leave(ctx, l.token); err != nil && a.w.hard.Err() == nil {
		a.w.log.Warn("Redis does not take a place in flight back; it comes free by itself", zap.String("account", a.name), zap.Error(err))
	}
}

// Where claims take longer than prompt, machine or Redis is busy, and the record of a call waits a while for those of others of
// its batch, at most maxGather.
const (
	prompt    = 500 * time.Microsecond
	maxGather = time.Millisecond
)

func (l *lane) gather() time.Duration { return min(maxGather, max(0, (l.claims-prompt)/2)) }

// take returns the call whose turn it is, nil when none that waits may be made any more.
func (l *lane) take() *call {
	q := l.a.ready
	for {
		if c := q.take(); c.run.wanted() && c.open() && c.permitted() {
			return c
		}
		if !q.more() {
			return nil
		}
	}
}

// make makes a call, unless it turns out that it is not to be made here.
func (l *lane) make(c *call, at time.Time) {
	l.a.ready.makes(1)
	cleared := l.cleared(c, at)
	l.a.ready.makes(-1)
	if cleared {
		l.call(c)
	}
}

// cleared waits until a call may be made: its recipients are claimed, what the lane's last call established is recorded, and its
// moment has come. Claim and record are on their way at the same time. False when it is not to be made here.
func (l *lane) cleared(c *call, at time.Time) bool {
	r, a := c.run, l.a
	asked := time.Now()
	r.claim(c, l.granted)
	granted := <-l.granted
	l.claims += (time.Since(asked) - l.claims) / 8
	if !granted {
		a.gate.unsure()
		r.leave(0)
		return false
	}
	if l.before != nil {
		l.before.run.recorded(l.before.gen)
	}
	l.before = c
	began := time.Now()
	if !at.IsZero() && !l.punctual(c, at) || c.shut() || c.forbidden() {
		a.gate.unsure()
		r.unclaim(c)
		return false
	}
	if a.pace != nil {
		a.meter.waited.Observe((l.waited + time.Since(began)).Seconds())
	}
	return true
}

// call makes a call, and records what came of it.
func (l *lane) call(c *call) {
	r, a := c.run, l.a
	start := time.Now()
	ctx := l.bound.from(start, a.timeout)
	r.punctuality(c, a.w.clock.now())
	c.address()
	r.traceCall(c)
	a.meter.inFlight.Inc()
	results := a.send(ctx, c.part.Call)
	c.took = time.Since(start)
	a.meter.took(c.took)
	r.settle(c, results, l.gather())
	providers.Recycle(results)
}

// bound is the time that a lane's calls may take. Calls that follow each other quickly share a context, and so the timer in it.
// The zero value is usable.
type bound struct {
	ctx    context.Context
	cancel context.CancelFunc
	until  time.Time // calls that begin before share it
}

// from returns a context for a call that begins now. It ends after timeout, or up to a tenth of that later. The call is not cut
// short by a stop: what is on the wire ends.
func (b *bound) from(now time.Time, timeout time.Duration) context.Context {
	if !now.Before(b.until) {
		b.end()
		b.ctx, b.cancel = context.WithTimeout(context.Background(), timeout+timeout/10)
		b.until = now.Add(timeout / 10)
	}
	return b.ctx
}

// end frees the timer, once no call is under way.
func (b *bound) end() {
	if b.cancel != nil {
		b.cancel()
	}
}

// punctual waits for the call's moment. A moment that has passed is replaced by another one; false when Redis gives none, or
// the worker stops.
func (l *lane) punctual(c *call, at time.Time) bool {
	w := l.a.w
	for {
		if pace.Until(w.stopCtx, at) != nil {
			return false
		}
		if time.Since(at) < pace.Slack {
			return true
		}
		var err error
		if at, err = l.a.pace.Reserve(w.stopCtx, c.cost()); err != nil {
			w.log.Warn("Redis does not pace; the batch waits", zap.String("account", l.a.name), zap.Error(err))
			return false
		}
	}
}

// send makes the call. An adapter that panics may have sent: settle takes nothing for an answer as unknown.
func (a *account) send(ctx context.Context, c providers.Call) (results []providers.Result) {
	a.doings.begins()
	defer func() {
		if p := recover(); p != nil {
			a.w.log.Error("the adapter panicked", zap.String("account", a.name), zap.Stack("stack"))
			results = nil
		}
		a.doings.ended(&c, results)
	}()
	return a.adapter.Send(ctx, c)
}

// call is a request that waits for a lane, is on the wire, or waits to be tried again.
type call struct {
	part plan.Call
	run  *run
	gen  uint64 // the commit that records it
	turn uint64 // of the lists of opt-outs, when its recipients were looked up; 0 is never
	// attempt is the recipients' how manieth call it is, from 1 on, the highest where theirs differ; took how long it took.
	attempt int
	took    time.Duration
	span    trace.Span // nil when it is not traced
}

// cost is what the call takes of the account's limits.
func (c *call) cost() pace.Cost {
	n := len(c.part.Items)
	return pace.Cost{Recipients: n, Segments: n * max(1, c.part.Call.Segments)}
}

// cut leaves all recipients but the first to another call.
func (c *call) cut() *call {
	n := len(c.part.Items)
	if n <= 1 {
		return c
	}
	rest := make([]int, n-1)
	for i := range rest {
		rest[i] = i + 1
	}
	r := c.run
	r.mu.Lock()
	r.open++
	r.mu.Unlock()
	r.push(&call{part: subset(c.part, rest), run: r})
	return &call{part: subset(c.part, []int{0}), run: r, turn: c.turn}
}
