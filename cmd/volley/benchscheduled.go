package main

import (
	"context"
	"fmt"
	"time"

	"github.com/volleysms/volley/internal/bench"
)

// benchScheduled measures lateness, on a Redis of its own.
func (a *app) benchScheduled(ctx context.Context, o bench.Options, spread int) error {
	switch {
	case o.RedisURL != "":
		return invalid("--scheduled starts a Redis of its own, which is removed afterwards: leave --redis out")
	case spread < 1 || spread > 3600:
		return invalid("--spread is 1 to 3600 seconds, and not %d", spread)
	}
	url, stop, err := bench.PrivateRedis(ctx)
	if err != nil {
		return err
	}
	defer stop()
	o.RedisURL = url
	r, err := bench.Scheduled(ctx, bench.ScheduledOptions{
		Options: o, Jobs: benchJobs, Spread: spread, Ahead: 15 * time.Second,
	})
	if err != nil {
		return err
	}
	if a.json {
		return writeJSON(a.stdout, r)
	}
	t := a.newTable("Lateness", "p50 ms", "p99 ms", "most ms", "too early")
	rightAligned(t, 2, 3, 4, 5)
	for _, l := range []struct {
		name string
		bench.Lateness
	}{
		{fmt.Sprintf("%s jobs due at the same instant", count(int64(r.Jobs.N))), r.Jobs},
		{fmt.Sprintf("%s jobs due in the same second", count(int64(r.JobsInASecond.N))), r.JobsInASecond},
		{fmt.Sprintf("%s recipients of one job with times over %d s", count(int64(r.Recipients.N)), r.Spread), r.Recipients},
	} {
		t.AppendRow([]any{l.name, fmt.Sprintf("%.0f", l.P50), fmt.Sprintf("%.0f", l.P99), fmt.Sprintf("%.0f", l.Max), l.Early})
	}
	t.Render()
	return nil
}

// benchJobs is how many jobs are due at the same instant, and in the same second.
const benchJobs = 10_000

// manyLanes is how many calls are in flight unless told, where each has one recipient.
const manyLanes = 256
