package ledger

import (
	"context"
	_ "embed"
	"errors"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"
)

//go:embed lua/control.lua
var controlLua string

//go:embed lua/reopen.lua
var reopenLua string

var (
	controlScript = redis.NewScript(noteLua + controlLua)
	reopenScript  = redis.NewScript(reopenLua)
)

// Errors of control; compare with errors.Is.
var (
	// ErrCompleted: the job has nothing left that could be stopped.
	ErrCompleted = errors.New("the job is completed")
	// ErrCancelled: the job was cancelled, which is for good.
	ErrCancelled = errors.New("the job is cancelled")
)

// SetControl sets a job's control word, and writes who asked for it to the job's history. When it returns without an error
// no further call of the job is claimed (Paused, Withdrawn), or they are again (Run). Doing it again changes nothing and
// repairs what a crash may have left undone. Withdrawn is for good.
func (l *Ledger) SetControl(ctx context.Context, job string, word Control, e *Entry) error {
	packed, err := e.pack()
	if err != nil {
		return err
	}
	n, err := controlScript.Run(ctx, l.rdb, []string{jobKey(job), historyKey(job)}, string(word), e.Reason, packed, MaxHistory).Int()
	if err != nil {
		return err
	}
	if err := controlError(n); err != nil {
		return err
	}
	e.number = int64(n)
	return l.Spread(ctx, job)
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

// Reopen queues the recipients again that are in one of the given states, with a new budget of attempts. It returns how
// many they are and which batches have some; those begin again with the first account of their leg. Of a batch that somebody holds nothing is changed. ErrCancelled when the job
// was cancelled; nothing is written then.
func (l *Ledger) Reopen(ctx context.Context, job Job, states ...State) (queued int64, batches []int, err error) {
	if job.Control == Withdrawn {
		return 0, nil, ErrCancelled
	}
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
	// Once more: as long as it was completed a sweep could take it off the list.
	if err := l.rdb.ZAddNX(ctx, keyLive, redis.Z{Score: float64(job.Spec.Created), Member: job.Spec.ID}).Err(); err != nil {
		return 0, nil, err
	}
	n, err := l.amend(ctx, batches, func(ctx context.Context, batch int, token string) (int64, error) {
		return l.requeue(ctx, &job.Spec, batch, token, states)
	})
	for _, c := range n {
		queued += max(0, c)
	}
	return queued, batches, err
}

// CountIn returns how many recipients Reopen would queue again.
func (l *Ledger) CountIn(ctx context.Context, job Job, states ...State) (n int64, err error) {
	for v, err := range l.views(ctx, job) {
		if err != nil {
			return 0, err
		}
		for i := range v.records {
			if v.batch.Recipients[i].To != 0 && slices.Contains(states, v.records[i].State) {
				n++
			}
		}
	}
	return n, nil
}

// atOnce is how many batches are amended at a time.
const atOnce = 8

// amend lets change become the owner of each batch for a moment, as token, and change it. It returns how many recipients
// changed in each batch, -1 where somebody else holds it or it could not be done.
func (l *Ledger) amend(ctx context.Context, batches []int, change func(ctx context.Context, batch int, token string) (int64, error)) ([]int64, error) {
	owner := "control/" + uuid.NewString() + "/"
	out := make([]int64, len(batches))
	errs := make([]error, atOnce)
	var wg sync.WaitGroup
	for k := range min(atOnce, len(batches)) {
		wg.Go(func() {
			for i := k; i < len(batches); i += atOnce {
				var err error
				if out[i], err = change(ctx, batches[i], owner+strconv.Itoa(batches[i])); err != nil {
					out[i] = -1
				}
				if !errors.Is(err, ErrLost) {
					errs[k] = errors.Join(errs[k], err)
				}
			}
		})
	}
	wg.Wait()
	return out, errors.Join(errs...)
}

// finishAll is Finish for many batches.
func (l *Ledger) finishAll(ctx context.Context, job string, batches []int, now time.Time) error {
	for some := range slices.Chunk(batches, 1000) {
		finished := make([]Finished, len(some))
		for i, b := range some {
			finished[i].Batch = b
		}
		if _, _, err := l.FinishAll(ctx, job, finished, now); err != nil {
			return err
		}
	}
	return nil
}
