package worker

import (
	"context"
	"errors"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

// TestReviveAcks: asynq repeats an acknowledgement with a context that it has cancelled itself.
func TestReviveAcks(t *testing.T) {
	m := miniredis.RunT(t)
	plain := redis.NewClient(&redis.Options{Addr: m.Addr()})
	t.Cleanup(func() { plain.Close() })
	script := redis.NewScript(`return redis.call('INCR', KEYS[1])`)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := script.Run(cancelled, plain, []string{"k"}).Err(); !errors.Is(err, context.Canceled) {
		t.Errorf("without the guard: %v", err)
	}
	want := int64(0)
	for _, rdb := range []redis.UniversalClient{plain, join(plain)} {
		for range 2 { // by EVAL the first time, by EVALSHA the second
			want++
			if n, err := script.Run(cancelled, reviveAcks{rdb}, []string{"k"}).Int64(); err != nil || n != want {
				t.Errorf("got %d, %v; want %d", n, err, want)
			}
		}
		late, cancel := context.WithTimeout(t.Context(), 0)
		if err := script.Run(late, reviveAcks{rdb}, []string{"k"}).Err(); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("after the lease: %v", err)
		}
		cancel()
	}
	if n, err := plain.Get(t.Context(), "k").Int64(); err != nil || n != want {
		t.Errorf("the script ran %d times, %v; want %d", n, err, want)
	}
}

// TestReviveAcks_AsynqsServersHaveIt: what they cancelled is acknowledged, and nothing is once the lease has ended.
func TestReviveAcks_AsynqsServersHaveIt(t *testing.T) {
	w := newIdle(t, Account{})
	script := redis.NewScript(`return redis.call('INCR', KEYS[1])`)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	late, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	if n, err := script.Run(cancelled, w.srvRdb, []string{"k"}).Int64(); err != nil || n != 1 {
		t.Errorf("cancelled: got %d, %v", n, err)
	}
	if err := script.Run(late, w.srvRdb, []string{"k"}).Err(); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("after the lease: got %v", err)
	}
}
