package ledger

import (
	"context"
	_ "embed"
	"errors"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"
)

//go:embed lua/withdraw.lua
var withdrawLua string

var withdrawScript = redis.NewScript(withdrawLua)

// withdrawnAtOnce is how many batches are cancelled in one round trip. Between two, workers have their turn.
const withdrawnAtOnce = 100

// Withdraw cancels the queued recipients of the batches that nobody holds, and returns how many they were. Whoever holds
// one does the same before giving it up. The job's control word is Withdrawn.
func (l *Ledger) Withdraw(ctx context.Context, job Job, now time.Time) (cancelled int64, err error) {
	job.Fed = job.Batches
	batches, err := l.Unfinished(ctx, job, job.Batches)
	if err != nil {
		return 0, err
	}
	cancelled, begun, err := l.withdrawWhole(ctx, job.Spec.ID, batches, now)
	if err != nil {
		return cancelled, err
	}
	n, err := l.amend(ctx, begun, func(ctx context.Context, batch int, token string) (int64, error) {
		return l.withdraw(ctx, job.Spec.ID, batch, token, now.UnixMilli())
	})
	free := slices.DeleteFunc(batches, func(b int) bool { return slices.Contains(begun, b) })
	for i, b := range begun {
		if n[i] >= 0 {
			cancelled += n[i]
			free = append(free, b)
		}
	}
	return cancelled, errors.Join(err, l.finishAll(ctx, job.Spec.ID, free, now))
}

// withdrawWhole cancels those batches of which nobody was sent to and which nobody holds, and returns how many recipients they
// had, and the other ones, among which are those that can't be read. Nothing of a batch but its length is read.
func (l *Ledger) withdrawWhole(ctx context.Context, job string, batches []int, now time.Time) (cancelled int64, begun []int, err error) {
	for some := range slices.Chunk(batches, withdrawnAtOnce) {
		pipe := l.rdb.Pipeline()
		heads := make([]*redis.StringCmd, len(some))
		for i, b := range some {
			heads[i] = pipe.GetRange(ctx, keysOf(job, b).recipients, 0, batchPeek-1)
		}
		if _, err := pipe.Exec(ctx); err != nil {
			return cancelled, nil, err
		}
		var whole, sizes []int
		for i, b := range some {
			if n, err := batchLen([]byte(heads[i].Val())); err == nil {
				whole, sizes = append(whole, b), append(sizes, n)
			} else {
				begun = append(begun, b)
			}
		}
		done, err := l.evalAll(ctx, withdrawScript, len(whole), func(i int) ([]string, []any) {
			k := keysOf(job, whole[i])
			all := stretch{n: sizes[i], rec: Record{State: Cancelled, At: now.UnixMilli()}}
			return []string{k.batch, k.outcomes, k.counts}, []any{sizes[i], all.appendTo(nil)}
		}, nil)
		if err != nil {
			return cancelled, nil, err
		}
		for i, b := range whole {
			if n, _ := done[i].Int(); n == 1 {
				cancelled += int64(sizes[i])
			} else {
				begun = append(begun, b)
			}
		}
	}
	return cancelled, begun, nil
}

// withdraw cancels the queued recipients of a batch.
func (l *Ledger) withdraw(ctx context.Context, job string, batch int, token string, now int64) (int64, error) {
	held, err := l.Take(ctx, job, batch, token, "")
	if err != nil {
		return 0, err
	}
	c := Commit{Seq: 1, Via: -1, Release: true}
	var n int64
	for i, rec := range held.Records {
		if rec.State == Queued {
			rec.State, rec.At = Cancelled, now
			c.Records.Set(i, Queued, rec)
			n++
		}
	}
	_, _, err = l.Commit(ctx, &held, &c)
	return n, err
}
