package faults_test

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/volleysms/volley/e2e/world"
	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/redisx"
	"github.com/volleysms/volley/providers/providertest/gateway"
	"github.com/volleysms/volley/sms"
)

// text is what campaigns say. No process may log it, nor a number.
const text = "Doors open at nine"

// people finds numbers of the campaigns in a log.
var people = regexp.MustCompile(`\b450\d{7}\b`)

// sender is a sender ID that each of the gateways takes.
const sender = "25255"

// account is one login in the configuration.
type account struct {
	name    string
	dialect gateway.Dialect
	// dead is true for a gateway whose address nobody listens on.
	dead bool
	// at is where its calls go; newRig sets it.
	at *gateways
	// settings are those besides provider, base_url and the login.
	settings string
	// login replaces settings of the login.
	login map[string]string
}

// timeout is how long a call may take. Where the gateway may trickle it is not too long to wait for; else only what goes wrong
// takes as long, and a machine that is busy does not.
func (a *account) timeout() time.Duration {
	if a.at != nil && a.at.wrong > 0 {
		return 15 * time.Second
	}
	return time.Minute
}

// rig is a Redis, gateways, and seats for workers.
type rig struct {
	*world.Operator
	t        *testing.T
	rng      *dice
	url      string // of Redis
	rdb      redis.UniversalClient
	producer *enqueue.Client
	judge    *judge
	accounts []account
	seats    []*seat
	numbers  int
	jobs     []campaign
	// direct is true where there are so many jobs that the client is asked about them and not the command line.
	direct bool
	// open is how many jobs there are that are not in jobs, and more what else is in the configuration.
	open int
	more string
}

// campaign is a job that was enqueued.
type campaign struct {
	id       string
	from, to int // its numbers
}

// plain is the account that most scenarios need: many recipients a call, so that calls are few.
const plain = "plain"

// newRig returns a rig on a Redis, with one account at the one gateway unless others are given.
func newRig(t *testing.T, url string, accounts ...account) *rig {
	t.Helper()
	r := &rig{t: t, rng: newDice(t), url: url, judge: newJudge(), accounts: accounts}
	t.Logf("VOLLEY_FAULT_SEED=%d", seed)
	if len(accounts) == 0 {
		r.accounts = []account{{name: plain, settings: fmt.Sprintf("max_recipients: %d, concurrency: 4", size.call), dialect: gateway.MGage{}}}
	}
	var names []string
	for i := range r.accounts {
		a := &r.accounts[i]
		names = append(names, a.name)
		if !a.dead {
			a.at = newGateways(t, a.dialect, r.judge)
			a.at.latency = [2]time.Duration{20 * time.Millisecond, 50 * time.Millisecond}
		}
	}
	o, err := redisx.Parse(url)
	if err != nil {
		t.Fatal(err)
	}
	r.rdb = redis.NewUniversalClient(o)
	t.Cleanup(func() { r.rdb.Close() })
	if r.producer, err = enqueue.NewFromRedis(r.rdb, enqueue.Options{Accounts: names, BatchSize: size.batch}); err != nil {
		t.Fatal(err)
	}
	r.Operator = world.New(t, r.yaml(url, func(*gateways) string { return "http://127.0.0.1:1" }))
	return r
}

// yaml is a configuration; base tells where a gateway is.
func (r *rig) yaml(url string, base func(*gateways) string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "redis:\n  url: %s\naccounts:\n", url)
	for _, a := range r.accounts {
		settings, where := a.dialect.Account(), "http://127.0.0.1:1"
		if !a.dead {
			where = base(a.at)
		}
		for k, v := range a.login {
			settings[k] = v
		}
		fmt.Fprintf(&b, "  %s: {base_url: %q", a.name, where)
		for k, v := range settings {
			fmt.Fprintf(&b, ", %s: %q", k, v)
		}
		if a.settings != "" {
			b.WriteString(", " + a.settings)
		}
		if !strings.Contains(a.settings, "timeout:") {
			fmt.Fprintf(&b, ", timeout: %s", a.timeout())
		}
		b.WriteString("}\n")
	}
	b.WriteString(r.more)
	b.WriteString("retry: {initial: 100ms, max: 1s, max_attempts: 20}\n")
	return b.String()
}

// seat is a place for a worker: a proxy to Redis and fronts of the gateways of its own, for one worker after the other.
type seat struct {
	*world.Operator
	r      *rig
	proxy  *proxy // nil when the worker connects to Redis itself
	fronts []*front
	now    *life
	proc   *world.Process
	past   []*life
}

// seat adds a seat. target is the server that its proxy stands before; empty for none.
func (r *rig) seat(target string) *seat {
	r.t.Helper()
	s := &seat{r: r}
	url := r.url
	if target != "" {
		s.proxy = newProxy(r.t, target)
		url = "redis://" + s.proxy.addr + "/0"
	}
	s.Operator = world.New(r.t, r.yaml(url, func(g *gateways) string {
		f := newFront(r.t, g, r.rng)
		s.fronts = append(s.fronts, f)
		return f.url
	}))
	r.seats = append(r.seats, s)
	return s
}

// start starts a worker that lives as l says.
func (s *seat) start(l *life) {
	s.r.t.Helper()
	if s.now != nil {
		s.past = append(s.past, s.now)
	}
	s.now = l
	if s.proxy != nil {
		s.proxy.begin(l)
	}
	for _, f := range s.fronts {
		f.begin(l)
	}
	started := make(chan struct{})
	var p *world.Process
	l.kill = func() { <-started; p.Kill() }
	p = s.Start("worker")
	s.proc = p
	close(started)
}

// live starts a worker that nobody kills, and waits until it is ready; when Redis did not answer in time it is started
// once more.
func (s *seat) live() {
	s.r.t.Helper()
	s.start(newLife("", 0))
	s.ready()
}

// ready waits until a worker that nobody kills is ready.
func (s *seat) ready() {
	s.r.t.Helper()
	s.r.until("the worker to be ready", func() bool {
		if s.proc.Gone() {
			s.start(newLife("", 0))
		}
		return strings.Contains(s.proc.Log(), "worker is ready")
	})
}

// number is the i-th of the campaigns' numbers; they are nobody's.
func number(i int) sms.MSISDN { return sms.MSISDN(4_500_000_000 + i) }

// enqueue enqueues a campaign of n numbers that no other has.
func (r *rig) enqueue(via string, n int) campaign {
	r.t.Helper()
	return r.schedule(via, n, time.Time{})
}

// schedule is enqueue for a time; the zero time is at once.
func (r *rig) schedule(via string, n int, at time.Time) campaign {
	r.t.Helper()
	c := campaign{from: r.numbers, to: r.numbers + n}
	r.numbers += n
	receipt, err := r.producer.EnqueueStream(r.t.Context(), enqueue.Job{Via: via, From: sender, Text: text, At: at, Past: enqueue.SendPast},
		func(yield func(enqueue.Recipient, error) bool) {
			for i := c.from; i < c.to && yield(enqueue.Recipient{To: number(i).String()}, nil); i++ {
			}
		})
	if err != nil {
		r.t.Fatal(err)
	}
	if receipt.Queued != int64(n) {
		r.t.Fatalf("enqueued %+v", receipt)
	}
	c.id = receipt.JobID
	r.jobs = append(r.jobs, c)
	return c
}

// completed reports whether all jobs are. That Redis does not answer is a no.
func (r *rig) completed() bool {
	for _, c := range r.jobs {
		ctx, cancel := context.WithTimeout(r.t.Context(), 2*time.Second)
		st, err := r.producer.Status(ctx, c.id)
		cancel()
		if err != nil || st.State != enqueue.Completed {
			return false
		}
	}
	return true
}

// until waits for what must happen within the scenario's time.
func (r *rig) until(what string, done func() bool) {
	r.t.Helper()
	for end := time.Now().Add(size.within); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			for _, c := range r.jobs {
				st, err := r.producer.Status(context.Background(), c.id)
				r.t.Logf("job %s: %+v, %v", c.id, st, err)
			}
			for i, s := range r.seats {
				log := s.proc.Log()
				r.t.Logf("worker %d ends with:\n%s", i, log[max(0, len(log)-3000):])
			}
			r.t.Fatalf("waited in vain for %s", what)
		}
	}
}

// sent waits until the gateways took n messages.
func (r *rig) sent(n int) {
	r.t.Helper()
	r.until(fmt.Sprintf("%d messages to be taken", n), func() bool { return r.judge.sum() >= n })
}

// stop ends the workers that run; each must end in good order.
func (r *rig) stop() {
	r.t.Helper()
	for _, s := range r.seats {
		if s.now != nil && !s.now.ended() {
			s.proc.Signal(syscall.SIGTERM)
		}
	}
	for i, s := range r.seats {
		if s.now == nil {
			continue
		}
		if s.now.ended() {
			continue
		}
		if code := s.proc.Ended(); code != 0 {
			r.t.Errorf("worker %d ends with exit status %d:\n%s", i, code, s.proc.Log())
		}
		if log := s.proc.Log(); strings.Contains(log, text) || people.MatchString(log) {
			r.t.Errorf("worker %d logs the text or a number: %s", i, log)
		}
	}
}
