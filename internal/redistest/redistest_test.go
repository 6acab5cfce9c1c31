package redistest_test

import (
	"context"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/volleysms/volley/internal/redistest"
)

func TestStart(t *testing.T) {
	ctx := context.Background()

	t.Run("TheServerAnswersAndEndsWithTheTest", func(t *testing.T) {
		var rdb *redis.Client
		inner := t.Run("Inner", func(t *testing.T) {
			rdb = redis.NewClient(&redis.Options{Addr: redistest.Start(t), MaxRetries: -1})
			if err := rdb.Set(ctx, "a", "b", 0).Err(); err != nil {
				t.Fatal(err)
			}
		})
		if !inner {
			return
		}
		defer rdb.Close()
		if err := rdb.Ping(ctx).Err(); err == nil {
			t.Error("the server lives on")
		}
	})

	t.Run("ArgumentsReachTheServer", func(t *testing.T) {
		rdb := redis.NewClient(&redis.Options{Addr: redistest.Start(t, "--databases", "3")})
		defer rdb.Close()
		got, err := rdb.ConfigGet(ctx, "databases").Result()
		if err != nil || got["databases"] != "3" {
			t.Errorf("got %v, %v", got, err)
		}
	})

	t.Run("TwoServersAreApart", func(t *testing.T) {
		if a, b := redistest.Start(t), redistest.Start(t); a == b {
			t.Errorf("both are at %s", a)
		}
	})
}
