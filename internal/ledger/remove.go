package ledger

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

//go:embed lua/remove.lua
var removeLua string

var removeScript = redis.NewScript(removeLua)

// MaxUnsealed is how long what is known of a job is kept that is never sealed; its batches are for Remove.
const MaxUnsealed = 30 * 24 * time.Hour

const (
	// removedAtOnce is how many batches are removed in one round trip.
	removedAtOnce = 256
	// keyMargin is how much longer than its key a removed job's remains are kept.
	keyMargin = time.Minute
)

// Remove deletes a job with all that belongs to it. As long as its idempotency key is remembered something stays by which
// a producer who repeats the job gets its receipt: it has no number and no text, and is Gone. A Remove that was cut off is
// repeated; on a job that isn't there it deletes what is left of one. Nobody may be sending the job.
func (l *Ledger) Remove(ctx context.Context, id string) error {
	job, err := l.Job(ctx, id)
	switch {
	case err == nil:
		if job.Spec.Label != "" { // before it is forgotten which one it is
			if err := l.rdb.ZRem(ctx, labelKey(job.Spec.Label), id).Err(); err != nil {
				return err
			}
		}
		if err := l.strip(ctx, &job); err != nil {
			return err
		}
	case !errors.Is(err, ErrNotFound):
		return err
	}
	batches := job.Batches
	if job.Sealed == "" {
		if batches, err = l.written(ctx, id); err != nil {
			return err
		}
	}
	// From the last to the first: what is left of a removal that was cut off begins with batch 0.
	for end := batches; end > 0; end -= removedAtOnce {
		pipe := l.rdb.Pipeline()
		for b := end - 1; b >= max(0, end-removedAtOnce); b-- {
			k := keysOf(id, b)
			pipe.Unlink(ctx, k.outcomes, k.side, k.reports, k.batch, k.recipients)
		}
		if _, err := pipe.Exec(ctx); err != nil {
			return err
		}
	}
	pipe := l.rdb.Pipeline()
	for s := range Shards {
		pipe.Unlink(ctx, countsKey(id, s))
	}
	pipe.Unlink(ctx, doneKey(id), waitKey(id), eventsKey(id), historyKey(id))
	for _, key := range []string{keyLive, keyPolls, CarryAgenda, HookAgenda} {
		pipe.ZRem(ctx, key, id)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return err
	}
	if err := l.remains(ctx, id); err != nil {
		return err
	}
	return l.rdb.ZRem(ctx, keyJobs, id).Err()
}

// strip takes all texts and numbers out of what is known of a job.
func (l *Ledger) strip(ctx context.Context, job *Job) error {
	s, r := job.Spec, job.Receipt
	s.From, s.Text, s.UDH, s.Payload, s.Label, s.By, s.Hook, r.Refused = "", "", nil, nil, "", "", nil, nil
	spec, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("ledger: %w", err)
	}
	receipt, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("ledger: %w", err)
	}
	return removeScript.Run(ctx, l.rdb, []string{jobKey(s.ID)}, spec, receipt).Err()
}

// written returns how many batches of a job are there, those after a long gap left out.
func (l *Ledger) written(ctx context.Context, id string) (n int, err error) {
	for first := 0; first == 0 || n > first-removedAtOnce; first += removedAtOnce {
		pipe := l.rdb.Pipeline()
		cmds := make([]*redis.IntCmd, removedAtOnce)
		for i := range cmds {
			cmds[i] = pipe.Exists(ctx, keysOf(id, first+i).recipients)
		}
		if _, err := pipe.Exec(ctx); err != nil {
			return 0, err
		}
		for i, c := range cmds {
			if c.Val() > 0 {
				n = first + i + 1
			}
		}
	}
	return n, nil
}

// remains keeps what is left of a job for as long as its key stands for it.
func (l *Ledger) remains(ctx context.Context, id string) error {
	key, err := l.rdb.HGet(ctx, jobKey(id), "key").Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return err
	}
	if key != "" {
		pipe := l.rdb.Pipeline()
		holder, left := pipe.Get(ctx, keyKey(key)), pipe.PTTL(ctx, keyKey(key))
		if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
			return err
		}
		if holder.Val() == id && left.Val() > 0 {
			return l.rdb.PExpire(ctx, jobKey(id), left.Val()+keyMargin).Err()
		}
	}
	return l.rdb.Unlink(ctx, jobKey(id)).Err()
}

// Old returns at most n jobs that were created before a time, the oldest first, after leaving out as many as skip. Jobs that
// were never sealed are among them.
func (l *Ledger) Old(ctx context.Context, before time.Time, skip, n int) ([]string, error) {
	return l.older(ctx, keyJobs, before, skip, n)
}

// OldLive is Old for the jobs that have not completed, and those that were never sealed.
func (l *Ledger) OldLive(ctx context.Context, before time.Time, skip, n int) ([]string, error) {
	return l.older(ctx, keyLive, before, skip, n)
}

func (l *Ledger) older(ctx context.Context, key string, before time.Time, skip, n int) ([]string, error) {
	return l.rdb.ZRangeByScore(ctx, key, &redis.ZRangeBy{
		Min: "-inf", Max: fmt.Sprintf("(%d", before.UnixMilli()), Offset: int64(skip), Count: int64(n),
	}).Result()
}
