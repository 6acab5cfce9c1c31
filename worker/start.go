package worker

import (
	"sync"
	"time"
)

// starts lets what an account holds ready begin. All that is due at the same moment begins in one go: were each woken by itself,
// those whose calls have been made would take turns with those who still wait. The zero value is empty; it is safe for concurrent
// use.
type starts struct {
	mu   sync.Mutex
	at   map[int64]*rush // by the moment, in milliseconds since 1970
	held map[int64]int   // how many stays are held ready for a moment
}

// rush is what begins at the same moment.
type rush struct {
	starts []*start
	// over is closed when all calls have gone to the gateway, or maxYield after the beginning: until then those whose calls have
	// ended leave the machine to the others.
	over chan struct{}
}

// start is a stay that waits for its moment, with its calls.
type start struct {
	run   *run
	calls []*call
	begun bool
	off   bool
}

// hold counts a stay that is held ready for a moment, and returns how many there are.
func (q *starts) hold(due time.Time) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.held == nil {
		q.held = map[int64]int{}
	}
	q.held[due.UnixMilli()]++
	return q.held[due.UnixMilli()]
}

// drop counts it off.
func (q *starts) drop(due time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	ms := due.UnixMilli()
	if q.held[ms]--; q.held[ms] == 0 {
		delete(q.held, ms)
	}
}

// add lets s begin at a moment, or up to a millisecond later. over is closed when the rush that it is part of is over.
func (q *starts) add(due time.Time, s *start) (over <-chan struct{}) {
	due = due.Add(time.Millisecond - time.Duration(due.Nanosecond())%time.Millisecond)
	ms := due.UnixMilli()
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.at == nil {
		q.at = map[int64]*rush{}
	}
	r := q.at[ms]
	if r == nil {
		r = &rush{over: make(chan struct{})}
		q.at[ms] = r
		time.AfterFunc(time.Until(due), func() { q.begin(s.run.a, ms) })
	}
	r.starts = append(r.starts, s)
	s.run.over = r.over
	return r.over
}

// calm reports whether nothing else that was due at the same moment waits for its calls any more.
func (r *run) calm() bool {
	select {
	case <-r.over:
		return true
	default:
		return r.over == nil
	}
}

// begin gives the calls of all that is due to the lanes. When the account is in trouble they go back to the queue.
func (q *starts) begin(a *account, ms int64) {
	q.mu.Lock()
	due := q.at[ms]
	delete(q.at, ms)
	for _, s := range due.starts {
		s.begun = !s.off
	}
	q.mu.Unlock()
	defer close(due.over)
	now := time.Now()
	shut := a.gate.shutFor() != nil
	for _, s := range due.starts {
		if !s.begun {
			continue
		}
		s.run.start = now
		if shut {
			s.calls = nil
		}
		s.run.send(s.calls)
	}
	a.ready.quiet(a.w.stopCtx, maxYield)
}

// withdraw takes s back; false when it has begun.
func (q *starts) withdraw(s *start) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	s.off = !s.begun
	return s.off
}
