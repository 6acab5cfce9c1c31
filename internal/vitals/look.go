package vitals

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/volleysms/volley/internal/ledger"
)

const (
	// findEvery is how often jobs are put on the agenda; overlap is how far before the newest that was found the search
	// begins, since a job is listed when it is written, under the time when that began.
	findEvery = 10 * time.Second
	overlap   = time.Hour
	// jobsPerLook and batchesPerLook bound a look, jobsAtOnce and batchesPerJob its parts.
	jobsPerLook, batchesPerLook = 200, 256
	jobsAtOnce, batchesPerJob   = 20, 32
	// hold is when another look is made at a job whose look came to nothing.
	hold = time.Minute
	// A job is looked at again after a share of the time for which it has been as it is.
	often, seldom, share = 10 * time.Second, 10 * time.Minute, 16
)

// search is how far the search for jobs has come.
type search struct{ newest, last time.Time }

// find puts on the agenda what is new.
func (v *Vitals) find(ctx context.Context) error {
	now := v.now()
	if now.Sub(v.found.last) < findEvery {
		return nil
	}
	var since time.Time
	if !v.found.newest.IsZero() {
		since = v.found.newest.Add(-overlap)
	}
	newest, err := v.agenda.Find(ctx, since, now)
	if err == nil {
		v.found = search{newest, now}
	}
	return err
}

// pass is one way through a job's batches, of which a look goes a part.
type pass struct {
	next     int // the first batch that has not been looked at
	sofar    ledger.Oldest
	previous ledger.Oldest // what the pass before found
}

// Look looks at those of the jobs whose time has come, as many as one look may.
func (v *Vitals) Look(ctx context.Context) error {
	if err := v.find(ctx); err != nil {
		return err
	}
	batches := batchesPerLook
	for jobs := 0; jobs < jobsPerLook && batches > 0; jobs += jobsAtOnce {
		due, err := v.agenda.ClaimMany(ctx, jobsAtOnce, v.now(), hold)
		if err != nil || len(due) == 0 {
			return err
		}
		for _, d := range due {
			read, err := v.look(ctx, d.Job)
			if err != nil {
				return err
			}
			batches -= read
		}
	}
	return nil
}

// look looks at one job, and returns how many batches of it it has read.
func (v *Vitals) look(ctx context.Context, id string) (read int, err error) {
	job, err := v.ledger.Job(ctx, id)
	if errors.Is(err, ledger.ErrNotFound) || err == nil && job.Gone {
		return 0, v.drop(ctx, id, v.opts.Accounts)
	}
	if err != nil {
		return 0, err
	}
	now := v.now()
	accounts := slices.Compact(slices.Sorted(slices.Values(job.Spec.Accounts)))
	counts, err := v.ledger.Counts(ctx, id)
	if err != nil {
		return 0, err
	}
	if counts[ledger.Unknown] == 0 && counts[ledger.Accepted] == 0 {
		delete(v.passes, id)
		if !job.Completed.IsZero() {
			return 0, v.drop(ctx, id, accounts)
		}
		if err := v.waits.Put(ctx, id, accounts, ledger.Oldest{}); err != nil {
			return 0, err
		}
		return 0, v.agenda.Next(ctx, id, now.Add(v.pause(&job, now)))
	}
	p := v.passes[id]
	if p == nil {
		p = &pass{}
		v.passes[id] = p
	}
	last := min(p.next+batchesPerJob, job.Batches)
	found, err := v.ledger.OldestIn(ctx, &job, p.next, last, now.Add(-v.opts.GiveUp))
	if err != nil {
		return 0, err
	}
	read, p.next = last-p.next, last
	p.sofar.Add(found)
	whole := p.next >= job.Batches
	tell := p.sofar
	if !whole {
		tell = ledger.Oldest{}
		tell.Add(p.sofar)
		tell.Add(p.previous)
	}
	if err := v.waits.Put(ctx, id, accounts, tell); err != nil {
		return read, err
	}
	if !whole {
		return read, v.agenda.Next(ctx, id, now.Add(lookEvery))
	}
	if counts[ledger.Unknown] == 0 && !job.Completed.IsZero() && now.Sub(job.Completed) > v.opts.GiveUp {
		return read, v.drop(ctx, id, accounts)
	}
	*p = pass{previous: p.sofar}
	return read, v.agenda.Next(ctx, id, now.Add(v.pause(&job, now)))
}

// drop takes a job off all lists.
func (v *Vitals) drop(ctx context.Context, id string, accounts []string) error {
	delete(v.passes, id)
	if err := v.waits.Put(ctx, id, accounts, ledger.Oldest{}); err != nil {
		return err
	}
	return v.agenda.Drop(ctx, id)
}

// pause is when a job is looked at again: the sooner the younger it is. One that has not begun has nobody who waits.
func (v *Vitals) pause(job *ledger.Job, now time.Time) time.Duration {
	begins := time.UnixMilli(max(job.Spec.Created, job.Spec.At))
	if ahead := begins.Sub(now); ahead > 0 && !job.Begun {
		return min(ahead+often, seldom)
	}
	return min(max(now.Sub(begins)/share, often), seldom)
}
