package e2e_test

import (
	"context"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/volleysms/volley/internal/redistest"
)

// TestEvictingRedis: a Redis that may throw queued messages away gets none.
func TestEvictingRedis(t *testing.T) {
	w := newFour(t)
	w.redis = redistest.Start(t, "--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru")
	w.Config = w.Write("volley.yaml", w.yaml())
	for _, args := range [][]string{
		{"send", "--via", "mttm", "--from", from, "--text", "Hi", "--to", number(0)},
		{"import", w.Write("campaign.csv", campaign()), "--via", "mttm", "--from", from, "--text", "Hi"},
		{"status"},
		{"worker"},
	} {
		t.Run(args[0], func(t *testing.T) {
			code, out, errs := w.Run(args...)
			if code != 1 || out != "" {
				t.Errorf("exit status %d, and standard output %q", code, out)
			}
			for _, want := range []string{"Redis at " + w.redis, "maxmemory-policy", "noeviction"} {
				if !strings.Contains(errs, want) {
					t.Errorf("standard error %q, want %q in it", errs, want)
				}
			}
			if strings.Count(errs, "\n") != 1 {
				t.Errorf("more than a sentence:\n%s", errs)
			}
		})
	}
	rdb := redis.NewClient(&redis.Options{Addr: w.redis})
	defer rdb.Close()
	if n, err := rdb.DBSize(context.Background()).Result(); err != nil || n != 0 {
		t.Errorf("%d keys were written (%v)", n, err)
	}
}
