package redisx

import (
	"context"
	"strconv"
	"sync"

	"github.com/redis/go-redis/v9"
)

// Memory is how full a Redis server is, in bytes.
type Memory struct {
	// Node is the server's address; empty when there is but one.
	Node string
	Used int64
	// Limit is its maxmemory, or, when it has none, what its machine has. 0 when it tells neither.
	Limit int64
}

// MemoryOf asks every master. A server that does not tell is not in the answer.
func MemoryOf(ctx context.Context, rdb redis.UniversalClient) ([]Memory, error) {
	c, ok := rdb.(*redis.ClusterClient)
	if !ok {
		if m, ok := memoryOf(ctx, rdb, ""); ok {
			return []Memory{m}, nil
		}
		return nil, ctx.Err()
	}
	var mu sync.Mutex
	var out []Memory
	err := c.ForEachMaster(ctx, func(ctx context.Context, node *redis.Client) error {
		if m, ok := memoryOf(ctx, node, node.Options().Addr); ok {
			mu.Lock()
			defer mu.Unlock()
			out = append(out, m)
		}
		return nil
	})
	return out, err
}

func memoryOf(ctx context.Context, c redis.Cmdable, node string) (m Memory, ok bool) {
	memory := info(ctx, c, "memory")
	m.Node = node
	m.Used, _ = strconv.ParseInt(memory["used_memory"], 10, 64)
	if m.Limit, _ = strconv.ParseInt(memory["maxmemory"], 10, 64); m.Limit == 0 {
		m.Limit, _ = strconv.ParseInt(memory["total_system_memory"], 10, 64)
	}
	return m, m.Used > 0
}
