package worker

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// crowd lets n callers wait at the gate and counts those that are through.
func crowd(t *testing.T, g *gate, n int) *atomic.Int64 {
	t.Helper()
	var through atomic.Int64
	for range n {
		go func() {
			if g.pass(t.Context()) == nil {
				through.Add(1)
			}
		}()
	}
	return &through
}

func TestGate(t *testing.T) {
	at := func(t *testing.T, after time.Duration, through *atomic.Int64, want int64) {
		t.Helper()
		time.Sleep(after)
		synctest.Wait()
		if n := through.Load(); n != want {
			t.Errorf("%d are through, want %d", n, want)
		}
	}
	t.Run("OpenAtFirst", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var g gate
			at(t, 0, crowd(t, &g, 3), 3)
		})
	})
	t.Run("HeldUntilATimeAndThenForAll", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var g gate
			g.hold(time.Now().Add(2 * time.Second))
			g.hold(time.Now().Add(time.Second)) // shortens nothing
			through := crowd(t, &g, 3)
			at(t, 2*time.Second-1, through, 0)
			at(t, 1, through, 3)
		})
	})
	t.Run("AfterTroubleOneProbesAndTheOthersWaitForIt", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var g gate
			if _, first := g.fault(time.Now()); !first {
				t.Error("not the first")
			}
			through := crowd(t, &g, 5)
			at(t, firstTrouble-1, through, 0)
			at(t, 1, through, 1)
			at(t, time.Hour, through, 1)
			if !g.well() {
				t.Error("there was no trouble")
			}
			at(t, 0, through, 5)
			if g.well() {
				t.Error("there is trouble again")
			}
		})
	})
	t.Run("AProbeThatFailsDoublesThePauseUpToABound", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var g gate
			g.fault(time.Now())
			through := crowd(t, &g, 20)
			var pause time.Duration
			for k := int64(1); k <= 12; k++ {
				time.Sleep(maxTrouble)
				at(t, 0, through, k)
				last := pause
				var first bool
				if pause, first = g.fault(time.Now()); first {
					t.Error("the trouble is not new")
				}
				if want := min(maxTrouble, 2*max(last, firstTrouble)); pause != want {
					t.Errorf("pause %v after %v, want %v", pause, last, want)
				}
			}
			g.well()
		})
	})
	t.Run("CallsThatWereUnderWayLengthenNothing", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var g gate
			g.fault(time.Now())
			for range 10 {
				g.fault(time.Now())
			}
			at(t, firstTrouble, crowd(t, &g, 2), 1)
			g.well()
		})
	})
	t.Run("AProbeThatFoundOutNothingLetsAnotherOneTry", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var g gate
			g.fault(time.Now())
			through := crowd(t, &g, 3)
			at(t, firstTrouble, through, 1)
			g.unsure()
			at(t, 0, through, 2)
			g.well()
		})
	})
	t.Run("WhoStopsWaitingIsNotThrough", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var g gate
			g.hold(time.Now().Add(time.Hour))
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if err := g.pass(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v", err)
			}
		})
	})
}
