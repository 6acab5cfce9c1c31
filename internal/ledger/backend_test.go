package ledger

import (
	"context"
	"slices"
	"strconv"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/volleysms/volley/internal/redistest"
	"github.com/volleysms/volley/sms"
)

// onBoth runs a test on a real Redis and on the embedded one, on which `volley demo` runs.
func onBoth(t *testing.T, test func(t *testing.T, rdb *redis.Client)) {
	t.Helper()
	backends := []struct {
		name  string
		start func(t *testing.T) string
	}{
		{"Redis", func(t *testing.T) string { return redistest.Start(t) }},
		{"Miniredis", func(t *testing.T) string { return miniredis.RunT(t).Addr() }},
	}
	for _, b := range backends {
		t.Run(b.name, func(t *testing.T) { test(t, connect(t, b.start(t))) })
	}
}

func connect(t *testing.T, addr string) *redis.Client {
	t.Helper()
	rdb := redis.NewClient(&redis.Options{Addr: addr})
	t.Cleanup(func() { rdb.Close() })
	return rdb
}

// tb is what *testing.T and *rapid.T have in common.
type tb interface {
	Helper()
	Fatalf(format string, args ...any)
	Errorf(format string, args ...any)
	Context() context.Context
}

// content is a job as a test writes it.
type content struct {
	spec    Spec
	fp      Fingerprint
	batches []PackedBatch
	tally   Tally
	receipt Receipt
}

// newContent makes a job of batches with the given numbers of queued and refused recipients.
func newContent(id string, batches ...[2]int) *content {
	c := &content{spec: Spec{ID: id, Format: Format(), Via: "main", Accounts: []string{"first", "second"}, Text: "hello", Created: 1_700_000_000_000}}
	c.fp[0] = 1
	var row uint64
	for number, n := range batches {
		var b BatchBuilder
		for range n[0] {
			row++
			b.Add(Recipient{To: testNumber(row), Row: row, Ref: "r" + strconv.FormatUint(row, 10)})
		}
		for range n[1] {
			row++
			b.Refuse(Refused{To: "abc", Row: row, Reason: "has letters"})
		}
		c.add(number, &b)
	}
	return c
}

func (c *content) add(number int, b *BatchBuilder) {
	c.fp[1]++
	c.batches = append(c.batches, PackedBatch{
		Number: number, Packed: PackBatch(c.fp, b.AppendBody(nil)), Queued: b.Len(), Refused: b.Refusals(),
	})
	c.tally.Add(number, b.Len(), b.Refusals())
	c.receipt.Queued += int64(b.Len())
	c.receipt.RefusedCount += int64(b.Refusals())
	c.receipt.Total += int64(b.Len() + b.Refusals())
	c.receipt.Batches++
}

// seal writes all of c, and fails the test when it can't.
func (c *content) seal(t tb, l *Ledger) Job {
	t.Helper()
	ctx := t.Context()
	if _, err := l.Begin(ctx, "", 0, c.spec, c.begun()); err != nil {
		t.Fatalf("Begin: %v", err)
	}
	if err := l.Put(ctx, c.spec, c.batches); err != nil {
		t.Fatalf("Put: %v", err)
	}
	if first, err := l.Seal(ctx, c.spec, c.fp, c.receipt, &c.tally); err != nil || !first {
		t.Fatalf("Seal: first %v, %v", first, err)
	}
	j, err := l.Job(ctx, c.spec.ID)
	if err != nil {
		t.Fatalf("Job: %v", err)
	}
	return j
}

// begun is the fingerprint of what is known of c when it is begun.
func (c *content) begun() Fingerprint { return Fingerprint{c.fp[0]} }

// testNumber returns an MSISDN that nobody has.
func testNumber(row uint64) sms.MSISDN { return sms.MSISDN(4_500_000_000 + row) }

// collect reads all outcomes of a job.
func collect(t tb, l *Ledger, job Job) []Outcome {
	t.Helper()
	var out []Outcome
	for o, err := range l.Outcomes(t.Context(), job) {
		if err != nil {
			t.Fatalf("Outcomes: %v", err)
		}
		out = append(out, o)
	}
	return out
}

// agree fails the test unless the counters of a job equal the states of its outcomes.
func agree(t tb, l *Ledger, job Job) Counts {
	t.Helper()
	var want Counts
	for _, o := range collect(t, l, job) {
		want[o.State]++
	}
	got, err := l.Counts(t.Context(), job.Spec.ID)
	if err != nil {
		t.Fatalf("Counts: %v", err)
	}
	if got != want {
		t.Fatalf("counters %v, outcomes %v", got, want)
	}
	return got
}

// take makes token the owner of a batch, and fails the test when it can't.
func take(t tb, l *Ledger, job string, batch int, token, dead string) *Held {
	t.Helper()
	h, err := l.Take(t.Context(), job, batch, token, dead)
	if err != nil {
		t.Fatalf("Take: %v", err)
	}
	return &h
}

// keysLike lists the keys that match a pattern, sorted.
func keysLike(t tb, rdb *redis.Client, pattern string) []string {
	t.Helper()
	keys, err := rdb.Keys(t.Context(), pattern).Result()
	if err != nil {
		t.Fatalf("Keys: %v", err)
	}
	slices.Sort(keys)
	return keys
}

// TestLoad: a batch is sent without a script that Redis is shown for the first time.
func TestLoad(t *testing.T) {
	onBoth(t, func(t *testing.T, rdb *redis.Client) {
		if err := New(rdb).Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, s := range []*redis.Script{beginSendingScript, takeScript, commitScript, finishScript, fedScript} {
			if known, err := s.Exists(t.Context(), rdb).Result(); err != nil || !known[0] {
				t.Errorf("%s: %v, %v", s.Hash(), known, err)
			}
		}
	})
}
