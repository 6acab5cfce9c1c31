// Package vitals tells as metrics how all of an installation is doing: what is on the queues and for how long, since when
// somebody is unknown or waits for a report, and how full Redis is.
//
// What that costs does not grow with what there is. A queue is asked for its length; jobs come up on an agenda, each the less
// often the longer nothing happens in it, a bounded number of jobs and batches a second; and what was found stands in lists
// by account, of which only the first entry is read.
package vitals

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/internal/redisx"
	"github.com/volleysms/volley/internal/task"
)

const (
	// tellEvery is how often the metrics are set, by every scheduler.
	tellEvery = 10 * time.Second
	// lookEvery is how often jobs are looked at, by the scheduler whose turn it is.
	lookEvery = time.Second
	// keyTurn has whose turn it is, which is another's when it was silent for turnTTL.
	keyTurn = "volley:vitals:turn"
	turnTTL = 20 * time.Second
	// timeout bounds each of both.
	timeout = 10 * time.Second
)

// Options of Vitals.
type Options struct {
	// Accounts are those that metrics are about.
	Accounts []string
	// GiveUp is after how long a report is not expected any more; 0 is 72 h.
	GiveUp time.Duration
	// Metrics is where the metrics are registered; nil is nowhere.
	Metrics prometheus.Registerer
	// Logger is for what goes wrong; nil is silent.
	Logger *zap.Logger
}

// Vitals looks and tells. Any number may run: they take turns in looking, and all of them tell. Make one with New and Run it
// once.
type Vitals struct {
	rdb    redis.UniversalClient
	ledger *ledger.Ledger
	agenda *ledger.Agenda
	waits  *ledger.Waits
	opts   Options
	log    *zap.Logger
	id     string
	now    func() time.Time

	metrics *metrics
	found   search
	passes  map[string]*pass
}

// New returns Vitals of what is in rdb, which it does not own.
func New(rdb redis.UniversalClient, o Options) *Vitals {
	if o.GiveUp == 0 {
		o.GiveUp = 72 * time.Hour
	}
	if o.Logger == nil {
		o.Logger = zap.NewNop()
	}
	return &Vitals{
		rdb: rdb, ledger: ledger.New(rdb), agenda: ledger.NewAgenda(rdb, ledger.VitalsAgenda), waits: ledger.NewWaits(rdb),
		opts: o, log: o.Logger, id: uuid.NewString(), now: time.Now,
		metrics: newMetrics(o.Metrics), passes: map[string]*pass{},
	}
}

// Run looks and tells until ctx ends.
func (v *Vitals) Run(ctx context.Context) {
	look, tell := time.NewTicker(lookEvery), time.NewTicker(tellEvery)
	defer look.Stop()
	defer tell.Stop()
	v.attempt(ctx, "the metrics of the whole installation are not up to date", v.Tell)
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
			v.attempt(ctx, "who has waited longest is not up to date", v.turn)
		case <-tell.C:
			v.attempt(ctx, "the metrics of the whole installation are not up to date", v.Tell)
		}
	}
}

func (v *Vitals) attempt(ctx context.Context, lacking string, do func(context.Context) error) {
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if err := do(limited); err != nil && ctx.Err() == nil {
		v.log.Warn(lacking+"; that is tried again soon", zap.Error(err))
	}
}

// turn looks, if it is this one's turn.
func (v *Vitals) turn(ctx context.Context) error {
	mine, err := redisx.Turn(ctx, v.rdb, keyTurn, v.id, turnTTL)
	if err != nil || !mine {
		return err
	}
	return v.Look(ctx)
}

// Tell sets the metrics to what is known.
func (v *Vitals) Tell(ctx context.Context) error {
	now := v.now()
	shards, err := v.ledger.MostShards(ctx)
	if err != nil {
		return err
	}
	var queues []string
	for _, account := range v.opts.Accounts {
		for _, p := range task.Priorities {
			queues = append(queues, task.Queues(account, p, shards[account])...)
		}
	}
	depths, err := task.DepthsByState(ctx, v.rdb, queues)
	if err != nil {
		return err
	}
	waits, err := v.waits.Of(ctx, v.opts.Accounts, now.Add(-v.opts.GiveUp))
	if err != nil {
		return err
	}
	live, err := v.ledger.LiveCount(ctx)
	if err != nil {
		return err
	}
	overdue, err := v.agenda.Overdue(ctx, now)
	if err != nil {
		return err
	}
	memory, err := redisx.MemoryOf(ctx, v.rdb)
	if err != nil {
		return err
	}
	m := v.metrics
	for i, account := range v.opts.Accounts {
		for _, p := range task.Priorities {
			n := len(task.Queues(account, p, shards[account]))
			m.queue(account, priorityName(p), task.Sum(depths[:n]), now)
			depths = depths[n:]
		}
		m.wait(account, waits[i], now)
	}
	m.live.Set(float64(live))
	m.lag.Set(age(now, overdue))
	m.memory(memory)
	m.told.Set(float64(now.Unix()))
	return nil
}

func priorityName(p int) string {
	switch {
	case p > 0:
		return "urgent"
	case p < 0:
		return "bulk"
	}
	return "normal"
}

// age is how long ago t was, in seconds; 0 for the zero time.
func age(now, t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return max(0, now.Sub(t).Seconds())
}
