package worker

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/volleysms/volley/internal/task"
)

// early is how much too early asynq may hand out a task, which it keeps by the second.
const early = time.Second

// errandTimeout is how long it may take to tell Redis what is no commit.
const errandTimeout = 5 * time.Second

// nap is how long a handler itself waits for a batch's time. One that comes up earlier leaves its place to others.
const nap = 50 * time.Millisecond

// attend is Worker.batch, but that it does not let go of a batch whose time is near.
func (a *account) attend(ref task.Ref) (pause time.Duration, err error) {
	for {
		pause, err := a.w.batch(a.w.hard, a, ref)
		var wait *waitError
		if !errors.As(err, &wait) {
			return pause, err
		}
		left := time.Until(wait.until)
		switch {
		case left > nap && left <= task.Ahead+early && a.prepare(wait.job, ref, wait.until):
			return 0, nil
		case left > early:
			return 0, wait
		case left > nap:
			a.park(task.QueueFor(&wait.job.spec, a.name, ref.Batch), ref, left)
			return 0, nil
		}
		select {
		case <-time.After(left):
		case <-a.w.stopCtx.Done():
			return 0, errBack
		}
	}
}

// park puts a batch on its queue again in time, so that it holds up no other meanwhile.
func (a *account) park(queue string, ref task.Ref, left time.Duration) {
	a.busy.Go(func() {
		select {
		case <-time.After(left):
		case <-a.w.stopCtx.Done():
		}
		a.putAgain(queue, ref)
	})
}

// putAfter puts a batch on a queue that it has been taken from, to be taken after a pause.
func (a *account) putAfter(queue string, ref task.Ref, pause time.Duration) {
	if pause < time.Second {
		a.putAgain(queue, ref)
		return
	}
	ctx, cancel := context.WithTimeout(a.w.hard, errandTimeout)
	defer cancel()
	if err := task.Put(ctx, a.w.queue, queue, ref, time.Now().Add(pause)); err != nil {
		a.notPut(err)
	}
}

// putAgain puts a batch on a queue that it has just been taken from. Its old task may be there for a moment longer. When it
// can't be put the sweep does it, which takes seconds.
func (a *account) putAgain(queue string, ref task.Ref) {
	const tries = 20
	var there bool
	var err error
	for range tries {
		ctx, cancel := context.WithTimeout(a.w.hard, errandTimeout)
		there, err = task.PutFree(ctx, a.w.queue, queue, ref)
		cancel()
		if err == nil && !there {
			return
		}
		time.Sleep(nap)
	}
	if err != nil {
		a.notPut(err)
	}
}

func (a *account) notPut(err error) {
	a.w.log.Warn("a batch could not be put on the queue for its time; the sweep does it", zap.String("account", a.name), zap.Error(err))
}
