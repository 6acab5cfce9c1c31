package bench

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/big"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/internal/redisx"
	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/sms"
)

// ScheduledOptions are those of Scheduled.
type ScheduledOptions struct {
	// Options' RedisURL, Recipients, PerCall, Concurrency, Latency and Step are as in Run.
	Options
	// Jobs is how many jobs of one recipient are due at the same instant, and once more in the same second; 0 is none.
	Jobs int
	// Spread is over how many seconds the recipients' own times are spread.
	Spread int
	// Ahead is how long before their time they are enqueued, at least; recipients with times of their own 20 µs for each longer.
	Ahead time.Duration
}

// Lateness is how long after their time calls reached the adapter, in milliseconds.
type Lateness struct {
	N   int     `json:"n"`
	P50 float64 `json:"p50_ms"`
	P99 float64 `json:"p99_ms"`
	Max float64 `json:"max_ms"`
	// Early is how many were called for before their time.
	Early int `json:"early"`
}

// ScheduledResult is what Scheduled measured.
type ScheduledResult struct {
	// Jobs are those that were due at the same instant, JobsInASecond those that were due one after the other in the same second,
	// and Recipients those of one job, each at a time of their own.
	Jobs          Lateness `json:"jobs"`
	JobsInASecond Lateness `json:"jobs_in_a_second"`

	Recipients Lateness `json:"recipients"`
	Spread     int      `json:"spread_seconds"`
	Batches    int      `json:"batches"`
}

// Scheduled measures how late scheduled messages are. What it writes to Redis stays there.
func Scheduled(ctx context.Context, o ScheduledOptions) (res ScheduledResult, err error) {
	if o.Step == nil {
		o.Step = func(string) {}
	}
	ropts, err := redisx.Parse(o.RedisURL)
	if err != nil {
		return res, err
	}
	b := &bench{o: o.Options, redis: ropts, account: "bench-" + strconv.FormatUint(rand.Uint64(), 36)}
	if b.gw, err = startGateway(ctx, o.PerCall, o.Latency); err != nil {
		return res, err
	}
	defer func() { err = errors.Join(err, b.gw.close(context.WithoutCancel(ctx))) }()
	rdb := redis.NewUniversalClient(ropts)
	defer func() { err = errors.Join(err, rdb.Close()) }()
	if err := redisx.Check(ctx, rdb); err != nil {
		return res, err
	}
	b.ledger = ledger.New(rdb)
	if b.client, err = enqueue.New(ropts, enqueue.Options{Accounts: []string{b.account}}); err != nil {
		return res, err
	}
	defer func() { err = errors.Join(err, b.client.Close()) }()
	s := &scheduled{bench: b, o: o}
	provider, inner, err := b.gw.adapter(o.Concurrency)
	if err != nil {
		return res, err
	}
	b.provider, b.adapter = provider, &clocked{Adapter: inner, s: s}
	stop, err := b.worker(ctx)
	if err != nil {
		return res, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	if o.Jobs > 0 {
		if res.Jobs, err = s.jobs(ctx, 0); err != nil {
			return res, err
		}
		if res.JobsInASecond, err = s.jobs(ctx, time.Second); err != nil {
			return res, err
		}
	}
	if o.Recipients > 0 {
		res.Spread = o.Spread
		res.Recipients, res.Batches, err = s.recipients(ctx)
	}
	return res, err
}

type scheduled struct {
	*bench
	o ScheduledOptions

	mu  sync.Mutex
	due func(sms.MSISDN) time.Time
	ms  []float64
}

// clocked notes when calls reach the adapter.
type clocked struct {
	providers.Adapter
	s *scheduled
}

// Send notes the time and makes the call.
func (c *clocked) Send(ctx context.Context, call providers.Call) []providers.Result {
	now := time.Now()
	c.s.mu.Lock()
	for _, r := range call.Recipients {
		c.s.ms = append(c.s.ms, float64(now.Sub(c.s.due(r.To)))/float64(time.Millisecond))
	}
	c.s.mu.Unlock()
	return c.Adapter.Send(ctx, call)
}

// begin sets what is due when, for calls to come.
func (s *scheduled) begin(due func(sms.MSISDN) time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.due, s.ms = due, nil
}

// all waits until n recipients were called for, and tells how late.
func (s *scheduled) all(ctx context.Context, n int) (Lateness, error) {
	for {
		s.mu.Lock()
		have := len(s.ms)
		s.mu.Unlock()
		if have >= n {
			break
		}
		select {
		case <-ctx.Done():
			return Lateness{}, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.Sort(s.ms)
	early, _ := slices.BinarySearch(s.ms, 0)
	return Lateness{N: len(s.ms), P50: s.ms[len(s.ms)/2], P99: s.ms[len(s.ms)*99/100], Max: s.ms[len(s.ms)-1], Early: early}, nil
}

// jobs measures jobs of one recipient each that are due at the same instant, or evenly over a while.
func (s *scheduled) jobs(ctx context.Context, over time.Duration) (l Lateness, err error) {
	when := "at the same instant"
	if over > 0 {
		when = "within " + over.String()
	}
	s.o.Step(fmt.Sprintf("enqueueing %d jobs that are due %s", s.o.Jobs, when))
	first := time.Now().Add(s.o.Ahead).Truncate(time.Second).Add(time.Second)
	due := func(i int) time.Time {
		return first.Add(over * time.Duration(i) / time.Duration(s.o.Jobs)).Truncate(time.Millisecond)
	}
	s.begin(func(to sms.MSISDN) time.Time { return due(indexOf(to)) })
	ids := make([]string, s.o.Jobs)
	_, err = inParallel(s.o.Jobs, 16, func(i int) error {
		r, err := s.client.Enqueue(ctx, enqueue.Job{
			Via: s.account, From: "Volley", Text: text, At: due(i), Recipients: []enqueue.Recipient{{To: number(i).String()}},
		})
		ids[i] = r.JobID
		return err
	})
	if err != nil {
		return l, fmt.Errorf("the jobs could not be enqueued before they were due: %w", err)
	}
	s.o.Step(fmt.Sprintf("they are due in %v", time.Until(first).Round(time.Millisecond)))
	if l, err = s.all(ctx, s.o.Jobs); err != nil {
		return l, err
	}
	for _, id := range ids {
		if err := s.completed(ctx, id); err != nil {
			return l, err
		}
	}
	return l, nil
}

// completed waits until a job is.
func (s *scheduled) completed(ctx context.Context, id string) error {
	for {
		j, err := s.ledger.Job(ctx, id)
		if err != nil || !j.Completed.IsZero() {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// recipients measures recipients of one job who have times of their own.
func (s *scheduled) recipients(ctx context.Context) (l Lateness, batches int, err error) {
	s.o.Step(fmt.Sprintf("enqueueing %d recipients with times of their own over %d s", s.o.Recipients, s.o.Spread))
	base := time.Now().Add(s.o.Ahead + time.Duration(s.o.Recipients)*20*time.Microsecond).Truncate(time.Second)
	due := func(i int) time.Time { return base.Add(time.Duration(i%s.o.Spread) * time.Second) }
	texts := make([]string, s.o.Spread)
	for i := range texts {
		texts[i] = due(i).Format(time.RFC3339)
	}
	s.begin(func(to sms.MSISDN) time.Time { return due(indexOf(to)) })
	r, err := s.client.EnqueueStream(ctx, enqueue.Job{Via: s.account, From: "Volley", Text: text, Fields: []string{"at"}, AtField: "at"},
		timed(s.o.Recipients, texts))
	if err != nil {
		return l, 0, err
	}
	if r.RefusedCount > 0 {
		return l, 0, fmt.Errorf("%d recipients were due before they were enqueued", r.RefusedCount)
	}
	s.o.Step(fmt.Sprintf("the first are due in %v", time.Until(base).Round(time.Millisecond)))
	if l, err = s.all(ctx, s.o.Recipients); err != nil {
		return l, 0, err
	}
	return l, r.Batches, s.completed(ctx, r.JobID)
}

func timed(n int, texts []string) iter.Seq2[enqueue.Recipient, error] {
	return func(yield func(enqueue.Recipient, error) bool) {
		values := make([]string, 1)
		for i := range n {
			values[0] = texts[i%len(texts)]
			if !yield(enqueue.Recipient{To: number(i).String(), Values: values}, nil) {
				return
			}
		}
	}
}

// inverse undoes the multiplication in number.
var inverse = new(big.Int).ModInverse(big.NewInt(67_867_967), big.NewInt(100_000_000)).Uint64()

// indexOf is the inverse of number.
func indexOf(to sms.MSISDN) int {
	return int((uint64(to) - 4_500_000_000) * inverse % 100_000_000)
}
