package worker

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/internal/task"
)

// feeder keeps each job's window of batches on the queue: as batches finish, the next ones are put there. It may be
// done by several workers at once, and again after a crash: task IDs are deterministic and the cursor never goes back.
type feeder struct {
	mu   sync.Mutex
	jobs map[string]*feed
}

type feed struct {
	mu    sync.Mutex
	fed   int
	speed speed
}

func (f *feeder) of(job string) *feed {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.jobs == nil {
		f.jobs = map[string]*feed{}
	}
	if f.jobs[job] == nil {
		f.jobs[job] = &feed{}
	}
	return f.jobs[job]
}

func (f *feeder) forget(job string) {
	f.mu.Lock()
	delete(f.jobs, job)
	f.mu.Unlock()
}

// feedFirst fills the window of a job whose first batch has come up.
func (w *Worker) feedFirst(ctx context.Context, a *account, job *jobInfo) error {
	if job.batches == 1 {
		return w.ledger.SetFed(ctx, job.spec.ID, 1)
	}
	return w.feed(ctx, a, job, ledger.Progress{Batches: job.batches})
}

// feed tops the window up.
func (w *Worker) feed(ctx context.Context, a *account, job *jobInfo, p ledger.Progress) error {
	f := w.feeder.of(job.spec.ID)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fed = max(f.fed, p.Fed)
	f.speed.note(p.Done, time.Now())
	window := w.window(a, &f.speed)
	target := min(p.Batches, p.Done+window)
	if f.fed >= target || f.fed > 0 && target < p.Batches && target-f.fed < max(1, window/4) {
		return nil // full, or nearly: several are put at a time
	}
	if err := w.put(ctx, job, f.fed, target); err != nil {
		return err
	}
	if err := w.ledger.SetFed(ctx, job.spec.ID, target); err != nil {
		return err
	}
	f.fed = target
	return nil
}

// put puts batches on the queues of the accounts they are with, some at a time.
func (w *Worker) put(ctx context.Context, job *jobInfo, from, to int) error {
	spec := &job.spec
	via := make([]ledger.Holder, to-from) // all with the first account
	if len(spec.Legs) > 0 {
		numbers := make([]int, to-from)
		for i := range numbers {
			numbers[i] = from + i
		}
		var err error
		if via, err = w.ledger.Holders(ctx, spec.ID, numbers); err != nil {
			return err
		}
	}
	const atOnce = 8
	var wg sync.WaitGroup
	errs := make([]error, atOnce)
	for k := range min(atOnce, to-from) {
		wg.Go(func() {
			for b := from + k; b < to && errs[k] == nil; b += atOnce {
				queue := task.QueueFor(spec, spec.Account(via[b-from].Via), b)
				errs[k] = task.Put(ctx, w.queue, queue, task.Ref{Job: spec.ID, Batch: b}, time.Time{})
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// finish notes that a batch needs no further call, and puts the next ones on the queue.
func (w *Worker) finish(ctx context.Context, a *account, job *jobInfo, batch int) error {
	p, err := w.ledger.Finish(ctx, job.spec.ID, batch, w.clock.now())
	if err != nil {
		return err
	}
	if p.Done >= p.Batches {
		w.feeder.forget(job.spec.ID)
		return nil
	}
	return w.feed(ctx, a, job, p)
}
