package worker

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/providers"
)

// TestPauseAfter: pauses are spread over all of the time up to their bound, so that batches that failed together do not come
// back together, and are never longer.
func TestPauseAfter(t *testing.T) {
	w := &Worker{opts: Options{Retry: Retry{Initial: time.Second, Max: time.Minute}}}
	for n, bound := range map[int]time.Duration{
		0: time.Second, 1: time.Second, 2: 2 * time.Second, 3: 4 * time.Second, 6: 32 * time.Second, 7: time.Minute, 200: time.Minute,
	} {
		var quarters [4]int
		for range 1000 {
			d := w.pauseAfter(n)
			if d < 0 || d > bound {
				t.Fatalf("after %d attempts: %v, want at most %v", n, d, bound)
			}
			quarters[min(3, 4*d/bound)]++
		}
		for i, k := range quarters {
			if k < 100 { // 250 are to be expected; so few come once in 10^30
				t.Errorf("after %d attempts: %d of 1000 pauses are in quarter %d of %v", n, k, i, bound)
			}
		}
	}
}

func TestRetryAfter_IsBounded(t *testing.T) {
	for wish, want := range map[time.Duration]time.Duration{-time.Second: 0, 0: 0, time.Minute: time.Minute, 1000 * time.Hour: time.Hour} {
		err := fmt.Errorf("wrapped: %w", &providers.Error{Kind: providers.Throttled, RetryAfter: wish})
		if got := retryAfter(err); got != want {
			t.Errorf("%v: got %v, want %v", wish, got, want)
		}
	}
	if got := retryAfter(errors.New("none")); got != 0 {
		t.Errorf("got %v", got)
	}
}

// TestRetryAfter_IsALowerBound: nobody of a call is sent to again before the time that the gateway asked for.
func TestRetryAfter_IsALowerBound(t *testing.T) {
	t.Run("OfTheAccountThatIsThrottled", func(t *testing.T) {
		s := newStay(t)
		s.claimed(s.calls[0])
		before := time.Now()
		s.settle(s.calls[0], providers.Fail(1, &providers.Error{Kind: providers.Throttled, RetryAfter: time.Minute}), 0)
		if got := s.a.gate.closedFor(before); got < time.Minute {
			t.Errorf("the gate is closed for %v", got)
		}
		s.c.flushed()
	})
	t.Run("OfTheCallThatWasNotTaken", func(t *testing.T) {
		s := newStay(t)
		var next retries
		rec := ledger.Record{State: ledger.Sending, Attempts: 1}
		s.decide(&rec, s.calls[0], 0, providers.Unavailable, &providers.Result{Err: &providers.Error{Kind: providers.Unavailable, RetryAfter: time.Minute}}, &next)
		again := next.calls(s.calls[0])
		if len(again) != 1 || again[0].pause < time.Minute {
			t.Errorf("got %+v", again)
		}
	})
}
