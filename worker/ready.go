package worker

import "sync"

// ready is an account's calls that wait for a lane. Jobs take turns; within a job the calls go in order. It is safe for
// concurrent use.
type ready struct {
	mu     sync.Mutex
	cond   sync.Cond
	turns  []*turn // jobs with calls, the next one first
	byJob  map[string]*turn
	closed bool
}

type turn struct {
	job   string
	calls []*call
}

func newReady() *ready {
	q := &ready{byJob: map[string]*turn{}}
	q.cond.L = &q.mu
	return q
}

// push adds calls of one job.
func (q *ready) push(job string, calls ...*call) {
	if len(calls) == 0 {
		return
	}
	q.mu.Lock()
	t := q.byJob[job]
	if t == nil {
		t = &turn{job: job}
		q.byJob[job] = t
		q.turns = append(q.turns, t)
	}
	t.calls = append(t.calls, calls...)
	q.mu.Unlock()
	if len(calls) == 1 {
		q.cond.Signal()
	} else {
		q.cond.Broadcast()
	}
}

// pop waits for the next call; nil when the queue was closed and is empty.
func (q *ready) pop() *call {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.turns) == 0 {
		if q.closed {
			return nil
		}
		q.cond.Wait()
	}
	t := q.turns[0]
	c := t.calls[0]
	t.calls[0] = nil
	t.calls = t.calls[1:]
	if len(q.turns) > 1 || len(t.calls) == 0 {
		copy(q.turns, q.turns[1:])
		q.turns[len(q.turns)-1] = t
		if len(t.calls) == 0 {
			q.turns[len(q.turns)-1] = nil
			q.turns = q.turns[:len(q.turns)-1]
			delete(q.byJob, t.job)
		}
	}
	return c
}

// close lets pop return nil once the queue is empty.
func (q *ready) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.cond.Broadcast()
}
