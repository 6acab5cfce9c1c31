package ui

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/speed"
)

const (
	// tick is how often open jobs are looked at while somebody looks at a page about them.
	tick = time.Second
	// patience is how long after the last look at a page it goes on.
	patience = 30 * time.Second
	// watched is how many open jobs are looked at, the newest.
	watched = 200
)

// watch knows how fast the open jobs are. It asks Redis nothing while nobody looks.
type watch struct {
	client *enqueue.Client
	meter  speed.Meter
	looked atomic.Int64 // in nanoseconds since 1970
}

func newWatch(c *enqueue.Client) *watch { return &watch{client: c} }

// look says that somebody looks.
func (w *watch) look() { w.looked.Store(time.Now().UnixNano()) }

func (w *watch) run(ctx context.Context) {
	t := time.NewTicker(tick)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		if time.Since(time.Unix(0, w.looked.Load())) > patience {
			w.meter.Note(time.Now(), nil)
			continue
		}
		limited, cancel := context.WithTimeout(ctx, 5*tick)
		list, err := w.client.List(limited, 0, watched, true)
		cancel()
		if err != nil {
			continue
		}
		come := make(map[string]int64, len(list.Jobs))
		for _, j := range list.Jobs {
			come[j.JobID] = done(j.Counts)
		}
		w.meter.Note(time.Now(), come)
	}
}

// done is how many recipients have an outcome.
func done(c enqueue.Counts) int64 { return c.Total - c.Queued - c.Sending }
