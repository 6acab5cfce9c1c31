// Package pulse is what workers say about their accounts every few seconds, for people who look at them: how much they call,
// and which errors came lately. Nothing depends on it.
package pulse

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// Beat is what a worker process did for an account in the time since its last one.
type Beat struct {
	// Seconds is how long that was.
	Seconds                     float64
	Calls, Recipients, Segments int64
	// InFlight is how many calls are on the wire just now, Lanes how many may be.
	InFlight, Lanes int
	// At is when it was told, in milliseconds since 1970; Tell fills it in.
	At int64
}

// Failure is an error that calls of an account came back with.
type Failure struct {
	At time.Time
	// Kind is the providers.Kind's name; Code and Detail are the gateway's, without numbers and credentials.
	Kind, Code, Detail string
	// Calls is how many had it in the time of a Beat.
	Calls int64
}

// Use is what all workers together do for an account.
type Use struct {
	Workers int
	// Calls, Recipients and Segments are for a second.
	Calls, Recipients, Segments float64
	InFlight, Lanes             int
	// Failures are the latest, the newest first.
	Failures []Failure
}

const (
	// Every is how often a worker tells.
	Every = 2 * time.Second
	// alive is for how long a Beat counts, and kept how long what was told is kept when nobody tells more.
	alive = 4 * Every
	kept  = 7 * 24 * time.Hour
	// failures is how many are kept of an account.
	failures = 10
)

func beatsKey(account string) string    { return "volley:pulse:{" + account + "}" }
func failuresKey(account string) string { return "volley:pulse:{" + account + "}:failures" }

// Book has what was told in a Redis. It is safe for concurrent use and does not own its client.
type Book struct{ rdb redis.UniversalClient }

// New returns the Book in rdb.
func New(rdb redis.UniversalClient) *Book { return &Book{rdb} }

// Tell tells what a worker did for an account since it told last, and which failures there were.
func (b *Book) Tell(ctx context.Context, worker, account string, now time.Time, beat Beat, fresh []Failure) error {
	beat.At = now.UnixMilli()
	packed, err := json.Marshal(beat)
	if err != nil {
		return fmt.Errorf("pulse: %w", err)
	}
	pipe := b.rdb.Pipeline()
	pipe.HSet(ctx, beatsKey(account), worker, packed)
	pipe.PExpire(ctx, beatsKey(account), alive) // of all workers: none tells any more
	if len(fresh) > 0 {
		list := make([]any, len(fresh))
		for i, f := range fresh {
			if list[i], err = json.Marshal(f); err != nil {
				return fmt.Errorf("pulse: %w", err)
			}
		}
		pipe.LPush(ctx, failuresKey(account), list...)
		pipe.LTrim(ctx, failuresKey(account), 0, failures-1)
		pipe.Expire(ctx, failuresKey(account), kept)
	}
	_, err = pipe.Exec(ctx)
	return err
}

// Leave takes back what a worker that ends has told.
func (b *Book) Leave(ctx context.Context, worker string, accounts ...string) error {
	pipe := b.rdb.Pipeline()
	for _, a := range accounts {
		pipe.HDel(ctx, beatsKey(a), worker)
	}
	_, err := pipe.Exec(ctx)
	return err
}

// Of returns how the accounts are used by now, by their index, in one round trip.
func (b *Book) Of(ctx context.Context, now time.Time, accounts ...string) ([]Use, error) {
	out := make([]Use, len(accounts))
	if len(accounts) == 0 {
		return out, nil
	}
	pipe := b.rdb.Pipeline()
	beats, lists := make([]*redis.MapStringStringCmd, len(accounts)), make([]*redis.StringSliceCmd, len(accounts))
	for i, a := range accounts {
		beats[i], lists[i] = pipe.HGetAll(ctx, beatsKey(a)), pipe.LRange(ctx, failuresKey(a), 0, failures-1)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, err
	}
	for i := range out {
		for _, packed := range beats[i].Val() {
			var t Beat
			if json.Unmarshal([]byte(packed), &t) == nil && now.Sub(time.UnixMilli(t.At)) < alive {
				out[i].add(t)
			}
		}
		for _, packed := range lists[i].Val() {
			var f Failure
			if json.Unmarshal([]byte(packed), &f) == nil {
				out[i].Failures = append(out[i].Failures, f)
			}
		}
	}
	return out, nil
}

func (u *Use) add(t Beat) {
	u.Workers++
	u.InFlight += t.InFlight
	u.Lanes += t.Lanes
	if t.Seconds > 0 {
		u.Calls += float64(t.Calls) / t.Seconds
		u.Recipients += float64(t.Recipients) / t.Seconds
		u.Segments += float64(t.Segments) / t.Seconds
	}
}
