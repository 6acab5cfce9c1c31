package enqueue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/internal/redisx"
)

// Options of a Client. The zero value is usable.
type Options struct {
	// Accounts are the names that Job.Via may have, and Routes the others with the accounts they stand for. When both are
	// empty the client asks Redis what the workers have announced.
	Accounts []string
	Routes   map[string][]string
	// Branching are the routes that choose by the beginning of the number.
	Branching map[string][]Branch
	// KeyTTL is how long an idempotency key is remembered, counted from the enqueueing or the job's schedule, whichever
	// is later. 0 is 7 days.
	KeyTTL time.Duration
	// BatchSize is how many recipients share one task, 1 to 4,000. 0 is 1,000 for the first 4,000 recipients of a job and 4,000
	// for those that come after. A job with a Key is recognised only by clients with the same BatchSize.
	BatchSize int
	// MaxRecipients is the most recipients a job may have; 0 is 10,000,000.
	MaxRecipients int64
	// Tracer makes spans of what is enqueued, of jobs without a Traceparent; nil makes none.
	Tracer Tracer
}

func (o Options) withDefaults() (Options, error) {
	if o.KeyTTL == 0 {
		o.KeyTTL = 7 * 24 * time.Hour
	}
	if o.MaxRecipients == 0 {
		o.MaxRecipients = 10_000_000
	}
	switch {
	case o.KeyTTL < time.Minute:
		return o, fmt.Errorf("enqueue: KeyTTL is %v; a minute is the least", o.KeyTTL)
	case o.BatchSize < 0 || o.BatchSize > ledger.LargeBatch:
		return o, fmt.Errorf("enqueue: BatchSize is %d; it is 1 to %d, or 0", o.BatchSize, ledger.LargeBatch)
	case o.MaxRecipients < 1:
		return o, fmt.Errorf("enqueue: MaxRecipients is %d; it is at least 1", o.MaxRecipients)
	}
	for name, accounts := range o.Routes {
		if len(accounts) == 0 {
			return o, fmt.Errorf("enqueue: the route %q has no account", name)
		}
	}
	for name, branches := range o.Branching {
		if len(branches) == 0 || slices.ContainsFunc(branches, func(l Branch) bool { return len(l.Use) == 0 }) {
			return o, fmt.Errorf("enqueue: the route %q, or a branch of it, has no account", name)
		}
	}
	return o, nil
}

// Branch is the part of a route that serves the numbers with a prefix.
type Branch = ledger.Branch

// Client enqueues jobs and reads their outcomes. It is safe for concurrent use; whoever made it closes it.
type Client struct {
	rdb    redis.UniversalClient
	ledger *ledger.Ledger
	queue  *asynq.Client
	opts   Options
	owned  bool
	chunk  int // bytes of batches that go to Redis at once, about
	sorted int // recipients that are put in order of their times at once

	mu        sync.Mutex
	fit       bool // the server passed redisx.Check
	full      error
	looked    time.Time // when full was true, or not
	routes    map[string][]Branch
	announced time.Time
	shards    map[string]int
	sharded   time.Time // when shards was so
}

// New returns a Client for one server, for the master that sentinels name (MasterName), or for a cluster
// (IsClusterMode, or several Addrs), as go-redis' UniversalOptions say. It does not connect; the first call does.
func New(r *redis.UniversalOptions, o Options) (*Client, error) {
	rdb := redis.NewUniversalClient(r)
	c, err := NewFromRedis(rdb, o)
	if err != nil {
		return nil, errors.Join(err, rdb.Close())
	}
	c.owned = true
	return c, nil
}

// Open is New with a URL: redis://, rediss://, redis-sentinel://host,host?master=name, or redis-cluster://host,host.
func Open(url string, o Options) (*Client, error) {
	r, err := redisx.Parse(url)
	if err != nil {
		return nil, err
	}
	return New(r, o)
}

// NewFromRedis returns a Client on a connection of the application's own, which Close leaves open.
func NewFromRedis(rdb redis.UniversalClient, o Options) (*Client, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	return &Client{
		rdb: rdb, ledger: ledger.New(rdb), queue: asynq.NewClientFromRedisClient(rdb), opts: o, chunk: chunkBytes, sorted: maxSorted,
	}, nil
}

// Close closes the connections that New or Open made.
func (c *Client) Close() error {
	if !c.owned {
		return nil
	}
	return c.rdb.Close()
}

// Check asks Redis whether it can be a queue: ErrUnreachable, ErrEvicting, or an error that says what else is wrong.
func (c *Client) Check(ctx context.Context) error {
	c.mu.Lock()
	fit := c.fit
	c.mu.Unlock()
	if fit {
		return nil
	}
	if err := redisx.Check(ctx, c.rdb); err != nil {
		return err
	}
	c.mu.Lock()
	c.fit = true
	c.mu.Unlock()
	return nil
}

// roomFor is how long it is believed that there is room in Redis, or not.
const roomFor = time.Second

// room returns an ErrFull when Redis has no room for another job.
func (c *Client) room(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.looked) >= roomFor {
		c.full, c.looked = redisx.Room(ctx, c.rdb), time.Now()
	}
	return c.full
}

// maxName is the most bytes of a name that nobody has announced yet.
const maxName = 128

// announcedFor is how long what the workers announced is believed.
const announcedFor = 15 * time.Second

// route puts into spec what via stands for, in the order of use, and how many queues that has.
func (c *Client) route(ctx context.Context, via string, spec *ledger.Spec) error {
	if err := c.accounts(ctx, via, spec); err != nil {
		return err
	}
	shards, err := c.shardsOf(ctx)
	if err != nil {
		return err
	}
	for _, name := range spec.Accounts {
		if n := shards[name]; n > 1 {
			if spec.Shards == nil {
				spec.Shards = map[string]int{}
			}
			spec.Shards[name] = n
		}
	}
	return nil
}

// shardsOf returns the accounts that have more than one queue.
func (c *Client) shardsOf(ctx context.Context) (map[string]int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.shards != nil && time.Since(c.sharded) < announcedFor {
		return c.shards, nil
	}
	shards, err := c.ledger.Shards(ctx)
	if err != nil {
		return nil, err
	}
	c.shards, c.sharded = shards, time.Now()
	return shards, nil
}

// accounts puts into spec what via stands for, in the order of use.
func (c *Client) accounts(ctx context.Context, via string, spec *ledger.Spec) error {
	if len(c.opts.Accounts) > 0 || len(c.opts.Routes) > 0 || len(c.opts.Branching) > 0 {
		known := keys(c.opts.Routes)
		if slices.Contains(c.opts.Accounts, via) {
			spec.Accounts = []string{via}
			return nil
		}
		if r, ok := c.opts.Routes[via]; ok {
			spec.Accounts = r
			return nil
		}
		if branches, ok := c.opts.Branching[via]; ok {
			follow(spec, branches)
			return nil
		}
		return unknownVia(via, slices.Concat(known, keys(c.opts.Branching), c.opts.Accounts))
	}
	known, err := c.known(ctx)
	if err != nil {
		return err
	}
	if branches, ok := known[via]; ok {
		follow(spec, branches)
		return nil
	}
	if len(known) > 0 {
		return unknownVia(via, keys(known))
	}
	if len(via) > maxName || !utf8.ValidString(via) || strings.ContainsAny(via, "{}: \t\r\n") {
		return invalid("via", "is no name of an account or a route")
	}
	spec.Accounts = []string{via}
	return nil
}

// follow writes a route into spec. One branch for all numbers is none.
func follow(spec *ledger.Spec, branches []Branch) {
	if len(branches) == 1 && branches[0].Prefix == "" {
		spec.Accounts = branches[0].Use
		return
	}
	for _, b := range branches {
		spec.Accounts = append(spec.Accounts, b.Use...)
		spec.Legs = append(spec.Legs, ledger.Leg{Prefix: b.Prefix, N: len(b.Use)})
	}
}

// known returns what the workers announced. Before the first worker ever ran it is empty.
func (c *Client) known(ctx context.Context) (map[string][]Branch, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.routes) > 0 && time.Since(c.announced) < announcedFor {
		return c.routes, nil
	}
	accounts, routes, err := c.ledger.Announced(ctx)
	if err != nil {
		return nil, err
	}
	for name := range accounts {
		routes[name] = []Branch{{Use: []string{name}}}
	}
	c.routes, c.announced = routes, time.Now()
	return routes, nil
}

func unknownVia(via string, known []string) error {
	slices.Sort(known)
	return invalid("via", "%q is no account and no route; there are: %s", via, strings.Join(known, ", "))
}

func keys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	return out
}
