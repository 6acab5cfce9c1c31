package worker

import (
	"errors"
	"time"
)

// backError sends a task back to its queue, to be taken again after a pause. It is no failure: nothing is counted, and
// the task is never archived.
type backError struct{ pause time.Duration }

func (e *backError) Error() string { return "back to the queue" }

// pauseBefore is how long a task whose handler returned err is to wait.
func pauseBefore(err error) time.Duration {
	var b *backError
	var w *waitError
	switch {
	case errors.As(err, &w):
		return max(0, time.Until(w.until)) // what comes up too early by less than a second is waited for
	case errors.As(err, &b):
		return b.pause
	}
	return 4 * time.Second
}

// pauseOf is how long asynq keeps a task whose handler returned err. asynq cuts to whole seconds, so one is added.
func pauseOf(_ int, err error) time.Duration {
	pause := pauseBefore(err)
	var w *waitError
	if pause <= 0 || errors.As(err, &w) {
		return max(0, pause)
	}
	return pause + time.Second
}
