package poll

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"github.com/volleysms/volley/providers"
)

// firstFetch is how far back the first question goes.
const firstFetch = 24 * time.Hour

// Keys of an account's inbound messages: until when they were fetched, and who is at it.
func fetchedKey(account string) string { return "volley:inbound:fetched:{" + account + "}" }
func turnKey(account string) string    { return "volley:inbound:turn:{" + account + "}" }

// fetch asks an account's gateway for inbound messages, in turn with other processes.
func (p *Poller) fetch(ctx context.Context, a Account, ip providers.InboundPoller) {
	for ; ctx.Err() == nil; sleep(ctx, min(p.opts.Inbound, 10*time.Second)) {
		mine, err := p.rdb.SetNX(ctx, turnKey(a.Name), "1", p.opts.Inbound).Result()
		if err == nil && mine {
			err = p.fetchOnce(ctx, a, ip)
		}
		if err != nil && ctx.Err() == nil {
			p.log.Warn("inbound messages can't be fetched", zap.String("account", a.Name), zap.Error(err))
		}
	}
}

func (p *Poller) fetchOnce(ctx context.Context, a Account, ip providers.InboundPoller) error {
	now := p.now()
	since := now.Add(-firstFetch)
	ms, err := p.rdb.Get(ctx, fetchedKey(a.Name)).Int64()
	switch {
	case err == nil:
		since = time.UnixMilli(ms)
	case !errors.Is(err, redis.Nil):
		return err
	}
	if a.Wait != nil {
		if err := a.Wait(ctx); err != nil {
			return err
		}
	}
	// One question may be several requests.
	limited, cancel := context.WithTimeout(ctx, 4*a.Timeout)
	defer cancel()
	messages, err := ip.PollInbound(limited, since)
	result := "told"
	switch {
	case err != nil:
		result = "error"
	case len(messages) == 0:
		result = "nothing"
	}
	p.asked.WithLabelValues(a.Name, "inbound", result).Inc()
	// What was read before an error is kept too.
	if e := p.inbound.Put(context.WithoutCancel(ctx), a.Name, messages, now); e != nil || err != nil {
		return errors.Join(err, e)
	}
	return p.rdb.Set(ctx, fetchedKey(a.Name), now.UnixMilli(), 0).Err()
}
