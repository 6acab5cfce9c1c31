package poll

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"

	"github.com/volleysms/volley/internal/inbound"
	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/internal/redistest"
	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/sms"
)

func onBoth(t *testing.T, test func(t *testing.T, rdb *redis.Client)) {
	t.Helper()
	for name, start := range map[string]func() string{
		"Redis":     func() string { return redistest.Start(t) },
		"Miniredis": func() string { return miniredis.RunT(t).Addr() },
	} {
		t.Run(name, func(t *testing.T) {
			rdb := redis.NewClient(&redis.Options{Addr: start()})
			t.Cleanup(func() { rdb.Close() })
			test(t, rdb)
		})
	}
}

// gateway is a gateway that can be asked.
type gateway struct {
	mu     sync.Mutex
	says   map[string][]providers.Report
	fails  bool
	asked  []string
	wrote  []providers.Inbound
	sinces []time.Time
}

func (g *gateway) Poll(_ context.Context, id string) ([]providers.Report, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.asked = append(g.asked, id)
	if g.fails {
		return nil, &providers.Error{Kind: providers.Unavailable}
	}
	return g.says[id], nil
}

func (g *gateway) PollInbound(_ context.Context, since time.Time) ([]providers.Inbound, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.sinces = append(g.sinces, since)
	if g.fails {
		return g.wrote, errors.New("cut")
	}
	return g.wrote, nil
}

// questions returns the questions since the last call of it.
func (g *gateway) questions() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	out := g.asked
	g.asked = nil
	slices.Sort(out)
	return out
}

var start = time.UnixMilli(1_700_000_000_000)

func number(i int) sms.MSISDN { return sms.MSISDN(4_500_000_000 + i) }

// world is a completed job and a Poller with a clock.
type world struct {
	t   *testing.T
	g   *gateway
	p   *Poller
	l   *ledger.Ledger
	job ledger.Job
	now time.Time
}

// newWorld makes a job whose recipients were accepted at start, each with one of the identifiers.
func newWorld(t *testing.T, rdb *redis.Client, ids ...string) *world {
	t.Helper()
	ctx := t.Context()
	w := &world{t: t, g: &gateway{says: map[string][]providers.Report{}}, l: ledger.New(rdb), now: start}
	id := uuid.Must(uuid.NewV7()).String()
	spec := ledger.Spec{ID: id, Via: "dk", Accounts: []string{"dk"}, Created: start.UnixMilli()}
	var b ledger.BatchBuilder
	for i := range ids {
		b.Add(ledger.Recipient{To: number(i), Row: uint64(i + 1)})
	}
	var tally ledger.Tally
	tally.Add(0, len(ids), 0)
	n := int64(len(ids))
	if _, err := w.l.Begin(ctx, "", 0, spec, ledger.Fingerprint{1}); err != nil {
		t.Fatal(err)
	}
	if err := w.l.Put(ctx, spec, []ledger.PackedBatch{{Packed: ledger.PackBatch(ledger.Fingerprint{2}, b.AppendBody(nil)), Queued: len(ids)}}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.l.Seal(ctx, spec, ledger.Fingerprint{2}, ledger.Receipt{Total: n, Queued: n, Batches: 1}, &tally); err != nil {
		t.Fatal(err)
	}
	h, err := w.l.Take(ctx, id, 0, "w/1", "")
	if err != nil {
		t.Fatal(err)
	}
	c := ledger.Commit{Seq: 1, Via: -1, Release: true}
	for i, id := range ids {
		c.Records.Set(i, ledger.Queued, ledger.Record{State: ledger.Accepted, At: start.UnixMilli(), ID: h.Side.ID(id)})
	}
	c.SideAt, c.Side = h.Side.Take()
	if _, _, err := w.l.Commit(ctx, &h, &c); err != nil {
		t.Fatal(err)
	}
	if _, err := w.l.Finish(ctx, id, 0, start); err != nil {
		t.Fatal(err)
	}
	if w.job, err = w.l.Job(ctx, id); err != nil {
		t.Fatal(err)
	}
	w.p = New(rdb, Options{Accounts: []Account{{Name: "dk", Adapter: w.g}}, First: time.Minute, GiveUp: 24 * time.Hour})
	w.p.now = func() time.Time { return w.now }
	if _, err := w.p.polls.Find(ctx, start.Add(-time.Hour), start.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	return w
}

// after lets time pass, and the Poller do what there is to do. It returns what was asked.
func (w *world) after(d time.Duration) []string {
	w.t.Helper()
	w.now = w.now.Add(d)
	for {
		id, err := w.p.polls.Claim(w.t.Context(), w.now, hold)
		if err != nil {
			w.t.Fatal(err)
		}
		if id == "" {
			return w.g.questions()
		}
		if err := w.p.job(w.t.Context(), id); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) counts() ledger.Counts {
	w.t.Helper()
	c, err := w.l.Counts(w.t.Context(), w.job.Spec.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	if wrong, err := w.l.Audit(w.t.Context(), w.job.Spec.ID); err != nil || len(wrong) > 0 {
		w.t.Errorf("audit: %v, %v", wrong, err)
	}
	return c
}

func TestPoller(t *testing.T) {
	onBoth(t, func(t *testing.T, rdb *redis.Client) {
		w := newWorld(t, rdb, "call", "call", "single", "")
		if got := w.after(30 * time.Second); len(got) != 0 {
			t.Errorf("too soon: %v", got)
		}
		if got := w.after(31 * time.Second); !slices.Equal(got, []string{"call", "single"}) {
			t.Errorf("after a minute: %v, want each identifier once", got)
		}
		if got := w.after(30 * time.Second); len(got) != 0 {
			t.Errorf("soon after: %v", got)
		}
		w.g.says["call"] = []providers.Report{{Fate: providers.Delivered, To: number(1), Code: "DELIVERED"}, {Fate: providers.Taken, To: number(0)}, {Fate: providers.Delivered, To: number(9)}}
		w.g.says["single"] = []providers.Report{{Fate: providers.Undelivered, Code: "EXPIRED"}}
		if got := w.after(30 * time.Second); !slices.Equal(got, []string{"call", "single"}) {
			t.Errorf("after two minutes: %v", got)
		}
		if c := w.counts(); c[ledger.Delivered] != 1 || c[ledger.Undelivered] != 1 || c[ledger.Accepted] != 2 {
			t.Errorf("got %v", c)
		}
		n := 0
		for range 60 {
			n += len(w.after(10 * time.Minute))
		}
		if n < 10 || n > 16 {
			t.Errorf("in ten hours %d questions about a message that is on its way", n)
		}
		if got := w.after(20 * time.Hour); len(got) != 0 {
			t.Errorf("after a day: %v", got)
		}
		if n := rdb.ZCard(t.Context(), "volley:polls").Val(); n != 0 {
			t.Errorf("%d jobs are still on the list", n)
		}
	})
}

func TestPoller_AGatewayThatFailsIsAskedOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, rdb *redis.Client) {
		w := newWorld(t, rdb, "one", "two", "three")
		w.g.fails = true
		if got := w.after(2 * time.Minute); len(got) != 1 {
			t.Errorf("got %v", got)
		}
		w.g.fails = false
		if got := w.after(3 * time.Minute); len(got) != 3 {
			t.Errorf("when it is well: %v", got)
		}
	})
}

func TestPoller_Find(t *testing.T) {
	onBoth(t, func(t *testing.T, rdb *redis.Client) {
		w := newWorld(t, rdb, "one")
		ctx := t.Context()
		if err := w.p.polls.Drop(ctx, w.job.Spec.ID); err != nil {
			t.Fatal(err)
		}
		if newest, err := w.p.polls.Find(ctx, start.Add(time.Second), start); err != nil || !newest.Equal(start.Add(time.Second)) || rdb.ZCard(ctx, "volley:polls").Val() != 0 {
			t.Errorf("an older job is found, %v, %v", newest, err)
		}
		if newest, err := w.p.polls.Find(ctx, start, start); err != nil || !newest.Equal(start) || rdb.ZCard(ctx, "volley:polls").Val() != 1 {
			t.Errorf("the job is not found, %v, %v", newest, err)
		}
		// One that is sent again is found, whatever its age.
		if err := w.p.polls.Drop(ctx, w.job.Spec.ID); err != nil {
			t.Fatal(err)
		}
		if _, _, err := w.l.Reopen(ctx, w.job, ledger.Accepted); err != nil {
			t.Fatal(err)
		}
		if _, err := w.p.polls.Find(ctx, start.Add(time.Hour), start); err != nil || rdb.ZCard(ctx, "volley:polls").Val() != 1 {
			t.Errorf("a job that is open again is not found, %v", err)
		}
	})
}

func TestPoller_Inbound(t *testing.T) {
	onBoth(t, func(t *testing.T, rdb *redis.Client) {
		g := &gateway{wrote: []providers.Inbound{{ID: "1", From: number(1), Text: "hej"}}, fails: true}
		now := start
		p := New(rdb, Options{Inbound: time.Minute, Accounts: []Account{{Name: "og", Adapter: g}}})
		p.now = func() time.Time { return now }
		ctx := t.Context()
		a := p.accounts["og"]
		if err := p.fetchOnce(ctx, a, g); err == nil {
			t.Error("no error of a question that was cut")
		}
		g.fails = false
		for range 2 {
			now = now.Add(time.Minute)
			if err := p.fetchOnce(ctx, a, g); err != nil {
				t.Fatal(err)
			}
		}
		want := []time.Time{start.Add(-firstFetch), start.Add(time.Minute - firstFetch), start.Add(time.Minute)}
		if !slices.EqualFunc(g.sinces, want, time.Time.Equal) {
			t.Errorf("asked since %v, want %v", g.sinces, want)
		}
		if got, err := inbound.NewStream(rdb).Last(ctx, 9); err != nil || len(got) != 1 || got[0].Text != "hej" {
			t.Errorf("got %+v, %v", got, err)
		}
	})
}

func TestPoller_RunAndStop(t *testing.T) {
	rdb := redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr()})
	defer rdb.Close()
	for range 10 {
		g := &gateway{}
		p := New(rdb, Options{First: time.Minute, Inbound: time.Hour, Accounts: []Account{{Name: "og", Adapter: g}, {Name: "mg", Adapter: nil}}})
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(5*time.Millisecond, cancel)
		p.Run(ctx)
	}
}

func TestAfter(t *testing.T) {
	for in, want := range map[time.Duration]time.Duration{
		0: time.Minute, time.Minute: 2 * time.Minute, 119 * time.Second: 2 * time.Minute, 33 * time.Minute: 64 * time.Minute,
		64 * time.Minute: 124 * time.Minute, 3 * time.Hour: 184 * time.Minute,
	} {
		if got := after(start, time.Minute, start.Add(in)).Sub(start); got != want {
			t.Errorf("after %v: %v, want %v", in, got, want)
		}
	}
	if got := after(start, time.Minute, time.Time{}).Sub(start); got != time.Minute {
		t.Errorf("of one that was never asked after: %v", got)
	}
}
