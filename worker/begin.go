package worker

import (
	"context"
	"time"
)

// begin lets the sending of a scheduled job start, if its time has come by now: from then on it can't be rescheduled.
// Before that it is a waitError, as it is for a job that has started ahead of its time (see prepare). The job is returned
// with the time that holds.
func (w *Worker) begin(ctx context.Context, job *jobInfo, now time.Time) (*jobInfo, error) {
	if job.spec.At == 0 || job.spec.AtGateway {
		return job, nil
	}
	if job.begun {
		if at := time.UnixMilli(job.spec.At); at.After(now) {
			return nil, &waitError{w.clock.here(at), job} // a worker that had it ready has given it back, or died
		}
		return job, nil
	}
	begun, at, err := w.ledger.BeginSending(ctx, job.spec.ID, job.spec.At, now)
	if err != nil {
		return nil, err
	}
	own := *job // what is being sent keeps the one that it has
	own.spec.At, own.begun = at, begun
	if !begun {
		return nil, &waitError{w.clock.here(time.UnixMilli(at)), &own}
	}
	return &own, nil
}
