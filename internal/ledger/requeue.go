package ledger

import (
	"context"
	_ "embed"
	"fmt"
	"slices"

	"github.com/redis/go-redis/v9"
)

//go:embed lua/requeue.lua
var requeueLua string

var requeueScript = redis.NewScript(requeueLua)

// requeue queues the recipients of a batch again that are in one of the states, reports taken into account. What was
// reported about them is dropped, and a new round begins, so that what is still to come of the last one is not taken for
// the next. The batch goes back to the first account of its leg.
func (l *Ledger) requeue(ctx context.Context, spec *Spec, batch int, token string, states []State) (int64, error) {
	job := spec.ID
	held, err := l.Take(ctx, job, batch, token, "")
	if err != nil {
		return 0, err
	}
	k := keysOf(job, batch)
	for {
		// Nobody but the owner writes outcomes; reports may come in at any time.
		stored, err := l.rdb.Get(ctx, k.reports).Bytes()
		if err != nil && err != redis.Nil { //nolint:errorlint // go-redis returns it as it is
			return 0, err
		}
		reports, err := readReported(stored, len(held.Records))
		if err != nil {
			return 0, fmt.Errorf("job %s, batch %d: %w", job, batch, err)
		}
		reports.round = min(reports.round, maxRound-1) + 1
		records := slices.Clone(held.Records)
		var c Changes
		var n int64
		for i, rec := range records {
			was := reports.over(i, rec).State
			if !slices.Contains(states, was) || held.Recipients[i].To == 0 {
				continue // nobody is sent to again who was forgotten
			}
			records[i].State, records[i].Attempts, records[i].ID = Queued, 0, 0
			c.Set(i, was, records[i])
			reports.again(i)
			n++
		}
		argv := []any{token, head(stored), "", "", spec.Begin(held.Via)}
		if n > 0 {
			argv[2], argv[3] = PackRecords(records), reports.pack()
		}
		done, err := requeueScript.Run(ctx, l.rdb, []string{k.batch, k.outcomes, k.counts, k.reports}, c.appendDelta(argv)...).Int()
		switch {
		case err != nil:
			return 0, err
		case done == -1:
			return 0, ErrLost
		case done == 1:
			return n, nil
		}
	}
}

// head is what a writer of reports has seen.
func head(stored []byte) []byte { return stored[:min(len(stored), reportedHead)] }
