package scheduler

import (
	"context"
	_ "embed" // the script that gives a lease up
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/schedule"
)

// Options of a Scheduler. The zero value is usable, but for files and signed requests.
type Options struct {
	// Enqueue are the accounts and routes of the jobs. KeyTTL and BatchSize are the scheduler's own affair.
	Enqueue enqueue.Options
	// Files reads the files that schedules name; nil reads none.
	Files Files
	// Secrets sign requests to endpoints, by the names that schedules use. Each passes CheckSecret.
	Secrets map[string]string
	// Private are networks whose addresses endpoints may have although they are not public.
	Private []netip.Prefix
	// Fired, when set, is told what became of each tick that this scheduler dealt with. It may be called by several
	// goroutines at once.
	Fired func(enqueue.Firing)
	// Logger gets one line for each tick that is not fired as it should; nil is silent.
	Logger *zap.Logger
}

// Scheduler fires schedules. Make one with New, and Run it once.
type Scheduler struct {
	id       string
	rdb      redis.UniversalClient
	opts     Options
	log      *zap.Logger
	store    *schedule.Store
	client   *enqueue.Client
	endpoint *endpoint
	// reached is called at each step of a firing, for tests that let a scheduler die there.
	reached func(step string) error

	mu   sync.Mutex
	busy map[string]bool // schedules that are being looked after in this process
	wake chan struct{}
}

// New returns a Scheduler in rdb, which it does not own.
func New(rdb redis.UniversalClient, o Options) (*Scheduler, error) {
	var errs []error
	for name, secret := range o.Secrets {
		if err := CheckSecret(secret); err != nil {
			errs = append(errs, fmt.Errorf("scheduler: secret %s: %w", name, err))
		}
	}
	if o.Logger == nil {
		o.Logger = zap.NewNop()
	}
	o.Enqueue.KeyTTL, o.Enqueue.BatchSize = keyTTL, 0
	client, err := enqueue.NewFromRedis(rdb, o.Enqueue)
	if err = errors.Join(append(errs, err)...); err != nil {
		return nil, err
	}
	return &Scheduler{
		id: uuid.NewString(), rdb: rdb, opts: o, log: o.Logger, store: schedule.NewStore(rdb), client: client,
		endpoint: newEndpoint(o.Secrets, o.Private), reached: func(string) error { return nil }, busy: map[string]bool{},
		wake: make(chan struct{}, 1),
	}, nil
}

//go:embed release.lua
var releaseLua string

var releaseScript = redis.NewScript(releaseLua)

// leaseOf has who looks after a schedule at the moment.
func leaseOf(name string) string { return "volley:{schedules}:l:" + name }

const (
	// poll is the longest pause between two looks at what is due; a tick is looked for at its time.
	poll = time.Second
	// atOnce is how many schedules are fired at a time, of which each may wait for an endpoint.
	atOnce = 64
	// leaseTTL is how long a schedule is left alone that another scheduler has begun with, unless it says again that it
	// lives, every leaseEvery.
	leaseTTL, leaseEvery = 8 * time.Second, 2 * time.Second
	// drain is how long a firing may go on after the scheduler was told to stop; another continues it.
	drain = 15 * time.Second
)

// Run fires what is due until ctx ends, brings to an end what it is firing, and returns.
func (s *Scheduler) Run(ctx context.Context) {
	hard, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(drain, cancel) })
	defer stop()
	var wg sync.WaitGroup
	slots := make(chan struct{}, atOnce)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			wg.Wait()
			return
		case <-timer.C:
		case <-s.wake: // what was looked after may be due again before the next look
		}
		due, wait, err := s.due(ctx)
		if err != nil && ctx.Err() == nil {
			s.log.Warn("Redis does not say which schedules are due; it is asked again soon", zap.Error(err))
		}
		for _, name := range due {
			if !s.begin(name) {
				continue
			}
			select {
			case slots <- struct{}{}:
			case <-ctx.Done():
				s.done(name)
				continue
			}
			wg.Go(func() {
				defer func() {
					s.done(name)
					<-slots
				}()
				if err := s.visit(hard, name); err != nil && hard.Err() == nil {
					s.log.Warn("a schedule could not be looked after; that is tried again soon", zap.String("schedule", name), zap.Error(err))
				}
			})
		}
		timer.Reset(wait)
	}
}

// begin reports whether a schedule is to be looked after now: it is not yet.
func (s *Scheduler) begin(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy[name] {
		return false
	}
	s.busy[name] = true
	return true
}

func (s *Scheduler) done(name string) {
	s.mu.Lock()
	delete(s.busy, name)
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// due returns the schedules that are to be looked at, and how long to wait before asking again.
func (s *Scheduler) due(ctx context.Context) (names []string, wait time.Duration, err error) {
	now, err := s.store.Now(ctx)
	if err != nil {
		return nil, poll, err
	}
	pipe := s.rdb.Pipeline()
	at := strconv.FormatInt(now.UnixMilli(), 10)
	due := pipe.ZRangeByScore(ctx, schedule.KeyDue, &redis.ZRangeBy{Min: "-inf", Max: at, Count: 1000})
	next := pipe.ZRangeByScoreWithScores(ctx, schedule.KeyDue, &redis.ZRangeBy{Min: "(" + at, Max: "+inf", Count: 1})
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, poll, err
	}
	wait = poll
	if z := next.Val(); len(z) > 0 {
		wait = min(wait, max(0, time.UnixMilli(int64(z[0].Score)).Sub(now))+time.Millisecond)
	}
	return due.Val(), wait, nil
}

// visit looks after a schedule, unless another scheduler does.
func (s *Scheduler) visit(ctx context.Context, name string) error {
	mine, err := s.rdb.SetNX(ctx, leaseOf(name), s.id, leaseTTL).Result()
	if err != nil || !mine {
		return err
	}
	own, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { s.keepLease(own, name) })
	err = s.attend(ctx, name)
	cancel()
	wg.Wait()
	bye, cancel := context.WithTimeout(context.WithoutCancel(ctx), poll)
	defer cancel()
	return errors.Join(err, releaseScript.Run(bye, s.rdb, []string{leaseOf(name)}, s.id).Err())
}

func (s *Scheduler) keepLease(ctx context.Context, name string) {
	t := time.NewTicker(leaseEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			// Who takes over before that does the same again, and nothing else.
			_ = s.rdb.PExpire(ctx, leaseOf(name), leaseTTL).Err()
		}
	}
}
