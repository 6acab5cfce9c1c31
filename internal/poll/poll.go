// Package poll asks gateways what became of messages that they have not reported about, and for what handsets wrote.
package poll

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"

	"github.com/volleysms/volley/internal/inbound"
	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/internal/metric"
	"github.com/volleysms/volley/internal/tracing"
	"github.com/volleysms/volley/providers"
)

// Account is a login at a gateway that may be asked.
type Account struct {
	Name string
	// Adapter is asked when it is a providers.Poller, or a providers.InboundPoller.
	Adapter any
	// Wait returns when the account's limits let a request be made; nil is at once.
	Wait func(context.Context) error
	// Timeout bounds one request; 0 is 30 s.
	Timeout time.Duration
}

// Options of a Poller.
type Options struct {
	Accounts []Account
	// First is how long after it was accepted a message is asked after; then after twice as long, and so on up to every
	// hour. 0 asks about none.
	First time.Duration
	// GiveUp is how long it is asked after; 0 is 72 h.
	GiveUp time.Duration
	// Inbound is how often gateways are asked for inbound messages; 0 is not at all.
	Inbound time.Duration
	// Words say which messages from handsets are opt-outs, by the account's name; others have none.
	Words map[string]inbound.Words
	// Metrics is where counters are registered; nil is nowhere.
	Metrics prometheus.Registerer
	// Spans is where spans are made of what gateways told about jobs that carry a sampled trace; nil makes none.
	Spans  trace.TracerProvider
	Logger *zap.Logger
}

// Poller asks. Any number of them, in any number of processes, share the work.
type Poller struct {
	opts     Options
	rdb      redis.UniversalClient
	ledger   *ledger.Ledger
	polls    *ledger.Polls
	reporter *ledger.Reporter
	inbound  *inbound.Stream
	log      *zap.Logger
	asked    *prometheus.CounterVec
	spans    *tracing.Reports
	accounts map[string]Account
	now      func() time.Time
}

const (
	// longest is the longest pause between two questions about a message.
	longest = time.Hour
	// jobsAtOnce is how many jobs a process looks at at a time.
	jobsAtOnce     = 4
	defaultTimeout = 30 * time.Second
	tick           = time.Second
	// hold is how long a job is nobody else's; whoever looks at it prolongs that.
	hold = 2 * time.Minute
	// overlap is how far before the newest job that was found the next search begins: a job is listed when it is written,
	// under the time when that began.
	overlap = time.Hour
)

// New returns a Poller on rdb, which it does not own.
func New(rdb redis.UniversalClient, o Options) *Poller {
	if o.GiveUp == 0 {
		o.GiveUp = 72 * time.Hour
	}
	if o.Logger == nil {
		o.Logger = zap.NewNop()
	}
	l := ledger.New(rdb)
	p := &Poller{
		opts: o, rdb: rdb, ledger: l, polls: ledger.NewPolls(rdb), reporter: ledger.NewReporter(l), inbound: inbound.NewStream(rdb).Heed(o.Words),
		log: o.Logger, accounts: map[string]Account{}, now: time.Now, spans: tracing.NewReports(o.Spans, l.TraceOf),
		asked: metric.Register(o.Metrics, prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "volley_polls_total",
			Help: "Questions to gateways by account, by what about (message, inbound) and by result: told, nothing, or error.",
		}, []string{"account", "about", "result"})),
	}
	for _, a := range o.Accounts {
		if a.Timeout == 0 {
			a.Timeout = defaultTimeout
		}
		p.accounts[a.Name] = a
	}
	return p
}

// Run asks until ctx ends. The question that is on its way then is waited for.
func (p *Poller) Run(ctx context.Context) {
	var all sync.WaitGroup
	for _, a := range p.accounts {
		if ip, ok := a.Adapter.(providers.InboundPoller); ok && p.opts.Inbound > 0 {
			all.Go(func() { p.fetch(ctx, a, ip) })
		}
	}
	if p.opts.First > 0 && p.asksAny() {
		all.Go(func() { p.find(ctx) })
		for range jobsAtOnce {
			all.Go(func() { p.look(ctx) })
		}
	}
	all.Wait()
}

// asksAny reports whether some gateway can be asked about messages.
func (p *Poller) asksAny() bool {
	for _, a := range p.accounts {
		if _, ok := a.Adapter.(providers.Poller); ok {
			return true
		}
	}
	return false
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// find lists jobs for looks at them.
func (p *Poller) find(ctx context.Context) {
	var newest time.Time
	for ; ctx.Err() == nil; sleep(ctx, min(p.opts.First, time.Minute)) {
		now := p.now()
		since := now.Add(-p.opts.GiveUp)
		if !newest.IsZero() {
			since = newest.Add(-overlap)
		}
		found, err := p.polls.Find(ctx, since, now.Add(p.opts.First))
		if err == nil {
			newest = found
		} else if ctx.Err() == nil {
			p.log.Warn("jobs to ask about can't be found: Redis does not answer", zap.Error(err))
		}
	}
}

// look looks at one job after the other.
func (p *Poller) look(ctx context.Context) {
	for ctx.Err() == nil {
		id, err := p.polls.Claim(ctx, p.now(), hold)
		if err == nil && id != "" {
			err = p.job(ctx, id)
		}
		if err != nil && ctx.Err() == nil {
			p.log.Warn("a job's messages can't be asked after", zap.String("job", id), zap.Error(err))
		}
		if id == "" || err != nil {
			sleep(ctx, tick)
		}
	}
}
