package worker

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/volleysms/volley/internal/standing"
)

// crowd lets n callers wait at the gate and counts those that are through.
func crowd(t *testing.T, g *gate, n int) *atomic.Int64 {
	t.Helper()
	var through atomic.Int64
	for range n {
		go func() {
			_, err := g.pass(t.Context())
			for errors.Is(err, errShut) && g.settled(t.Context(), 100*time.Hour) {
				_, err = g.pass(t.Context())
			}
			if err == nil {
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
	refused := &standing.Trouble{Why: standing.Suspended}
	t.Run("ShutForTroubleUntilItIsOpened", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var g gate
			g.shut(refused)
			through := crowd(t, &g, 3)
			at(t, 24*time.Hour, through, 0)
			if g.shutFor() != refused {
				t.Error("it does not say why")
			}
			g.open()
			g.well()
			at(t, 0, through, 3)
		})
	})
	t.Run("AfterTroubleOneGoesFirstAndTheOthersWaitForIt", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var g gate
			g.shut(refused)
			g.open()
			through := crowd(t, &g, 5)
			at(t, time.Hour, through, 1)
			g.well()
			at(t, 0, through, 5)
		})
	})
	t.Run("OneThatFoundOutNothingLetsAnotherOneTry", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			g := gate{trial: true}
			through := crowd(t, &g, 3)
			at(t, 0, through, 1)
			g.unsure()
			at(t, 0, through, 2)
			g.well()
		})
	})
	t.Run("AtTheStartTheOthersWaitForAWhileOnly", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			g := gate{trial: true, waits: time.Second}
			through := crowd(t, &g, 4)
			at(t, time.Second-1, through, 1)
			at(t, 1, through, 4)
		})
	})
	t.Run("ARunOfCallsWithoutAnAnswerTripsIt", func(t *testing.T) {
		var g gate
		for range 3 * tripAfter {
			for range tripAfter - 1 {
				if g.missed() {
					t.Fatal("tripped too early")
				}
			}
			g.answered()
		}
		for k := range tripAfter {
			if g.missed() != (k == tripAfter-1) {
				t.Fatalf("wrong after %d", k+1)
			}
		}
		g.shut(&standing.Trouble{Why: standing.Down})
		if g.missed() {
			t.Error("calls that were under way are news")
		}
		g.open()
		if small, err := g.pass(t.Context()); !small || err != nil {
			t.Errorf("the first call after it is small: %v, %v", small, err)
		}
		if !g.missed() {
			t.Error("one more miss does not trip it again")
		}
	})
	t.Run("SettledWaitsForTheEndOfTrouble", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var g gate
			if !g.settled(t.Context(), 0) {
				t.Error("an open gate is settled")
			}
			g.shut(refused)
			if g.settled(t.Context(), time.Minute) {
				t.Error("settled while shut")
			}
			time.AfterFunc(time.Second, g.open)
			if !g.settled(t.Context(), time.Minute) {
				t.Error("not settled when it was opened")
			}
		})
	})
	t.Run("WhoStopsWaitingIsNotThrough", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var g gate
			g.hold(time.Now().Add(time.Hour))
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if _, err := g.pass(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v", err)
			}
		})
	})
}
