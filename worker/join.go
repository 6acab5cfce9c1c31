package worker

import (
	"context"
	"sync"

	"github.com/redis/go-redis/v9"
)

// joined is a client whose scripts share round trips: those that many goroutines run at the same time are sent in one go. Who
// finds a trip free makes it, and the next who waits takes all along that have come meanwhile. A script that is on its way is
// waited for, also when its context ends. Everything else is as with the client itself.
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

// maxTrips is how many round trips are under way at a time: while Redis works on one, the other's answers are made use of.
const maxTrips = 2

// trips are a client's round trips. It is safe for concurrent use.
type trips struct {
	client redis.UniversalClient

	mu      sync.Mutex
	active  int // trips that are under way
	waiting []*passenger
}

// passenger is a command that waits for a trip.
type passenger struct {
	cmd redis.Cmder
	// leads gets true when it is to make the next trip itself, and false when the command has been run.
	leads chan bool
}

var passengers = sync.Pool{New: func() any { return &passenger{leads: make(chan bool, 1)} }}

// board runs a command with the next trip.
func (t *trips) board(cmd redis.Cmder) {
	t.mu.Lock()
	if t.active < maxTrips {
		t.active++
		t.mu.Unlock()
		t.travel(cmd, nil)
		return
	}
	p := passengers.Get().(*passenger)
	p.cmd = cmd
	t.waiting = append(t.waiting, p)
	t.mu.Unlock()
	if <-p.leads {
		t.mu.Lock()
		others := t.waiting
		t.waiting = nil
		t.mu.Unlock()
		t.travel(cmd, others)
	}
	p.cmd = nil
	passengers.Put(p)
}

// travel makes a trip with a command and those of others, and lets the next one begin.
func (t *trips) travel(own redis.Cmder, others []*passenger) {
	ctx := context.Background() // of the commands' own contexts none holds for all
	pipe := t.client.Pipeline()
	_ = pipe.Process(ctx, own) // only queues it
	for _, p := range others {
		_ = pipe.Process(ctx, p.cmd)
	}
	_, _ = pipe.Exec(ctx) // each command has its own error
	t.mu.Lock()
	if len(t.waiting) > 0 {
		t.waiting[0].leads <- true
		t.waiting = t.waiting[1:]
	} else {
		t.active--
	}
	t.mu.Unlock()
	for _, p := range others {
		p.leads <- false
	}
}
