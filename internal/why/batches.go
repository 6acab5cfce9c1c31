package why

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/internal/task"
)

// maxBatches bounds how many of a job's batches are looked at: those that are on the queue, in their order.
const maxBatches = 256

// places are where a job's batches are that have something to send.
type places struct {
	// n is how many are with each account, owned how many of them a living worker has, orphaned how many a dead one.
	n, owned, orphaned map[string]int
	waits              map[string]waiting
}

// waiting is the batch of an account that is taken up next of those that a worker sent back.
type waiting struct {
	until    time.Time
	attempts int
	last     ledger.Note
}

func (p *places) accounts() []string      { return slices.Sorted(maps.Keys(p.n)) }
func (p *places) held(account string) int { return p.owned[account] }

// backoff tells of a batch that is tried again, and of those of a worker that died.
func (p *places) backoff(account string, most int) (out []Reason) {
	if w, is := p.waits[account]; is && p.owned[account] == 0 {
		out = append(out, Reason{
			Rule: Backoff, Account: account, Setting: "retry.initial and retry.max", Until: utc(w.until),
			Detail: fmt.Sprintf("attempt %d of %d was not taken: %s", w.attempts, most, words(w.last.Code, w.last.Detail)),
		})
	}
	if n := p.orphaned[account]; n > 0 {
		out = append(out, Reason{
			Rule: WorkerDied, Account: account, Setting: "none: the sweep gives them to another worker within some seconds",
			Detail: plural(n, "batch is", "batches are") + " held by a worker that does not live any more",
		})
	}
	return out
}

// batches looks where a job's batches are.
func (f *Finder) batches(ctx context.Context, l *ledger.Ledger, j *ledger.Job) (*places, error) {
	p := &places{n: map[string]int{}, owned: map[string]int{}, orphaned: map[string]int{}, waits: map[string]waiting{}}
	look := *j
	look.Fed = max(look.Fed, 1)
	numbers, err := l.Unfinished(ctx, look, maxBatches)
	if err != nil || len(numbers) == 0 {
		return p, err
	}
	holders, err := l.Holders(ctx, j.Spec.ID, numbers)
	if err != nil {
		return nil, err
	}
	alive := map[string]bool{}
	for i, h := range holders {
		account := j.Spec.Account(h.Via)
		p.n[account]++
		if h.Owner == "" {
			if err := f.sentBack(ctx, l, j, numbers[i], account, p); err != nil {
				return nil, err
			}
			continue
		}
		lives, known := alive[h.Owner]
		if !known {
			if lives, err = l.Alive(ctx, h.Owner); err != nil {
				return nil, err
			}
			alive[h.Owner] = lives
		}
		if lives {
			p.owned[account]++
		} else {
			p.orphaned[account]++
		}
	}
	return p, nil
}

// sentBack finds out whether a batch that nobody has was sent back after calls that were not taken.
func (f *Finder) sentBack(ctx context.Context, l *ledger.Ledger, j *ledger.Job, batch int, account string, p *places) error {
	queue, ref := task.QueueFor(&j.Spec, account, batch), task.Ref{Job: j.Spec.ID, Batch: batch}
	at, err := task.BackAt(ctx, f.Redis, queue, ref)
	if err != nil || at.IsZero() || !at.After(f.Now) {
		return err
	}
	if was, is := p.waits[account]; is && !at.Before(was.until) {
		return nil
	}
	tried, err := l.Tried(ctx, j.Spec.ID, batch)
	if err != nil || tried.Attempts == 0 {
		return ignoreGone(err)
	}
	p.waits[account] = waiting{at, tried.Attempts, tried.Last}
	return nil
}

// servers returns the asynq servers that live: each worker has some.
func servers(rdb redis.UniversalClient) ([]*asynq.ServerInfo, error) {
	return asynq.NewInspectorFromRedisClient(rdb).Servers()
}
