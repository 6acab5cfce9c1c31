package main

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"github.com/volleysms/volley/internal/archive"
	"github.com/volleysms/volley/internal/config"
	"github.com/volleysms/volley/internal/retain"
)

// record is the long-term record of the configuration; its store is nil when there is none.
type record struct {
	cfg   *config.Config
	store *archive.Store
}

// openRecord connects to nothing yet.
func openRecord(cfg *config.Config) (*record, error) {
	r := &record{cfg: cfg}
	address := cfg.Outcomes.Postgres.Reveal()
	if address == "" {
		return r, nil
	}
	var err error
	if r.store, err = archive.Open(address); err != nil {
		return nil, invalid("outcomes.postgres: %w", err)
	}
	return r, nil
}

func (r *record) close() {
	if r.store != nil {
		r.store.Close()
	}
}

// carry carries outcomes to the record until ctx ends.
func (r *record) carry(ctx context.Context, rdb redis.UniversalClient, log *zap.Logger) {
	if r.store != nil {
		archive.NewCarrier(rdb, r.store, prometheus.DefaultRegisterer, log).Run(ctx)
	}
}

// retain removes what is old until ctx ends.
func (r *record) retain(ctx context.Context, rdb redis.UniversalClient, log *zap.Logger) {
	o := retain.Options{
		Redis: r.cfg.Retention.Redis, Record: r.cfg.Retention.Postgres, Reports: r.cfg.Reports.GiveUp,
		Metrics: prometheus.DefaultRegisterer, Logger: log,
	}
	if r.store != nil {
		o.Archive = archive.NewCarrier(rdb, r.store, prometheus.DefaultRegisterer, log)
	}
	retain.New(rdb, o).Run(ctx)
}
