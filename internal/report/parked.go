package report

import (
	"context"
	_ "embed"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"
)

// keyParked has the entries whose recipients have no outcome yet, by the time of the next look in milliseconds.
const keyParked = "volley:reports:parked"

//go:embed lua/due.lua
var dueLua string

var dueScript = redis.NewScript(dueLua)

const (
	parkedEvery = time.Second
	perLook     = 1000
	// The pause before the next look is as long as the entry is old, within these bounds.
	minParked = time.Second
	maxParked = 10 * time.Minute
)

// parked returns entries as they are kept until the next look.
func (a *Applier) parked(entries []Entry) []redis.Z {
	now := a.now()
	out := make([]redis.Z, len(entries))
	for i := range entries {
		pause := min(max(now.Sub(entries[i].Received), minParked), maxParked)
		out[i] = redis.Z{Score: float64(now.Add(pause).UnixMilli()), Member: entries[i].append(nil)}
	}
	return out
}

// keep looks after what is not new: entries that came too early, and records that somebody took and did not finish.
func (a *Applier) keep(ctx context.Context) {
	var claimed time.Time
	for ctx.Err() == nil {
		more, err := a.again(ctx)
		if err == nil && a.now().Sub(claimed) >= claimEvery {
			claimed = a.now()
			err = a.claim(ctx)
		}
		if err != nil && ctx.Err() == nil {
			a.log.Warn("reports that wait can't be looked at", zap.Error(err))
		}
		if !more || err != nil {
			sleep(ctx, parkedEvery)
		}
	}
}

// again applies the entries whose time for another look has come. It reports whether there may be more.
func (a *Applier) again(ctx context.Context) (more bool, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), workTimeout)
	defer cancel()
	now := a.now()
	due, err := dueScript.Run(ctx, a.rdb, []string{keyParked}, now.UnixMilli(), now.Add(claimAfter).UnixMilli(), perLook).StringSlice()
	if err != nil && !errors.Is(err, redis.Nil) {
		return false, err
	}
	a.measure(ctx)
	if len(due) == 0 {
		return false, nil
	}
	gone := map[string]bool{}
	var entries []Entry
	for _, member := range due {
		e, err := decodeEntry([]byte(member))
		switch {
		case errors.Is(err, errNewer):
			continue
		case err != nil:
			a.m.count("", "", "damaged")
		case now.Sub(e.Received) > a.giveUp:
			for j := range e.Reports {
				a.m.count(e.Account, e.kind(j), "expired")
			}
		default:
			entries = append(entries, e)
		}
		gone[member] = true
	}
	early, err := a.apply(ctx, entries)
	if err != nil {
		return false, err
	}
	if len(early) > 0 {
		z := a.parked(early)
		for _, e := range z {
			delete(gone, string(e.Member.([]byte)))
		}
		if err := a.rdb.ZAdd(ctx, keyParked, z...).Err(); err != nil {
			return false, err
		}
	}
	if len(gone) == 0 {
		return len(due) == perLook, nil
	}
	members := make([]any, 0, len(gone))
	for m := range gone {
		members = append(members, m)
	}
	return len(due) == perLook, a.rdb.ZRem(ctx, keyParked, members...).Err()
}

func (a *Applier) measure(ctx context.Context) {
	pipe := a.rdb.Pipeline()
	stream, parked := pipe.XLen(ctx, keyStream), pipe.ZCard(ctx, keyParked)
	if _, err := pipe.Exec(ctx); err == nil {
		a.m.backlog.Set(float64(stream.Val()))
		a.m.parked.Set(float64(parked.Val()))
	}
}

// claim takes over what others took and did not finish.
func (a *Applier) claim(ctx context.Context) error {
	for start := "0-0"; ctx.Err() == nil; {
		records, next, err := a.rdb.XAutoClaim(ctx, &redis.XAutoClaimArgs{
			Stream: keyStream, Group: group, Consumer: a.name, MinIdle: claimAfter, Start: start, Count: perRead,
		}).Result()
		if redis.HasErrorPrefix(err, "NOGROUP") {
			return a.begin(ctx)
		}
		if err != nil {
			return err
		}
		if len(records) > 0 {
			if err := a.work(ctx, records); err != nil {
				return err
			}
		}
		if start = next; next == "0-0" {
			break
		}
	}
	a.forget(ctx, forgetAfter)
	return nil
}

// forget removes the consumers that have nothing taken and were not seen for some time; with 0, only this one.
func (a *Applier) forget(ctx context.Context, unseen time.Duration) {
	consumers, err := a.rdb.XInfoConsumers(ctx, keyStream, group).Result()
	if err != nil {
		return
	}
	for _, c := range consumers {
		mine := c.Name == a.name
		if c.Pending == 0 && (mine && unseen == 0 || !mine && unseen > 0 && c.Idle > unseen) {
			a.rdb.XGroupDelConsumer(ctx, keyStream, group, c.Name)
		}
	}
}

// Backlog is how many records wait in the stream and how many entries are parked, for tests and status displays.
func Backlog(ctx context.Context, rdb redis.UniversalClient) (stream, parked int64, err error) {
	pipe := rdb.Pipeline()
	s, p := pipe.XLen(ctx, keyStream), pipe.ZCard(ctx, keyParked)
	_, err = pipe.Exec(ctx)
	return s.Val(), p.Val(), err
}
