package worker

import (
	"sync"
	"time"
)

// starts lets what an account holds ready begin. All that is due at the same moment begins in one go: were each woken by itself,
// those whose calls have been made would take turns with those who still wait. The zero value is empty; it is safe for concurrent
// use.
type starts struct {
	mu sync.Mutex
	at map[int64]*rush // by the moment, in milliseconds since 1970
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
	return r.over
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
