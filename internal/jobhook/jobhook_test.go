package jobhook

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/hook"
	"github.com/volleysms/volley/internal/ledger"
)

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// posted is a request to the producer.
type posted struct {
	id, kind, threshold string
	status              enqueue.Status
	signed              bool
}

type rig struct {
	*testing.T
	rdb    *redis.Client
	ledger *ledger.Ledger
	client *enqueue.Client
	teller *Teller
	url    string

	mu     sync.Mutex
	got    []posted
	answer int
	now    time.Time
}

func newRig(t *testing.T, o Options) *rig {
	t.Helper()
	r := &rig{T: t, rdb: redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr()}), answer: http.StatusOK, now: time.Now()}
	t.Cleanup(func() { r.rdb.Close() })
	r.ledger = ledger.New(r.rdb)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		r.mu.Lock()
		defer r.mu.Unlock()
		var b struct {
			Type, Threshold string
			Data            enqueue.Status
		}
		if err := json.Unmarshal(body, &b); err != nil {
			t.Errorf("%v: %s", err, body)
		}
		key, _ := hook.ParseSecret(secret)
		id := q.Header.Get("webhook-id")
		r.got = append(r.got, posted{id, b.Type, b.Threshold, b.Data, q.Header.Get("webhook-signature") == hook.Sign(key, id, r.now, body)})
		w.WriteHeader(r.answer)
	}))
	t.Cleanup(s.Close)
	r.url = s.URL + "/told?token=hidden-token"
	var err error
	if r.client, err = enqueue.NewFromRedis(r.rdb, enqueue.Options{Accounts: []string{"first"}}); err != nil {
		t.Fatal(err)
	}
	o.Describe = func(ctx context.Context, job string) (any, error) { return r.client.Status(ctx, job) }
	if o.Secrets == nil {
		o.Secrets = map[string]string{"": secret}
	}
	if r.teller, err = New(r.rdb, o); err != nil {
		t.Fatal(err)
	}
	r.teller.now = func() time.Time { return r.now }
	return r
}

func (r *rig) enqueue(n int, at ...string) string {
	r.Helper()
	h := &enqueue.Hook{URL: r.url}
	for _, s := range at {
		threshold, err := enqueue.ParseThreshold(s)
		if err != nil {
			r.Fatal(err)
		}
		h.At = append(h.At, threshold)
	}
	job := enqueue.Job{Via: "first", From: "Acme", Text: "Hi", Hook: h}
	for i := range n {
		job.Recipients = append(job.Recipients, enqueue.Recipient{To: fmt.Sprintf("45000%05d", i)})
	}
	receipt, err := r.client.Enqueue(r.Context(), job)
	if err != nil {
		r.Fatal(err)
	}
	return receipt.JobID
}

// set gives recipients of a job's first batch an outcome, and finishes it when none is left.
func (r *rig) set(job string, from, to int, state ledger.State) {
	r.Helper()
	h, err := r.ledger.Take(r.Context(), job, 0, "w/1", "")
	if err != nil {
		r.Fatal(err)
	}
	c := ledger.Commit{Seq: 1, Via: -1, Release: true}
	for i := from; i < to; i++ {
		c.Records.Set(i, h.Records[i].State, ledger.Record{State: state, At: r.now.UnixMilli()})
	}
	if _, _, err := r.ledger.Commit(r.Context(), &h, &c); err != nil {
		r.Fatal(err)
	}
	if to == len(h.Records) {
		if _, err := r.ledger.Finish(r.Context(), job, 0, r.now); err != nil {
			r.Fatal(err)
		}
	}
}

// look lets time pass and looks at the jobs whose time has come, and returns what was posted.
func (r *rig) look(later time.Duration) []posted {
	r.Helper()
	r.mu.Lock()
	r.now, r.got = r.now.Add(later), nil
	r.mu.Unlock()
	for {
		found, err := r.teller.one(r.Context())
		if err != nil {
			r.Fatal(err)
		}
		if !found {
			return r.got
		}
	}
}

func TestTeller(t *testing.T) {
	t.Run("the producer is told once that its job has completed", func(t *testing.T) {
		r := newRig(t, Options{AllowPrivate: true})
		job := r.enqueue(3)
		if got := r.look(0); len(got) > 0 {
			t.Errorf("told before: %+v", got)
		}
		r.set(job, 0, 3, ledger.Accepted)
		got := r.look(time.Second)
		if len(got) != 1 || got[0].kind != "job.completed" || !got[0].signed || got[0].status.JobID != job || got[0].status.Counts.Accepted != 3 || !strings.HasPrefix(got[0].id, job+"_completed_") || strings.Contains(got[0].id, ".") {
			t.Fatalf("got %+v", got)
		}
		for range 3 {
			if got := r.look(7 * time.Hour); len(got) > 0 {
				t.Errorf("told again: %+v", got)
			}
		}
	})
	t.Run("a job that is sent again completes again", func(t *testing.T) {
		r := newRig(t, Options{AllowPrivate: true})
		job := r.enqueue(2)
		r.set(job, 0, 2, ledger.Failed)
		first := r.look(time.Second)
		j, _ := r.ledger.Job(t.Context(), job)
		if _, _, err := r.ledger.Reopen(t.Context(), j, ledger.Failed); err != nil {
			t.Fatal(err)
		}
		r.look(time.Minute)
		r.set(job, 0, 2, ledger.Accepted)
		second := r.look(time.Second)
		if len(first) != 1 || len(second) != 1 || first[0].id == second[0].id || second[0].status.Counts.Accepted != 2 {
			t.Errorf("got %+v and %+v", first, second)
		}
	})
	t.Run("thresholds are told when they are reached, each once", func(t *testing.T) {
		r := newRig(t, Options{AllowPrivate: true})
		job := r.enqueue(100, "failed=5%", "unknown=2")
		r.set(job, 0, 4, ledger.Failed)
		if got := r.look(time.Minute); len(got) > 0 {
			t.Errorf("told at 4 %%: %+v", got)
		}
		r.set(job, 4, 5, ledger.Failed)
		got := r.look(time.Minute)
		if len(got) != 1 || got[0].kind != "job.threshold" || got[0].threshold != "failed=5%" || got[0].id != job+"_failed_50pm" || got[0].status.Counts.Failed != 5 || !got[0].signed {
			t.Errorf("at 5 %%: %+v", got)
		}
		r.set(job, 5, 8, ledger.Unknown)
		if got := r.look(time.Minute); len(got) != 1 || got[0].threshold != "unknown=2" {
			t.Errorf("at 3 unknown: %+v", got)
		}
		r.set(job, 8, 100, ledger.Failed)
		if got := r.look(time.Minute); len(got) != 1 || got[0].kind != "job.completed" {
			t.Errorf("at the end: %+v", got)
		}
	})
	t.Run("what is not taken is posted again, the same, until it is three days old", func(t *testing.T) {
		core, logs := observer.New(zap.DebugLevel)
		r := newRig(t, Options{AllowPrivate: true, Logger: zap.New(core)})
		job := r.enqueue(1)
		r.set(job, 0, 1, ledger.Accepted)
		r.answer = http.StatusServiceUnavailable
		first := r.look(time.Second)
		if len(first) != 1 {
			t.Fatalf("got %+v", first)
		}
		if got := r.look(5 * time.Second); len(got) > 0 {
			t.Errorf("posted again after 5 s: %+v", got)
		}
		if got := r.look(6 * time.Second); len(got) != 1 || got[0].id != first[0].id {
			t.Errorf("after 11 s: %+v", got)
		}
		n := 0
		for range 100 {
			n += len(r.look(time.Hour))
		}
		if n < 50 || n > 73 {
			t.Errorf("posted %d times in 100 hours", n)
		}
		r.answer = http.StatusOK
		if got := r.look(24 * time.Hour); len(got) > 0 {
			t.Errorf("posted after it was given up: %+v", got)
		}
		if logs.FilterMessageSnippet("given up").Len() != 1 {
			t.Error("nobody was told that it was given up")
		}
		for _, l := range logs.All() {
			if s := fmt.Sprint(l.Message, l.ContextMap()); strings.Contains(s, "hidden") || strings.Contains(s, "127.0.0.1") {
				t.Errorf("the log has the address: %s", s)
			}
		}
	})
	t.Run("a private address is refused unless it is allowed", func(t *testing.T) {
		r := newRig(t, Options{})
		job := r.enqueue(1)
		r.set(job, 0, 1, ledger.Accepted)
		if got := r.look(time.Second); len(got) > 0 {
			t.Errorf("posted: %+v", got)
		}
	})
	t.Run("without a secret nothing is posted", func(t *testing.T) {
		r := newRig(t, Options{AllowPrivate: true, Secrets: map[string]string{"other": secret}})
		job := r.enqueue(1)
		r.set(job, 0, 1, ledger.Accepted)
		if got := r.look(time.Second); len(got) > 0 {
			t.Errorf("posted: %+v", got)
		}
	})
	t.Run("a job that is gone is nobody's", func(t *testing.T) {
		r := newRig(t, Options{AllowPrivate: true})
		job := r.enqueue(1)
		if err := r.ledger.Remove(t.Context(), job); err != nil {
			t.Fatal(err)
		}
		r.rdb.ZAdd(t.Context(), ledger.HookAgenda, redis.Z{Score: 1, Member: job})
		if got := r.look(time.Second); len(got) > 0 || r.rdb.ZCard(t.Context(), ledger.HookAgenda).Val() != 0 {
			t.Errorf("got %+v", got)
		}
	})
}

func TestNew(t *testing.T) {
	_, err := New(nil, Options{Secrets: map[string]string{"shop": "hunter2"}})
	if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "shop") {
		t.Errorf("got %v", err)
	}
}
