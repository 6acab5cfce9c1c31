package ledger

import (
	"context"
	"encoding/binary"
	"errors"
	"iter"
	"slices"

	"github.com/redis/go-redis/v9"
)

// A batch in which nothing is queued or sending changes in two ways only: a report comes in, or recipients are queued again.
// Both are written to its reports, so that the version of those is the batch's: one version has one content.

// BatchVersion names a batch, and one of its contents.
type BatchVersion struct {
	Batch   int
	Version uint32
}

// Jobs is Job for many in one round trip. Jobs that are not there, can't be read, or are Gone, are left out.
func (l *Ledger) Jobs(ctx context.Context, ids []string) (map[string]Job, error) {
	pipe := l.rdb.Pipeline()
	cmds := make([]*redis.SliceCmd, len(ids))
	for i, id := range ids {
		cmds[i] = pipe.HMGet(ctx, jobKey(id), jobFields...)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, err
	}
	out := make(map[string]Job, len(ids))
	for i, id := range ids {
		if j, err := parseJob(cmds[i].Val()); err == nil && !j.Gone {
			out[id] = j
		}
	}
	return out, nil
}

// Finished returns the batches of jobs that have nothing left to send, with the versions that they have about now.
func (l *Ledger) Finished(ctx context.Context, jobs []Job) (map[string][]BatchVersion, error) {
	pipe := l.rdb.Pipeline()
	done := make([]*redis.StringCmd, len(jobs))
	for i := range jobs {
		done[i] = pipe.Get(ctx, doneKey(jobs[i].Spec.ID))
	}
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return nil, err
	}
	out := make(map[string][]BatchVersion, len(jobs))
	for i := range jobs {
		id := jobs[i].Spec.ID
		bits, err := done[i].Bytes()
		if err != nil && !errors.Is(err, redis.Nil) {
			return nil, err
		}
		for b := range jobs[i].Batches {
			if b/8 < len(bits) && bits[b/8]&(0x80>>(b%8)) != 0 {
				out[id] = append(out[id], BatchVersion{Batch: b})
			}
		}
		if err := l.versions(ctx, id, out[id]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (l *Ledger) versions(ctx context.Context, job string, batches []BatchVersion) error {
	for some := range slices.Chunk(batches, 1000) {
		pipe := l.rdb.Pipeline()
		cmds := make([]*redis.StringCmd, len(some))
		for i := range some {
			cmds[i] = pipe.GetRange(ctx, keysOf(job, some[i].Batch).reports, 0, reportedHead-1)
		}
		if _, err := pipe.Exec(ctx); err != nil {
			return err
		}
		for i, c := range cmds {
			if head := c.Val(); len(head) == reportedHead {
				some[i].Version = binary.BigEndian.Uint32([]byte(head[1:]))
			}
		}
	}
	return nil
}

// Settled is a batch in which nothing is queued or sending.
type Settled struct {
	BatchVersion
	spec *Spec
	view view
}

// Outcomes yields the batch's recipients, in an order that never changes.
func (s *Settled) Outcomes() iter.Seq[Outcome] {
	return func(yield func(Outcome) bool) {
		s.view.yield(s.spec, func(o Outcome, _ error) bool { return yield(o) })
	}
}

// Len is how many they are.
func (s *Settled) Len() int { return len(s.view.records) + len(s.view.batch.Refused) }

// Settled reads batches of a job. Those in which something is queued or sending after all are left out, and those that can't
// be read, or aren't there: why is in damaged.
func (l *Ledger) Settled(ctx context.Context, job *Job, batches []int) (read []Settled, damaged []error, err error) {
	pipe := l.rdb.Pipeline()
	cmds := make([]*redis.SliceCmd, len(batches))
	for i, b := range batches {
		k := keysOf(job.Spec.ID, b)
		cmds[i] = pipe.MGet(ctx, k.recipients, k.outcomes, k.side, k.reports)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, nil, err
	}
	for i, c := range cmds {
		v, err := readView(job.Spec.ID, batches[i], c.Val())
		switch {
		case err != nil:
			damaged = append(damaged, err)
		case !v.has([]State{Queued, Sending}):
			read = append(read, Settled{BatchVersion{batches[i], v.reports.version}, &job.Spec, v})
		}
	}
	return read, damaged, nil
}
