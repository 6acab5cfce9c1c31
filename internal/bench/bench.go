// Package bench measures the whole pipeline, from enqueueing to the last recorded outcome, against a bare loop that posts
// the same requests and records nothing, in one run.
package bench

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/internal/redisx"
	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/sms"
	"github.com/volleysms/volley/worker"
)

// Options of a run.
type Options struct {
	// RedisURL is where the queue is. What the run writes there is removed again.
	RedisURL string
	// Recipients is how many are sent to, at least 1.
	Recipients int
	// PerCall is how many recipients one call holds: 1, or more.
	PerCall int
	// Latency is how long the gateway takes for each call.
	Latency time.Duration
	// Concurrency is how many calls are in flight, in the pipeline and in the bare loop.
	Concurrency int
	// Urgent is how many single messages are sent on the idle system to measure their delay; 0 is none.
	Urgent int
	// Step is called with what is being done; nil is silent.
	Step func(string)
}

// Result is what a run measured. Bytes are -1 where Redis doesn't tell.
type Result struct {
	Recipients  int     `json:"recipients"`
	PerCall     int     `json:"recipients_per_call"`
	Concurrency int     `json:"concurrency"`
	LatencyMS   float64 `json:"gateway_latency_ms"`
	Calls       uint64  `json:"calls"`

	// PerSecond is from the gateway's first call to the job's completion, Enqueue what the producer reached before that,
	// and Whole both together.
	PerSecond        float64 `json:"recipients_per_second"`
	EnqueuePerSecond float64 `json:"enqueue_recipients_per_second"`
	WholePerSecond   float64 `json:"whole_recipients_per_second"`
	BarePerSecond    float64 `json:"bare_recipients_per_second"`
	// Ratio is PerSecond to BarePerSecond, WholeRatio is WholePerSecond to it. The bare loop makes the same
	// calls of the same numbers with net/http, more of them when they are few, and records nothing. AdapterRatio is PerSecond to a loop that has the adapter
	// make the calls and read the answers, and so shows what queue and ledger alone cost.
	Ratio            float64 `json:"ratio"`
	WholeRatio       float64 `json:"whole_ratio"`
	AdapterPerSecond float64 `json:"adapter_recipients_per_second"`
	AdapterRatio     float64 `json:"adapter_ratio"`

	// CPU is what this process (producer, worker, and the gateway in it) and Redis used for 1,000 recipients.
	CPU      float64 `json:"cpu_seconds_per_1000"`
	RedisCPU float64 `json:"redis_cpu_seconds_per_1000"`

	BytesQueued float64 `json:"redis_bytes_per_recipient_queued"`
	BytesDone   float64 `json:"redis_bytes_per_recipient_done"`
	// PeakHeap is the most Go memory in use at the moments that were looked at, in MiB.
	PeakHeap float64 `json:"peak_heap_mib"`

	UrgentP50 float64 `json:"urgent_p50_ms,omitempty"`
	UrgentP99 float64 `json:"urgent_p99_ms,omitempty"`
}

// text has 131 characters of GSM-7.
const text = "Your parcel has arrived at the collection point. Bring this message and an identity card. Open daily from nine to " +
	"six, see you soon"

// Run measures.
func Run(ctx context.Context, o Options) (res Result, err error) {
	if o.Step == nil {
		o.Step = func(string) {}
	}
	ropts, err := redisx.Parse(o.RedisURL)
	if err != nil {
		return res, err
	}
	b := &bench{o: o, redis: ropts, account: "bench-" + strconv.FormatUint(rand.Uint64(), 36)}
	if b.gw, err = startGateway(ctx, o.PerCall, o.Latency); err != nil {
		return res, err
	}
	defer func() { err = errors.Join(err, b.gw.close(context.WithoutCancel(ctx))) }()
	rdb := redis.NewUniversalClient(ropts)
	defer func() { err = errors.Join(err, rdb.Close()) }()
	if err := redisx.Check(ctx, rdb); err != nil {
		return res, err
	}
	b.meter = &meter{rdb, b.account}
	b.ledger = ledger.New(rdb)
	if b.provider, b.adapter, err = b.gw.adapter(o.Concurrency); err != nil {
		return res, err
	}
	if b.client, err = enqueue.New(ropts, enqueue.Options{Accounts: []string{b.account}}); err != nil {
		return res, err
	}
	defer func() { err = errors.Join(err, b.client.Close()) }()
	b.res = Result{
		Recipients: o.Recipients, PerCall: o.PerCall, Concurrency: o.Concurrency,
		LatencyMS: float64(o.Latency) / float64(time.Millisecond),
	}
	if err := b.run(ctx); err != nil {
		return b.res, err
	}
	return b.res, nil
}

type bench struct {
	o        Options
	redis    *redis.UniversalOptions
	account  string
	gw       *gateway
	provider string
	adapter  providers.Adapter
	client   *enqueue.Client
	ledger   *ledger.Ledger
	meter    *meter
	calls    []providers.Call
	res      Result
}

func (b *bench) run(ctx context.Context) error {
	n := b.o.Recipients
	calls := (n + b.o.PerCall - 1) / b.o.PerCall
	b.o.Step("sampling the calls")
	if err := b.collect(ctx); err != nil {
		return err
	}
	if _, err := b.gw.bare(ctx, min(calls, fewest), b.o.Concurrency); err != nil {
		return err
	}
	// A loop of few calls would measure a single garbage collection more than itself.
	loop := calls
	if b.o.Latency == 0 {
		loop = max(calls, fewest)
	}
	b.o.Step("the bare loop")
	before, err := b.gw.bare(ctx, loop, b.o.Concurrency)
	if err != nil {
		return err
	}
	b.o.Step("the adapter alone")
	alone, err := b.alone(ctx, loop)
	if err != nil {
		return err
	}
	if err := b.pipeline(ctx); err != nil {
		return err
	}
	b.o.Step("the bare loop once more")
	after, err := b.gw.bare(ctx, loop, b.o.Concurrency)
	if err != nil {
		return err
	}
	posted := float64(n) * float64(loop) / float64(calls)
	b.res.BarePerSecond = 2 * posted / (before + after).Seconds()
	b.res.AdapterPerSecond = posted / alone.Seconds()
	b.res.AdapterRatio = b.res.PerSecond / b.res.AdapterPerSecond
	b.res.Ratio = b.res.PerSecond / b.res.BarePerSecond
	b.res.WholeRatio = b.res.WholePerSecond / b.res.BarePerSecond
	if b.o.Urgent > 0 {
		b.o.Step("single messages on the idle system")
		return b.urgent(ctx)
	}
	return nil
}

// fewest is how many calls the loops make at least of a gateway that answers at once.
const fewest = 2000

// sampled is how many different calls the loops make in turn.
const sampled = 64

// collect lets the adapter make some calls, so that the bare loop can make the very same.
func (b *bench) collect(ctx context.Context) error {
	b.gw.keep.Store(true)
	defer b.gw.keep.Store(false)
	size := sms.Measure(text)
	for k := range sampled {
		c := providers.Call{Reference: "0190a000-0000-7000-8000-000000000000.1.250", From: "Volley", Text: text, Encoding: size.Encoding, Segments: size.Segments}
		for i := range b.o.PerCall {
			c.Recipients = append(c.Recipients, providers.Recipient{To: number(k*b.o.PerCall + i)})
		}
		if r := b.adapter.Send(ctx, c); r[0].Err != nil {
			return r[0].Err
		}
		b.calls = append(b.calls, c)
		if err := b.gw.samples[k].cut(c.Recipients); err != nil {
			return err
		}
	}
	return nil
}

// alone has the adapter make n of the sampled calls, and records nothing.
func (b *bench) alone(ctx context.Context, n int) (time.Duration, error) {
	return inParallel(n, b.o.Concurrency, func(i int) error {
		return b.adapter.Send(ctx, b.calls[i%sampled])[0].Err
	})
}

// number is the i-th of a hundred million obviously fake numbers, spread as a real list's are.
func number(i int) sms.MSISDN {
	return sms.MSISDN(4_500_000_000 + uint64(i)*67_867_967%100_000_000)
}

func recipients(n int) iter.Seq2[enqueue.Recipient, error] {
	return func(yield func(enqueue.Recipient, error) bool) {
		for i := range n {
			if !yield(enqueue.Recipient{To: number(i).String()}, nil) {
				return
			}
		}
	}
}

func (b *bench) pipeline(ctx context.Context) (err error) {
	b.o.Step("enqueueing")
	runtime.GC()
	cpu, rcpu, err := b.meter.cpu(ctx)
	if err != nil {
		return err
	}
	calls := b.gw.calls.Load()
	start := time.Now()
	r, err := b.client.EnqueueStream(ctx, enqueue.Job{Via: b.account, From: "Volley", Text: text}, recipients(b.o.Recipients))
	if err != nil {
		return err
	}
	enqueued := time.Since(start)
	var first enqueue.Receipt
	defer func() { err = errors.Join(err, b.meter.forget(context.WithoutCancel(ctx), r.JobID, first.JobID)) }()
	cpu1, rcpu1, err := b.meter.cpu(ctx)
	if err != nil {
		return err
	}
	queued, err := b.meter.bytes(ctx, r.JobID)
	if err != nil {
		return err
	}
	cpu2, rcpu2, err := b.meter.cpu(ctx)
	if err != nil {
		return err
	}
	b.o.Step("sending")
	// A worker's first call to an account goes alone: it is no part of what is measured.
	first, err = b.client.Enqueue(ctx, enqueue.Job{
		Via: b.account, From: "Volley", Text: text, Priority: enqueue.Urgent, Recipients: []enqueue.Recipient{{To: number(0).String()}},
	})
	if err != nil {
		return err
	}
	drained, err := b.drain(ctx, r.JobID)
	if err != nil {
		return err
	}
	cpu3, rcpu3, err := b.meter.cpu(ctx)
	if err != nil {
		return err
	}
	done, err := b.meter.bytes(ctx, r.JobID)
	if err != nil {
		return err
	}
	n := float64(b.o.Recipients)
	b.res.Calls = b.gw.calls.Load() - calls - 1
	b.res.PerSecond = n / drained.Seconds()
	b.res.EnqueuePerSecond = n / enqueued.Seconds()
	b.res.WholePerSecond = n / (drained + enqueued).Seconds()
	b.res.CPU = (cpu3 - cpu2 + cpu1 - cpu) / n * 1000
	b.res.RedisCPU = (rcpu3 - rcpu2 + rcpu1 - rcpu) / n * 1000
	b.res.BytesQueued, b.res.BytesDone = perRecipient(queued, n), perRecipient(done, n)
	return nil
}

func perRecipient(total int64, n float64) float64 {
	if total < 0 {
		return -1
	}
	return float64(total) / n
}

// worker runs a worker until the returned function is called.
func (b *bench) worker(ctx context.Context) (stop func() error, err error) {
	w, err := worker.New(b.redis, worker.Options{Accounts: []worker.Account{
		{Name: b.account, Provider: b.provider, Adapter: b.adapter, Concurrency: b.o.Concurrency},
	}})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	return func() error { cancel(); return <-ended }, nil
}

// drain measures from the gateway's second call, the campaign's first, to the job's completion.
func (b *bench) drain(ctx context.Context, job string) (took time.Duration, err error) {
	var start, calls atomic.Int64
	seen := func() {
		if calls.Add(1) > 1 {
			start.CompareAndSwap(0, time.Now().UnixNano())
		}
	}
	b.gw.seen.Store(&seen)
	defer b.gw.seen.Store(nil)
	stop, err := b.worker(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	var mem runtime.MemStats
	all := int64((b.o.Recipients+b.o.PerCall-1)/b.o.PerCall) + 1
	began := time.Now()
	for i := 0; ; i++ {
		if i%50 == 0 {
			runtime.ReadMemStats(&mem)
			b.res.PeakHeap = max(b.res.PeakHeap, float64(mem.HeapInuse)/(1<<20))
		}
		// To look costs something too. Before all calls are made it is done only lest a job of which some were not is waited for.
		if calls.Load() >= all || i%1000 == 999 {
			j, err := b.ledger.Job(ctx, job)
			if err != nil {
				return 0, err
			}
			if !j.Completed.IsZero() {
				took = time.Since(time.Unix(0, start.Load()))
				break
			}
		}
		time.Sleep(time.Millisecond + time.Since(began)/1000)
	}
	n, err := b.ledger.Counts(ctx, job)
	if err == nil && n[ledger.Accepted] != int64(b.o.Recipients) {
		err = fmt.Errorf("%d of %d recipients were accepted", n[ledger.Accepted], b.o.Recipients)
	}
	return took, err
}

// urgent measures the delay from the call of Enqueue to the gateway's first sight of the message, one at a time, at
// moments that have nothing to do with the worker's own rhythm.
func (b *bench) urgent(ctx context.Context) (err error) {
	arrived := make(chan time.Time, 1)
	seen := func() { arrived <- time.Now() }
	b.gw.seen.Store(&seen)
	stop, err := b.worker(ctx)
	if err != nil {
		return err
	}
	var jobs []string
	defer func() { err = errors.Join(err, stop(), b.meter.forget(context.WithoutCancel(ctx), jobs...)) }()
	delays := make([]float64, 0, b.o.Urgent)
	for i := range b.o.Urgent + 1 {
		time.Sleep(time.Duration(10+rand.IntN(60)) * time.Millisecond)
		start := time.Now()
		r, err := b.client.Enqueue(ctx, enqueue.Job{
			Via: b.account, From: "Volley", Text: text, Recipients: []enqueue.Recipient{{To: number(i).String()}},
		})
		if err != nil {
			return err
		}
		at := <-arrived
		if i > 0 { // the first one opens the connections
			delays = append(delays, float64(at.Sub(start))/float64(time.Millisecond))
		}
		jobs = append(jobs, r.JobID)
	}
	slices.Sort(delays)
	b.res.UrgentP50, b.res.UrgentP99 = delays[len(delays)/2], delays[len(delays)*99/100]
	return nil
}
