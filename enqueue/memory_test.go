package enqueue_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/volleysms/volley/enqueue"
)

// forgetful drops the recipients that have been written from the Redis in this process, whose memory is not the client's.
type forgetful struct{ r *rig }

func (f forgetful) DialHook(next redis.DialHook) redis.DialHook          { return next }
func (f forgetful) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }

func (f forgetful) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		err := next(ctx, cmds)
		for _, c := range cmds {
			if a := c.Args(); len(a) > 3 && strings.HasPrefix(c.Name(), "eval") {
				f.r.mr.Del(fmt.Sprint(a[3]))
			}
		}
		return err
	}
}

func TestEnqueueStream_MemoryDoesNotGrowWithTheRecipients(t *testing.T) {
	const few, many = 30_000, 300_000
	// Held whole, the recipients that many has over few would be 27 MB of values alone.
	const bound = 8 << 20
	small, large := peakHeap(t, few), peakHeap(t, many)
	t.Logf("%d recipients: %d KB of heap at most; %d recipients: %d KB", few, small>>10, many, large>>10)
	if large > small+bound {
		t.Errorf("%d recipients took %d KB of heap, %d took %d KB", few, small>>10, many, large>>10)
	}
}

// peakHeap returns the largest live heap while n recipients of some 100 bytes are enqueued, over what was there before.
func peakHeap(t *testing.T, n int) uint64 {
	t.Helper()
	r := newRig(t, enqueue.Options{})
	r.rdb.AddHook(forgetful{r})
	c, err := enqueue.NewFromRedis(r.rdb, enqueue.Options{})
	if err != nil {
		t.Fatal(err)
	}
	j := job("")
	j.Fields = []string{"x"}
	j.Text = "{{x}}"
	if err := c.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := liveHeap()
	var peak uint64
	_, err = c.EnqueueStream(t.Context(), j, func(yield func(enqueue.Recipient, error) bool) {
		for i := range n {
			value := fmt.Sprintf("%0100d", i)
			if !yield(enqueue.Recipient{To: fmt.Sprint(4500000000 + i*7), Values: []string{value}}, nil) {
				return
			}
			if i%(n/10) == n/20 {
				peak = max(peak, liveHeap())
			}
		}
		peak = max(peak, liveHeap())
	})
	if err != nil {
		t.Fatal(err)
	}
	return peak - min(peak, before)
}

func liveHeap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
