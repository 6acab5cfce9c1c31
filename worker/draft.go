package worker

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/volleysms/volley/internal/ledger"
)

// manyAtOnce is how many jobs a worker holds ready for the same moment before it drafts the claims of more. Fewer are claimed and
// recorded as all others are, and can be watched meanwhile.
const manyAtOnce = 64

// draft is the claim of a batch's only call, which was laid down in Redis before its time. The zero value is none.
type draft struct {
	laid   bool // Redis may have it, until the next commit
	claim  ledger.Changes
	of     *call // the call for which it may be fired
	firing bool  // that is being done
	fired  bool
}

// end lets a commit end the draft.
func (d *draft) end(p *pending) {
	if !d.laid {
		return
	}
	p.Drafted = true
	if d.fired {
		p.Records.Precede(&d.claim)
	}
	*d = draft{}
}

// draft lays the claim of all recipients down, if nobody has been sent to and they may fit into one call. Nobody else touches the run
// yet.
func (r *run) draft(ctx context.Context, due time.Time) {
	n := len(r.records)
	if !r.job.spec.Drafts() || r.held.Control != ledger.Run || n > max(1, r.a.limits.Recipients) {
		return
	}
	items := make([]int, n)
	for i := range r.records {
		if r.records[i] != (ledger.Record{}) {
			return
		}
		items[i] = i
	}
	d := &r.c.draft
	d.laid = true
	r.claimed(&d.claim, items, due.UnixMilli())
	if err := r.w.ledger.Draft(ctx, r.held, &d.claim); err != nil {
		r.w.log.Warn("a claim could not be drafted; it is made as any other", zap.String("job", r.job.spec.ID), zap.Error(err))
		d.claim = ledger.Changes{}
	}
}

// drafted lets a call be claimed by the draft, if it is the only one and for everybody.
func (r *run) drafted(calls []*call) {
	if d := &r.c.draft; !d.claim.Empty() && len(calls) == 1 && len(calls[0].part.Items) == len(r.records) {
		d.of = calls[0]
	}
}

// fire claims the recipients of the call that the draft is of, and reports whether they are. The run's lock is held, but not while
// it is done.
func (m *committer) fire() (granted bool) {
	r, d := m.r, &m.draft
	items := d.of.part.Items
	d.of, d.firing, d.fired = nil, true, true
	for _, i := range items {
		r.onWire(&r.records[i])
	}
	m.wire++
	var control ledger.Control
	r.mu.Unlock()
	err := m.persist(func() (err error) {
		granted, control, err = r.w.ledger.Fire(r.w.hard, r.held)
		return err
	})
	r.mu.Lock()
	d.firing = false
	m.cond.Broadcast()
	switch {
	case err != nil:
		r.lost, r.halted, granted = true, true, false
	case control != ledger.Run:
		r.control, r.halted = control, true
	}
	if !granted {
		m.wire--
		d.fired = false
		for _, i := range items {
			r.records[i] = ledger.Record{} // as when it was drafted
		}
	}
	return granted
}

// jot is whether what is pending, which is written later, is to be written down in short before, or has been.
type jot int

const (
	jotNone jot = iota
	jotAsked
	jotDone
)

// record sees to it that what a call established, which is in p, is written: after a pause as kickSoon has it, or, when it was
// claimed by the draft and others still wait for their claims, in short now and whole later. It returns the number of its commit. The
// run's lock is held.
func (m *committer) record(p *pending, gather time.Duration) uint64 {
	if !m.draft.fired {
		return m.kickSoon(gather)
	}
	m.draft.end(p)
	if m.busy || !p.Release || !p.Jottable() || m.r.calm() {
		return m.kick()
	}
	m.busy, m.soon, m.jot = true, false, jotAsked
	m.r.w.crew.write(m)
	return m.seq + 1
}

// jotDown writes down in short what is pending, to which nobody adds: nothing of the batch is open any more. The run's lock is held,
// but not while it writes.
func (m *committer) jotDown() {
	r, p := m.r, m.next
	p.collect(r.held.Side)
	r.mu.Unlock()
	err := m.persist(func() error { return r.w.ledger.Jot(r.w.hard, r.held, &p.Commit) })
	r.mu.Lock()
	if err != nil {
		r.lost, r.halted = true, true
	}
	m.done = m.seq + 1
	if m.jot == jotAsked {
		m.jot = jotDone
	}
	m.cond.Broadcast()
}
