// Package jobhook tells producers about their jobs: when one has completed, and when it reaches a threshold.
//
// What happened is noted in the ledger before it is posted, with the body, and posted until it is taken; so a producer is
// told at least once, and always with the same identifier.
package jobhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"github.com/volleysms/volley/internal/hook"
	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/internal/metric"
)

// Options of a Teller.
type Options struct {
	// Secrets sign, by the names that jobs use, each as hook.ParseSecret reads it.
	Secrets map[string]string
	// AllowPrivate lets hooks be in private networks.
	AllowPrivate bool
	// Describe returns what is told about a job, for JSON.
	Describe func(ctx context.Context, job string) (any, error)
	// Metrics may be nil, and a nil Logger is silent.
	Metrics prometheus.Registerer
	Logger  *zap.Logger
}

const (
	// atOnce is how many jobs a process looks at at a time.
	atOnce = 8
	tick   = 500 * time.Millisecond
	// hold is how long a job is nobody else's; it is more than one post takes.
	hold = time.Minute
	// An event that was not taken is posted again after a pause that doubles.
	firstPause = 10 * time.Second
	lastPause  = time.Hour
	// giveUp is how old an event may be.
	giveUp = 72 * time.Hour
	// resting is how long nothing is posted to a host that has not answered well.
	resting = 10 * time.Second
)

// Teller tells producers. Any number may run; they share the work. Make one with New and Run it once.
type Teller struct {
	opts   Options
	keys   map[string][]byte
	ledger *ledger.Ledger
	agenda *ledger.Agenda
	poster *hook.Poster
	now    func() time.Time
	posts  *prometheus.CounterVec

	mu    sync.Mutex
	rests map[string]time.Time // hosts, and until when
}

// New returns a Teller of the jobs in rdb, which it does not own. The error says which secret is none, without it.
func New(rdb redis.UniversalClient, o Options) (*Teller, error) {
	if o.Logger == nil {
		o.Logger = zap.NewNop()
	}
	t := &Teller{
		opts: o, keys: map[string][]byte{}, ledger: ledger.New(rdb), agenda: ledger.NewAgenda(rdb, ledger.HookAgenda),
		poster: hook.NewPoster(o.AllowPrivate), now: time.Now, rests: map[string]time.Time{},
		posts: metric.Register(o.Metrics, prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "volley_job_hooks_total", Help: "Posts about jobs to their producers, by result: taken, failed (and made again), given_up.",
		}, []string{"result"})),
	}
	for _, result := range []string{"taken", "failed", "given_up"} {
		t.posts.WithLabelValues(result) // is there before the first post, so that it is an increase
	}
	for name, secret := range o.Secrets {
		key, err := hook.ParseSecret(secret)
		if err != nil {
			return nil, fmt.Errorf("the hooks' secret %q: %w", name, err)
		}
		t.keys[name] = key
	}
	return t, nil
}

// Run tells until ctx ends.
func (t *Teller) Run(ctx context.Context) {
	var all sync.WaitGroup
	for range atOnce {
		all.Go(func() {
			for ctx.Err() == nil {
				found, err := t.one(ctx)
				if err != nil && ctx.Err() == nil {
					t.opts.Logger.Warn("a job's producer could not be told; that is tried again", zap.Error(err))
				}
				if !found || err != nil {
					sleep(ctx, tick)
				}
			}
		})
	}
	all.Wait()
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// one looks at a job whose time has come, if there is one.
func (t *Teller) one(ctx context.Context) (found bool, err error) {
	id, err := t.agenda.Claim(ctx, t.now(), hold)
	if err != nil || id == "" {
		return false, err
	}
	job, err := t.ledger.Job(ctx, id)
	if errors.Is(err, ledger.ErrNotFound) || err == nil && (job.Gone || job.Spec.Hook == nil) {
		return true, t.agenda.Drop(ctx, id)
	}
	if err != nil {
		return true, err
	}
	waiting, open, err := t.events(ctx, &job)
	if err != nil {
		return true, err
	}
	next := t.now().Add(pause(&job, open, t.now()))
	for i := range waiting {
		e := &waiting[i]
		if e.Due <= t.now().UnixMilli() {
			if err := t.post(ctx, &job, e); err != nil {
				return true, err
			}
		}
		if due := time.UnixMilli(e.Due); len(e.Body) > 0 && due.Before(next) {
			next = due
		}
	}
	return true, t.agenda.Next(ctx, id, next)
}

// events notes what has happened to a job, and returns what is to be posted, the first first, and whether more may happen.
func (t *Teller) events(ctx context.Context, job *ledger.Job) (waiting []ledger.Event, open bool, err error) {
	id := job.Spec.ID
	have, err := t.ledger.Events(ctx, id)
	if err != nil {
		return nil, false, err
	}
	open = job.Completed.IsZero()
	var counts *ledger.Counts
	for _, at := range job.Spec.Hook.At {
		name := id + "_" + thresholdID(at)
		if _, known := have[name]; known {
			continue
		}
		if counts == nil {
			c, err := t.ledger.Counts(ctx, id)
			if err != nil {
				return nil, false, err
			}
			counts = &c
		}
		if !at.Reached(*counts) {
			open = true
			continue
		}
		if have[name], err = t.note(ctx, id, name, "job.threshold", at.String()); err != nil {
			return nil, false, err
		}
	}
	if !job.Completed.IsZero() {
		name := id + "_completed_" + strconv.FormatInt(job.Completed.UnixMilli(), 10)
		if _, known := have[name]; !known {
			if have[name], err = t.note(ctx, id, name, "job.completed", ""); err != nil {
				return nil, false, err
			}
		}
	}
	waiting = slices.SortedFunc(maps.Values(have), func(a, b ledger.Event) int { return int(a.At - b.At) })
	return slices.DeleteFunc(waiting, func(e ledger.Event) bool { return len(e.Body) == 0 }), open, nil
}

// thresholdID tells a threshold from others without a full stop, which separates the parts of what is signed.
func thresholdID(t ledger.Threshold) string {
	if t.Count > 0 {
		return t.State + "_" + strconv.FormatInt(t.Count, 10)
	}
	return t.State + "_" + strconv.FormatInt(t.PerMille, 10) + "pm"
}

// note writes down what has happened now.
func (t *Teller) note(ctx context.Context, job, name, kind, threshold string) (ledger.Event, error) {
	about, err := t.opts.Describe(ctx, job)
	if err != nil {
		return ledger.Event{}, err
	}
	now := t.now().UTC()
	body, err := json.Marshal(struct {
		Type      string    `json:"type"`
		Timestamp time.Time `json:"timestamp"`
		Threshold string    `json:"threshold,omitempty"`
		Data      any       `json:"data"`
	}{kind, now.Truncate(time.Millisecond), threshold, about})
	if err != nil {
		return ledger.Event{}, fmt.Errorf("jobhook: %w", err)
	}
	return t.ledger.AddEvent(ctx, job, ledger.Event{ID: name, Body: body, At: now.UnixMilli(), Due: now.UnixMilli()})
}

// post posts an event once, unless its host rests, and notes what came of it.
func (t *Teller) post(ctx context.Context, job *ledger.Job, e *ledger.Event) error {
	id, host := job.Spec.ID, hostOf(job.Spec.Hook.URL)
	if until := t.rest(host); !until.IsZero() {
		e.Due = until.UnixMilli()
		return t.ledger.SetEvent(ctx, id, *e)
	}
	if err := t.agenda.Next(ctx, id, t.now().Add(hold)); err != nil {
		return err
	}
	err := t.send(ctx, job.Spec.Hook, e)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	now := t.now()
	switch {
	case err == nil:
		t.posts.WithLabelValues("taken").Inc()
		e.Body = nil
	case now.Sub(time.UnixMilli(e.At)) > giveUp:
		t.posts.WithLabelValues("given_up").Inc()
		t.opts.Logger.Error("a job's producer never took what it was told, and it is given up", zap.String("job", id), zap.String("event", e.ID), zap.Error(err))
		e.Body = nil
	default:
		t.posts.WithLabelValues("failed").Inc()
		pause := min(firstPause<<min(e.Tries, 20), lastPause)
		e.Tries++
		e.Due = now.Add(pause).UnixMilli()
		t.mu.Lock()
		t.rests[host] = now.Add(resting)
		t.mu.Unlock()
		t.opts.Logger.Warn("a job's producer did not take what it was told; it is posted again", zap.String("job", id), zap.String("event", e.ID), zap.Duration("after", pause), zap.Error(err))
	}
	return t.ledger.SetEvent(context.WithoutCancel(ctx), id, *e)
}

func (t *Teller) send(ctx context.Context, h *ledger.Hook, e *ledger.Event) error {
	key, ok := t.keys[h.Secret]
	if !ok && h.Secret == "" {
		return errors.New("this scheduler has no hooks.secret, without which nothing is posted")
	}
	if !ok {
		return fmt.Errorf("this scheduler has no secret called %q in hooks.secrets", h.Secret)
	}
	return t.poster.Post(ctx, h.URL, key, e.ID, t.now(), e.Body)
}

// rest returns until when nothing is posted to a host; the zero time when something may be.
func (t *Teller) rest(host string) time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	until := t.rests[host]
	if !until.After(t.now()) {
		delete(t.rests, host)
		return time.Time{}
	}
	return until
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}

// pause is how long nobody looks at a job for what may happen to it. One that completes is looked at then in any case.
func pause(j *ledger.Job, open bool, now time.Time) time.Duration {
	const (
		shortest = 2 * time.Second
		running  = 15 * time.Second
		longest  = time.Hour
		idle     = 6 * time.Hour
	)
	switch {
	case !open:
		return idle
	case !j.Completed.IsZero():
		return max(shortest, min(now.Sub(j.Completed)/8, longest))
	case !j.Begun && j.Spec.At > now.UnixMilli():
		return max(shortest, min(time.UnixMilli(j.Spec.At).Sub(now), longest))
	}
	return max(shortest, min(now.Sub(time.UnixMilli(j.Spec.Created))/16, running))
}
