package ledger

import (
	"context"
	"errors"
	"strconv"

	"github.com/redis/go-redis/v9"
)

// Holder is who has a batch, and the account it is with.
type Holder struct {
	// Owner is the owner's token, empty when nobody has the batch.
	Owner string
	Via   int
}

// Unfinished returns the batches of a job that have been put on the queue and still have something to send, at most n.
func (l *Ledger) Unfinished(ctx context.Context, job Job, n int) ([]int, error) {
	done, err := l.rdb.Get(ctx, doneKey(job.Spec.ID)).Bytes()
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, err
	}
	var out []int
	for b := 0; b < min(job.Fed, job.Batches) && len(out) < n; b++ {
		if b/8 >= len(done) || done[b/8]&(0x80>>(b%8)) == 0 {
			out = append(out, b)
		}
	}
	return out, nil
}

// Holders returns who has each of the batches.
func (l *Ledger) Holders(ctx context.Context, job string, batches []int) ([]Holder, error) {
	pipe := l.rdb.Pipeline()
	cmds := make([]*redis.SliceCmd, len(batches))
	for i, b := range batches {
		cmds[i] = pipe.HMGet(ctx, keysOf(job, b).batch, "own", "via")
	}
	first := pipe.HGet(ctx, jobKey(job), "from")
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return nil, err
	}
	from, _ := strconv.Atoi(first.Val())
	out := make([]Holder, len(batches))
	for i, c := range cmds {
		v := c.Val()
		out[i].Owner, _ = v[0].(string)
		out[i].Via = max(int(parseInt(v[1])), from)
	}
	return out, nil
}

// Unlist takes a completed job off the list of those that have not completed; a producer that repeated its job at the
// moment of completion may have put it back there.
func (l *Ledger) Unlist(ctx context.Context, job string) error {
	return l.rdb.ZRem(ctx, keyLive, job).Err()
}
