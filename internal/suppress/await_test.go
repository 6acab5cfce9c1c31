package suppress

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

// living are workers that never end.
func living(names ...string) func(context.Context) ([]string, error) {
	return func(context.Context) ([]string, error) { return names, nil }
}

func TestAwait(t *testing.T) {
	mr := miniredis.RunT(t)
	rdb := redis.NewClient(&redis.Options{Addr: mr.Addr()})
	defer rdb.Close()
	ctx, l := t.Context(), New(rdb)
	add := func() {
		t.Helper()
		if _, err := l.Add(ctx, All, Why{}, at, 4500000001); err != nil {
			t.Fatal(err)
		}
		if _, err := l.Remove(ctx, All, 4500000001); err != nil {
			t.Fatal(err)
		}
	}
	behind := func(want bool, names ...string) {
		t.Helper()
		version, err := l.version(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := l.behind(ctx, version, names); err != nil || got != want {
			t.Errorf("%v are behind: %t, %v, want %t", names, got, err, want)
		}
	}
	behind(false)
	add()
	behind(false)
	behind(true, "w1")

	// Run tells what it has read, under its name.
	run, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		Follow(rdb, "w1").Run(run, func(err error) {
			if err != nil {
				t.Error(err)
			}
		})
	}()
	for range 3 {
		add()
		if err := l.Await(ctx, living("w1")); err != nil {
			t.Error(err)
		}
		behind(false, "w1")
		behind(true, "w1", "w2")
	}
	stop()
	<-done
	add()
	behind(true, "w1")

	// What the dead told is not kept.
	behind(false)
	if mr.Exists(keySeen) {
		t.Error("it is kept")
	}
	want := errors.New("no answer")
	if err := l.Await(ctx, func(context.Context) ([]string, error) { return nil, want }); !errors.Is(err, want) {
		t.Errorf("got %v, want %v", err, want)
	}
}

// nothing answers as a Redis does that has nothing.
type nothing struct{}

func (nothing) DialHook(next redis.DialHook) redis.DialHook { return next }

func (nothing) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (nothing) ProcessHook(redis.ProcessHook) redis.ProcessHook {
	return func(_ context.Context, cmd redis.Cmder) error {
		if cmd.Name() == "hgetall" {
			return nil
		}
		cmd.SetErr(redis.Nil)
		return redis.Nil
	}
}

// Nobody is waited for longer than what was read before is believed, and nobody who has died meanwhile.
func TestAwait_Ends(t *testing.T) {
	for name, living := range map[string]func(passed time.Duration) ([]string, time.Duration){
		"believed no more": func(time.Duration) ([]string, time.Duration) { return []string{"w1"}, Believed },
		"dead": func(passed time.Duration) ([]string, time.Duration) {
			if passed >= time.Second {
				return nil, time.Second
			}
			return []string{"w1"}, time.Second
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rdb := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1"})
				defer rdb.Close()
				rdb.AddHook(nothing{})
				began := time.Now()
				var want time.Duration
				err := New(rdb).Await(t.Context(), func(context.Context) ([]string, error) {
					names, w := living(time.Since(began))
					want = w
					return names, nil
				})
				if passed := time.Since(began); err != nil || passed < want || passed > want+2*awaitEvery {
					t.Errorf("returned after %v with %v, want after %v", passed, err, want)
				}
			})
		})
	}
}
