package ui

import (
	"context"
	"sync"
	"time"

	"github.com/volleysms/volley/enqueue"
)

const (
	// tick is how often open jobs are looked at while somebody looks at a page about them.
	tick = time.Second
	// memory is over how long a job's rate is taken.
	memory = 20 * time.Second
	// patience is how long after the last look at a page it goes on.
	patience = 30 * time.Second
	// watched is how many open jobs are looked at, the newest.
	watched = 200
)

// watch knows how fast the open jobs are. It asks Redis nothing while nobody looks.
type watch struct {
	client *enqueue.Client

	mu      sync.Mutex
	looked  time.Time
	samples map[string][]sample
}

// sample is how far a job had come.
type sample struct {
	at   time.Time
	done int64
}

func newWatch(c *enqueue.Client) *watch { return &watch{client: c, samples: map[string][]sample{}} }

// look says that somebody looks.
func (w *watch) look() {
	w.mu.Lock()
	w.looked = time.Now()
	w.mu.Unlock()
}

func (w *watch) run(ctx context.Context) {
	t := time.NewTicker(tick)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		w.mu.Lock()
		idle := time.Since(w.looked) > patience
		if idle {
			clear(w.samples)
		}
		w.mu.Unlock()
		if idle {
			continue
		}
		limited, cancel := context.WithTimeout(ctx, 5*tick)
		list, err := w.client.List(limited, 0, watched, true)
		cancel()
		if err == nil {
			w.note(time.Now(), list.Jobs)
		}
	}
}

// note keeps how far jobs have come. Those that are not among them have ended.
func (w *watch) note(now time.Time, jobs []enqueue.Status) {
	w.mu.Lock()
	defer w.mu.Unlock()
	seen := map[string]bool{}
	for _, j := range jobs {
		seen[j.JobID] = true
		s := append(w.samples[j.JobID], sample{now, done(j.Counts)})
		for len(s) > 2 && now.Sub(s[0].at) > memory {
			s = s[1:]
		}
		w.samples[j.JobID] = s
	}
	for id := range w.samples {
		if !seen[id] {
			delete(w.samples, id)
		}
	}
}

// rate is how many recipients a second a job has got an outcome for lately; false when that is not known.
func (w *watch) rate(id string) (perSecond float64, known bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.samples[id]
	if len(s) < 2 {
		return 0, false
	}
	first, last := s[0], s[len(s)-1]
	return max(0, float64(last.done-first.done)/last.at.Sub(first.at).Seconds()), true
}

// done is how many recipients have an outcome.
func done(c enqueue.Counts) int64 { return c.Total - c.Queued - c.Sending }
