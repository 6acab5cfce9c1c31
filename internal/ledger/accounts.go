package ledger

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/redis/go-redis/v9"
)

const (
	keyAccounts = "volley:accounts"
	keyRoutes   = "volley:routes"
	// keyShards has how many queues new jobs of an account use, mostShards how many it ever had.
	keyShards, mostShards = "volley:shards", "volley:shards:most"
)

// Branch is the part of a route that serves the numbers with a prefix. The branch with the longest prefix serves a number;
// a number that none serves is refused.
type Branch struct {
	// Prefix is the beginning of the MSISDNs, such as "45"; empty is any.
	Prefix string `json:"prefix,omitempty"`
	// Use are the accounts in the order of use, one at least.
	Use []string `json:"use"`
}

// Announce tells producers which accounts, with their providers, and which routes the workers serve. It adds to what
// others announced.
func (l *Ledger) Announce(ctx context.Context, accounts map[string]string, routes map[string][]Branch) error {
	pipe := l.rdb.Pipeline()
	for name, provider := range accounts {
		pipe.HSet(ctx, keyAccounts, name, provider)
	}
	for name, branches := range routes {
		packed, err := json.Marshal(branches)
		if err != nil {
			return fmt.Errorf("ledger: %w", err)
		}
		pipe.HSet(ctx, keyRoutes, name, packed)
	}
	_, err := pipe.Exec(ctx)
	return err
}

// Announced returns the accounts, with their providers, and the routes that workers announced.
func (l *Ledger) Announced(ctx context.Context) (accounts map[string]string, routes map[string][]Branch, err error) {
	pipe := l.rdb.Pipeline()
	a, r := pipe.HGetAll(ctx, keyAccounts), pipe.HGetAll(ctx, keyRoutes)
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, nil, err
	}
	routes = map[string][]Branch{}
	for name, packed := range r.Val() {
		var branches []Branch
		if err := json.Unmarshal([]byte(packed), &branches); err != nil {
			return nil, nil, fmt.Errorf("ledger: the route %q that workers announced can't be read: %w", name, err)
		}
		routes[name] = branches
	}
	return a.Val(), routes, nil
}

// AnnounceShards tells producers how many queues accounts have from now on, and returns how many each has to be served on:
// jobs that were made while there were more are still on those.
func (l *Ledger) AnnounceShards(ctx context.Context, shards map[string]int) (serve map[string]int, err error) {
	pipe := l.rdb.Pipeline()
	most := map[string]*redis.FloatCmd{}
	for name, n := range shards {
		pipe.HSet(ctx, keyShards, name, n)
		pipe.ZAddGT(ctx, mostShards, redis.Z{Score: float64(n), Member: name})
		most[name] = pipe.ZScore(ctx, mostShards, name)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, err
	}
	serve = map[string]int{}
	for name, cmd := range most {
		serve[name] = int(cmd.Val())
	}
	return serve, nil
}

// Shards returns how many queues new jobs use, of the accounts that have more than one.
func (l *Ledger) Shards(ctx context.Context) (map[string]int, error) {
	all, err := l.rdb.HGetAll(ctx, keyShards).Result()
	if err != nil {
		return nil, err
	}
	out := map[string]int{}
	for name, n := range all {
		if k, err := strconv.Atoi(n); err == nil && k > 1 {
			out[name] = k
		}
	}
	return out, nil
}

// MostShards returns how many queues each account has ever had, of those that had more than one.
func (l *Ledger) MostShards(ctx context.Context) (map[string]int, error) {
	all, err := l.rdb.ZRangeByScoreWithScores(ctx, mostShards, &redis.ZRangeBy{Min: "2", Max: "+inf"}).Result()
	if err != nil {
		return nil, err
	}
	out := map[string]int{}
	for _, z := range all {
		out[z.Member.(string)] = int(z.Score)
	}
	return out, nil
}
