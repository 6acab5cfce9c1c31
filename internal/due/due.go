// Package due tells who is to be sent to when.
package due

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/internal/timing"
	"github.com/volleysms/volley/internal/window"
	"github.com/volleysms/volley/sms"
)

// Recipient is somebody who is to be sent to.
type Recipient struct {
	Job string
	To  sms.MSISDN
	Ref string
	// At is the first moment at which they may be sent to.
	At time.Time
	// Why is what they wait for; empty for those whose turn has come.
	Why window.Why
}

// List is those who are due first, and how many there are in all.
type List struct {
	First []Recipient
	// Due is how many are due by the time that was asked about, Later how many after it, and Never how many will be expired
	// before they may be sent to.
	Due, Later, Never int64
}

// Finder finds who is due.
type Finder struct {
	Ledger *ledger.Ledger
	// Guard returns an account's quiet hours.
	Guard func(account string) (*window.Guard, error)
	// Now is the time; By is until when who is due is listed, and Limit how many at most.
	Now, By time.Time
	Limit   int
}

// Find looks at the jobs, whose memory is bounded by a batch and by the limit. Jobs that are paused or gone have nobody who is
// due.
func (f *Finder) Find(ctx context.Context, ids []string) (l List, err error) {
	for _, id := range ids {
		job, err := f.Ledger.Job(ctx, id)
		if errors.Is(err, ledger.ErrNotFound) || errors.Is(err, ledger.ErrNewer) {
			continue
		}
		if err == nil && job.Sealed != "" && job.Control == ledger.Run {
			err = f.job(ctx, &job, &l)
		}
		if err != nil {
			return l, err
		}
	}
	l.cut(f.Limit)
	return l, nil
}

func (f *Finder) job(ctx context.Context, job *ledger.Job, l *List) error {
	turns := map[string]*timing.Turns{}
	for b, err := range f.Ledger.Queued(ctx, *job) {
		if err != nil {
			return err
		}
		account := job.Spec.Account(b.Via)
		t := turns[account]
		if t == nil {
			guard, err := f.Guard(account)
			if err != nil {
				return err
			}
			if t, err = timing.Always(&job.Spec, guard); err != nil {
				return err
			}
			turns[account] = t
		}
		for i := range b.Recipients {
			f.add(l, job.Spec.ID, &b.Recipients[i], t)
		}
		if len(l.First) > 4*f.Limit+1024 {
			l.cut(f.Limit)
		}
	}
	return nil
}

// add counts a recipient, and lists them when they are due in time.
func (f *Finder) add(l *List, job string, to *ledger.Recipient, t *timing.Turns) {
	p := t.Person(to)
	v := t.Gate.Look(f.Now, p)
	at := f.Now
	switch {
	case v.Expired:
		l.Never++
		return
	case !v.Open:
		if at = t.Gate.Ripe(p); at.Before(f.Now) {
			at = v.Until
		}
		if at.IsZero() {
			l.Never++
			return
		}
	}
	if at.After(f.By) {
		l.Later++
		return
	}
	l.Due++
	l.First = append(l.First, Recipient{Job: job, To: to.To, Ref: to.Ref, At: at, Why: v.Why})
}

// cut leaves those who are due first, at most n.
func (l *List) cut(n int) {
	slices.SortStableFunc(l.First, func(a, b Recipient) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Job, b.Job))
	})
	if len(l.First) > n {
		l.First = slices.Delete(l.First, n, len(l.First))
	}
}
