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
	mu  sync.Mutex
	fed int // the cursor, as far as it is known here
	end ending
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

// feedFirst fills the window of a job whose first batch has come up. The first of the batches that come after, up to here of
// them, are not put on the queue: those between from and to are left to the caller.
func (w *Worker) feedFirst(ctx context.Context, a *account, job *jobInfo, here int) (from, to int, err error) {
	return w.feed(ctx, job, min(job.batches, w.window(a, job)), 1, here)
}

// feed puts the batches of a job on the queue up to a target, when they are as many as fewest or the last ones. The first of
// them, at most own, are left to the caller.
func (w *Worker) feed(ctx context.Context, job *jobInfo, target, fewest, own int) (from, to int, err error) {
	f := w.feeder.of(job.spec.ID)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fed >= target || target < job.batches && target-f.fed < fewest {
		return 0, 0, nil
	}
	// The cursor goes first: what is between is put there by nobody else.
	if from, err = w.ledger.SetFed(ctx, job.spec.ID, target); err != nil {
		return 0, 0, err
	}
	f.fed = max(from, target)
	from = max(1, from) // the first one is in hand
	to = max(from, min(from+own, target))
	return from, to, w.put(ctx, job, to, target)
}

// put puts batches on the queues of the accounts they are with, some at a time.
func (w *Worker) put(ctx context.Context, job *jobInfo, from, to int) error {
	if from >= to {
		return nil
	}
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

// finish notes that the batch needs no further call. The next one has its place, or goes on the queue.
func (r *run) finish(ctx context.Context) error {
	w, a, job := r.w, r.a, r.job
	f := w.feeder.of(job.spec.ID)
	p, following, err := f.end.do(w, job.spec.ID, ledger.Finished{Batch: r.held.Batch, Next: r.place != nil && r.place.free(a, job)})
	if err != nil {
		return err
	}
	if p.Done >= p.Batches {
		w.feeder.forget(job.spec.ID)
		return nil
	}
	if following > 0 {
		r.place.following = following
	}
	f.mu.Lock()
	f.fed = max(f.fed, p.Fed)
	f.mu.Unlock()
	window := w.window(a, job)
	_, _, err = w.feed(ctx, job, min(p.Batches, p.Done+window), max(1, window/4), 0) // several are put at a time
	return err
}
