package enqueue_test

import (
	"context"
	"fmt"
	"io"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/volleysms/volley/enqueue"
)

// lossy is a way to Redis on which one round trip fails.
type lossy struct {
	left   atomic.Int64 // round trips until then
	answer bool         // it is the answer that is lost: Redis has done what it was asked
}

// around makes a round trip, unless it is the one that fails.
func (l *lossy) around(trip func() error, fail func(error)) error {
	if l.left.Add(-1) != 0 {
		return trip()
	}
	if l.answer {
		_ = trip()
	}
	fail(io.ErrUnexpectedEOF)
	return io.ErrUnexpectedEOF
}

func (l *lossy) DialHook(next redis.DialHook) redis.DialHook { return next }

func (l *lossy) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		return l.around(func() error { return next(ctx, cmd) }, cmd.SetErr)
	}
}

func (l *lossy) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		return l.around(func() error { return next(ctx, cmds) }, func(err error) {
			for _, c := range cmds {
				c.SetErr(err)
			}
		})
	}
}

func TestEnqueue_AnyRoundTripMayFailAndTheKeyRepairsIt(t *testing.T) {
	for name, answer := range map[string]bool{"Request": false, "Answer": true} {
		t.Run("Lost"+name, func(t *testing.T) {
			trip := int64(1)
			for done := false; !done; trip++ {
				t.Run(fmt.Sprint("Trip", trip), func(t *testing.T) {
					r := newRig(t, enqueue.Options{BatchSize: 10})
					l := &lossy{answer: answer}
					l.left.Store(trip)
					r.rdb.AddHook(l)
					rs := mixed(40)
					_, _ = r.client.Enqueue(t.Context(), job("k", rs...))
					done = l.left.Swap(0) > 0

					got, err := r.client.Enqueue(t.Context(), job("k", rs...))
					if err != nil {
						t.Fatalf("the repeat: %v", err)
					}
					requireRecipients(t, r, got.JobID, rs)
					if c := r.counts(t, got.JobID); c != (enqueue.Counts{Total: 36, Queued: 32, Rejected: 4}) {
						t.Errorf("got counts %+v", c)
					}
					if n := len(r.tasks(t, "dk")); n != 1 {
						t.Errorf("there are %d tasks, want 1", n)
					}
					if ids, err := r.client.Recent(t.Context(), 10); err != nil || len(ids) != 1 {
						t.Errorf("there are the jobs %v, %v; want one", ids, err)
					}
				})
			}
			if trip < 10 {
				t.Errorf("there were %d round trips only", trip-1)
			}
		})
	}
}
