package worker

import (
	"errors"
	"time"
)

// backError sends a task back to its queue, to be taken again after a pause. It is no failure: nothing is counted, and
// the task is never archived.
type backError struct{ pause time.Duration }

func (e *backError) Error() string { return "back to the queue" }

// pauseOf is how long asynq keeps a task whose handler returned err. asynq cuts to whole seconds, so one is added.
func pauseOf(_ int, err error) time.Duration {
	var b *backError
	var w *waitError
	if errors.As(err, &w) {
		return max(0, time.Until(w.until)) // what comes up too early by less than a second is waited for
	}
	if errors.As(err, &b) && b.pause <= 0 {
		return 0
	}
	if b != nil {
		return b.pause + time.Second
	}
	return 5 * time.Second
}
