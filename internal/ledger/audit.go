package ledger

import (
	"context"
	"errors"
	"fmt"
	"math/bits"
	"strconv"

	"github.com/redis/go-redis/v9"
)

// Audit checks a job's books from the ledger's own data and returns what is wrong, a sentence each: every recipient in
// exactly one known state, counters equal to outcomes, nothing lost since the receipt, and finished batches without open
// recipients, and what was ordered for the job the same everywhere. Each shard is read as it is at one moment, so that a job may run meanwhile.
func (l *Ledger) Audit(ctx context.Context, id string) (problems []string, err error) {
	job, err := l.Job(ctx, id)
	if err != nil {
		return nil, err
	}
	if job.Sealed == "" || job.Gone {
		return nil, nil // still being written, or removed: there is nothing to be true
	}
	var total Counts
	open := map[int]int{} // batches with open recipients
	for s := range min(Shards, job.Batches) {
		counted, stored, wrong, err := l.auditShard(ctx, &job, s, open)
		if err != nil {
			return nil, err
		}
		problems = append(problems, wrong...)
		for st := range NumStates {
			if counted[st] != stored[st] {
				problems = append(problems, fmt.Sprintf("shard %d: the counter of %s is %d, and %d recipients are so", s, State(st), stored[st], counted[st]))
			}
			total[st] += counted[st]
		}
	}
	if n := total.Total(); n != job.Receipt.Total {
		problems = append(problems, fmt.Sprintf("the receipt has %d recipients, the outcomes %d", job.Receipt.Total, n))
	}
	wrong, err := l.auditDone(ctx, id, open)
	if err != nil {
		return nil, err
	}
	problems = append(problems, wrong...)
	wrong, err = l.auditOrders(ctx, &job)
	return append(problems, wrong...), err
}

func (l *Ledger) auditShard(ctx context.Context, job *Job, shard int, open map[int]int) (counted, stored Counts, problems []string, err error) {
	var batches []int
	pipe := l.rdb.TxPipeline()
	counters := pipe.HGetAll(ctx, countsKey(job.Spec.ID, shard))
	var cmds []*redis.SliceCmd
	for b := shard; b < job.Batches; b += Shards {
		k := keysOf(job.Spec.ID, b)
		batches = append(batches, b)
		cmds = append(cmds, pipe.MGet(ctx, k.recipients, k.outcomes, k.side, k.reports))
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return counted, stored, nil, err
	}
	for word, n := range counters.Val() {
		if st, ok := ParseState(word); ok {
			stored[st], _ = strconv.ParseInt(n, 10, 64)
		}
	}
	for i, c := range cmds {
		v, err := readView(job.Spec.ID, batches[i], c.Val())
		if err != nil {
			problems = append(problems, err.Error())
			continue
		}
		counted[Rejected] += int64(len(v.batch.Refused))
		for k, r := range v.records {
			if int(r.State) >= NumStates {
				problems = append(problems, fmt.Sprintf("batch %d: recipient %d is in no known state", batches[i], k))
				continue
			}
			if v.reports.records[k].State != Queued && r.State.Open() {
				problems = append(problems, fmt.Sprintf("batch %d: recipient %d is %s, and a report about it is kept", batches[i], k, r.State))
			}
			counted[r.State]++
			if r.State.Open() {
				open[batches[i]]++
			}
		}
	}
	return counted, stored, problems, nil
}

// auditDone compares what is noted as finished with what was found open, in this order: what finishes meanwhile is no
// problem, for it was open and isn't noted yet.
func (l *Ledger) auditDone(ctx context.Context, id string, open map[int]int) (problems []string, err error) {
	pipe := l.rdb.TxPipeline()
	bitmap, fields := pipe.Get(ctx, doneKey(id)), pipe.HMGet(ctx, jobKey(id), jobFields...)
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return nil, err
	}
	job, err := parseJob(fields.Val())
	if err != nil {
		return nil, err
	}
	done, _ := bitmap.Bytes()
	n := 0
	for _, b := range done {
		n += bits.OnesCount8(b)
	}
	if n != job.Done {
		problems = append(problems, fmt.Sprintf("%d batches are finished, and the counter says %d", n, job.Done))
	}
	for b, k := range open {
		if b/8 >= len(done) || done[b/8]&(0x80>>(b%8)) == 0 {
			continue
		}
		// It may have been finished since its recipients were read.
		views, err := l.read(ctx, id, b, b+1)
		if err != nil {
			return problems, err
		}
		if views[0].has([]State{Queued, Sending}) {
			problems = append(problems, fmt.Sprintf("batch %d is noted as finished with %d recipients that are not", b, k))
		}
	}
	if !job.Completed.IsZero() && n < job.Batches {
		problems = append(problems, fmt.Sprintf("the job is completed with %d of %d batches finished", n, job.Batches))
	}
	return problems, nil
}
