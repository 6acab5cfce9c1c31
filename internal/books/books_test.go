package books

import (
	"context"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/volleysms/volley/enqueue"
)

type rig struct {
	mr   *miniredis.Miniredis
	rdb  *redis.Client
	job  string
	logs *observer.ObservedLogs
	core *zap.Logger
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{mr: miniredis.RunT(t)}
	r.rdb = redis.NewClient(&redis.Options{Addr: r.mr.Addr()})
	t.Cleanup(func() { _ = r.rdb.Close() })
	core, logs := observer.New(zap.InfoLevel)
	r.core, r.logs = zap.New(core), logs
	c, err := enqueue.NewFromRedis(r.rdb, enqueue.Options{})
	if err != nil {
		t.Fatal(err)
	}
	receipt, err := c.Enqueue(t.Context(), enqueue.Job{Via: "dk", From: "Acme", Text: "Hi", Recipients: []enqueue.Recipient{{To: "4500000001"}}})
	if err != nil {
		t.Fatal(err)
	}
	r.job = receipt.JobID
	return r
}

// books returns one more Books that never sleeps, but does asleep instead.
func (r *rig) books(asleep func(time.Duration)) *Books {
	b := New(r.rdb, prometheus.NewRegistry(), r.core)
	b.sleep = func(_ context.Context, d time.Duration) { asleep(d) }
	return b
}

// goes lets a Books do one round.
func goes(t *testing.T, b *Books) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	pause := b.sleep
	defer func() { b.sleep = pause }()
	b.sleep = func(ctx context.Context, d time.Duration) {
		pause(ctx, d)
		if d == round {
			cancel()
		}
	}
	b.Run(ctx)
}

func value(t *testing.T, g prometheus.Gauge) float64 {
	t.Helper()
	var m dto.Metric
	if err := g.Write(&m); err != nil {
		t.Fatal(err)
	}
	return m.GetGauge().GetValue()
}

func wantMetrics(t *testing.T, b *Books, clean, problems float64) {
	t.Helper()
	if c, p := value(t, b.clean), value(t, b.problems); c != clean || p != problems {
		t.Errorf("clean %v and %v problems, want %v and %v", c, p, clean, problems)
	}
}

func TestBooks(t *testing.T) {
	r := newRig(t)
	counters := "volley:{" + r.job + ".0}:n"
	b := r.books(func(time.Duration) {})

	goes(t, b)
	wantMetrics(t, b, 1, 0)
	if value(t, b.jobs) != 1 || value(t, b.checked) == 0 || r.logs.Len() > 0 {
		t.Errorf("it checked %v jobs, and logged %v", value(t, b.jobs), r.logs.All())
	}

	r.mr.HSet(counters, "accepted", "2")
	goes(t, b)
	wantMetrics(t, b, 0, 1)
	if all := r.logs.FilterLevelExact(zap.ErrorLevel).All(); len(all) != 1 || all[0].ContextMap()["job"] != r.job {
		t.Errorf("logged %v", r.logs.All())
	}

	t.Run("TheOthersTellItToo", func(t *testing.T) {
		other := r.books(func(time.Duration) {})
		if err := r.rdb.Set(t.Context(), keyTurn, "somebody", turnTTL).Err(); err != nil {
			t.Fatal(err)
		}
		goes(t, other)
		wantMetrics(t, other, 0, 1)
		if n := r.logs.FilterLevelExact(zap.ErrorLevel).Len(); n != 1 {
			t.Errorf("%d error lines, though it was not its turn", n)
		}
		r.mr.Del(keyTurn)
	})
	t.Run("WhatIsGoneWithTheSecondLookDoesNotCount", func(t *testing.T) {
		b.sleep = func(context.Context, time.Duration) { r.mr.HDel(counters, "accepted") }
		goes(t, b)
		wantMetrics(t, b, 1, 0)
	})
	t.Run("ACheckCostsATwentiethOfTheTime", func(t *testing.T) {
		var slept time.Duration
		b := r.books(func(d time.Duration) {
			if d != round {
				slept += d
			}
		})
		began := time.Now()
		goes(t, b)
		if took := time.Since(began); slept == 0 || slept > idle*took {
			t.Errorf("it took %v and paused %v", took, slept)
		}
	})
	t.Run("TwoInAProcessShareTheMetrics", func(t *testing.T) {
		reg := prometheus.NewRegistry()
		for range 2 {
			New(r.rdb, reg, nil)
		}
	})
}
