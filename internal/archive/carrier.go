package archive

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/internal/metric"
)

const (
	connectTimeout = 10 * time.Second
	// lookTimeout bounds one look, so that a PostgreSQL that hangs is noticed.
	lookTimeout = 2 * time.Minute
	// hold is how long jobs are nobody else's.
	hold = lookTimeout + 10*time.Second
	// jobsAtOnce is how many jobs are looked at together, and batchesAtOnce how many batches share a transaction.
	jobsAtOnce    = 64
	batchesAtOnce = 16
	// batchesPerLook is how many batches are carried in one look, so that it ends in time.
	batchesPerLook = 256

	// tick is the pause when nothing is due; findEvery, how often new jobs are looked for.
	tick      = 500 * time.Millisecond
	findEvery = 5 * time.Second
	// overlap is how far before the newest job that was found the next search begins, and farOverlap that of a search
	// every minute: a job is listed under its producer's time.
	overlap    = time.Minute
	farOverlap = time.Hour
	// firstPause and lastPause are between attempts while PostgreSQL is away.
	firstPause = time.Second
	lastPause  = 30 * time.Second
)

// Carrier carries the ledger's jobs and outcomes to a Store. Any number may run; they share the work. Make one with
// NewCarrier and Run it once.
type Carrier struct {
	store  *Store
	ledger *ledger.Ledger
	agenda *ledger.Agenda
	log    *zap.Logger
	now    func() time.Time
	pause  time.Duration

	rows, batches, failures prometheus.Counter
	lag                     prometheus.Gauge
}

// NewCarrier returns a Carrier from rdb to s, neither of which it owns. A nil reg has no metrics, a nil log is silent.
func NewCarrier(rdb redis.UniversalClient, s *Store, reg prometheus.Registerer, log *zap.Logger) *Carrier {
	if log == nil {
		log = zap.NewNop()
	}
	counter := func(name, help string) prometheus.Counter {
		return metric.Register(reg, prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help}))
	}
	return &Carrier{
		store: s, ledger: ledger.New(rdb), agenda: ledger.NewAgenda(rdb, ledger.CarryAgenda), log: log, now: time.Now,
		rows:     counter("volley_archive_rows_total", "Outcomes written to PostgreSQL, those that were updated included."),
		batches:  counter("volley_archive_batches_total", "Batches written to PostgreSQL, those that were written again included."),
		failures: counter("volley_archive_failures_total", "Attempts to write to PostgreSQL that failed; each is made again."),
		lag: metric.Register(reg, prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "volley_archive_lag_seconds", Help: "How long the job has waited that waits longest to be looked at for PostgreSQL.",
		})),
	}
}

// Run carries until ctx ends. While PostgreSQL is away nothing is lost, and nobody waits but what is to be carried.
func (c *Carrier) Run(ctx context.Context) {
	var found search
	for ctx.Err() == nil {
		err := c.find(ctx, &found)
		n := 0
		if err == nil {
			n, err = c.Round(ctx)
		}
		c.tellLag(ctx)
		switch {
		case ctx.Err() != nil:
		case err != nil:
			c.failures.Inc()
			c.pause = min(max(2*c.pause, firstPause), lastPause)
			c.log.Warn("outcomes can't be carried to PostgreSQL; that is tried again", zap.Duration("after", c.pause), zap.Error(err))
			sleep(ctx, c.pause)
		case n == 0:
			c.pause = 0
			sleep(ctx, tick)
		default:
			c.pause = 0
		}
	}
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// search is how far the search for new jobs has come.
type search struct{ newest, last, far time.Time }

func (c *Carrier) find(ctx context.Context, s *search) error {
	now := c.now()
	if now.Sub(s.last) < findEvery {
		return nil
	}
	since, far := time.Time{}, now.Sub(s.far) >= time.Minute
	switch {
	case s.newest.IsZero():
	case far:
		since = s.newest.Add(-farOverlap)
	default:
		since = s.newest.Add(-overlap)
	}
	newest, err := c.agenda.Find(ctx, since, now)
	if err != nil {
		return err
	}
	s.last = now
	if newest.After(s.newest) {
		s.newest = newest
	}
	if far {
		s.far = now
	}
	return nil
}

func (c *Carrier) tellLag(ctx context.Context) {
	now := c.now()
	at, err := c.agenda.Overdue(ctx, now)
	switch {
	case err != nil:
	case at.IsZero():
		c.lag.Set(0)
	default:
		c.lag.Set(now.Sub(at).Seconds())
	}
}

// Round looks at jobs whose time has come, carries what has changed, and returns how many jobs they were.
func (c *Carrier) Round(ctx context.Context) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	if err := c.store.Migrate(ctx); err != nil {
		return 0, err
	}
	due, err := c.agenda.ClaimMany(ctx, jobsAtOnce, c.now(), hold)
	if err != nil || len(due) == 0 {
		return 0, err
	}
	ids := make([]string, len(due))
	for i, d := range due {
		ids[i] = d.Job
	}
	if err := c.look(ctx, ids); err != nil {
		// Back to where they were, so that their lag is told.
		bye, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		for _, d := range due {
			_ = c.agenda.Next(bye, d.Job, d.At) // they come back by themselves otherwise
		}
		return 0, err
	}
	return len(due), nil
}

// look carries what has changed of jobs and says when they are looked at next.
func (c *Carrier) look(ctx context.Context, ids []string) error {
	jobs, more, err := c.advance(ctx, ids)
	if err != nil {
		return err
	}
	now := c.now()
	for _, id := range ids {
		if j, ok := jobs[id]; !ok {
			err = c.leave(ctx, id, now)
		} else if more[id] {
			err = c.agenda.Next(ctx, id, now)
		} else {
			err = c.agenda.Next(ctx, id, now.Add(rest(&j, now)))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// leave takes a job off the agenda that is not there, unless it is there for a newer scheduler.
func (c *Carrier) leave(ctx context.Context, id string, now time.Time) error {
	if _, err := c.ledger.Job(ctx, id); errors.Is(err, ledger.ErrNewer) {
		return c.agenda.Next(ctx, id, now.Add(newerPause))
	}
	return c.agenda.Drop(ctx, id)
}

// newerPause is how long a job is left alone that is for a newer scheduler.
const newerPause = time.Minute

// advance carries what has changed of jobs, only so much. It returns those that are there, and those of which there
// is more.
func (c *Carrier) advance(ctx context.Context, ids []string) (jobs map[string]ledger.Job, more map[string]bool, err error) {
	if jobs, err = c.ledger.Jobs(ctx, ids); err != nil {
		return nil, nil, err
	}
	work, more, err := c.stale(ctx, jobs)
	if err != nil {
		return nil, nil, err
	}
	for pieces := range parcels(work) {
		done, err := c.store.carry(ctx, c.ledger, pieces)
		if err != nil {
			return nil, nil, err
		}
		for _, err := range done.damaged {
			c.log.Error("a batch can't be read, and is not carried to PostgreSQL", zap.Error(err))
		}
		c.rows.Add(float64(done.rows))
		c.batches.Add(float64(done.batches))
	}
	return jobs, more, nil
}

// stale returns the batches of sealed jobs that are not carried as they are; each job is in it, if only for its own row.
func (c *Carrier) stale(ctx context.Context, jobs map[string]ledger.Job) (work []piece, more map[string]bool, err error) {
	var sealed []ledger.Job
	var ids []uuid.UUID
	for id, j := range jobs {
		if u, err := uuid.Parse(id); err == nil && j.Sealed != "" {
			sealed, ids = append(sealed, j), append(ids, u)
		}
	}
	finished, err := c.ledger.Finished(ctx, sealed)
	if err != nil {
		return nil, nil, err
	}
	have, err := c.store.versions(ctx, ids)
	if err != nil {
		return nil, nil, err
	}
	more = map[string]bool{}
	n := 0
	for i, j := range sealed {
		p := piece{id: ids[i]}
		for _, b := range finished[j.Spec.ID] {
			if was, ok := have[p.id][b.Batch]; ok && was >= b.Version {
				continue
			}
			if n == batchesPerLook {
				more[j.Spec.ID] = true
				break
			}
			p.batches, n = append(p.batches, b.Batch), n+1
		}
		work = append(work, p)
	}
	return work, more, nil
}

// parcels yields work in parts of a transaction each.
func parcels(work []piece) func(yield func([]piece) bool) {
	return func(yield func([]piece) bool) {
		var parcel []piece
		n := 0
		for _, p := range work {
			parts := [][]int{nil}
			if len(p.batches) > 0 {
				parts = slices.Collect(slices.Chunk(p.batches, batchesAtOnce))
			}
			for _, part := range parts {
				if n+len(part) > batchesAtOnce {
					if !yield(parcel) {
						return
					}
					parcel, n = nil, 0
				}
				parcel, n = append(parcel, piece{p.id, part}), n+len(part)
			}
		}
		if len(parcel) > 0 {
			yield(parcel)
		}
	}
}

// rest is how long nobody looks at a job. A job that completes, or is queued again, is looked at by then in any case.
func rest(j *ledger.Job, now time.Time) time.Duration {
	const (
		shortest = 5 * time.Second
		open     = time.Minute
		longest  = time.Hour
		// settled is the age from which a job changes no more but for what people do.
		settled     = 96 * time.Hour
		longSettled = 12 * time.Hour
	)
	if j.Completed.IsZero() {
		if wait := time.UnixMilli(j.Spec.At).Sub(now); !j.Begun && wait > 0 {
			return max(shortest, min(wait, longest))
		}
		return max(shortest, min(now.Sub(time.UnixMilli(j.Spec.Created))/16, open))
	}
	age := now.Sub(j.Completed)
	if age > settled {
		return longSettled
	}
	return max(shortest, min(age/2, longest))
}

// Settle carries all of some jobs that is to be carried, and returns those of which nothing is missing in PostgreSQL: they
// have completed, and every batch is there as it is.
func (c *Carrier) Settle(ctx context.Context, ids []string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	if err := c.store.Migrate(ctx); err != nil {
		return nil, err
	}
	for {
		_, more, err := c.advance(ctx, ids)
		if err != nil {
			return nil, err
		}
		if len(more) == 0 {
			break
		}
	}
	jobs, err := c.ledger.Jobs(ctx, ids)
	if err != nil {
		return nil, err
	}
	work, _, err := c.stale(ctx, jobs)
	if err != nil {
		return nil, err
	}
	var whole []string
	for _, p := range work {
		j := jobs[p.id.String()]
		if len(p.batches) == 0 && j.Done >= j.Batches {
			whole = append(whole, p.id.String())
		}
	}
	return whole, nil
}

// DeleteBefore is Store.DeleteBefore.
func (c *Carrier) DeleteBefore(ctx context.Context, before time.Time) (int, error) {
	return c.store.DeleteBefore(ctx, before)
}
