package worker

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/internal/task"
)

// take becomes the batch's owner, also after one that has died.
func (w *Worker) take(ctx context.Context, ref task.Ref) (ledger.Held, error) {
	token := w.token()
	w.holds.Store(token, struct{}{})
	held, err := w.ledger.Take(ctx, ref.Job, ref.Batch, token, "")
	if errors.Is(err, ledger.ErrLost) {
		owner := held.Token
		var dead bool
		if dead, err = w.dead(ctx, owner); err != nil || !dead {
			w.holds.Delete(token)
			return held, errors.Join(err, ledger.ErrLost)
		}
		w.log.Warn("a worker died with a batch; what it had on the wire is unknown now", zap.String("worker", owner),
			zap.String("job", ref.Job), zap.Int("batch", ref.Batch))
		held, err = w.ledger.Take(ctx, ref.Job, ref.Batch, token, owner)
	}
	if err != nil {
		w.holds.Delete(token)
	}
	return held, err
}

// deathsKnown is for how long it is remembered of a worker that it is dead.
const deathsKnown = time.Minute

// deaths are the workers that were found dead. The zero value is none; it is safe for concurrent use.
type deaths struct{ at sync.Map } // time.Time by worker

func (d *deaths) known(worker string) bool {
	at, ok := d.at.Load(worker)
	return ok && time.Since(at.(time.Time)) < deathsKnown
}

// dead reports whether the owner of a token is gone for good. It looks twice, a while apart: after a pause of Redis
// itself the heartbeats of the living are late. Of a worker that was found dead lately one look says whether it still is: it may
// have held thousands of batches.
func (w *Worker) dead(ctx context.Context, owner string) (bool, error) {
	if w.mine(owner) {
		_, held := w.holds.Load(owner)
		return !held, nil // the answer to a Take of this process was lost
	}
	worker, looks := ledger.WorkerOf(owner), 2
	if w.deaths.known(worker) {
		looks = 1
	}
	for look := range looks {
		if look > 0 {
			select {
			case <-time.After(heartbeatEvery + heartbeatEvery/4):
			case <-w.stopCtx.Done():
				return false, nil
			}
		}
		alive, err := w.ledger.Alive(ctx, owner)
		if alive {
			w.deaths.at.Delete(worker)
		}
		if err != nil || alive {
			return false, err
		}
	}
	w.deaths.at.Store(worker, time.Now())
	return true, nil
}
