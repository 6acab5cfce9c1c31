package ledger

import (
	"context"
	_ "embed"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"
)

//go:embed lua/control.lua
var controlLua string

//go:embed lua/change.lua
var changeLua string

//go:embed lua/reopen.lua
var reopenLua string

var (
	controlScript = redis.NewScript(controlLua)
	changeScript  = redis.NewScript(changeLua)
	reopenScript  = redis.NewScript(reopenLua)
)

// Errors of control; compare with errors.Is.
var (
	// ErrCompleted: the job has nothing left that could be stopped.
	ErrCompleted = errors.New("the job is completed")
	// ErrCancelled: the job was cancelled, which is for good.
	ErrCancelled = errors.New("the job is cancelled")
)

// SetControl sets a job's control word, with a reason for people. When it returns without an error no further call of the
// job is claimed (Paused, Withdrawn), or they are again (Run). Doing it again changes nothing and repairs what a crash
// may have left undone. Withdrawn is for good.
func (l *Ledger) SetControl(ctx context.Context, job string, word Control, reason string) error {
	n, err := controlScript.Run(ctx, l.rdb, []string{jobKey(job)}, string(word), reason).Int()
	if err != nil {
		return err
	}
	if err := controlError(n); err != nil {
		return err
	}
	// Claims look at the copy in their own shard.
	pipe := l.rdb.Pipeline()
	for s := range Shards {
		if word == Run {
			pipe.HDel(ctx, countsKey(job, s), "ctl")
		} else {
			pipe.HSet(ctx, countsKey(job, s), "ctl", string(word))
		}
	}
	_, err = pipe.Exec(ctx)
	return err
}

func controlError(code int) error {
	switch code {
	case -1:
		return ErrNotFound
	case -2:
		return ErrCompleted
	case -3:
		return ErrCancelled
	}
	return nil
}

// atOnce is how many batches are changed in one round trip.
const atOnce = 64

// Withdraw cancels the queued recipients of the batches that nobody holds, and returns how many they were. Whoever holds
// one does the same before giving it up. The job's control word is Withdrawn.
func (l *Ledger) Withdraw(ctx context.Context, job Job, now time.Time) (cancelled int64, err error) {
	const at = 4 // where a record has its time
	patch := Record{At: now.UnixMilli()}.AppendTo(nil)[at : at+6]
	for first := 0; first < job.Batches; first += atOnce {
		batches := span(first, min(first+atOnce, job.Batches))
		n, err := l.change(ctx, job.Spec.ID, batches, Cancelled, at, patch, Queued)
		if err != nil {
			return cancelled, err
		}
		var free []int
		for i, b := range batches {
			if n[i] >= 0 {
				cancelled += n[i]
				free = append(free, b)
			}
		}
		if err := l.finishAll(ctx, job.Spec.ID, free, now); err != nil {
			return cancelled, err
		}
	}
	return cancelled, nil
}

// Reopen queues the recipients again that are in one of the given states, with a new budget of attempts. It returns how
// many they are and which batches have some. Of a batch that somebody holds nothing is changed.
func (l *Ledger) Reopen(ctx context.Context, job Job, states ...State) (queued int64, batches []int, err error) {
	for v, err := range l.views(ctx, job) {
		if err != nil {
			return 0, nil, err
		}
		if v.has(states) {
			batches = append(batches, v.number)
		}
	}
	if len(batches) == 0 {
		return 0, nil, nil
	}
	// The batches are unfinished before there is something to send in them: a crash in between is put right by the sweep.
	if err := l.rdb.ZAddNX(ctx, keyLive, redis.Z{Score: float64(job.Spec.Created), Member: job.Spec.ID}).Err(); err != nil {
		return 0, nil, err
	}
	argv := make([]any, len(batches))
	for i, b := range batches {
		argv[i] = b
	}
	code, err := reopenScript.Run(ctx, l.rdb, []string{jobKey(job.Spec.ID), doneKey(job.Spec.ID)}, argv...).Int()
	if err = errors.Join(err, controlError(code)); err != nil {
		return 0, nil, err
	}
	const attempts = 1 // where a record has its attempts
	for first := 0; first < len(batches); first += atOnce {
		n, err := l.change(ctx, job.Spec.ID, batches[first:min(first+atOnce, len(batches))], Queued, attempts, []byte{0}, states...)
		if err != nil {
			return queued, batches, err
		}
		for _, c := range n {
			queued += max(0, c)
		}
	}
	return queued, batches, nil
}

// change gives the recipients of batches that are in one of the old states the new one, and writes patch into their
// records at offset. It returns how many changed in each batch, -1 where somebody holds it.
func (l *Ledger) change(ctx context.Context, job string, batches []int, to State, offset int, patch []byte, from ...State) ([]int64, error) {
	sizes, err := l.sizes(ctx, job, batches)
	if err != nil {
		return nil, err
	}
	cmds, err := l.evalAll(ctx, changeScript, len(batches), func(i int) ([]string, []any) {
		k := keysOf(job, batches[i])
		argv := []any{sizes[i], RecordLen, int(to), to.String(), offset, patch, len(from)}
		for _, s := range from {
			argv = append(argv, int(s), s.String())
		}
		return []string{k.batch, k.outcomes, k.counts}, argv
	}, nil)
	if err != nil {
		return nil, err
	}
	out := make([]int64, len(batches))
	for i, c := range cmds {
		counts, err := c.Int64Slice()
		if err != nil {
			return nil, err
		}
		for _, n := range counts {
			out[i] += n
		}
	}
	return out, nil
}

// sizes returns how many recipients the batches have.
func (l *Ledger) sizes(ctx context.Context, job string, batches []int) ([]int, error) {
	pipe := l.rdb.Pipeline()
	cmds := make([]*redis.StringCmd, len(batches))
	for i, b := range batches {
		cmds[i] = pipe.GetRange(ctx, keysOf(job, b).recipients, 0, batchHeader+16)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, err
	}
	out := make([]int, len(batches))
	for i, c := range cmds {
		var err error
		if out[i], err = batchLen([]byte(c.Val())); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// finishAll is Finish for many batches in one round trip.
func (l *Ledger) finishAll(ctx context.Context, job string, batches []int, now time.Time) error {
	if len(batches) == 0 {
		return nil
	}
	_, err := l.evalAll(ctx, finishScript, len(batches)-1, func(i int) ([]string, []any) {
		return []string{jobKey(job), doneKey(job)}, []any{batches[i], now.UnixMilli()}
	}, nil)
	if err != nil {
		return err
	}
	_, err = l.Finish(ctx, job, batches[len(batches)-1], now)
	return err
}

func span(from, to int) []int {
	out := make([]int, 0, to-from)
	for i := from; i < to; i++ {
		out = append(out, i)
	}
	return out
}
