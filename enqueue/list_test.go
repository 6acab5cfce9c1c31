package enqueue_test

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/volleysms/volley/enqueue"
)

func TestClient_List(t *testing.T) {
	r := newRig(t, enqueue.Options{Accounts: []string{"dk"}})
	ctx := t.Context()
	var ids []string
	for i := range 5 {
		job := enqueue.Job{Via: "dk", Text: "hi", Label: fmt.Sprint("n", i), Recipients: []enqueue.Recipient{{To: "4512345678"}, {To: "abc"}}}
		if i == 1 {
			job.Delay = time.Hour
		}
		rc, err := r.client.Enqueue(ctx, job)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, rc.JobID)
		time.Sleep(2 * time.Millisecond) // jobs are listed by the millisecond
	}
	if _, err := r.client.Cancel(ctx, ids[3], enqueue.Ask{}); err != nil {
		t.Fatal(err)
	}
	slices.Reverse(ids)

	t.Run("IsStatusOfEach", func(t *testing.T) {
		l, err := r.client.List(ctx, 0, 10, false)
		if err != nil || l.Total != 5 || len(l.Jobs) != 5 {
			t.Fatalf("%d jobs of %d, %v", len(l.Jobs), l.Total, err)
		}
		for i, s := range l.Jobs {
			want, err := r.client.Status(ctx, ids[i])
			if err != nil || !reflect.DeepEqual(s, want) {
				t.Errorf("job %d: %+v, want %+v, %v", i, s, want, err)
			}
		}
	})
	t.Run("Pages", func(t *testing.T) {
		l, err := r.client.List(ctx, 2, 2, false)
		if err != nil || l.Total != 5 || len(l.Jobs) != 2 || l.Jobs[0].JobID != ids[2] {
			t.Errorf("%+v, %v", l, err)
		}
	})
	t.Run("Open", func(t *testing.T) {
		l, err := r.client.List(ctx, 0, 10, true)
		if err != nil || l.Total != 4 || slices.ContainsFunc(l.Jobs, func(s enqueue.Status) bool { return s.State == enqueue.Cancelled }) {
			t.Errorf("%+v, %v", l, err)
		}
	})
	t.Run("RoundTripsDoNotGrowWithTheJobs", func(t *testing.T) {
		var n trips
		rdb := redis.NewClient(&redis.Options{Addr: r.mr.Addr()})
		t.Cleanup(func() { rdb.Close() })
		rdb.AddHook(&n)
		c := newClient(t, rdb, enqueue.Options{})
		if _, err := c.List(ctx, 0, 1, false); err != nil { // a connection says hello first
			t.Fatal(err)
		}
		for _, jobs := range []int{1, 5} {
			n.Store(0)
			if _, err := c.List(ctx, 0, jobs, false); err != nil || n.Load() != 4 {
				t.Errorf("%d jobs took %d round trips, %v", jobs, n.Load(), err)
			}
		}
	})
}

// trips counts round trips.
type trips struct{ atomic.Int64 }

func (n *trips) DialHook(next redis.DialHook) redis.DialHook { return next }

func (n *trips) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error { n.Add(1); return next(ctx, cmd) }
}

func (n *trips) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error { n.Add(1); return next(ctx, cmds) }
}
