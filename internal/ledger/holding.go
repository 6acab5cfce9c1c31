package ledger

import (
	"context"
	"errors"
	"slices"

	"github.com/redis/go-redis/v9"
)

// Holding returns the IDs of those among the newest n jobs of whom recipients are in a state, the newest first, and whether there
// are older jobs, which were not looked at. It takes two round trips for a thousand jobs.
func (l *Ledger) Holding(ctx context.Context, st State, n int) (out []string, older bool, err error) {
	const atOnce = 1000
	for from := 0; from < n; from += atOnce {
		ids, err := l.rdb.ZRevRange(ctx, keyJobs, int64(from), int64(min(from+atOnce, n))-1).Result()
		if err != nil || len(ids) == 0 {
			return out, false, err
		}
		if out, err = l.holding(ctx, st, ids, out); err != nil {
			return out, false, err
		}
	}
	all, err := l.rdb.ZCard(ctx, keyJobs).Result()
	return out, all > int64(n), err
}

func (l *Ledger) holding(ctx context.Context, st State, ids, out []string) ([]string, error) {
	pipe := l.rdb.Pipeline()
	sizes := make([]*redis.StringCmd, len(ids))
	for i, id := range ids {
		sizes[i] = pipe.HGet(ctx, jobKey(id), "batches")
	}
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return out, err
	}
	pipe = l.rdb.Pipeline()
	counters := make([][]*redis.StringCmd, len(ids))
	for i, id := range ids {
		batches, _ := sizes[i].Int()
		for s := range min(Shards, batches) {
			counters[i] = append(counters[i], pipe.HGet(ctx, countsKey(id, s), st.String()))
		}
	}
	if pipe.Len() == 0 {
		return out, nil
	}
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return out, err
	}
	for i, id := range ids {
		if slices.ContainsFunc(counters[i], func(c *redis.StringCmd) bool { n, _ := c.Int64(); return n > 0 }) && !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out, nil
}
