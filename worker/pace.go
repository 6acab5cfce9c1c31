package worker

import (
	"context"
	_ "embed"
	"time"

	"github.com/redis/go-redis/v9"
)

//go:embed lua/pace.lua
var paceLua string

var paceScript = redis.NewScript(paceLua)

// pacer spaces an account's calls evenly over all workers: each reserves the next free moment in Redis, by Redis' clock,
// and waits for it. A nil pacer never waits. It is safe for concurrent use.
type pacer struct {
	rdb      redis.UniversalClient
	key      string
	interval time.Duration
}

func newPacer(rdb redis.UniversalClient, account string, perSecond float64) *pacer {
	if perSecond <= 0 {
		return nil
	}
	return &pacer{rdb, "volley:pace:{" + account + "}", time.Duration(float64(time.Second) / perSecond)}
}

// wait returns when the call may be made. A reservation whose caller gives up is lost, which only slows.
func (p *pacer) wait(ctx context.Context) error {
	if p == nil {
		return nil
	}
	us, err := paceScript.Run(ctx, p.rdb, []string{p.key}, max(1, p.interval.Microseconds())).Int64()
	if err != nil {
		return err
	}
	if us <= 0 {
		return nil
	}
	t := time.NewTimer(time.Duration(us) * time.Microsecond)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
