package worker

import (
	"context"
	"sync"

	"github.com/volleysms/volley/internal/ledger"
)

// ending notes a job's batches that have finished. What comes in while one note is on its way goes into the next.
type ending struct {
	mu   sync.Mutex
	busy bool
	next *ended
}

// ended is a note that is still being filled, and then what came of it.
type ended struct {
	batches   []ledger.Finished
	progress  ledger.Progress
	following []int
	err       error
	done      chan struct{}
}

// do notes a batch, and returns the job's progress and the batch to go on with; 0 is none.
func (e *ending) do(w *Worker, job string, b ledger.Finished) (p ledger.Progress, following int, err error) {
	e.mu.Lock()
	if e.next == nil {
		e.next = &ended{done: make(chan struct{})}
	}
	own, at := e.next, len(e.next.batches)
	own.batches = append(own.batches, b)
	if !e.busy {
		e.busy = true
		go e.write(w, job)
	}
	e.mu.Unlock()
	<-own.done
	if own.err != nil {
		return p, 0, own.err
	}
	return own.progress, own.following[at], nil
}

// write notes what there is until there is nothing more.
func (e *ending) write(w *Worker, job string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for e.next != nil {
		n := e.next
		e.next = nil
		e.mu.Unlock()
		ctx, cancel := context.WithTimeout(w.hard, errandTimeout)
		n.progress, n.following, n.err = w.ledger.FinishAll(ctx, job, n.batches, w.clock.now())
		cancel()
		close(n.done)
		e.mu.Lock()
	}
	e.busy = false
}
