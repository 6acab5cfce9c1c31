package scheduler_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/redistest"
	"github.com/volleysms/volley/internal/schedule"
	"github.com/volleysms/volley/scheduler"
)

// clock is a clock that tests set.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) set(t time.Time) {
	c.mu.Lock()
	c.t = t
	c.mu.Unlock()
}

func (c *clock) pass(d time.Duration) { c.set(c.now().Add(d)) }

// rig is a Redis with a store on it, and a clock for all.
type rig struct {
	t      *testing.T
	rdb    *redis.Client
	clock  *clock
	store  *schedule.Store
	client *enqueue.Client
}

// begin is a Tuesday.
var begin = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

// newRig makes a rig; args are for its redis-server.
func newRig(t *testing.T, args ...string) *rig {
	t.Helper()
	r := &rig{t: t, rdb: redis.NewClient(&redis.Options{Addr: redistest.Start(t, args...)}), clock: &clock{t: begin}}
	t.Cleanup(func() { _ = r.rdb.Close() })
	r.store = schedule.NewStore(r.rdb)
	r.store.Now = func(context.Context) (time.Time, error) { return r.clock.now(), nil }
	var err error
	if r.client, err = enqueue.NewFromRedis(r.rdb, enqueue.Options{}); err != nil {
		t.Fatal(err)
	}
	return r
}

// scheduler returns one more Scheduler.
func (r *rig) scheduler(o scheduler.Options) *scheduler.Scheduler {
	r.t.Helper()
	o.Enqueue.Accounts = []string{"dk"}
	s, err := scheduler.New(r.rdb, o)
	if err != nil {
		r.t.Fatal(err)
	}
	s.SetNow(r.clock.now)
	return s
}

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// every10 is a schedule that is due each ten minutes.
func every10(change func(*schedule.Schedule)) schedule.Schedule {
	s := schedule.Schedule{
		Name: "reminder", Cron: "*/10 * * * *",
		Send:       schedule.Template{Via: "dk", From: "Acme", Text: "Hi {{name}}", Label: "reminders"},
		Recipients: schedule.Recipients{To: []schedule.Recipient{{To: "4500000001", Ref: "a", Values: map[string]string{"name": "Ann"}}}},
	}
	if change != nil {
		change(&s)
	}
	return s
}

func (r *rig) add(s schedule.Schedule) schedule.Info {
	r.t.Helper()
	in, err := r.store.Add(r.t.Context(), s)
	r.must(err)
	return in
}

func (r *rig) get(name string) schedule.Info {
	r.t.Helper()
	in, err := r.store.Get(r.t.Context(), name)
	r.must(err)
	return in
}

// history is what became of the ticks, the oldest first, as "12:10 fired".
func (r *rig) history(name string) []string {
	r.t.Helper()
	all, err := r.store.History(r.t.Context(), name, 100)
	r.must(err)
	out := make([]string, len(all))
	for i, f := range all {
		out[len(all)-1-i] = f.Tick.Format("15:04") + " " + string(f.Outcome)
	}
	return out
}

// jobs are the IDs of all jobs, the newest first.
func (r *rig) jobs() []string {
	r.t.Helper()
	ids, err := r.client.Recent(r.t.Context(), 0)
	r.must(err)
	return ids
}

// outcomes are the recipients of a job.
func (r *rig) outcomes(job string) []enqueue.Outcome {
	r.t.Helper()
	var out []enqueue.Outcome
	for o, err := range r.client.Outcomes(r.t.Context(), job) {
		r.must(err)
		out = append(out, o)
	}
	return out
}

func (r *rig) wantHistory(want ...string) {
	r.t.Helper()
	got := r.history("reminder")
	if len(got) != len(want) {
		r.t.Fatalf("got %q, want %q", got, want)
	}
	for i := range got {
		if got[i] != want[i] {
			r.t.Errorf("got %q, want %q", got, want)
			return
		}
	}
}

var errDied = errors.New("the scheduler died here")

// keyHash is how the ledger knows an idempotency key.
func keyHash(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:16])
}
