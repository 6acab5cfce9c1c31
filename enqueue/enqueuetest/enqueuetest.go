// Package enqueuetest is for the tests of applications that enqueue: a real enqueue.Client on a Redis inside the test's
// process, and a look at what was enqueued through it. Nothing is sent.
package enqueuetest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/sms"
)

// Fake is a Redis of a test's own, and the Client to give to the code under test. Its methods may be called while that
// code is enqueueing; those that fail the test are for the test's goroutine.
type Fake struct {
	// Client is a real one: it validates, drops duplicates, knows idempotency keys and gives receipts as in production.
	Client *enqueue.Client

	tb     testing.TB
	rdb    *redis.Client
	ledger *ledger.Ledger
}

// New returns a Fake without jobs. With the zero Options every name is taken for an account; name the accounts and routes
// of production to have others refused. All of it ends with the test.
func New(tb testing.TB, o enqueue.Options) *Fake {
	tb.Helper()
	rdb := redis.NewClient(&redis.Options{Addr: miniredis.RunT(tb).Addr()})
	tb.Cleanup(func() { _ = rdb.Close() })
	client, err := enqueue.NewFromRedis(rdb, o)
	if err != nil {
		tb.Fatal(err)
	}
	return &Fake{Client: client, tb: tb, rdb: rdb, ledger: ledger.New(rdb)}
}

// Enqueued is one job as a worker would find it.
type Enqueued struct {
	JobID string
	// Via, From, Text, Binary, Fields and Label are the Job's; From as it is sent.
	Via    string
	From   string
	Text   string
	Binary *sms.Binary
	Fields []string
	Label  string
	// At is when sending starts, in UTC, also when the Job had a Delay; the zero time means at once.
	At time.Time
	// Recipients are those that were queued, in their order, with To as the digits of the MSISDN. The refused are in the
	// Receipt.
	Recipients []enqueue.Recipient
}

// Jobs returns what was enqueued, the oldest first; a call that was a Duplicate adds nothing. It fails the test when
// that can't be read.
func (f *Fake) Jobs() []Enqueued {
	f.tb.Helper()
	jobs, err := f.jobs(context.Background())
	if err != nil {
		f.tb.Fatalf("read what was enqueued: %v", err)
	}
	return jobs
}

// Only returns the one job that was enqueued. It fails the test when there is none, or another.
func (f *Fake) Only(tb testing.TB) Enqueued {
	tb.Helper()
	jobs := f.Jobs()
	if len(jobs) != 1 {
		tb.Fatalf("%d jobs were enqueued%s; want exactly one", len(jobs), list(jobs))
	}
	return jobs[0]
}

// RequireNone fails the test when a job was enqueued.
func (f *Fake) RequireNone(tb testing.TB) {
	tb.Helper()
	if jobs := f.Jobs(); len(jobs) > 0 {
		tb.Fatalf("%d jobs were enqueued%s; want none", len(jobs), list(jobs))
	}
}

// Suppressed returns who is on a list of opt-outs, in the order of their numbers; account is as in enqueue.SuppressOptions. It
// fails the test when that can't be read.
func (f *Fake) Suppressed(account string) []enqueue.Suppression {
	f.tb.Helper()
	var out []enqueue.Suppression
	for s, err := range f.Client.Suppressions(context.Background(), account) {
		if err != nil {
			f.tb.Fatalf("read who opted out: %v", err)
		}
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b enqueue.Suppression) int { return strings.Compare(a.To, b.To) })
	return out
}

// list tells jobs apart without showing whom they go to.
func list(jobs []Enqueued) string {
	s := ""
	for _, j := range jobs {
		s += fmt.Sprintf("\n\tvia %q, label %q, %d recipients", j.Via, j.Label, len(j.Recipients))
	}
	if s != "" {
		s = ":" + s + "\n"
	}
	return s
}

// maxJobs bounds what Jobs reads. No test has as many.
const maxJobs = 1 << 20

func (f *Fake) jobs(ctx context.Context) ([]Enqueued, error) {
	ids, err := f.ledger.Recent(ctx, maxJobs)
	if err != nil {
		return nil, err
	}
	slices.Reverse(ids)
	jobs := make([]Enqueued, len(ids))
	for i, id := range ids {
		if jobs[i], err = f.job(ctx, id); err != nil {
			return nil, err
		}
	}
	return jobs, nil
}

func (f *Fake) job(ctx context.Context, id string) (Enqueued, error) {
	j, err := f.ledger.Job(ctx, id)
	if err != nil {
		return Enqueued{}, err
	}
	s := &j.Spec
	e := Enqueued{JobID: s.ID, Via: s.Via, From: s.From, Text: s.Text, Fields: s.Fields, Label: s.Label}
	if len(s.UDH)+len(s.Payload) > 0 {
		e.Binary = &sms.Binary{UDH: s.UDH, Payload: s.Payload}
	}
	if s.At > 0 {
		e.At = time.UnixMilli(s.At).UTC()
	}
	for n := range j.Batches {
		packed, err := f.rdb.Get(ctx, recipientsKey(id, n)).Bytes()
		if err != nil {
			return Enqueued{}, err
		}
		b, err := ledger.DecodeBatch(packed)
		if err != nil {
			return Enqueued{}, err
		}
		for _, r := range b.Recipients {
			e.Recipients = append(e.Recipients, enqueue.Recipient{To: r.To.String(), Ref: r.Ref, Values: r.Values})
		}
	}
	return e, nil
}

// recipientsKey is where the ledger keeps the recipients of a batch; see its package comment.
func recipientsKey(job string, batch int) string {
	return fmt.Sprintf("volley:{%s.%d}:r%d", job, batch%ledger.Shards, batch)
}
