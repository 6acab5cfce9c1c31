package report

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/redis/go-redis/v9"

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
		t.Run(name, func(t *testing.T) { test(t, connect(t, start())) })
	}
}

func connect(t testing.TB, addr string) *redis.Client {
	t.Helper()
	rdb := redis.NewClient(&redis.Options{Addr: addr})
	t.Cleanup(func() { rdb.Close() })
	return rdb
}

// newJob makes a job of batches of so many recipients, which are queued.
func newJob(t testing.TB, l *ledger.Ledger, batches, recipients int) ledger.Job {
	t.Helper()
	id := uuid.Must(uuid.NewV7()).String()
	spec := ledger.Spec{ID: id, Via: "dk", Accounts: []string{"dk"}, Text: "hello", Created: time.Now().UnixMilli()}
	if _, err := l.Begin(t.Context(), "", 0, spec, ledger.Fingerprint{1}); err != nil {
		t.Fatal(err)
	}
	var tally ledger.Tally
	for b := range batches {
		var bb ledger.BatchBuilder
		for i := range recipients {
			bb.Add(ledger.Recipient{To: number(b, i), Row: uint64(b*recipients + i + 1)})
		}
		tally.Add(b, recipients, 0)
		p := ledger.PackedBatch{Number: b, Packed: ledger.PackBatch(ledger.Fingerprint{2, byte(b), byte(b >> 8)}, bb.AppendBody(nil)), Queued: recipients}
		if err := l.Put(t.Context(), spec, []ledger.PackedBatch{p}); err != nil {
			t.Fatal(err)
		}
	}
	n := int64(batches * recipients)
	if _, err := l.Seal(t.Context(), spec, ledger.Fingerprint{3}, ledger.Receipt{Total: n, Queued: n, Batches: batches}, &tally); err != nil {
		t.Fatal(err)
	}
	j, err := l.Job(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func number(batch, i int) sms.MSISDN { return sms.MSISDN(4_500_000_000 + batch*10_000 + i) }

// accept records that the gateway took all of a batch.
func accept(t testing.TB, l *ledger.Ledger, job string, batch int) {
	t.Helper()
	h, err := l.Take(t.Context(), job, batch, "w/1", "")
	if err != nil {
		t.Fatal(err)
	}
	c := ledger.Commit{Seq: 1, Via: -1, Release: true}
	for i := range h.Records {
		c.Records.Set(i, ledger.Queued, ledger.Record{State: ledger.Accepted, At: 1, Attempts: 1})
	}
	if _, _, err := l.Commit(t.Context(), &h, &c); err != nil {
		t.Fatal(err)
	}
}

// entry is a report about one position.
func entry(job string, batch, position int, fate providers.Fate) Entry {
	return Entry{
		Account: "dk", Target: Target{job, batch, position, 0, 0}, Received: time.Now(),
		Reports: []providers.Report{{Fate: fate, Code: "c"}},
	}
}

// start runs an Applier until the test, or stop, ends it.
func start(t testing.TB, rdb redis.UniversalClient, o Options) (a *Applier, stop func()) {
	t.Helper()
	a = NewApplier(rdb, o)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { a.Run(ctx) })
	stop = sync.OnceFunc(func() {
		cancel()
		wg.Wait()
	})
	t.Cleanup(stop)
	return a, stop
}

// until waits for something that happens by itself.
func until(t testing.TB, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !is(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s does not happen", what)
		}
	}
}

func counts(t testing.TB, l *ledger.Ledger, job string) ledger.Counts {
	t.Helper()
	c, err := l.Counts(t.Context(), job)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func audit(t testing.TB, l *ledger.Ledger, job string) {
	t.Helper()
	if wrong, err := l.Audit(t.Context(), job); err != nil || len(wrong) > 0 {
		t.Errorf("audit: %v, %v", wrong, err)
	}
}

func TestApplier_AnyOrderTwiceAndTwoAtATime(t *testing.T) {
	onBoth(t, func(t *testing.T, rdb *redis.Client) {
		const batches, recipients = 5, 40
		l := ledger.New(rdb)
		j := newJob(t, l, batches, recipients)
		var all []Entry
		for b := range batches {
			accept(t, l, j.Spec.ID, b)
			for i := range recipients {
				all = append(all, entry(j.Spec.ID, b, i, providers.Taken), entry(j.Spec.ID, b, i, []providers.Fate{providers.Delivered, providers.Undelivered}[i%2]))
			}
		}
		all = append(all, all...)
		rand.Shuffle(len(all), func(i, k int) { all[i], all[k] = all[k], all[i] })
		start(t, rdb, Options{})
		start(t, rdb, Options{})
		log := NewLog(rdb)
		var wg sync.WaitGroup
		for k := range 8 {
			wg.Go(func() {
				for i := k; i < len(all); i += 8 {
					if err := log.Put(t.Context(), all[i]); err != nil {
						t.Errorf("Put: %v", err)
					}
				}
			})
		}
		wg.Wait()
		until(t, "an empty stream", func() bool {
			stream, parked, err := Backlog(t.Context(), rdb)
			return err == nil && stream == 0 && parked == 0
		})
		if c := counts(t, l, j.Spec.ID); c[ledger.Delivered] != batches*recipients/2 || c[ledger.Undelivered] != batches*recipients/2 {
			t.Errorf("got %v", c)
		}
		audit(t, l, j.Spec.ID)
	})
}

func TestApplier_WholeCallsByNumber(t *testing.T) {
	onBoth(t, func(t *testing.T, rdb *redis.Client) {
		l := ledger.New(rdb)
		j := newJob(t, l, 1, 3)
		accept(t, l, j.Spec.ID, 0)
		e := entry(j.Spec.ID, 0, -1, providers.Delivered)
		e.Reports = []providers.Report{
			{Fate: providers.Delivered, To: number(0, 0)}, {Fate: providers.Undelivered, To: number(0, 2)}, {Fate: providers.Delivered, To: 4599999999}, {To: number(0, 1)},
		}
		if err := NewLog(rdb).Put(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		start(t, rdb, Options{})
		until(t, "the reports' application", func() bool { return counts(t, l, j.Spec.ID)[ledger.Undelivered] == 1 })
		if c := counts(t, l, j.Spec.ID); c[ledger.Delivered] != 1 || c[ledger.Accepted] != 1 {
			t.Errorf("got %v", c)
		}
	})
}

// TestApplier_Early: what comes before its outcome waits for it, and not for ever.
func TestApplier_Early(t *testing.T) {
	onBoth(t, func(t *testing.T, rdb *redis.Client) {
		l := ledger.New(rdb)
		j := newJob(t, l, 2, 1)
		reg := prometheus.NewRegistry()
		a := NewApplier(rdb, Options{GiveUp: time.Hour, Metrics: reg})
		now := time.Now()
		a.now = func() time.Time { return now }
		ctx := t.Context()
		if err := a.begin(ctx); err != nil {
			t.Fatal(err)
		}
		e := entry(j.Spec.ID, 0, 0, providers.Delivered)
		if err := NewLog(rdb).Put(ctx, e, entry(j.Spec.ID, 1, 0, providers.Delivered)); err != nil {
			t.Fatal(err)
		}
		parked := func(want int64) {
			t.Helper()
			if stream, parked, err := Backlog(ctx, rdb); err != nil || stream != 0 || parked != want {
				t.Fatalf("%d in the stream and %d parked, %v; want 0 and %d", stream, parked, err, want)
			}
		}
		if err := a.next(ctx); err != nil {
			t.Fatal(err)
		}
		parked(2)
		accept(t, l, j.Spec.ID, 0)
		if _, err := a.again(ctx); err != nil {
			t.Fatal(err)
		}
		if c := counts(t, l, j.Spec.ID); c[ledger.Delivered] != 0 {
			t.Errorf("it is looked at before its time: %v", c)
		}
		now = now.Add(2 * time.Second)
		if _, err := a.again(ctx); err != nil {
			t.Fatal(err)
		}
		parked(1)
		if c := counts(t, l, j.Spec.ID); c[ledger.Delivered] != 1 {
			t.Errorf("got %v", c)
		}
		now = now.Add(2 * time.Hour)
		if _, err := a.again(ctx); err != nil {
			t.Fatal(err)
		}
		parked(0)
		var m dto.Metric
		if err := a.m.results.WithLabelValues("dk", "delivered", "expired").Write(&m); err != nil || m.GetCounter().GetValue() != 1 {
			t.Errorf("%v expired, %v", m.GetCounter(), err)
		}
		audit(t, l, j.Spec.ID)
	})
}

// TestApplier_DeadOnesAreReplaced: what another took and did not finish is taken over, and its name is forgotten.
func TestApplier_DeadOnesAreReplaced(t *testing.T) {
	rdb := connect(t, redistest.Start(t))
	l := ledger.New(rdb)
	j := newJob(t, l, 1, 1)
	accept(t, l, j.Spec.ID, 0)
	ctx := t.Context()
	a := NewApplier(rdb, Options{})
	if err := a.begin(ctx); err != nil {
		t.Fatal(err)
	}
	if err := NewLog(rdb).Put(ctx, entry(j.Spec.ID, 0, 0, providers.Delivered)); err != nil {
		t.Fatal(err)
	}
	got, err := rdb.XReadGroup(ctx, &redis.XReadGroupArgs{Group: group, Consumer: "dead", Streams: []string{keyStream, ">"}}).Result()
	if err != nil {
		t.Fatal(err)
	}
	if err := a.claim(ctx); err != nil || counts(t, l, j.Spec.ID)[ledger.Delivered] != 0 {
		t.Fatalf("it is taken over from one who may live, %v", err)
	}
	id := got[0].Messages[0].ID
	if err := rdb.Do(ctx, "XCLAIM", keyStream, group, "dead", 0, id, "IDLE", (2 * claimAfter).Milliseconds()).Err(); err != nil {
		t.Fatal(err)
	}
	if err := a.claim(ctx); err != nil || counts(t, l, j.Spec.ID)[ledger.Delivered] != 1 {
		t.Fatalf("it is not taken over, %v", err)
	}
	if n := rdb.XLen(ctx, keyStream).Val(); n != 0 {
		t.Errorf("%d are left", n)
	}
	a.forget(ctx, -1)
	if err := a.next(withTimeout(t)); err != nil { // it reads, and so has a name
		t.Fatal(err)
	}
	a.forget(ctx, time.Nanosecond)
	if c := rdb.XInfoConsumers(ctx, keyStream, group).Val(); len(c) != 1 || c[0].Name != a.name {
		t.Errorf("consumers are %v", c)
	}
	a.forget(ctx, 0)
	if c := rdb.XInfoConsumers(ctx, keyStream, group).Val(); len(c) != 0 {
		t.Errorf("after the end consumers are %v", c)
	}
}

func withTimeout(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func TestApplier_WhatCannotBeRead(t *testing.T) {
	onBoth(t, func(t *testing.T, rdb *redis.Client) {
		ctx := t.Context()
		l := ledger.New(rdb)
		j := newJob(t, l, 1, 1)
		accept(t, l, j.Spec.ID, 0)
		good := entry(j.Spec.ID, 0, 0, providers.Delivered)
		for i, v := range []any{"\x00damaged", string([]byte{entryVersion + 1}), good.append(nil)} {
			if err := rdb.XAdd(ctx, &redis.XAddArgs{Stream: keyStream, Values: []any{fmt.Sprint(i), v}}).Err(); err != nil {
				t.Fatal(err)
			}
		}
		_, stop := start(t, rdb, Options{})
		until(t, "the good one's application", func() bool { return counts(t, l, j.Spec.ID)[ledger.Delivered] == 1 })
		stop()
		if n := rdb.XLen(ctx, keyStream).Val(); n != 1 {
			t.Errorf("%d are left, want that of a newer program", n)
		}
	})
}

func TestLog_Put(t *testing.T) {
	t.Run("WhatCannotBeWrittenIsAnError", func(t *testing.T) {
		m := miniredis.RunT(t)
		log := NewLog(connect(t, m.Addr()))
		m.SetError("LOADING")
		if err := log.Put(t.Context(), entry(testJob, 0, 0, providers.Taken)); err == nil {
			t.Error("no error")
		}
		m.SetError("")
		if err := log.Put(t.Context(), entry(testJob, 0, 0, providers.Taken)); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	})
	t.Run("AFullStreamTakesNoMore", func(t *testing.T) {
		log := NewLog(connect(t, miniredis.RunT(t).Addr()))
		log.max = 2
		for range 2 {
			if err := log.Put(t.Context(), entry(testJob, 0, 0, providers.Taken)); err != nil {
				t.Fatal(err)
			}
		}
		if err := log.Put(t.Context(), entry(testJob, 0, 0, providers.Taken)); !errors.Is(err, ErrFull) {
			t.Errorf("got %v, want ErrFull", err)
		}
	})
	t.Run("ManyShareARecord", func(t *testing.T) {
		rdb := connect(t, miniredis.RunT(t).Addr())
		many := make([]Entry, 3*perRecord)
		for i := range many {
			many[i] = entry(testJob, 0, i, providers.Taken)
		}
		if err := NewLog(rdb).Put(t.Context(), many...); err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, r := range rdb.XRange(t.Context(), keyStream, "-", "+").Val() {
			n += len(r.Values)
		}
		if stream := rdb.XLen(t.Context(), keyStream).Val(); n != len(many) || stream != 3 {
			t.Errorf("%d entries in %d records", n, stream)
		}
	})
}
