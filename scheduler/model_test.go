package scheduler_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/internal/schedule"
	"github.com/volleysms/volley/scheduler"
)

// TestEachTickFiresOnce: three schedulers look after a thousand ticks of which nobody holds a lease, so that they get in
// each other's way all the time; each dies at random steps, and the endpoint's list is another one each time.
func TestEachTickFiresOnce(t *testing.T) {
	const n = 1000
	r := newRig(t)
	var mu sync.Mutex
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	chance := rand.New(rand.NewPCG(seed, 1))
	draw := func(k int) int {
		mu.Lock()
		defer mu.Unlock()
		return chance.IntN(k)
	}
	deaths := map[string]int{}
	asked := 0
	files := func(_ context.Context, _ schedule.File, _ []string) (scheduler.Rows, error) {
		mu.Lock()
		asked++
		k := asked
		mu.Unlock()
		if draw(20) == 0 {
			return scheduler.Rows{}, errors.New("the file is locked")
		}
		return scheduler.Rows{Recipients: func(yield func(enqueue.Recipient, error) bool) {
			for i := range 1 + draw(3) {
				if !yield(enqueue.Recipient{To: fmt.Sprintf("45%06d%02d", k, i)}, nil) {
					return
				}
			}
		}}, nil
	}
	var all []*scheduler.Scheduler
	for range 3 {
		s := r.scheduler(scheduler.Options{Files: files})
		s.SetReached(func(step string) error {
			if draw(6) > 0 {
				return nil
			}
			mu.Lock()
			deaths[step]++
			mu.Unlock()
			return errDied
		})
		all = append(all, s)
	}
	in := r.add(schedule.Schedule{
		Name: "reminder", Cron: "* * * * *", CatchUp: schedule.All, CatchUpWithin: schedule.Duration(24 * time.Hour),
		Send:       schedule.Template{Via: "dk", From: "Acme", Text: "Hi"},
		Recipients: schedule.Recipients{File: &schedule.File{Path: "people.csv"}},
	})
	for round := 0; r.get("reminder").Totals.Fired < n; round++ {
		if round > 20*n {
			t.Fatalf("they come to no end: %+v", r.get("reminder").Totals)
		}
		r.clock.pass(time.Duration(10+draw(110)) * time.Second)
		if end := begin.Add(n * time.Minute); r.clock.now().After(end) {
			r.clock.set(end.Add(time.Duration(draw(50)) * time.Second))
		}
		var wg sync.WaitGroup
		for _, s := range all {
			wg.Go(func() {
				for range 1 + draw(3) {
					if err := s.Attend(t.Context(), "reminder"); err != nil && !errors.Is(err, errDied) {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
	}
	t.Logf("deaths: %v; the list was asked for %d times", deaths, asked)
	for _, step := range []string{"begin", "freeze", "enqueue"} {
		if deaths[step] < 50 {
			t.Errorf("nobody died at %s to speak of: %v", step, deaths)
		}
	}
	jobs := map[string]bool{}
	for _, id := range r.jobs() {
		jobs[id] = true
	}
	if len(jobs) != n {
		t.Errorf("there are %d jobs, want %d", len(jobs), n)
	}
	l := ledger.New(r.rdb)
	for i := range n {
		tick := begin.Add(time.Duration(i+1) * time.Minute)
		id, err := l.JobOfKey(t.Context(), keyHash(fmt.Sprintf("schedule:%s:%d", in.ID, tick.Unix())))
		if err != nil || !jobs[id] {
			t.Errorf("tick %s: %v, and its job is there: %v", tick, err, jobs[id])
		}
		delete(jobs, id)
	}
	if got := r.get("reminder"); got.Totals != (schedule.Totals{Fired: n}) {
		t.Errorf("totals %+v", got.Totals)
	}
	if keys, err := r.rdb.Keys(t.Context(), "volley:{schedules.*").Result(); err != nil || len(keys) > deaths["freeze"]+deaths["enqueue"]+2 {
		t.Errorf("%d lists are left behind (%v)", len(keys), err)
	}
}
