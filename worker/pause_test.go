package worker

import (
	"errors"
	"fmt"
	"testing"
	"time"

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
