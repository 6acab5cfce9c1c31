package main

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"

	"github.com/volleysms/volley/internal/config"
	"github.com/volleysms/volley/internal/pace"
	"github.com/volleysms/volley/internal/poll"
)

// newPoller asks the gateways of the configuration what became of messages, and for inbound ones, within the limits that
// the workers keep too.
func newPoller(cfg *config.Config, rdb redis.UniversalClient, spans trace.TracerProvider, log *zap.Logger) (*poll.Poller, error) {
	wired, err := wireAll(cfg, nil)
	if err != nil {
		return nil, err
	}
	o := poll.Options{
		First: cfg.Reports.Poll, GiveUp: cfg.Reports.GiveUp, Inbound: cfg.Inbound.Poll, Words: words(cfg), Metrics: prometheus.DefaultRegisterer, Spans: spans, Logger: log,
	}
	for _, acc := range wired {
		pacer := pace.New(rdb, acc.Name, pace.Limits(acc.Limits))
		o.Accounts = append(o.Accounts, poll.Account{
			Name: acc.Name, Adapter: acc.Adapter, Timeout: acc.Timeout,
			Wait: func(ctx context.Context) error { return pacer.Wait(ctx, pace.Cost{}) },
		})
	}
	return poll.New(rdb, o), nil
}
