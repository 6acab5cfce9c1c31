package pace

import (
	"context"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"pgregory.net/rapid"
)

func connect(t testing.TB) (*miniredis.Miniredis, *redis.Client) {
	t.Helper()
	m := miniredis.NewMiniRedis()
	if err := m.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	c := redis.NewClient(&redis.Options{Addr: m.Addr()})
	t.Cleanup(func() { _ = c.Close() })
	return m, c
}

// moments reserves a moment for each cost while the server's clock stands still, and returns them in microseconds from now.
func moments(t rapid.TB, m *miniredis.Miniredis, p *Pacer, costs []Cost) []int64 {
	start := time.Unix(1_900_000_000, 0)
	m.SetTime(start)
	at := make([]int64, len(costs))
	for i, c := range costs {
		var err error
		at[i], err = p.reserve(context.Background(), c)
		if err != nil {
			t.Fatal(err)
		}
	}
	return at
}

func TestReserve_NoSecondHasMoreThanTheLimit(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m, rdb := connect(t)
		l := Limits{
			Calls:      rapid.SampledFrom([]float64{0, 0.5, 3, 50}).Draw(rt, "calls"),
			Recipients: rapid.SampledFrom([]float64{0, 10, 100}).Draw(rt, "recipients"),
			Segments:   rapid.SampledFrom([]float64{0, 25, 300}).Draw(rt, "segments"),
		}
		p := New(rdb, "a", l)
		if p == nil {
			return
		}
		costs := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) Cost {
			n := rapid.IntRange(1, 30).Draw(rt, "n")
			return Cost{n, n * rapid.IntRange(1, 3).Draw(rt, "parts")}
		}), 1, 60).Draw(rt, "costs")
		at := moments(rt, m, p, costs)
		// Every call may leave up to Slack late.
		second := (time.Second + Slack).Microseconds()
		for i := range at {
			if i > 0 && at[i] < at[i-1] {
				rt.Fatalf("moment %d is before the one that was reserved earlier", i)
			}
			var calls, recipients, segments float64
			for k := i; k < len(at) && at[k]-at[i] < second; k++ {
				calls++
				recipients += float64(costs[k].Recipients)
				segments += float64(costs[k].Segments)
				alone := k == i // a call larger than the limit goes alone
				if l.Calls > 0 && calls > max(1, l.Calls) || !alone && (over(recipients, l.Recipients) || over(segments, l.Segments)) {
					rt.Fatalf("from moment %d on a second has %v calls, %v recipients, %v segments: limits %+v, %v %v", i, calls, recipients, segments, l, at, costs)
				}
			}
		}
	})
}

func over(n, limit float64) bool { return limit > 0 && n > limit }

func TestReserve_TheLimitIsUsed(t *testing.T) {
	cases := map[string]struct {
		limits Limits
		cost   Cost
		want   float64 // calls a second
	}{
		"calls":                             {Limits{Calls: 50}, Cost{1, 1}, 50},
		"fewer than one call a second":      {Limits{Calls: 0.5}, Cost{1, 1}, 0.5},
		"recipients":                        {Limits{Recipients: 100}, Cost{10, 10}, 10},
		"segments":                          {Limits{Segments: 100}, Cost{10, 20}, 5},
		"a call larger than the limit":      {Limits{Recipients: 100}, Cost{250, 250}, 0.4},
		"the tightest of several decides":   {Limits{Calls: 50, Recipients: 100}, Cost{20, 20}, 5},
		"one recipient a call, by the call": {Limits{Recipients: 100}, Cost{1, 1}, 100},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			m, rdb := connect(t)
			costs := make([]Cost, 400)
			for i := range costs {
				costs[i] = c.cost
			}
			at := moments(t, m, New(rdb, "a", c.limits), costs)
			if got := float64(len(at)-1) / (float64(at[len(at)-1]) / 1e6); got < 0.95*c.want || got > c.want {
				t.Errorf("%v calls a second, want 95 to 100 %% of %v", got, c.want)
			}
		})
	}
}

func TestReserve_IdleTimeIsNotSavedUp(t *testing.T) {
	m, rdb := connect(t)
	p := New(rdb, "a", Limits{Calls: 10})
	moments(t, m, p, make([]Cost, 3))
	m.SetTime(time.Unix(1_900_000_000, 0).Add(time.Minute))
	var at []int64
	for range 3 {
		us, err := p.reserve(t.Context(), Cost{})
		if err != nil {
			t.Fatal(err)
		}
		at = append(at, us)
	}
	if at[0] != 0 || at[1] < 100_000 || at[2] < 2*at[1] {
		t.Errorf("after a minute's rest the moments are %v", at)
	}
}

func TestNew_NoLimitsIsNoPacer(t *testing.T) {
	p := New(nil, "a", Limits{})
	if p != nil || p.Paced() {
		t.Fatal("there is a pacer")
	}
	if err := p.Wait(t.Context(), Cost{1, 1}); err != nil {
		t.Error(err)
	}
	if err := p.Enter(t.Context(), "x", time.Second); err != nil {
		t.Error(err)
	}
	if err := p.Leave(t.Context(), "x"); err != nil {
		t.Error(err)
	}
}

func TestEnter(t *testing.T) {
	m, rdb := connect(t)
	p := New(rdb, "a", Limits{InFlight: 2})
	ctx := t.Context()
	for _, token := range []string{"one", "two", "two"} {
		if err := p.Enter(ctx, token, time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("a full house lets nobody in", func(t *testing.T) {
		short, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
		defer cancel()
		if err := p.Enter(short, "three", time.Minute); err == nil {
			t.Fatal("a third call is in flight")
		}
	})
	t.Run("a place given back is there for the next", func(t *testing.T) {
		in := make(chan error, 1)
		go func() { in <- p.Enter(ctx, "three", time.Minute) }()
		if err := p.Leave(ctx, "one"); err != nil {
			t.Fatal(err)
		}
		if err := <-in; err != nil {
			t.Fatal(err)
		}
	})
	t.Run("the places of the dead come free", func(t *testing.T) {
		m.SetTime(time.Now().Add(2 * time.Minute))
		if err := p.Enter(ctx, "four", time.Minute); err != nil {
			t.Fatal(err)
		}
		if n := rdb.ZCard(ctx, p.flight).Val(); n != 1 {
			t.Errorf("%d places are taken", n)
		}
	})
}
