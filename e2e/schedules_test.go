package e2e_test

import (
	"math/rand/v2"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/volleysms/volley/e2e/world"
	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/scheduler"
)

// scheduleKey is the idempotency key of a tick's job.
func scheduleKey(id string, tick time.Time) string {
	return "schedule:" + id + ":" + strconv.FormatInt(tick.Unix(), 10)
}

// TestSchedulers_Killed: three schedulers fire a tick a second, and one or another of them is killed again and again.
// Each tick has one job, and the gateway takes one message for each.
func TestSchedulers_Killed(t *testing.T) {
	const ticks = 20
	w := newFour(t)
	w.Start("worker")
	var all []*world.Process
	for range 3 {
		all = append(all, w.Start("scheduler"))
	}
	began := time.Now().Add(2 * time.Second).Truncate(time.Second)
	end := began.Add((ticks - 1) * time.Second)
	var in scheduler.Info
	w.JSON(&in, "schedules", "add", "tick", "--every", "1s", "--start", began.Format(time.RFC3339), "--end", end.Format(time.RFC3339),
		"--catch-up", "all", "--via", "mttm", "--from", from, "--text", "Hi", "--to", number(0))
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	chance := rand.New(rand.NewPCG(seed, 1))
	kills := 0
	w.Eventually("all ticks", func() bool {
		if time.Now().Before(end) && chance.IntN(8) == 0 {
			i := chance.IntN(len(all))
			all[i].Kill()
			all[i] = w.Start("scheduler")
			kills++
		}
		var now scheduler.Info
		w.JSON(&now, "schedules", "show", "tick")
		return now.Totals.Fired == ticks && now.Condition == scheduler.Ended
	})
	if kills == 0 {
		t.Error("none was killed")
	}
	t.Logf("%d kills", kills)
	rdb := redis.NewClient(&redis.Options{Addr: w.redis})
	defer rdb.Close()
	c, err := enqueue.NewFromRedis(rdb, enqueue.Options{})
	if err != nil {
		t.Fatal(err)
	}
	jobs := map[string]bool{}
	for i := range ticks {
		tick := began.Add(time.Duration(i) * time.Second)
		id, err := c.JobOfKey(t.Context(), scheduleKey(in.ID, tick))
		if err != nil || jobs[id] {
			t.Errorf("the tick of %s has the job %q (%v)", tick, id, err)
		}
		jobs[id] = true
		w.Completed(id)
	}
	if ids, err := c.Recent(t.Context(), 0); err != nil || len(ids) != ticks {
		t.Errorf("there are %d jobs (%v), want %d", len(ids), err, ticks)
	}
	if n := w.taken("mttm")[number(0)]; n != ticks {
		t.Errorf("the gateway took %d messages, want %d", n, ticks)
	}
	for i, p := range all {
		if code := p.End(syscall.SIGTERM); code != 0 {
			t.Errorf("scheduler %d ends with exit status %d: %s", i, code, p.Log())
		}
		w.discreet(p.Log(), number(0))
	}
}
