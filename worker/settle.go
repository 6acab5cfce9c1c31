package worker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/internal/plan"
	"github.com/volleysms/volley/internal/standing"
	"github.com/volleysms/volley/providers"
)

// settle records what a call established about each recipient, and decides in this one place what happens to those that
// provably were not sent.
func (r *run) settle(c *call, results []providers.Result, gather time.Duration) {
	if len(results) != len(c.part.Items) {
		results = providers.Fail(len(c.part.Items), &providers.Error{
			Kind: providers.Unknown, Provider: r.a.provider,
			Detail: fmt.Sprintf("the adapter gave %d results for %d recipients", len(results), len(c.part.Items)),
		})
	}
	t := tallyOf(results)
	r.a.heed(&t)
	r.a.meter.brought(&t)

	var next retries
	var outcomes ledger.Counts
	now := r.w.clock.now().UnixMilli()
	r.mu.Lock()
	p := r.c.open()
	for k := 0; k < len(results); {
		i, res := c.part.Items[k], &results[k]
		kind := t.kind(res)
		n := 1 // who is not accepted is decided about one by one
		if kind == accepted {
			n = same(results[k : k+r.alike(c.part.Items[k:])])
		}
		rec := r.records[i]
		rec.At = now
		rec.Kind = 0
		if kind != accepted {
			rec.Kind = uint8(kind) + 1
		}
		rec.Note = r.held.Side.Note(noteOf(res))
		r.decide(&rec, c, k, kind, res, &next)
		outcomes[rec.State] += int64(n)
		p.Records.SetAll(i, n, ledger.Sending, rec)
		for j := range n {
			r.records[i+j] = rec
		}
		k += n
	}
	again := next.calls(c)
	r.open += len(again)
	if r.open == 1 && r.finished() {
		p.Release, p.Compact, r.released = true, true, true
		p.Outcomes = ledger.PackRecords(r.records)
	}
	r.c.wire--
	c.gen = r.c.record(p, gather)
	r.mu.Unlock()

	r.a.meter.recorded(&outcomes)
	v := verdictOf(&t, &next, &outcomes, pauseOfAll(again))
	r.tell(c, v, &outcomes)
	v.end(c.span)
	for _, a := range again {
		r.again(a.call, a.pause)
	}
	r.ended()
}

// same is how many of the first results are equal, at least 1.
func same(results []providers.Result) int {
	n := 1
	for n < len(results) && results[n] == results[0] {
		n++
	}
	return n
}

// noteOf is what is kept of the gateway's words, or of why there are none.
func noteOf(res *providers.Result) ledger.Note {
	n := ledger.Note{Code: res.Code, Detail: res.Detail}
	if res.Err == nil || n != (ledger.Note{}) {
		return n
	}
	var timeout net.Error
	switch {
	case errors.Is(res.Err, context.DeadlineExceeded), errors.As(res.Err, &timeout) && timeout.Timeout():
		n.Detail = "no answer within the time for a call"
	case errors.Is(res.Err, syscall.ECONNREFUSED):
		n.Detail = "the connection was refused"
	case errors.Is(res.Err, io.EOF), errors.Is(res.Err, io.ErrUnexpectedEOF), errors.Is(res.Err, syscall.ECONNRESET), errors.Is(res.Err, syscall.EPIPE):
		n.Detail = "the connection was cut"
	case providers.KindOf(res.Err).NotSent():
		n.Detail = "no connection"
	default:
		n.Detail = "no answer that can be read"
	}
	return n
}

// decide turns one result into the recipient's next record, and notes it for another call where there is to be one.
func (r *run) decide(rec *ledger.Record, c *call, k int, kind providers.Kind, res *providers.Result, next *retries) {
	spare := func() { // the attempt costs nothing
		rec.Attempts--
		rec.State = ledger.Queued
	}
	switch kind {
	case accepted:
		rec.State = ledger.Accepted
		if res.Delivered {
			rec.State = ledger.Delivered
		}
		rec.ID = r.held.Side.ID(res.ID)
	case providers.Invalid, providers.Rejected:
		rec.State = ledger.Rejected
	case providers.Config, providers.Throttled:
		spare()
		next.waiting = append(next.waiting, k)
	case providers.Again:
		spare()
		next.now = append(next.now, k)
	case providers.Split:
		if len(c.part.Items) == 1 {
			rec.State = ledger.Rejected
			return
		}
		spare()
		next.split = append(next.split, k)
	case providers.Unavailable:
		rec.State = ledger.Queued
		switch {
		case int(rec.Attempts) < r.w.opts.Retry.MaxAttempts:
			next.later = append(next.later, k)
			next.attempts = max(next.attempts, int(rec.Attempts))
			next.after = max(next.after, retryAfter(res.Err))
		case r.next() >= 0:
			r.move = true
		default:
			rec.State = ledger.Failed
		}
	default:
		rec.State = ledger.Unknown
		if r.resends(rec) {
			rec.State = ledger.Queued
			next.later = append(next.later, k)
			next.attempts = max(next.attempts, int(rec.Attempts))
		}
	}
}

// unclaim gives back what was claimed for a call that was not made.
func (r *run) unclaim(c *call) {
	r.mu.Lock()
	p := r.c.open()
	for _, i := range c.part.Items {
		rec := r.records[i]
		rec.State = ledger.Queued
		rec.Attempts--
		p.Records.Set(i, ledger.Sending, rec)
		r.records[i] = rec
	}
	r.c.wire--
	c.gen = r.c.kick()
	r.mu.Unlock()
	r.leave(time.Second)
}

// accepted stands beside the kinds for a result without an error.
const accepted = providers.Split + 1

// tally is what a call's results have among them: an example of each kind, or nil.
type tally struct {
	of [accepted + 1]*providers.Result
	// again is what Again counts as: a call that says nothing else would go on for ever, and is Unavailable.
	again providers.Kind
}

func tallyOf(results []providers.Result) tally {
	t := tally{again: providers.Again}
	others := false
	for i := range results {
		k := t.kind(&results[i])
		t.of[k] = &results[i]
		others = others || k != providers.Again
	}
	if !others {
		t.again = providers.Unavailable
		t.of[providers.Unavailable], t.of[providers.Again] = t.of[providers.Again], nil
	}
	return t
}

func (t *tally) kind(res *providers.Result) providers.Kind {
	if res.Err == nil {
		return accepted
	}
	k := providers.KindOf(res.Err)
	switch {
	case k == providers.Again:
		return t.again
	case k >= accepted:
		return providers.Unknown // a kind that this program does not know
	}
	return k
}

// longestWish bounds what a gateway may ask for: an account does not stand still for a slip of the pen.
const longestWish = time.Hour

// retryAfter is how long a gateway asks to be left alone; 0 when it does not say.
func retryAfter(err error) time.Duration {
	var e *providers.Error
	if errors.As(err, &e) {
		return min(max(e.RetryAfter, 0), longestWish)
	}
	return 0
}

// throttlePause is how long an account waits that was told to slow down and not for how long.
const throttlePause = 2 * time.Second

// heed draws an account's conclusions from a call.
func (a *account) heed(t *tally) {
	if res := t.of[providers.Config]; res != nil {
		if a.gate.shutFor() == nil {
			a.report(standing.Suspended, res)
		}
		return
	}
	for _, kind := range []providers.Kind{providers.Unavailable, providers.Unknown} {
		if res := t.of[kind]; res != nil && noAnswer(res.Err) {
			if a.gate.missed() {
				a.report(standing.Down, res)
			}
			return
		}
	}
	a.gate.answered()
	if res := t.of[providers.Throttled]; res != nil {
		pause := retryAfter(res.Err)
		def(&pause, throttlePause)
		a.gate.hold(time.Now().Add(pause))
	}
	switch {
	case t.of[accepted] != nil:
		if a.gate.shutFor() == nil { // else it is the answer to a call from before the trouble
			a.recovered()
		}
		a.gate.well()
	case t.of[providers.Rejected] != nil, t.of[providers.Invalid] != nil, t.of[providers.Split] != nil:
		a.gate.well() // a refusal of the recipients is none of the account
	default:
		a.gate.unsure()
	}
}

// retries are the recipients of a call, by position in it, that go into another one. Nobody else of the call does.
type retries struct {
	now      []int // at once
	later    []int // after a growing pause
	waiting  []int // when the account's gate opens
	split    []int // at once, in two halves
	attempts int   // the most that any of later has had
	after    time.Duration
}

type retry struct {
	call  *call
	pause time.Duration // 0 at once; the gate holds what waits for it
}

// calls makes the calls that follow c.
func (n *retries) calls(c *call) []retry {
	var out []retry
	if len(n.split) > 0 {
		for _, half := range plan.Halve(subset(c.part, n.split)) {
			out = append(out, retry{&call{part: half, run: c.run}, 0})
		}
	}
	for _, part := range [][]int{n.now, n.waiting} {
		if len(part) > 0 {
			out = append(out, retry{&call{part: subset(c.part, part), run: c.run}, 0})
		}
	}
	if len(n.later) > 0 {
		pause := max(n.after, c.run.w.pauseAfter(n.attempts))
		out = append(out, retry{&call{part: subset(c.part, n.later), run: c.run}, pause})
	}
	return out
}

// pauseOfAll is the longest pause among the calls.
func pauseOfAll(calls []retry) time.Duration {
	var longest time.Duration
	for _, c := range calls {
		longest = max(longest, c.pause)
	}
	return longest
}

// subset is the call with only some of its recipients.
func subset(c plan.Call, positions []int) plan.Call {
	if len(positions) == len(c.Items) {
		return c
	}
	out := c
	out.Items = make([]int, len(positions))
	out.Call.Recipients = make([]providers.Recipient, len(positions))
	for k, p := range positions {
		out.Items[k], out.Call.Recipients[k] = c.Items[p], c.Call.Recipients[p]
	}
	return out
}

// pauseAfter is the pause after n attempts that failed, by chance between nothing and a bound that doubles with each and is at
// most Retry.Max.
func (w *Worker) pauseAfter(n int) time.Duration {
	o := w.opts.Retry
	bound := o.Max
	if shift := max(0, n-1); shift < 32 && o.Initial<<shift > 0 {
		bound = min(o.Max, o.Initial<<shift)
	}
	b := backoff.NewExponentialBackOff(backoff.WithInitialInterval(bound/2), backoff.WithMaxInterval(o.Max),
		backoff.WithRandomizationFactor(1), backoff.WithMaxElapsedTime(0)) // half the bound, and up to as much less or more
	return min(bound, b.NextBackOff())
}

// again makes the call once more after a pause, in this stay when the pause is short enough, else in a later one.
func (r *run) again(c *call, pause time.Duration) {
	if pause <= 0 {
		r.push(c)
		return
	}
	if time.Since(r.start)+pause > r.w.opts.Retry.Inline {
		r.leave(pause)
		return
	}
	go func() {
		select {
		case <-time.After(pause):
			r.push(c)
		case <-r.w.stopCtx.Done():
			r.leave(0)
		}
	}()
}
