package worker

import (
	"errors"
	"runtime"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/volleysms/volley/internal/ledger"
)

// committer writes a run's changes to the ledger, one commit after the other. What comes in while one is on its way
// goes into the next, so that many small calls share a round trip. It repeats a commit until it is known to be written:
// meanwhile no further claim is granted, and so no further call is made.
type committer struct {
	r    *run
	next *pending // guarded by run.mu
	busy bool     // guarded by run.mu
	seq  uint64   // commits given out; guarded by run.mu
	done uint64   // commits written or given up; guarded by run.mu
	soon bool     // what is pending is on its way after a pause; guarded by run.mu
	wire int      // calls that are claimed and not settled; guarded by run.mu
	cond sync.Cond

	draft draft // guarded by run.mu
	jot   jot   // guarded by run.mu
}

// pending is a commit that is still being filled.
type pending struct {
	ledger.Commit
	claims []claim
}

// collect adds what the outcomes point at to the commit.
func (p *pending) collect(side *ledger.Side) {
	at, b := side.Take()
	if p.Side == nil {
		p.SideAt = at
	}
	p.Side = append(p.Side, b...)
}

type claim struct {
	c       *call
	granted chan<- bool
}

func (m *committer) init(r *run) {
	m.r = r
	m.cond.L = &r.mu
}

// commit lets fill add to the next commit and sends it on its way. fill runs with the run's lock held. It returns the
// commit's number.
func (r *run) commit(fill func(*ledger.Commit)) uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.c.open()
	fill(&p.Commit)
	return r.c.kick()
}

// open returns the commit that is being filled. The run's lock is held.
func (m *committer) open() *pending {
	if m.next == nil {
		m.next = &pending{Commit: ledger.Commit{Via: -1}}
	}
	return m.next
}

// kick sees to it that what is pending gets written. The run's lock is held.
func (m *committer) kick() uint64 {
	m.jot = jotNone
	if !m.busy {
		m.busy, m.soon = true, false
		m.r.w.crew.write(m)
	}
	return m.seq + 1
}

// kickSoon is kick after a pause in which other calls of the run may come to an end, if any is on the wire. A claim, or the last
// of them, ends the pause. The run's lock is held.
func (m *committer) kickSoon(pause time.Duration) uint64 {
	if m.busy || m.wire == 0 || pause <= 0 {
		return m.kick()
	}
	if !m.soon {
		m.soon = true
		n := m.seq
		time.AfterFunc(pause, func() {
			m.r.mu.Lock()
			defer m.r.mu.Unlock()
			if m.soon && m.seq == n {
				m.kick()
			}
		})
	}
	return m.seq + 1
}

// claim asks that the recipients of c be marked as on the wire, and sends on granted whether they are. It may write the commit
// itself: who claims waits anyway.
func (r *run) claim(c *call, granted chan<- bool) {
	now := r.w.clock.now().UnixMilli()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.halted {
		granted <- false
		return
	}
	if r.c.draft.of == c {
		granted <- r.c.fire()
		return
	}
	p := r.c.open()
	r.claimed(&p.Claims, c.part.Items, now)
	p.claims = append(p.claims, claim{c, granted})
	r.c.writeHere()
}

// claimed adds to changes that some positions are claimed, at a moment in milliseconds since 1970. The run's lock is held.
func (r *run) claimed(changes *ledger.Changes, items []int, at int64) {
	for len(items) > 0 {
		n := r.alike(items)
		rec := r.records[items[0]]
		rec.At = at
		r.onWire(&rec)
		changes.SetAll(items[0], n, ledger.Queued, rec)
		items = items[n:]
	}
}

// onWire makes a record that of a recipient who is claimed.
func (r *run) onWire(rec *ledger.Record) {
	rec.State, rec.Account = ledger.Sending, uint8(r.held.Via)
	if rec.Attempts < 255 {
		rec.Attempts++
	}
}

// alike is how many of the first of some positions follow each other and have the same record, at least 1. The run's lock is
// held.
func (r *run) alike(items []int) int {
	first := items[0]
	n := 1
	for n < len(items) && items[n] == first+n && r.records[items[n]] == r.records[first] {
		n++
	}
	return n
}

// recorded waits until commit n is written or given up.
func (r *run) recorded(n uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.c.done < n {
		r.c.cond.Wait()
	}
}

// flushed waits until everything is written or given up, also what was only jotted down.
func (m *committer) flushed() {
	m.r.mu.Lock()
	defer m.r.mu.Unlock()
	if m.jot != jotNone {
		m.kick()
	}
	for m.busy {
		m.cond.Wait()
	}
}

// write writes what is pending until there is nothing more.
func (m *committer) write() {
	m.r.mu.Lock()
	defer m.r.mu.Unlock()
	for m.next != nil && m.jot != jotDone {
		if m.jot == jotAsked {
			m.jotDown()
		} else {
			m.step()
		}
	}
	m.rest()
}

// writeHere writes what is pending, unless that is being done. What comes in meanwhile is left to the crew. The run's lock is held,
// but not while it writes.
func (m *committer) writeHere() {
	if m.busy {
		return
	}
	m.busy, m.soon, m.jot = true, false, jotNone
	m.step()
	if m.next != nil {
		m.r.w.crew.write(m)
		return
	}
	m.rest()
}

// rest ends the writing. The run's lock is held.
func (m *committer) rest() {
	m.busy = false
	m.cond.Broadcast()
}

// step writes what is pending. The run's lock is held, but not while it writes.
func (m *committer) step() {
	r := m.r
	r.mu.Unlock()
	runtime.Gosched() // lanes that are ready to claim or record get into this commit
	r.mu.Lock()
	for m.draft.firing {
		m.cond.Wait()
	}
	p := m.next
	m.next = nil
	m.draft.end(p)
	m.seq++
	p.Seq = m.seq
	p.collect(r.held.Side)
	r.mu.Unlock()
	var granted bool
	var control ledger.Control
	err := m.persist(func() (err error) {
		granted, control, err = r.w.ledger.Commit(r.w.hard, r.held, &p.Commit)
		return err
	})
	r.mu.Lock()
	m.done = p.Seq
	switch {
	case err != nil:
		r.lost, r.halted, granted = true, true, false
	case control != ledger.Run:
		r.control, r.halted = control, true
	}
	if granted {
		r.granted(p)
	}
	for _, q := range p.claims {
		q.granted <- granted
	}
	m.cond.Broadcast()
}

// granted carries claims over into the records. The run's lock is held.
func (r *run) granted(p *pending) {
	r.c.wire += len(p.claims)
	for _, q := range p.claims {
		for _, i := range q.c.part.Items {
			r.onWire(&r.records[i])
		}
	}
}

const (
	firstRepeat = 20 * time.Millisecond
	maxRepeat   = time.Second
)

// persist repeats a step until it is written. The error is final: the batch is another's, or the worker was told to leave at once.
func (m *committer) persist(step func() error) error {
	w := m.r.w
	for pause := firstRepeat; ; pause = min(2*pause, maxRepeat) {
		err := step()
		if err == nil {
			return nil
		}
		if errors.Is(err, ledger.ErrLost) {
			w.log.Error("a batch was taken over; what this worker knows of it is dropped",
				zap.String("job", m.r.job.spec.ID), zap.Int("batch", m.r.held.Batch))
			return err
		}
		if pause == firstRepeat || pause == maxRepeat {
			w.log.Warn("Redis does not record; nothing is sent until it does", zap.String("job", m.r.job.spec.ID),
				zap.Int("batch", m.r.held.Batch), zap.Error(err))
		}
		select {
		case <-time.After(pause):
		case <-w.hard.Done():
			return err
		}
	}
}
