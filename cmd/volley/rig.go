package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/config"
	"github.com/volleysms/volley/providers/providertest/gateway"
	"github.com/volleysms/volley/worker"
)

// rig is everything Volley needs in one process: Redis, the simulated gateways, and a worker with an account at each. It
// is for trying things out: its Redis keeps nothing.
type rig struct {
	mini   *miniredis.Miniredis // nil when a Redis was given
	sims   simulators
	cfg    *config.Config
	yaml   string
	redis  *redis.UniversalOptions
	client *enqueue.Client
	worker *worker.Worker
	// pushes is where the simulated gateways push reports; nil when they make none.
	pushes    net.Listener
	callbacks func(context.Context) error
}

// newRig starts Redis, unless redisURL names one, and the simulated gateways, which report later as reports say. Run starts
// the worker, and the callbacks when there are reports.
func newRig(ctx context.Context, a *app, redisURL, listen string, faults []string, retry worker.Retry, reports gateway.ReportPlan) (r *rig, err error) {
	r = &rig{}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.close())
		}
	}()
	if redisURL == "" {
		if r.mini, err = miniredis.Run(); err != nil {
			return r, fmt.Errorf("the embedded Redis does not start: %w", err)
		}
		redisURL = "redis://" + r.mini.Addr() + "/0"
	}
	if r.redis, err = redisOptions(redisURL); err != nil {
		return r, err
	}
	if err = checkRedis(ctx, r.redis); err != nil {
		return r, err
	}
	if r.sims, err = startSimulators(listen, false, faults, 0, reports); err != nil {
		return r, err
	}
	r.yaml = r.sims.yaml(redisURL)
	if reports.On {
		if r.pushes, err = new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0"); err != nil {
			return r, fmt.Errorf("no free port for callbacks: %w", reason(err))
		}
		r.yaml += fmt.Sprintf("callbacks:\n  public_url: http://%s\n  secret: %s\n", r.pushes.Addr(), rand.Text())
	}
	if r.cfg, err = config.Parse("the configuration of the simulated gateways", []byte(r.yaml), os.LookupEnv); err != nil {
		return r, err
	}
	if err := a.trace(ctx, r.cfg); err != nil {
		return r, err
	}
	wired, err := wireAll(r.cfg, nil)
	if err != nil {
		return r, err
	}
	o := workerOptions(r.cfg, wired, a.tracer.spans())
	o.Logger = a.log
	if retry != (worker.Retry{}) {
		o.Retry = retry
	}
	if r.worker, err = worker.New(r.redis, o); err != nil {
		return r, err
	}
	if r.pushes != nil {
		r.callbacks = func(ctx context.Context) error { return a.serveCallbacks(ctx, r.cfg, wired, r.redis, r.pushes) }
	}
	r.client, err = enqueue.New(r.redis, a.producer(r.cfg))
	return r, err
}

// clockTick is how often the embedded Redis, whose keys live by a clock of their own, is told the time.
const clockTick = 500 * time.Millisecond

// run runs the worker, and the callbacks, until ctx ends.
func (r *rig) run(ctx context.Context) error {
	if r.mini != nil {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		go func() {
			t := time.NewTicker(clockTick)
			defer t.Stop()
			for {
				select {
				case <-ctx.Done():
					return
				case <-t.C:
					r.mini.FastForward(clockTick)
				}
			}
		}()
	}
	if r.callbacks == nil {
		return r.worker.Run(ctx)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		defer cancel()
		ended <- r.callbacks(ctx)
	}()
	err := r.worker.Run(ctx)
	cancel()
	return errors.Join(err, <-ended)
}

func (r *rig) close() error {
	var errs []error
	if r.client != nil {
		errs = append(errs, r.client.Close())
	}
	errs = append(errs, r.sims.close())
	if r.pushes != nil {
		_ = r.pushes.Close() // the server of reports, if there was one, has closed it
	}
	if r.mini != nil {
		r.mini.Close()
	}
	return errors.Join(errs...)
}
