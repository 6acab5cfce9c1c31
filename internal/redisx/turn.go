package redisx

import (
	"context"
	_ "embed"
	"time"

	"github.com/redis/go-redis/v9"
)

//go:embed turn.lua
var turnLua string

var turnScript = redis.NewScript(turnLua)

// Turn takes the turn that key stands for, or keeps it, and reports whether it is id's. It is another's to take when it was
// not kept for ttl.
func Turn(ctx context.Context, rdb redis.UniversalClient, key, id string, ttl time.Duration) (bool, error) {
	return turnScript.Run(ctx, rdb, []string{key}, id, ttl.Milliseconds()).Bool()
}
