package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/config"
	"github.com/volleysms/volley/internal/redisx"
)

// dialTimeout bounds the making of a connection to Redis, and twice that the first answer.
const dialTimeout = time.Second

// redisOptions reads the address, for a caller that wants to know soon when nobody answers there.
func redisOptions(url string) (*redis.UniversalOptions, error) {
	o, err := redisx.Parse(url)
	if err != nil {
		return nil, &inputError{err}
	}
	if o.DialTimeout == 0 {
		o.DialTimeout = dialTimeout
	}
	return o, nil
}

// checkRedis finds out within two dial timeouts whether Redis is there and fit to be a queue.
func checkRedis(ctx context.Context, o *redis.UniversalOptions) error {
	own := *o
	own.ContextTimeoutEnabled, own.MaxRetries, own.DialerRetries, own.PoolSize = true, -1, 1, 1
	rdb := redis.NewUniversalClient(&own)
	defer rdb.Close()
	limited, cancel := context.WithTimeout(ctx, 2*dialTimeout)
	defer cancel()
	err := redisx.Check(limited, rdb)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, enqueue.ErrEvicting), errors.Is(err, redisx.ErrTooOld):
		return fmt.Errorf("Redis at %s%s", address(o), strings.TrimPrefix(err.Error(), "Redis"))
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("Redis at %s does not answer within %v: is it running, and is redis.url right?", address(o), 2*dialTimeout)
	}
	why := strings.TrimPrefix(err.Error(), enqueue.ErrUnreachable.Error()+": ")
	why, _, _ = strings.Cut(why, "; is it running")
	return fmt.Errorf("Redis at %s does not answer (%s): is it running, and is redis.url right?", address(o), why)
}

// address is where Redis is looked for, without credentials.
func address(o *redis.UniversalOptions) string {
	s := strings.Join(o.Addrs, ",")
	if o.MasterName != "" {
		s += " (master " + o.MasterName + ")"
	}
	return s
}

// client connects to the Redis of the configuration, and fails when it is not there or not fit.
func (a *app) client(ctx context.Context, cfg *config.Config) (*enqueue.Client, error) {
	o, err := redisOptions(cfg.Redis.URL.Reveal())
	if err != nil {
		return nil, err
	}
	if err := checkRedis(ctx, o); err != nil {
		return nil, err
	}
	return enqueue.New(o, a.producer(cfg))
}
