package worker

import (
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"

	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/internal/pace"
	"github.com/volleysms/volley/internal/task"
	"github.com/volleysms/volley/providers"
)

// Account is a login at a gateway that the worker sends through.
type Account struct {
	// Name is what jobs call it: 1 to 64 of [A-Za-z0-9_-].
	Name string
	// Provider is the kind of gateway, for logs and for what `volley accounts` shows.
	Provider string
	Adapter  providers.Adapter
	// Concurrency is how many calls may be in flight in this process; 0 is 8.
	Concurrency int
	// Limits are for all workers together; the zero value is none.
	Limits Limits
	// ResendUnknown makes of what may have been sent what was not, for all jobs: at least once instead of at most once.
	ResendUnknown bool
	// Settings is a fingerprint of what the gateway's yes or no depends on. A worker that starts with another one than the
	// account was suspended with tries the account at once. Empty never does.
	Settings string
	// Timeout bounds one call, which may take up to a tenth more; 0 is 30 s.
	Timeout time.Duration
	// Shards is how many queues the account has for each priority, 1 to 64; 0 is 1. More than one spreads it over the nodes
	// of a Redis Cluster. It may be raised at any time; when it is lowered, the queues there were are still served.
	Shards int
	// Quiet are hours at which no call is made for anybody, in addition to Options.Quiet: "21:00-08:00", with days before
	// and a zone after it if not every day and each recipient's own. Empty is none.
	Quiet string
}

// Limits are what an account may do in a second, and at a time, over all workers.
type Limits = pace.Limits

// Branch is the part of a route that serves the numbers with a prefix.
type Branch = ledger.Branch

// Retry says how often and how long what provably was not sent is tried again. A field left at zero has its default.
type Retry struct {
	// MaxAttempts is how many calls a recipient may cost at one account: 1 to 200; 0 is 8.
	MaxAttempts int
	// Initial bounds the pause after the first attempt; each further one doubles the bound, up to Max. 0 is 1 s,
	// and 10 min.
	Initial, Max time.Duration
	// Inline is how long a batch is kept in the process for the sake of such pauses before it goes back to the queue;
	// 0 is 20 s, negative is not at all.
	Inline time.Duration
}

// Options of a Worker. Accounts are required; the zero value of all else has a default.
type Options struct {
	Accounts []Account
	// Routes are announced to producers beside the accounts.
	Routes map[string][]Branch
	// ReportTo returns the address to which a gateway is to report; nil when nobody listens.
	ReportTo func(ReportTarget) string
	Retry    Retry
	// Quiet are hours at which no call is made, whatever a job says, by the beginning of the number, such as "45"; the
	// longest that there is counts. Everybody is for the others. They are written as Account.Quiet is.
	Quiet map[string]string
	// Window is how many batches of one job are on the queue at a time; 0 is as many as the living workers keep busy.
	Window int
	// Poll is how often an idle account's queue is looked at; 0 is 20 ms. The first call of a job on an idle system
	// waits about half of it.
	Poll time.Duration
	// Logger gets a line for each call, and one for each thing that went wrong; nil is silent. A call is an info or a warning
	// when something of it was not accepted, else debug, or info with LogCalls. Texts and whole numbers are never logged.
	Logger   *zap.Logger
	LogCalls bool
	// Spans is where spans are made of batches and calls of jobs that carry a sampled trace; nil makes none.
	Spans trace.TracerProvider
	// Metrics is where the worker's metrics are registered; nil is nowhere.
	Metrics prometheus.Registerer
}

func (o Options) withDefaults() (Options, error) {
	def(&o.Retry.MaxAttempts, 8)
	def(&o.Retry.Initial, time.Second)
	def(&o.Retry.Max, 10*time.Minute)
	def(&o.Retry.Inline, 20*time.Second)
	def(&o.Poll, 20*time.Millisecond)
	if o.Logger == nil {
		o.Logger = zap.NewNop()
	}
	var errs []error
	if len(o.Accounts) == 0 {
		errs = append(errs, errors.New("worker: there is no account to serve"))
	}
	if o.Retry.MaxAttempts < 1 || o.Retry.MaxAttempts > 200 {
		errs = append(errs, fmt.Errorf("worker: MaxAttempts is %d; it is 1 to 200", o.Retry.MaxAttempts))
	}
	if o.Retry.Initial < 0 || o.Retry.Max < o.Retry.Initial {
		errs = append(errs, fmt.Errorf("worker: the pauses %v to %v make no sense", o.Retry.Initial, o.Retry.Max))
	}
	if o.Window < 0 || o.Poll < time.Millisecond {
		errs = append(errs, errors.New("worker: Window must not be negative and Poll at least a millisecond"))
	}
	seen := map[string]bool{}
	accounts := make([]Account, len(o.Accounts))
	for i, a := range o.Accounts {
		def(&a.Concurrency, 8)
		def(&a.Timeout, 30*time.Second)
		def(&a.Shards, 1)
		switch {
		case !nameOK(a.Name):
			errs = append(errs, fmt.Errorf("worker: account name %q: 1 to 64 letters, digits, - and _", a.Name))
		case seen[a.Name]:
			errs = append(errs, fmt.Errorf("worker: account %s is there twice", a.Name))
		case a.Shards < 0 || a.Shards > task.MaxShards:
			errs = append(errs, fmt.Errorf("worker: account %s: Shards is %d; it is 1 to %d", a.Name, a.Shards, task.MaxShards))
		case a.Adapter == nil:
			errs = append(errs, fmt.Errorf("worker: account %s has no adapter", a.Name))
		case a.Concurrency < 0 || a.Timeout < 0 || min(a.Limits.Calls, a.Limits.Recipients, a.Limits.Segments, float64(a.Limits.InFlight)) < 0:
			errs = append(errs, fmt.Errorf("worker: account %s: concurrency, limits and timeout can't be negative", a.Name))
		}
		if _, err := guardOf(&o, &a); err != nil {
			errs = append(errs, err)
		}
		seen[a.Name] = true
		accounts[i] = a
	}
	o.Accounts = accounts
	return o, errors.Join(errs...)
}

func def[T comparable](p *T, v T) {
	var zero T
	if *p == zero {
		*p = v
	}
}

func nameOK(s string) bool {
	for _, c := range s {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return len(s) >= 1 && len(s) <= 64
}

// ReportTarget is what an address for reports stands for: a recipient of a call.
type ReportTarget struct {
	Account, Job string
	Batch        int
	// Position is the recipient's in the batch; negative is any recipient of the batch.
	Position int
	// Round is how often recipients of the batch had been queued again when the call was made, and Attempt, from 1 on,
	// which of the calls it is that the recipients had in it: the highest where theirs differ. They tell what is reported
	// about the last call from what comes late about one before it.
	Round, Attempt int
}
