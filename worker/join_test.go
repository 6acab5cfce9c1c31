package worker

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

var increment = redis.NewScript(`return redis.call('INCR', KEYS[1])`)

func TestJoin_ManyAtOnceShareConnections(t *testing.T) {
	rdb, plain, _ := newJoined(t)
	var all sync.WaitGroup
	for range 64 {
		all.Go(func() {
			for range 50 {
				if err := increment.Run(t.Context(), rdb, []string{"n"}).Err(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if n, err := plain.Get(t.Context(), "n").Int(); err != nil || n != 64*50 {
		t.Errorf("got %d, %v", n, err)
	}
	if c := plain.PoolStats().TotalConns; c > mostTrips+1 {
		t.Errorf("64 goroutines used %d connections", c)
	}
}

// TestJoin_WhoWaitsTravelsTogether: what comes while all trips are under way goes with the next one, each with its own answer.
func TestJoin_WhoWaitsTravelsTogether(t *testing.T) {
	rdb, plain, seen := newJoined(t)
	var all sync.WaitGroup
	hold := busy(t, rdb, seen, &all)
	run := func(key string, wantErr bool) {
		all.Go(func() {
			if err := increment.Run(t.Context(), rdb, []string{key}).Err(); (err != nil) != wantErr {
				t.Errorf("%s: got %v", key, err)
			}
		})
	}
	run("word", true)
	for range 9 {
		run("n", false)
	}
	wait(t, func() bool { return rdb.trips.passengers() == 10 })
	hold <- struct{}{} // one trip ends, the others do not
	wait(t, func() bool { return seen.trips() == fewTrips+1 })
	close(hold)
	all.Wait()
	sizes := seen.sizes()
	if want := append(slices.Repeat([]int{1}, fewTrips), 10); !slices.Equal(sizes, want) {
		t.Errorf("trips of %v commands, want %v", sizes, want)
	}
	if n, err := plain.Get(t.Context(), "n").Int(); err != nil || n != fewTrips+9 {
		t.Errorf("got %d, %v", n, err)
	}
}

// TestJoin_CommandsOfOne: who has several commands gets the answers to those, in order, and the first error among them.
func TestJoin_CommandsOfOne(t *testing.T) {
	rdb, plain, seen := newJoined(t)
	var all sync.WaitGroup
	hold := busy(t, rdb, seen, &all)
	for i := range 10 {
		key := string(rune('a' + i))
		all.Go(func() {
			var first, last *redis.IntCmd
			_, err := rdb.Pipelined(t.Context(), func(p redis.Pipeliner) error {
				first = p.Incr(t.Context(), key)
				if i%2 == 1 {
					p.Incr(t.Context(), "word")
				}
				last = p.Incr(t.Context(), key)
				return nil
			})
			if (err != nil) != (i%2 == 1) || first.Val() != 1 || last.Val() != 2 {
				t.Errorf("%s: got %d and %d, %v", key, first.Val(), last.Val(), err)
			}
		})
	}
	wait(t, func() bool { return rdb.trips.passengers() == 10 })
	close(hold)
	all.Wait()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := rdb.Pipelined(ctx, func(p redis.Pipeliner) error { return p.Incr(ctx, "a").Err() }); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v when the context has ended", err)
	}
	if n := plain.Get(t.Context(), "a").Val(); n != "2" {
		t.Errorf("it was run: %s", n)
	}
}

// TestJoin_AFullTripDoesNotWait: of a crowd no trip takes more than a full one, and further trips begin, up to a number.
func TestJoin_AFullTripDoesNotWait(t *testing.T) {
	rdb, plain, seen := newJoined(t)
	var all sync.WaitGroup
	hold := busy(t, rdb, seen, &all)
	crowd := func(n int) {
		for range n {
			all.Go(func() {
				if err := increment.Run(t.Context(), rdb, []string{"n"}).Err(); err != nil {
					t.Error(err)
				}
			})
		}
	}
	crowd(fullTrip)
	wait(t, func() bool { return rdb.trips.passengers() == fullTrip })
	for i := range mostTrips - fewTrips {
		crowd(fullTrip)
		wait(t, func() bool { return seen.trips() == fewTrips+i+1 && rdb.trips.passengers() == fullTrip })
	}
	crowd(fullTrip)
	wait(t, func() bool { return rdb.trips.passengers() == 2*fullTrip })
	if n := seen.trips(); n != mostTrips {
		t.Errorf("%d trips are under way", n)
	}
	close(hold)
	all.Wait()
	sizes := seen.sizes()
	want := slices.Concat(slices.Repeat([]int{1}, fewTrips), slices.Repeat([]int{fullTrip}, mostTrips-fewTrips))
	if !slices.Equal(sizes[:mostTrips], want) || slices.Max(sizes) > fullTrip {
		t.Errorf("trips of %v commands, want first %v, and none of more than %d", sizes, want, fullTrip)
	}
	if n, err := plain.Get(t.Context(), "n").Int(); err != nil || n != fewTrips+(mostTrips-fewTrips+2)*fullTrip {
		t.Errorf("got %d, %v", n, err)
	}
}

func TestJoin_AnEndedContextRunsNothing(t *testing.T) {
	rdb, plain, seen := newJoined(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := increment.Run(ctx, rdb, []string{"k"}).Err(); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if n := seen.trips(); n != 0 || plain.Exists(t.Context(), "k").Val() != 0 {
		t.Errorf("it was run: %d trips", n)
	}
}

func TestJoin_NoConnectionIsTheErrorOfAll(t *testing.T) {
	m := miniredis.RunT(t)
	plain := redis.NewClient(&redis.Options{Addr: m.Addr(), MaxRetries: -1})
	t.Cleanup(func() { plain.Close() })
	m.Close()
	rdb := join(plain)
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			if err := increment.Run(t.Context(), rdb, []string{"k"}).Err(); err == nil {
				t.Error("no error without a server")
			}
		})
	}
	all.Wait()
}

// busy makes as many trips as may be under way with a command each. They end as something is sent on hold, or all when it is closed.
func busy(t *testing.T, rdb joined, seen *travels, all *sync.WaitGroup) (hold chan struct{}) {
	t.Helper()
	hold = make(chan struct{})
	seen.hold(hold)
	for i := range fewTrips {
		all.Go(func() {
			if err := increment.Run(t.Context(), rdb, []string{"n"}).Err(); err != nil {
				t.Error(err)
			}
		})
		wait(t, func() bool { return seen.trips() == i+1 })
	}
	return hold
}

// passengers is how many wait for a trip.
func (t *trips) passengers() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.waiting)
}

// newJoined returns a joined client, the one beneath it, and what has passed between them. The server knows the script, and a word.
func newJoined(t *testing.T) (joined, *redis.Client, *travels) {
	t.Helper()
	m := miniredis.RunT(t)
	plain := redis.NewClient(&redis.Options{Addr: m.Addr(), PoolSize: 64})
	t.Cleanup(func() { plain.Close() })
	if err := errors.Join(increment.Load(t.Context(), plain).Err(), plain.Set(t.Context(), "word", "x", 0).Err()); err != nil {
		t.Fatal(err)
	}
	seen := &travels{}
	plain.AddHook(seen)
	return join(plain), plain, seen
}

// travels notes the pipelines that a client runs, and holds each up until it receives from held, when that is set.
type travels struct {
	mu   sync.Mutex
	n    []int
	held <-chan struct{}
}

func (v *travels) hold(until <-chan struct{}) { v.held = until }

func (v *travels) sizes() []int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.n)
}

func (v *travels) trips() int { return len(v.sizes()) }

func (v *travels) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

func (v *travels) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }

func (v *travels) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if cmds[0].Name() != "evalsha" { // a connection that introduces itself
			return next(ctx, cmds)
		}
		v.mu.Lock()
		v.n = append(v.n, len(cmds))
		v.mu.Unlock()
		if v.held != nil {
			<-v.held
		}
		return next(ctx, cmds)
	}
}

func wait(t *testing.T, until func() bool) {
	t.Helper()
	for !until() {
		if t.Context().Err() != nil {
			t.FailNow()
		}
		time.Sleep(time.Millisecond)
	}
}
