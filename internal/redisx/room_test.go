package redisx_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/volleysms/volley/internal/redistest"
	"github.com/volleysms/volley/internal/redisx"
)

func TestRoom(t *testing.T) {
	rdb := redis.NewClient(&redis.Options{Addr: redistest.Start(t)})
	defer rdb.Close()
	room := func(maxmemory string) error {
		t.Helper()
		if err := rdb.ConfigSet(t.Context(), "maxmemory", maxmemory).Err(); err != nil {
			t.Fatal(err)
		}
		return redisx.Room(t.Context(), rdb)
	}
	for _, limit := range []string{"0", "100mb"} {
		if err := room(limit); err != nil {
			t.Errorf("with a maxmemory of %s: %v", limit, err)
		}
	}
	if err := room("512kb"); !errors.Is(err, redisx.ErrFull) || !strings.Contains(err.Error(), "raise maxmemory") {
		t.Errorf("when nearly all is used: %v", err)
	}
}
