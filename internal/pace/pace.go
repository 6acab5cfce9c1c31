// Package pace keeps an account's calls within its limits, over all processes that share a Redis.
package pace

import (
	"context"
	_ "embed"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

//go:embed lua/reserve.lua
var reserveLua string

//go:embed lua/enter.lua
var enterLua string

var (
	reserveScript = redis.NewScript(reserveLua)
	enterScript   = redis.NewScript(enterLua)
)

// Limits of an account. A field at zero is no limit.
type Limits struct {
	// Calls, Recipients and Segments are for a second. A segment sent to two recipients is two.
	Calls, Recipients, Segments float64
	// InFlight is how many calls may be on the wire at a time.
	InFlight int
}

// Cost is what a call takes of the limits, beside being one call.
type Cost struct{ Recipients, Segments int }

// Slack is how long after its moment a call may leave. One that can't reserves another moment.
const Slack = 25 * time.Millisecond

// span is the second that limits are for, and a bit: so much calls may be late, on this side and on the way, without
// there ever being more in one second than the limit says.
const span = time.Second + Slack + 10*time.Millisecond

// Pacer hands out moments and places. Each reserves the next free moment in Redis, by Redis' clock, so that moments are
// evenly spaced whoever asks. A nil Pacer has no limits. It is safe for concurrent use.
type Pacer struct {
	rdb    redis.UniversalClient
	limits Limits
	keys   []string
	flight string
	left   chan struct{} // a place that this process gave up
}

// New returns the Pacer of an account, nil when it has no limits.
func New(rdb redis.UniversalClient, account string, l Limits) *Pacer {
	if l == (Limits{}) {
		return nil
	}
	key := "volley:pace:{" + account + "}"
	return &Pacer{
		rdb: rdb, limits: l, keys: []string{key, key + ":r", key + ":s"}, flight: key + ":f", left: make(chan struct{}, 1),
	}
}

// Paced reports whether moments have to be reserved.
func (p *Pacer) Paced() bool {
	return p != nil && (p.limits.Calls > 0 || p.limits.Recipients > 0 || p.limits.Segments > 0)
}

// Reserve returns the moment at which a call of the cost may leave, by the local clock. A moment that is not used is
// lost, which only slows. A call that is larger than a limit goes alone, and those after it wait for as long as it
// stands for.
func (p *Pacer) Reserve(ctx context.Context, c Cost) (time.Time, error) {
	if !p.Paced() {
		return time.Now(), nil
	}
	us, err := p.reserve(ctx, c)
	if err != nil {
		return time.Time{}, err
	}
	return time.Now().Add(time.Duration(us) * time.Microsecond), nil
}

// reserve returns how far away the moment is, in microseconds.
func (p *Pacer) reserve(ctx context.Context, c Cost) (int64, error) {
	interval := int64(0)
	if p.limits.Calls > 0 {
		interval = max(1, int64(math.Ceil(float64(span.Microseconds())/p.limits.Calls)))
	}
	return reserveScript.Run(ctx, p.rdb, p.keys, span.Microseconds(), interval,
		p.limits.Recipients, c.Recipients, p.limits.Segments, c.Segments).Int64()
}

// Wait reserves a moment and returns when it has come.
func (p *Pacer) Wait(ctx context.Context, c Cost) error {
	at, err := p.Reserve(ctx, c)
	if err != nil {
		return err
	}
	return Until(ctx, at)
}

// Until returns at t; it is an error only when ctx ends before.
func Until(ctx context.Context, t time.Time) error {
	wait := time.Until(t)
	if wait <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Booked returns how far ahead the moments of an account are reserved; 0 when the next call may leave at once.
func Booked(ctx context.Context, rdb redis.UniversalClient, account string) (time.Duration, error) {
	pipe := rdb.Pipeline()
	booked := pipe.HMGet(ctx, "volley:pace:{"+account+"}", "last", "calls", "r", "s")
	now := pipe.Time(ctx)
	if _, err := pipe.Exec(ctx); err != nil {
		return 0, err
	}
	var last int64
	for _, v := range booked.Val() {
		if s, is := v.(string); is {
			n, err := strconv.ParseInt(s, 10, 64)
			if err != nil {
				return 0, fmt.Errorf("pace: the moments of account %s can't be read: %w", account, err)
			}
			last = max(last, n)
		}
	}
	return max(0, time.UnixMicro(last).Sub(now.Val())), nil
}
