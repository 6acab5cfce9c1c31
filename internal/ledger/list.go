package ledger

import (
	"context"
	"strconv"

	"github.com/redis/go-redis/v9"
)

// Page returns the IDs of n jobs after the first from of them, the newest first, and how many there are. With open it is of
// the jobs that have not completed.
func (l *Ledger) Page(ctx context.Context, from, n int, open bool) (ids []string, total int64, err error) {
	key := keyJobs
	if open {
		key = keyLive
	}
	pipe := l.rdb.Pipeline()
	list, all := pipe.ZRevRange(ctx, key, int64(from), int64(from)+int64(n)-1), pipe.ZCard(ctx, key)
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, 0, err
	}
	return list.Val(), all.Val(), nil
}

// readAtOnce bounds the commands of one round trip where much is read.
const readAtOnce = 4096

// CountsOf is Counts for many jobs, by their index, in one round trip for some hundred of them.
func (l *Ledger) CountsOf(ctx context.Context, jobs []*Job) ([]Counts, error) {
	out := make([]Counts, len(jobs))
	pipe := l.rdb.Pipeline()
	var cmds []*redis.MapStringStringCmd
	var of []int
	flush := func() error {
		if len(cmds) == 0 {
			return nil
		}
		if _, err := pipe.Exec(ctx); err != nil {
			return err
		}
		for i, cmd := range cmds {
			out[of[i]].add(cmd.Val())
		}
		cmds, of = cmds[:0], of[:0]
		return nil
	}
	for i, j := range jobs {
		for s := range min(Shards, j.Batches) {
			cmds, of = append(cmds, pipe.HGetAll(ctx, countsKey(j.Spec.ID, s))), append(of, i)
		}
		if len(cmds) >= readAtOnce {
			if err := flush(); err != nil {
				return nil, err
			}
		}
	}
	return out, flush()
}

// add adds what is in the hash of a shard.
func (c *Counts) add(counters map[string]string) {
	for word, n := range counters {
		if st, ok := ParseState(word); ok {
			v, _ := strconv.ParseInt(n, 10, 64)
			c[st] += v
		}
	}
}
