package worker

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/redis/go-redis/v9"
)

// joined is a client whose scripts share round trips: those that many goroutines run at the same time are sent in one go. Who
// finds a trip free makes it, and the next who waits takes along what has come meanwhile, up to a full trip. A script that is on
// its way is waited for, also when its context ends. Everything else is as with the client itself.
type joined struct {
	redis.UniversalClient
	trips *trips
}

// join returns a client that may be used by many goroutines, as c may.
func join(c redis.UniversalClient) joined { return joined{c, &trips{client: c}} }

// EvalSha runs a script that the server knows.
func (j joined) EvalSha(ctx context.Context, sha1 string, keys []string, args ...any) *redis.Cmd {
	argv := make([]any, 0, 3+len(keys)+len(args))
	argv = append(argv, "evalsha", sha1, len(keys))
	for _, k := range keys {
		argv = append(argv, k)
	}
	cmd := redis.NewCmd(ctx, append(argv, args...)...)
	if err := ctx.Err(); err != nil {
		cmd.SetErr(err)
		return cmd
	}
	j.trips.board(cmd)
	return cmd
}

// Pipelined runs commands in the same trip. Their order holds for those of one hash slot.
func (j joined) Pipelined(ctx context.Context, fn func(redis.Pipeliner) error) ([]redis.Cmder, error) {
	p := j.Pipeline()
	if err := errors.Join(ctx.Err(), fn(p)); err != nil {
		return nil, err
	}
	cmds := p.Cmds()
	if len(cmds) == 0 {
		return nil, nil
	}
	j.trips.board(cmds...)
	for _, c := range cmds {
		if err := c.Err(); err != nil {
			return cmds, err
		}
	}
	return cmds, nil
}

// How many round trips are under way at a time: while Redis works on one, the other's answers are made use of. More than that, and so
// that not everybody waits for the same trip, only when the commands that wait fill another one.
const (
	fewTrips  = 2
	mostTrips = 4
	fullTrip  = 48 // passengers
)

// trips are a client's round trips. It is safe for concurrent use.
type trips struct {
	client redis.UniversalClient

	mu      sync.Mutex
	active  int // trips that are under way
	waiting []*passenger
}

// passenger is who waits for a trip, with commands.
type passenger struct {
	cmds []redis.Cmder
	// leads gets true when it is to make the next trip itself, and false when the commands have been run.
	leads chan bool
}

var passengers = sync.Pool{New: func() any { return &passenger{leads: make(chan bool, 1)} }}

// board runs commands with the next trip.
func (t *trips) board(cmds ...redis.Cmder) {
	t.mu.Lock()
	if t.another() {
		t.active++
	} else if !t.wait(cmds) {
		return
	}
	n := min(len(t.waiting), fullTrip-1)
	others := slices.Clone(t.waiting[:n])
	t.waiting = slices.Delete(t.waiting, 0, n)
	t.mu.Unlock()
	t.travel(cmds, others)
}

// another reports whether one more trip may be under way. The lock is held.
func (t *trips) another() bool {
	return t.active < fewTrips || t.active < mostTrips && len(t.waiting) >= fullTrip
}

// wait waits for a trip. It returns true, and with the lock held, when one is to be made here, and false when the commands have been
// run. The lock is held.
func (t *trips) wait(cmds []redis.Cmder) (leads bool) {
	p := passengers.Get().(*passenger)
	p.cmds = cmds
	t.waiting = append(t.waiting, p)
	t.mu.Unlock()
	if leads = <-p.leads; leads {
		t.mu.Lock()
	}
	p.cmds = nil
	passengers.Put(p)
	return leads
}

// travel makes a trip with commands and those of others, and lets the next one begin.
func (t *trips) travel(own []redis.Cmder, others []*passenger) {
	ctx := context.Background() // of the commands' own contexts none holds for all
	pipe := t.client.Pipeline()
	_ = pipe.BatchProcess(ctx, own...) // only queues them
	for _, p := range others {
		_ = pipe.BatchProcess(ctx, p.cmds...)
	}
	_, _ = pipe.Exec(ctx) // each command has its own error
	t.mu.Lock()
	t.active--
	if len(t.waiting) > 0 && t.another() {
		t.active++
		t.waiting[0].leads <- true
		t.waiting = slices.Delete(t.waiting, 0, 1)
	}
	t.mu.Unlock()
	for _, p := range others {
		p.leads <- false
	}
}
