package redisx

import (
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

func TestTurn(t *testing.T) {
	m := miniredis.RunT(t)
	rdb := redis.NewClient(&redis.Options{Addr: m.Addr()})
	t.Cleanup(func() { _ = rdb.Close() })
	turn := func(id string, want bool) {
		t.Helper()
		if got, err := Turn(t.Context(), rdb, "turn", id, time.Minute); err != nil || got != want {
			t.Errorf("%s: %v, %v", id, got, err)
		}
	}
	turn("a", true)
	turn("b", false)
	m.FastForward(50 * time.Second)
	turn("a", true)
	m.FastForward(50 * time.Second)
	turn("b", false) // it was kept
	m.FastForward(11 * time.Second)
	turn("b", true)
	turn("a", false)
}
