package main

import (
	"context"

	"github.com/redis/go-redis/v9"

	"github.com/volleysms/volley/internal/config"
	"github.com/volleysms/volley/internal/suppress"
	"github.com/volleysms/volley/sms"
)

// optedOut returns who has opted out by now, as workers see it, and a function that lets go of it. Without a Redis that
// answers it returns the reason; then nobody knows.
func optedOut(ctx context.Context, cfg *config.Config) (look func(account string, to []sms.MSISDN) ([]bool, error), stop func(), err error) {
	o, err := redisOptions(cfg.Redis.URL.Reveal())
	if err == nil {
		err = checkRedis(ctx, o)
	}
	if err != nil {
		return nil, func() {}, err
	}
	rdb := redis.NewUniversalClient(o)
	ctx, cancel := context.WithCancel(ctx)
	stop = func() {
		cancel()
		_ = rdb.Close() // it was only read
	}
	f := suppress.Follow(rdb, "")
	told := make(chan error, 1)
	go f.Run(ctx, func(err error) {
		select {
		case told <- err:
		default: // only the first look is waited for
		}
	})
	select {
	case err = <-told:
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		stop()
		return nil, func() {}, err
	}
	return func(account string, to []sms.MSISDN) ([]bool, error) {
		out := make([]bool, len(to))
		lookout := f.Lookout(account)
		for i, n := range to {
			_, out[i] = lookout.List(n)
		}
		return out, nil
	}, stop, nil
}
