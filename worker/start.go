package worker

import (
	"sync"
	"time"
)

// starts lets what is held ready begin. All that is due at the same moment begins in one go: were each woken by itself, those
// whose calls have been made would take turns with those who still wait. The zero value is empty; it is safe for concurrent use.
type starts struct {
	mu sync.Mutex
	at map[int64][]*start // by the moment, in milliseconds since 1970
}

// start is a stay that waits for its moment, with its calls.
type start struct {
	run   *run
	calls []*call
	begun bool
	off   bool
}

// add lets s begin at a moment, or up to a millisecond later.
func (q *starts) add(due time.Time, s *start) {
	due = due.Add(time.Millisecond - time.Duration(due.Nanosecond())%time.Millisecond)
	ms := due.UnixMilli()
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.at == nil {
		q.at = map[int64][]*start{}
	}
	if q.at[ms] = append(q.at[ms], s); len(q.at[ms]) == 1 {
		time.AfterFunc(time.Until(due), func() { q.begin(ms) })
	}
}

// begin gives the calls of all that is due to the lanes. Of an account that is in trouble they go back to the queue.
func (q *starts) begin(ms int64) {
	q.mu.Lock()
	due := q.at[ms]
	delete(q.at, ms)
	for _, s := range due {
		s.begun = !s.off
	}
	q.mu.Unlock()
	now := time.Now()
	for _, s := range due {
		if !s.begun {
			continue
		}
		r := s.run
		r.start, r.yields = now, true
		if r.a.gate.shutFor() != nil {
			s.calls = nil
		}
		r.send(s.calls)
	}
}

// withdraw takes s back; false when it has begun.
func (q *starts) withdraw(s *start) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	s.off = !s.begun
	return s.off
}
