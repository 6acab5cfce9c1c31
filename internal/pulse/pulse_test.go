package pulse

import (
	"fmt"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

func TestBook(t *testing.T) {
	mr := miniredis.RunT(t)
	rdb := redis.NewClient(&redis.Options{Addr: mr.Addr()})
	t.Cleanup(func() { rdb.Close() })
	b, ctx, now := New(rdb), t.Context(), time.UnixMilli(1_800_000_000_000)
	tell := func(worker string, at time.Time, beat Beat, f ...Failure) {
		t.Helper()
		if err := b.Tell(ctx, worker, "dk", at, beat, f); err != nil {
			t.Fatal(err)
		}
	}
	of := func(at time.Time) Use {
		t.Helper()
		u, err := b.Of(ctx, at, "other", "dk")
		if err != nil || u[0].Workers != 0 {
			t.Fatalf("%+v, %v", u, err)
		}
		return u[1]
	}
	tell("w1", now, Beat{Seconds: 2, Calls: 20, Recipients: 100, Segments: 200, InFlight: 3, Lanes: 8})
	tell("w2", now, Beat{Seconds: 4, Calls: 20, InFlight: 1, Lanes: 8})
	if u := of(now); u.Workers != 2 || u.Calls != 15 || u.Recipients != 50 || u.Segments != 100 || u.InFlight != 4 || u.Lanes != 16 {
		t.Errorf("%+v", u)
	}
	tell("w2", now.Add(alive), Beat{Lanes: 8})
	if u := of(now.Add(alive)); u.Workers != 1 || u.Lanes != 8 {
		t.Errorf("with a worker that is silent: %+v", u)
	}
	for i := range failures + 5 {
		tell("w2", now, Beat{}, Failure{At: now, Kind: "throttled", Code: fmt.Sprint(i), Calls: 2})
	}
	if u := of(now); len(u.Failures) != failures || u.Failures[0].Code != "14" || u.Failures[0].Calls != 2 {
		t.Errorf("%+v", u.Failures)
	}
	if err := b.Leave(ctx, "w2", "dk", "other"); err != nil || of(now).Workers != 1 {
		t.Errorf("%v, %+v", err, of(now))
	}
	mr.FastForward(alive)
	if u := of(now); u.Workers != 0 || len(u.Failures) != failures {
		t.Errorf("after everybody is gone: %+v", u)
	}
}
