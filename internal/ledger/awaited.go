package ledger

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/volleysms/volley/sms"
)

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
type Polls struct{ Agenda }

// NewPolls returns the Polls in rdb.
func NewPolls(rdb redis.UniversalClient) *Polls { return &Polls{Agenda{rdb, keyPolls}} }

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
