package ledger

import (
	"context"
	_ "embed"
	"errors"
	"iter"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/volleysms/volley/sms"
)

//go:embed lua/duepoll.lua
var duePollLua string

var duePollScript = redis.NewScript(duePollLua)

const keyPolls = "volley:polls"

// Awaited is a message, or a call whose messages share an identifier, of which the gateway has not said the last word.
type Awaited struct {
	Account string
	ID      string
	// At is when the call was recorded, in milliseconds since 1970.
	At int64
	// Positions are the recipients, in their batch; Numbers are by the same index.
	Positions []int
	Numbers   []sms.MSISDN
}

// AwaitedBatch is what is awaited in one batch.
type AwaitedBatch struct {
	Batch int
	// Round is the batch's, for reports about what is awaited.
	Round    int
	Messages []Awaited
}

// Awaited yields, batch by batch, the messages that are accepted or unknown and have an identifier. It stops at the first
// error.
func (l *Ledger) Awaited(ctx context.Context, job Job) iter.Seq2[AwaitedBatch, error] {
	return func(yield func(AwaitedBatch, error) bool) {
		for v, err := range l.views(ctx, job) {
			if err != nil {
				yield(AwaitedBatch{}, err)
				return
			}
			if b := v.awaited(job.Spec.Accounts); len(b.Messages) > 0 && !yield(b, nil) {
				return
			}
		}
	}
}

func (v *view) awaited(accounts []string) AwaitedBatch {
	b := AwaitedBatch{Batch: v.number, Round: int(v.reports.round)}
	type key struct {
		account uint8
		id      string
	}
	at := map[key]int{}
	for i, rec := range v.records {
		if rec.State != Accepted && rec.State != Unknown || int(rec.Account) >= len(accounts) {
			continue
		}
		k := key{rec.Account, v.side.ID(rec.ID)}
		if k.id == "" {
			k.id = v.reports.texts.ID(v.reports.records[i].ID)
		}
		if k.id == "" {
			continue
		}
		n, found := at[k]
		if !found {
			n = len(b.Messages)
			at[k] = n
			b.Messages = append(b.Messages, Awaited{Account: accounts[rec.Account], ID: k.id, At: v.recorded[i].At})
		}
		m := &b.Messages[n]
		m.At = min(m.At, v.recorded[i].At)
		m.Positions = append(m.Positions, i)
		m.Numbers = append(m.Numbers, v.batch.Recipients[i].To)
	}
	return b
}

// Polls is when jobs are looked at next, by those who ask gateways about messages.
type Polls struct{ rdb redis.UniversalClient }

// NewPolls returns the Polls in rdb.
func NewPolls(rdb redis.UniversalClient) *Polls { return &Polls{rdb} }

// Find lists the jobs that are unfinished, or were created since a time, for a look at first, unless they are listed. It
// returns the time of creation of the newest.
func (p *Polls) Find(ctx context.Context, since, first time.Time) (newest time.Time, err error) {
	const page = 1000
	newest = since
	add := func(ids []string) error {
		if len(ids) == 0 {
			return nil
		}
		z := make([]redis.Z, len(ids))
		for i, id := range ids {
			z[i] = redis.Z{Score: float64(first.UnixMilli()), Member: id}
		}
		return p.rdb.ZAddNX(ctx, keyPolls, z...).Err()
	}
	live, err := p.rdb.ZRange(ctx, keyLive, 0, -1).Result()
	if err == nil {
		err = add(live)
	}
	for offset := int64(0); err == nil; offset += page {
		var some []redis.Z
		some, err = p.rdb.ZRangeByScoreWithScores(ctx, keyJobs, &redis.ZRangeBy{
			Min: strconv.FormatInt(since.UnixMilli(), 10), Max: "+inf", Offset: offset, Count: page,
		}).Result()
		ids := make([]string, len(some))
		for i, z := range some {
			ids[i], _ = z.Member.(string)
			newest = time.UnixMilli(int64(z.Score))
		}
		if err == nil {
			err = add(ids)
		}
		if len(some) < page {
			break
		}
	}
	return newest, err
}

// Claim returns a job whose time has come, which nobody else gets for the time of hold; "" when there is none.
func (p *Polls) Claim(ctx context.Context, now time.Time, hold time.Duration) (string, error) {
	id, err := duePollScript.Run(ctx, p.rdb, []string{keyPolls}, now.UnixMilli(), now.Add(hold).UnixMilli()).Text()
	if errors.Is(err, redis.Nil) {
		return "", nil
	}
	return id, err
}

// Next says when a listed job is to be looked at next.
func (p *Polls) Next(ctx context.Context, job string, at time.Time) error {
	return p.rdb.ZAddXX(ctx, keyPolls, redis.Z{Score: float64(at.UnixMilli()), Member: job}).Err()
}

// Drop takes a job off the list.
func (p *Polls) Drop(ctx context.Context, job string) error {
	return p.rdb.ZRem(ctx, keyPolls, job).Err()
}

// Looked notes when a job was looked at; LookedAt returns it, zero for never.
func (p *Polls) Looked(ctx context.Context, job string, at time.Time) error {
	return p.rdb.HSet(ctx, jobKey(job), "polled", at.UnixMilli()).Err()
}

// LookedAt returns what Looked noted.
func (p *Polls) LookedAt(ctx context.Context, job string) (time.Time, error) {
	ms, err := p.rdb.HGet(ctx, jobKey(job), "polled").Int64()
	if errors.Is(err, redis.Nil) {
		return time.Time{}, nil
	}
	return time.UnixMilli(ms), err
}
