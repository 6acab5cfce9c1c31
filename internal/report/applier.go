package report

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"

	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/internal/tracing"
)

// Options of an Applier. The zero value has defaults.
type Options struct {
	// GiveUp is how long a report is kept whose recipient has no outcome yet; 0 is 72 h.
	GiveUp time.Duration
	// Logger is for what goes wrong; nil is silent.
	Logger *zap.Logger
	// Metrics is where the counters are registered; nil is nowhere.
	Metrics prometheus.Registerer
	// Spans is where spans are made of reports about jobs that carry a sampled trace; nil makes none.
	Spans trace.TracerProvider
}

// Applier takes entries from the stream and applies them to the outcomes. Any number of them share the work.
type Applier struct {
	rdb      redis.UniversalClient
	reporter *ledger.Reporter
	giveUp   time.Duration
	log      *zap.Logger
	m        *metrics
	spans    *tracing.Reports
	name     string
	now      func() time.Time
}

const (
	group = "apply"
	// perRead is how many records of the stream are taken at a time. What waits meanwhile is taken together, so that the
	// more there is, the less each costs.
	perRead     = 128
	readBlock   = time.Second
	workTimeout = 30 * time.Second
	// claimAfter is after how long a record that another took and did not finish is taken from it.
	claimAfter = time.Minute
	claimEvery = 15 * time.Second
	// forgetAfter is after how long a consumer is forgotten that has nothing and was not seen.
	forgetAfter = time.Hour
	minBackoff  = 50 * time.Millisecond
	maxBackoff  = 5 * time.Second
)

// NewApplier returns an Applier on rdb.
func NewApplier(rdb redis.UniversalClient, o Options) *Applier {
	if o.GiveUp == 0 {
		o.GiveUp = 72 * time.Hour
	}
	if o.Logger == nil {
		o.Logger = zap.NewNop()
	}
	l := ledger.New(rdb)
	return &Applier{
		rdb: rdb, reporter: ledger.NewReporter(l), spans: tracing.NewReports(o.Spans, l.TraceOf), giveUp: o.GiveUp, log: o.Logger, m: newMetrics(o.Metrics),
		name: uuid.NewString()[:13], now: time.Now,
	}
}

// Run applies reports until ctx ends; then it finishes those that it has taken, and returns.
func (a *Applier) Run(ctx context.Context) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		a.keep(ctx)
	}()
	for pause := minBackoff; ctx.Err() == nil; {
		err := a.next(ctx)
		if err == nil {
			pause = minBackoff
			continue
		}
		if ctx.Err() == nil {
			a.log.Warn("reports wait: Redis does not apply them", zap.Error(err))
		}
		sleep(ctx, pause)
		pause = min(2*pause, maxBackoff)
	}
	<-done
	bye, cancel := context.WithTimeout(context.WithoutCancel(ctx), workTimeout)
	defer cancel()
	a.forget(bye, 0)
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// next waits for entries that nobody has taken, and applies them.
func (a *Applier) next(ctx context.Context) error {
	streams, err := a.rdb.XReadGroup(ctx, &redis.XReadGroupArgs{
		Group: group, Consumer: a.name, Streams: []string{keyStream, ">"}, Count: perRead, Block: readBlock,
	}).Result()
	switch {
	case errors.Is(err, redis.Nil):
		return nil
	case redis.HasErrorPrefix(err, "NOGROUP"):
		return a.begin(ctx)
	case err != nil:
		return err
	}
	return a.work(ctx, streams[0].Messages)
}

// begin creates the stream and its group, unless they are there.
func (a *Applier) begin(ctx context.Context) error {
	err := a.rdb.XGroupCreateMkStream(ctx, keyStream, group, "0").Err()
	if redis.HasErrorPrefix(err, "BUSYGROUP") {
		return nil
	}
	return err
}

// work applies records that this Applier has taken, and repeats it until it has worked or ctx ends. What is left then is
// claimed by another.
func (a *Applier) work(ctx context.Context, records []redis.XMessage) error {
	for pause := minBackoff; ; pause = min(2*pause, maxBackoff) {
		limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), workTimeout)
		err := a.records(limited, records)
		cancel()
		if err == nil || ctx.Err() != nil {
			return err
		}
		a.log.Warn("reports wait: Redis does not apply them", zap.Error(err))
		sleep(ctx, pause)
	}
}

// records applies the entries of records and takes those off the stream.
func (a *Applier) records(ctx context.Context, records []redis.XMessage) error {
	var entries []Entry
	var done []string
	for _, rec := range records {
		newer := false
		for _, v := range rec.Values {
			s, _ := v.(string)
			e, err := decodeEntry([]byte(s))
			switch {
			case errors.Is(err, errNewer):
				newer = true
			case err != nil:
				a.log.Error("a report can't be read, and is dropped", zap.Error(err))
				a.m.count("", "", "damaged")
			default:
				entries = append(entries, e)
			}
		}
		if !newer { // else a newer program takes it
			done = append(done, rec.ID)
		}
	}
	early, err := a.apply(ctx, entries)
	if err != nil {
		return err
	}
	pipe := a.rdb.Pipeline()
	if len(early) > 0 {
		// Before the record goes: what is there twice does no harm.
		if err := a.rdb.ZAdd(ctx, keyParked, a.parked(early)...).Err(); err != nil {
			return err
		}
	}
	if len(done) > 0 {
		pipe.XAck(ctx, keyStream, group, done...)
		pipe.XDel(ctx, keyStream, done...)
	}
	_, err = pipe.Exec(ctx)
	return err
}

// apply applies entries, and returns what is left of them that came too early.
func (a *Applier) apply(ctx context.Context, entries []Entry) (early []Entry, err error) {
	type key struct {
		job   string
		batch int
	}
	type origin struct{ entry, report int }
	batches := map[key]*ledger.BatchReports{}
	from := map[*ledger.BatchReports][]origin{}
	var list []*ledger.BatchReports
	for i := range entries {
		e := &entries[i]
		k := key{e.Target.Job, e.Target.Batch}
		for j := range e.Reports {
			r, ok := e.toLedger(j)
			if !ok {
				a.m.count(e.Account, e.kind(j), "pending")
				continue
			}
			b := batches[k]
			if b == nil {
				b = &ledger.BatchReports{Job: k.job, Batch: k.batch}
				batches[k] = b
				list = append(list, b)
			}
			b.Reports = append(b.Reports, r)
			from[b] = append(from[b], origin{i, j})
		}
	}
	if err := a.reporter.Apply(ctx, list); err != nil {
		return nil, err
	}
	left := map[int]*Entry{}
	for _, b := range list {
		applied, since := 0, time.Time{}
		for n, o := range from[b] {
			e := &entries[o.entry]
			v := b.Verdicts[n]
			a.m.count(e.Account, e.kind(o.report), v.String())
			if v == ledger.Applied {
				applied++
			}
			if since.IsZero() || e.Received.Before(since) {
				since = e.Received
			}
			if v != ledger.Early && v != ledger.Damaged {
				continue
			}
			if left[o.entry] == nil {
				left[o.entry] = &Entry{Account: e.Account, Target: e.Target, Received: e.Received}
			}
			left[o.entry].Reports = append(left[o.entry].Reports, e.Reports[o.report])
		}
		if applied > 0 {
			a.spans.Applied(ctx, entries[from[b][0].entry].Account, b.Job, b.Batch, since, len(b.Reports), applied)
		}
	}
	for _, e := range left {
		early = append(early, *e)
	}
	return early, nil
}
