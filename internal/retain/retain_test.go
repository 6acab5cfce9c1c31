package retain

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/internal/redistest"
	"github.com/volleysms/volley/internal/redisx"
)

const day = 24 * time.Hour

// rig is a Redis with jobs that are completed, but for one.
type rig struct {
	*testing.T
	rdb    redis.UniversalClient
	ledger *ledger.Ledger
	client *enqueue.Client
}

func newRig(t *testing.T, rdb redis.UniversalClient) *rig {
	t.Helper()
	c, err := enqueue.NewFromRedis(rdb, enqueue.Options{Accounts: []string{"first"}, BatchSize: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { rdb.Close() })
	return &rig{t, rdb, ledger.New(rdb), c}
}

func (r *rig) enqueue(n int, key string) string {
	r.Helper()
	job := enqueue.Job{Via: "first", From: "Acme", Text: "Hi", Key: key}
	for i := range n {
		job.Recipients = append(job.Recipients, enqueue.Recipient{To: fmt.Sprintf("45000%05d", i)})
	}
	receipt, err := r.client.Enqueue(r.Context(), job)
	if err != nil {
		r.Fatal(err)
	}
	return receipt.JobID
}

// complete gives every recipient of a job an outcome.
func (r *rig) complete(id string, to ledger.State) {
	r.Helper()
	j, err := r.ledger.Job(r.Context(), id)
	if err != nil {
		r.Fatal(err)
	}
	for b := range j.Batches {
		h, err := r.ledger.Take(r.Context(), id, b, "w/1", "")
		if err != nil {
			r.Fatal(err)
		}
		c := ledger.Commit{Seq: 1, Via: -1, Release: true}
		for i := range h.Records {
			c.Records.Set(i, ledger.Queued, ledger.Record{State: to, At: time.Now().UnixMilli()})
		}
		if _, _, err := r.ledger.Commit(r.Context(), &h, &c); err != nil {
			r.Fatal(err)
		}
		if _, err := r.ledger.Finish(r.Context(), id, b, time.Now()); err != nil {
			r.Fatal(err)
		}
	}
}

func (r *rig) there(id string) bool {
	r.Helper()
	_, err := r.client.Status(r.Context(), id)
	if err != nil && !errors.Is(err, enqueue.ErrNotFound) {
		r.Fatal(err)
	}
	return err == nil
}

// round runs a round some time from now.
func (r *rig) round(o Options, later time.Duration) error {
	k := New(r.rdb, o)
	k.now = func() time.Time { return time.Now().Add(later) }
	defer r.rdb.Del(r.Context(), keyTurn)
	return k.Round(r.Context())
}

// record is an Archive that has some jobs.
type record struct {
	has    []string
	err    error
	before time.Time
}

func (a *record) Settle(_ context.Context, jobs []string) ([]string, error) {
	return slices.DeleteFunc(slices.Clone(jobs), func(id string) bool { return !slices.Contains(a.has, id) }), a.err
}

func (a *record) DeleteBefore(_ context.Context, before time.Time) (int, error) {
	a.before = before
	return 1, nil
}

func TestKeeper(t *testing.T) {
	local := func(t *testing.T) *rig {
		t.Helper()
		return newRig(t, redis.NewClient(&redis.Options{Addr: redistest.Start(t)}))
	}
	month := Options{Redis: 30 * day, Reports: 3 * day}
	t.Run("a job goes when its time has passed, and not before", func(t *testing.T) {
		r := local(t)
		id, open := r.enqueue(5, "key"), r.enqueue(5, "")
		r.complete(id, ledger.Failed)
		if err := r.round(month, 29*day); err != nil || !r.there(id) {
			t.Errorf("it is gone too early: %v", err)
		}
		if err := r.round(month, 31*day); err != nil || r.there(id) {
			t.Errorf("it is still there: %v", err)
		}
		if !r.there(open) {
			t.Error("a job with recipients to send to is gone")
		}
		if again := r.enqueue(5, "key"); again != id {
			t.Error("a key that is still remembered enqueues again")
		}
	})
	t.Run("one that may get reports is kept until they are given up", func(t *testing.T) {
		r := local(t)
		var ids []string
		for _, s := range []ledger.State{ledger.Accepted, ledger.Unknown, ledger.Delivered} {
			id := r.enqueue(3, "")
			r.complete(id, s)
			ids = append(ids, id)
		}
		hour := Options{Redis: time.Hour, Reports: 3 * day}
		if err := r.round(hour, 2*time.Hour); err != nil || !r.there(ids[0]) || !r.there(ids[1]) || r.there(ids[2]) {
			t.Errorf("there: %v %v %v; %v", r.there(ids[0]), r.there(ids[1]), r.there(ids[2]), err)
		}
		if err := r.round(hour, 4*day); err != nil || r.there(ids[0]) || r.there(ids[1]) {
			t.Errorf("there after reports were given up: %v %v; %v", r.there(ids[0]), r.there(ids[1]), err)
		}
	})
	t.Run("what is not in the record stays", func(t *testing.T) {
		r := local(t)
		in, out := r.enqueue(3, ""), r.enqueue(3, "")
		r.complete(in, ledger.Failed)
		r.complete(out, ledger.Failed)
		a := &record{has: []string{in}, err: errors.New("away")}
		o := Options{Redis: day, Archive: a, Record: 100 * day}
		if err := r.round(o, 2*day); err == nil || !r.there(in) || !r.there(out) {
			t.Errorf("while the record is away: %v", err)
		}
		a.err = nil
		if err := r.round(o, 2*day); err != nil || r.there(in) || !r.there(out) {
			t.Errorf("there: %v %v; %v", r.there(in), r.there(out), err)
		}
		if age := time.Since(a.before); age < 97*day || age > 99*day {
			t.Errorf("the record was to delete what is older than %v before that", age)
		}
	})
	t.Run("an import that died goes", func(t *testing.T) {
		r := local(t)
		broken := errors.New("broken off")
		_, err := r.client.EnqueueStream(t.Context(), enqueue.Job{Via: "first", From: "Acme", Text: "Hi", Key: "k"}, func(yield func(enqueue.Recipient, error) bool) {
			for i := range 6000 {
				if !yield(enqueue.Recipient{To: fmt.Sprintf("45000%06d", i), Ref: strings.Repeat("x", 120)}, nil) {
					return
				}
			}
			yield(enqueue.Recipient{}, broken)
		})
		if !errors.Is(err, broken) {
			t.Fatal(err)
		}
		before := r.rdb.DBSize(t.Context()).Val()
		if err := r.round(month, 28*day); err != nil || before < 100 || r.rdb.DBSize(t.Context()).Val() != before {
			t.Errorf("of %d keys %d are left while it may be continued: %v", before, r.rdb.DBSize(t.Context()).Val(), err)
		}
		r.rdb.Del(t.Context(), r.rdb.Keys(t.Context(), "volley:key:*").Val()...) // their time passed
		if err := r.round(month, 31*day); err != nil {
			t.Fatal(err)
		}
		if left := r.rdb.Keys(t.Context(), "*").Val(); len(left) > 0 {
			t.Errorf("%d keys are left: %.200v", len(left), left)
		}
	})
	t.Run("a page of jobs that stay hides no other", func(t *testing.T) {
		r := local(t)
		var last string
		for range page + 2 {
			last = r.enqueue(1, "")
		}
		r.complete(last, ledger.Failed)
		if err := r.round(month, 31*day); err != nil || r.there(last) {
			t.Errorf("it is still there: %v", err)
		}
	})
	t.Run("a job that can't be read keeps no other", func(t *testing.T) {
		r := local(t)
		bad, good := r.enqueue(1, ""), r.enqueue(1, "")
		r.complete(bad, ledger.Failed)
		r.complete(good, ledger.Failed)
		r.rdb.HSet(t.Context(), "volley:{"+bad+"}:job", "spec", "rubbish")
		if err := r.round(month, 31*day); err == nil || r.there(good) {
			t.Errorf("the other is there: %v; %v", r.there(good), err)
		}
	})
	t.Run("on a cluster", func(t *testing.T) {
		o, err := redisx.Parse(redistest.StartCluster(t).URL())
		if err != nil {
			t.Fatal(err)
		}
		r := newRig(t, redis.NewUniversalClient(o))
		id := r.enqueue(70, "")
		r.complete(id, ledger.Failed)
		if err := r.round(month, 31*day); err != nil || r.there(id) {
			t.Errorf("it is still there: %v", err)
		}
		err = r.rdb.(*redis.ClusterClient).ForEachMaster(t.Context(), func(ctx context.Context, c *redis.Client) error {
			keys, err := c.Keys(ctx, "*").Result()
			for _, k := range keys {
				if strings.HasPrefix(k, "volley:") && strings.Contains(k, id) {
					t.Errorf("%s is left", k)
				}
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestKeeper_Turn(t *testing.T) {
	r := newRig(t, redis.NewClient(&redis.Options{Addr: redistest.Start(t)}))
	one, two := New(r.rdb, Options{}), New(r.rdb, Options{})
	for range 2 {
		if mine, err := one.turn(t.Context()); !mine || err != nil {
			t.Errorf("the first has no turn: %v", err)
		}
		if mine, err := two.turn(t.Context()); mine || err != nil {
			t.Errorf("the second has a turn, too: %v", err)
		}
	}
}
