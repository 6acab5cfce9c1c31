package worker

import (
	"context"
	"sync"
	"time"

	"github.com/volleysms/volley/providers"
)

// ready is an account's calls that wait for a lane. A lane first makes sure of a call, whichever it will be, then waits
// for its moment, and only then takes the call whose turn it is: so an urgent one is next, whoever waited before.
// Urgent jobs go first; normal ones get most turns that are left, and bulk ones the others. Jobs of a priority take turns;
// within a job the calls go in order. It is safe for concurrent use.
type ready struct {
	mu       sync.Mutex
	cond     sync.Cond
	classes  [3]class      // urgent, normal, bulk
	waiting  int           // calls
	promised int           // calls that lanes have made sure of
	making   int           // calls that lanes have taken and are about to make
	normals  int           // turns of normal jobs since the last one of a bulk job
	calm     chan struct{} // closed when no call waits or is being made any more; nil when nobody asked
	closed   bool
}

// class is the calls of one priority.
type class struct {
	turns []*turn // jobs with calls, the next one first
	byJob map[string]*turn
}

type turn struct {
	job   string
	calls []*call
}

// normalTurns is how many turns normal jobs get for one of the bulk jobs.
const normalTurns = 4

func newReady() *ready {
	q := &ready{}
	for i := range q.classes {
		q.classes[i].byJob = map[string]*turn{}
	}
	q.cond.L = &q.mu
	return q
}

// push adds calls of one job.
func (q *ready) push(job string, p providers.Priority, calls ...*call) {
	if len(calls) == 0 {
		return
	}
	q.mu.Lock()
	q.classes[classOf(p)].push(job, calls)
	q.waiting += len(calls)
	q.mu.Unlock()
	if len(calls) == 1 {
		q.cond.Signal()
	} else {
		q.cond.Broadcast()
	}
}

func classOf(p providers.Priority) int {
	switch {
	case p > providers.Normal:
		return 0
	case p < providers.Normal:
		return 2
	}
	return 1
}

func (c *class) push(job string, calls []*call) {
	t := c.byJob[job]
	if t == nil {
		t = &turn{job: job}
		c.byJob[job] = t
		c.turns = append(c.turns, t)
	}
	t.calls = append(t.calls, calls...)
}

// await waits until there is a call that no other lane has made sure of, and makes sure of it; false when the queue was
// closed and is empty. Each await that was true is followed by one take.
func (q *ready) await() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.waiting <= q.promised {
		if q.closed {
			return false
		}
		q.cond.Wait()
	}
	q.promised++
	return true
}

// more is await without waiting.
func (q *ready) more() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.waiting <= q.promised {
		return false
	}
	q.promised++
	return true
}

// next returns the call that take would return, to be looked at only.
func (q *ready) next() *call {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.classes[q.choose()].turns[0].calls[0]
}

// take returns the next call.
func (q *ready) take() *call {
	q.mu.Lock()
	defer q.mu.Unlock()
	k := q.choose()
	switch k {
	case 1:
		q.normals++
	case 2:
		q.normals = 0
	}
	q.waiting--
	q.promised--
	q.calmed()
	return q.classes[k].pop()
}

// makes counts calls on, when a lane has taken one, or off, when it goes to the gateway or is not to be made.
func (q *ready) makes(n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.making += n
	q.calmed()
}

// calmed tells who asked when nothing is to be made any more. The lock is held.
func (q *ready) calmed() {
	if q.calm != nil && q.waiting == 0 && q.making == 0 {
		close(q.calm)
		q.calm = nil
	}
}

// choose returns the class whose turn it is. There is a call.
func (q *ready) choose() int {
	has := func(k int) bool { return len(q.classes[k].turns) > 0 }
	switch {
	case has(0):
		return 0
	case has(1) && (!has(2) || q.normals < normalTurns):
		return 1
	}
	return 2
}

func (c *class) pop() *call {
	t := c.turns[0]
	next := t.calls[0]
	t.calls[0] = nil
	t.calls = t.calls[1:]
	if len(c.turns) == 1 && len(t.calls) > 0 {
		return next
	}
	c.turns[0] = nil
	if c.turns = c.turns[1:]; len(t.calls) > 0 {
		c.turns = append(c.turns, t)
	} else {
		delete(c.byJob, t.job)
	}
	return next
}

// quiet waits until no call waits and those that lanes have taken have gone to the gateway, or ctx has ended, at most so long.
func (q *ready) quiet(ctx context.Context, most time.Duration) {
	q.mu.Lock()
	if q.waiting == 0 && q.making == 0 {
		q.mu.Unlock()
		return
	}
	if q.calm == nil {
		q.calm = make(chan struct{})
	}
	calm := q.calm
	q.mu.Unlock()
	t := time.NewTimer(most)
	defer t.Stop()
	select {
	case <-calm:
	case <-ctx.Done():
	case <-t.C:
	}
}

// close lets await return false once the queue is empty.
func (q *ready) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.cond.Broadcast()
}
