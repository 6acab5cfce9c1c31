// Package books checks the books of one job after the other, for as long as a scheduler runs, and tells what is wrong as
// metrics and log lines. It is what `volley verify` does when it is asked.
package books

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/internal/metric"
	"github.com/volleysms/volley/internal/redisx"
	"github.com/volleysms/volley/internal/sweep"
)

const (
	// keyTurn holds who checks, and keyFound what was found; schedulers take turns, and all of them tell it.
	keyTurn  = "volley:books:turn"
	keyFound = "volley:books"

	// turnTTL is how long a scheduler may be silent before another checks.
	turnTTL = 30 * time.Second
	// round is the pause between two rounds, and between two looks at what another has found.
	round = 15 * time.Second
	// idle is how many times as long as a check took nothing is checked after it.
	idle = 19
	// recent is how many jobs, counted from the newest, are checked although they have completed.
	recent = 200
)

// Problem is something in a job's books that should not be.
type Problem struct {
	Job     string `json:"job_id"`
	Problem string `json:"problem"`
}

// Found is what a round found.
type Found struct {
	Problems []Problem `json:"problems"`
	Jobs     int       `json:"jobs"`
	At       time.Time `json:"at"`
}

// Books checks books. Any number may run; they take turns. Make one with New and Run it once.
type Books struct {
	id     string
	rdb    redis.UniversalClient
	ledger *ledger.Ledger
	sweep  *sweep.Sweeper
	log    *zap.Logger
	sleep  func(ctx context.Context, d time.Duration)

	clean, problems, checked, jobs prometheus.Gauge
}

// New returns a Books in rdb, which it does not own, with its metrics in reg. A nil log is silent.
func New(rdb redis.UniversalClient, reg prometheus.Registerer, log *zap.Logger) *Books {
	if log == nil {
		log = zap.NewNop()
	}
	b := &Books{id: uuid.NewString(), rdb: rdb, ledger: ledger.New(rdb), sweep: sweep.New(rdb, zap.NewNop()), log: log, sleep: sleep}
	gauge := func(name, help string) prometheus.Gauge {
		return metric.Register(reg, prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help}))
	}
	b.clean = gauge("volley_books_clean", "1 when the last round over the jobs' books found nothing wrong, else 0.")
	b.problems = gauge("volley_books_problems", "Problems that the last round over the jobs' books found.")
	b.checked = gauge("volley_books_checked_timestamp_seconds", "When the last round over the jobs' books ended, in seconds since 1970; 0 is never.")
	b.jobs = gauge("volley_books_jobs", "Jobs whose books the last round checked.")
	return b
}

// Run checks until ctx ends.
func (b *Books) Run(ctx context.Context) {
	for ctx.Err() == nil {
		mine, err := b.turn(ctx)
		if err == nil && mine {
			err = b.round(ctx)
		}
		if err == nil {
			err = b.tell(ctx)
		}
		if err != nil && ctx.Err() == nil {
			b.log.Warn("the books could not be checked; that is tried again soon", zap.Error(err))
		}
		b.sleep(ctx, round)
	}
	bye, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if owner, err := b.rdb.Get(bye, keyTurn).Result(); err == nil && owner == b.id {
		_ = b.rdb.Del(bye, keyTurn).Err() // it ends by itself otherwise
	}
}

// turn reports whether it is this one's turn to check.
func (b *Books) turn(ctx context.Context) (bool, error) {
	return redisx.Turn(ctx, b.rdb, keyTurn, b.id, turnTTL)
}

// round checks each live job, and the newest of the others, and keeps what it found.
func (b *Books) round(ctx context.Context) error {
	jobs, err := b.ledger.Live(ctx)
	if err != nil {
		return err
	}
	newest, err := b.ledger.Recent(ctx, recent)
	if err != nil {
		return err
	}
	for _, id := range newest {
		if !slices.Contains(jobs, id) {
			jobs = append(jobs, id)
		}
	}
	f := Found{Problems: []Problem{}}
	for _, id := range jobs {
		began := time.Now()
		wrong, err := b.Check(ctx, id)
		if errors.Is(err, ledger.ErrNotFound) || errors.Is(err, ledger.ErrNewer) {
			continue // removed in the meantime, or for a newer program
		}
		if err != nil {
			return err
		}
		f.Jobs++
		for _, w := range wrong {
			b.log.Error("the books are wrong", zap.String("job", id), zap.String("problem", w))
			f.Problems = append(f.Problems, Problem{id, w})
		}
		if mine, err := b.turn(ctx); err != nil || !mine {
			return err
		}
		b.sleep(ctx, min(idle*time.Since(began), turnTTL/2))
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	f.At = time.Now().UTC()
	packed, err := json.Marshal(f)
	if err != nil {
		return err
	}
	return b.rdb.Set(ctx, keyFound, packed, 0).Err()
}

// Check returns what is wrong with a job's books, a sentence each. What one look alone finds may only be late, and does
// not count. ErrNotFound of the ledger when there is no such job.
func (b *Books) Check(ctx context.Context, job string) ([]string, error) {
	first, err := b.look(ctx, job)
	if err != nil || len(first) == 0 {
		return nil, err
	}
	b.sleep(ctx, sweep.Every+sweep.Every/2)
	again, err := b.look(ctx, job)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(again, func(w string) bool { return !slices.Contains(first, w) }), nil
}

func (b *Books) look(ctx context.Context, job string) ([]string, error) {
	wrong, err := b.ledger.Audit(ctx, job)
	if err != nil {
		return nil, err
	}
	late, err := b.sweep.Forsaken(ctx, job)
	return append(wrong, late...), err
}

// tell sets the metrics to what the last round found, whoever made it.
func (b *Books) tell(ctx context.Context) error {
	packed, err := b.rdb.Get(ctx, keyFound).Bytes()
	if errors.Is(err, redis.Nil) {
		return nil
	}
	var f Found
	if err == nil {
		err = json.Unmarshal(packed, &f)
	}
	if err != nil {
		return err
	}
	b.clean.Set(0)
	if len(f.Problems) == 0 {
		b.clean.Set(1)
	}
	b.problems.Set(float64(len(f.Problems)))
	b.jobs.Set(float64(f.Jobs))
	b.checked.Set(float64(f.At.Unix()))
	return nil
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
