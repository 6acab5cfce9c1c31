package redisx

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/redis/go-redis/v9"
)

// ErrFull says that Redis has no room for new jobs.
var ErrFull = errors.New("Redis is nearly full")

// fullAt is the share of maxmemory, in percent, from which on new work is refused: at 100 Redis would take no record of
// the work either that it has, and so nothing could be sent.
const fullAt = 95

// Room asks every master whether there is room for new work, and returns an ErrFull when one of them has used nearly all of
// its maxmemory. A server without a maxmemory, or that does not tell, has room.
func Room(ctx context.Context, rdb redis.UniversalClient) error {
	if c, ok := rdb.(*redis.ClusterClient); ok {
		return c.ForEachMaster(ctx, func(ctx context.Context, m *redis.Client) error { return room(ctx, m) })
	}
	return room(ctx, rdb)
}

func room(ctx context.Context, c redis.Cmdable) error {
	memory := info(ctx, c, "memory")
	used, _ := strconv.ParseFloat(memory["used_memory"], 64)
	limit, _ := strconv.ParseFloat(memory["maxmemory"], 64)
	if limit <= 0 || used < limit*fullAt/100 {
		return nil
	}
	return fmt.Errorf("%w: it uses %.0f %% of its maxmemory; let the workers send what is queued, or raise maxmemory, and try again", ErrFull, 100*used/limit)
}
