package ledger

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
)

// Errors of CancelRef; compare with errors.Is.
var (
	// ErrNoRef: no recipient of the job has that ref.
	ErrNoRef = errors.New("no recipient of the job has that ref")
	// ErrBusy: a worker has the recipients' batch for longer than was waited.
	ErrBusy = errors.New("a worker has it just now")
)

// How long CancelRef waits for a batch that somebody holds, and how often it looks.
const (
	refPatience = 5 * time.Second
	refPause    = 50 * time.Millisecond
)

// CancelRef cancels the recipients of a job that are queued and have the ref, and returns how many they were. ErrNoRef when
// nobody has it, ErrBusy when a worker does not let go of a batch in which one is queued.
func (l *Ledger) CancelRef(ctx context.Context, job Job, ref string, now time.Time) (cancelled int64, err error) {
	found := false
	var batches []int
	for v, err := range l.views(ctx, job) {
		if err != nil {
			return 0, err
		}
		for i, r := range v.batch.Recipients {
			if r.Ref != ref {
				continue
			}
			found = true
			if v.records[i].State.Open() && (len(batches) == 0 || batches[len(batches)-1] != v.number) {
				batches = append(batches, v.number)
			}
		}
	}
	if !found {
		return 0, ErrNoRef
	}
	for _, b := range batches {
		n, err := l.cancelRef(ctx, job.Spec.ID, b, ref, now)
		cancelled += n
		if err != nil {
			return cancelled, err
		}
	}
	return cancelled, nil
}

// cancelRef becomes the owner of a batch for a moment, as soon as nobody else is.
func (l *Ledger) cancelRef(ctx context.Context, job string, batch int, ref string, now time.Time) (int64, error) {
	token := "control/" + uuid.NewString()
	held, err := l.Take(ctx, job, batch, token, "")
	for end := time.Now().Add(refPatience); errors.Is(err, ErrLost); held, err = l.Take(ctx, job, batch, token, "") {
		if time.Now().After(end) {
			return 0, ErrBusy
		}
		select {
		case <-time.After(refPause):
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	if err != nil {
		return 0, err
	}
	c := Commit{Seq: 1, Via: -1, Release: true}
	var n int64
	open := false
	for i, rec := range held.Records {
		if rec.State == Queued && held.Recipients[i].Ref == ref {
			rec.State, rec.At = Cancelled, now.UnixMilli()
			c.Records.Set(i, Queued, rec)
			n++
		}
		open = open || rec.State.Open()
	}
	if _, _, err := l.Commit(ctx, &held, &c); err != nil {
		return 0, err
	}
	if open {
		return n, nil
	}
	_, err = l.Finish(ctx, job, batch, now)
	return n, err
}

// FoundRef is a recipient who has a ref.
type FoundRef struct {
	Recipient
	State State
}

// FindRef returns the recipients of a job who have the ref, reports taken into account. ErrNoRef when nobody has it.
func (l *Ledger) FindRef(ctx context.Context, job Job, ref string) (found []FoundRef, err error) {
	for v, err := range l.views(ctx, job) {
		if err != nil {
			return nil, err
		}
		for i, r := range v.batch.Recipients {
			if r.Ref == ref {
				found = append(found, FoundRef{r, v.records[i].State})
			}
		}
	}
	if len(found) == 0 {
		return nil, ErrNoRef
	}
	return found, nil
}
