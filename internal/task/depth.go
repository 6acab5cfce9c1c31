package task

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"
)

// Depth is what is on a queue.
type Depth struct {
	// Pending tasks wait for a worker, Active ones are with one, Scheduled ones wait for their time, and Retry ones were sent
	// back and wait for it.
	Pending, Active, Scheduled, Retry int64
	// Oldest is since when the pending task waits that has waited longest; the zero time when none does.
	Oldest time.Time
}

// Sum is what is on several queues together.
func Sum(depths []Depth) (all Depth) {
	for _, d := range depths {
		all.Pending, all.Active, all.Scheduled, all.Retry = all.Pending+d.Pending, all.Active+d.Active, all.Scheduled+d.Scheduled, all.Retry+d.Retry
		if all.Oldest.IsZero() || !d.Oldest.IsZero() && d.Oldest.Before(all.Oldest) {
			all.Oldest = d.Oldest
		}
	}
	return all
}

// DepthsByState returns what is on each of the queues, in two round trips, whatever is on them.
func DepthsByState(ctx context.Context, rdb redis.UniversalClient, queues []string) ([]Depth, error) {
	type length struct {
		pending, active, scheduled, retry *redis.IntCmd
		last                              *redis.StringCmd
	}
	lengths := make([]length, len(queues))
	pipe := rdb.Pipeline()
	for i, q := range queues {
		key := "asynq:{" + q + "}:"
		lengths[i] = length{
			pipe.LLen(ctx, key+"pending"), pipe.LLen(ctx, key+"active"), pipe.ZCard(ctx, key+"scheduled"), pipe.ZCard(ctx, key+"retry"),
			pipe.LIndex(ctx, key+"pending", -1),
		}
	}
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return nil, err
	}
	out := make([]Depth, len(queues))
	since := make([]*redis.StringCmd, len(queues))
	pipe = rdb.Pipeline()
	for i, l := range lengths {
		out[i] = Depth{Pending: l.pending.Val(), Active: l.active.Val(), Scheduled: l.scheduled.Val(), Retry: l.retry.Val()}
		if id := l.last.Val(); id != "" {
			since[i] = pipe.HGet(ctx, "asynq:{"+queues[i]+"}:t:"+id, "pending_since")
		}
	}
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return nil, err
	}
	for i, c := range since {
		if c == nil {
			continue
		}
		if ns, err := c.Int64(); err == nil { // else it was taken in the meantime
			out[i].Oldest = time.Unix(0, ns)
		}
	}
	return out, nil
}
