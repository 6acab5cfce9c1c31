// Package retain lets Redis forget jobs after some time, and PostgreSQL too where that is wanted.
package retain

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/internal/metric"
)

// Options say how long what is kept. Those that are 0 keep for ever.
type Options struct {
	// Redis is how long a job is kept after it completed, and one that was never sealed after it was begun.
	Redis time.Duration
	// Reports is how long reports are waited for: a job that may still get some, or has unknown recipients, is kept as long
	// at least.
	Reports time.Duration
	// Record is how long the long-term record keeps a job, counted from when it was created.
	Record time.Duration
	// Archive is the long-term record, nil for none. Then only what is in it whole is forgotten by Redis.
	Archive Archive
	// Metrics may be nil, and a nil Logger is silent.
	Metrics prometheus.Registerer
	Logger  *zap.Logger
}

// Archive is the long-term record.
type Archive interface {
	// Settle returns those of some jobs of which nothing is missing in the record, after adding what was.
	Settle(ctx context.Context, jobs []string) ([]string, error)
	// DeleteBefore deletes jobs that were created before a time, and returns how many they were.
	DeleteBefore(ctx context.Context, before time.Time) (int, error)
}

const (
	// keyTurn holds who removes; schedulers take turns.
	keyTurn = "volley:retain:turn"
	// turnTTL is how long a scheduler may be silent before another removes.
	turnTTL = 5 * time.Minute
	// round is the pause between two rounds.
	round = time.Minute
	// page is how many jobs are looked at together.
	page = 64
)

// Keeper removes what is old. Any number may run; they take turns. Make one with New and Run it once.
type Keeper struct {
	opts    Options
	id      string
	rdb     redis.UniversalClient
	ledger  *ledger.Ledger
	now     func() time.Time
	removed *prometheus.CounterVec
}

// New returns a Keeper of rdb, which it does not own.
func New(rdb redis.UniversalClient, o Options) *Keeper {
	if o.Logger == nil {
		o.Logger = zap.NewNop()
	}
	return &Keeper{
		opts: o, id: uuid.NewString(), rdb: rdb, ledger: ledger.New(rdb), now: time.Now,
		removed: metric.Register(o.Metrics, prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "volley_retention_removed_total", Help: "Jobs removed because they were old, by where from: redis, postgres.",
		}, []string{"from"})),
	}
}

// Run removes what is old until ctx ends.
func (k *Keeper) Run(ctx context.Context) {
	for ctx.Err() == nil {
		mine, err := k.turn(ctx)
		if err == nil && mine {
			err = k.Round(ctx)
		}
		if err != nil && ctx.Err() == nil {
			k.opts.Logger.Warn("old jobs could not be removed; that is tried again soon", zap.Error(err))
		}
		t := time.NewTimer(round)
		select {
		case <-ctx.Done():
		case <-t.C:
		}
		t.Stop()
	}
	bye, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if owner, err := k.rdb.Get(bye, keyTurn).Result(); err == nil && owner == k.id {
		_ = k.rdb.Del(bye, keyTurn).Err() // it ends by itself otherwise
	}
}

// turn reports whether it is this one's turn.
func (k *Keeper) turn(ctx context.Context) (bool, error) {
	mine, err := k.rdb.SetNX(ctx, keyTurn, k.id, turnTTL).Result()
	if err != nil || mine {
		return mine, err
	}
	owner, err := k.rdb.Get(ctx, keyTurn).Result()
	if errors.Is(err, redis.Nil) || err == nil && owner != k.id {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, k.rdb.PExpire(ctx, keyTurn, turnTTL).Err()
}

// Round removes what is old by now.
func (k *Keeper) Round(ctx context.Context) error {
	var errs []error
	if k.opts.Redis > 0 {
		errs = append(errs, k.pages(ctx, k.ledger.Old, k.opts.Redis, k.completed))
		unsealed := min(k.opts.Redis, ledger.MaxUnsealed-24*time.Hour)
		errs = append(errs, k.pages(ctx, k.ledger.OldLive, unsealed, k.unsealed))
	}
	if k.opts.Record > 0 && k.opts.Archive != nil {
		n, err := k.opts.Archive.DeleteBefore(ctx, k.now().Add(-k.opts.Record))
		k.removed.WithLabelValues("postgres").Add(float64(n))
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// pages hands on all jobs of a list that are older than an age, some at a time. remove returns how many of them are gone.
func (k *Keeper) pages(ctx context.Context, list func(ctx context.Context, before time.Time, skip, n int) ([]string, error),
	age time.Duration, remove func(ctx context.Context, ids []string) (int, error),
) error {
	before := k.now().Add(-age)
	var errs []error
	for kept := 0; ctx.Err() == nil; {
		ids, err := list(ctx, before, kept, page)
		if err != nil || len(ids) == 0 {
			return errors.Join(append(errs, err)...)
		}
		gone, err := remove(ctx, ids)
		k.removed.WithLabelValues("redis").Add(float64(gone))
		errs = append(errs, err)
		if mine, err := k.turn(ctx); err != nil || !mine {
			return errors.Join(append(errs, err)...)
		}
		kept += len(ids) - gone
		if len(ids) < page {
			break
		}
	}
	return errors.Join(errs...)
}

// completed removes the jobs that completed long enough ago, and what a removal that was cut off has left.
func (k *Keeper) completed(ctx context.Context, ids []string) (gone int, err error) {
	jobs, err := k.ledger.Jobs(ctx, ids)
	if err != nil {
		return 0, err
	}
	var over, old []string
	for _, id := range ids {
		j, there := jobs[id]
		if !there {
			over = append(over, id)
			continue
		}
		is, err := k.old(ctx, &j)
		if err != nil {
			return 0, err
		}
		if is {
			old = append(old, id)
		}
	}
	if k.opts.Archive != nil && len(old) > 0 {
		whole, err := k.opts.Archive.Settle(ctx, old)
		if err != nil {
			return 0, err
		}
		old = slices.DeleteFunc(old, func(id string) bool { return !slices.Contains(whole, id) })
	}
	return k.remove(ctx, append(over, old...))
}

// old reports whether a job completed, and nothing more is to be known of it.
func (k *Keeper) old(ctx context.Context, j *ledger.Job) (bool, error) {
	now := k.now()
	if j.Completed.IsZero() || now.Sub(j.Completed) < k.opts.Redis {
		return false, nil
	}
	if now.Sub(j.Completed) >= k.opts.Reports {
		return true, nil
	}
	c, err := k.ledger.Counts(ctx, j.Spec.ID)
	return c[ledger.Accepted]+c[ledger.Unknown] == 0, err
}

// unsealed removes the jobs that were begun and never sealed.
func (k *Keeper) unsealed(ctx context.Context, ids []string) (gone int, err error) {
	jobs, err := k.ledger.Jobs(ctx, ids)
	if err != nil {
		return 0, err
	}
	var dead []string
	for _, id := range ids {
		if j, there := jobs[id]; !there || j.Sealed == "" {
			dead = append(dead, id)
		}
	}
	return k.remove(ctx, dead)
}

func (k *Keeper) remove(ctx context.Context, ids []string) (gone int, err error) {
	var errs []error
	for _, id := range ids {
		if err := k.ledger.Remove(ctx, id); err != nil {
			errs = append(errs, fmt.Errorf("job %s: %w", id, err))
			continue
		}
		gone++
		k.opts.Logger.Info("an old job was removed from Redis", zap.String("job", id))
	}
	return gone, errors.Join(errs...)
}
