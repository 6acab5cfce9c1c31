// Package restore settles what is in a Redis that was restored from a backup: what was queued then may have been sent since.
package restore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"go.uber.org/zap"

	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/internal/timing"
	"github.com/volleysms/volley/internal/window"
)

// poll is how often is looked whether somebody has settled what is in Redis.
const poll = 2 * time.Second

// Await returns when what is in Redis may be sent from: at once, unless it was restored from a backup that nobody has settled.
// It returns ctx's error when that ends before.
func Await(ctx context.Context, l *ledger.Ledger, log *zap.Logger) error {
	for said := false; ; {
		at, err := l.Restored(ctx)
		if err == nil && at.IsZero() {
			if said {
				log.Info("what was restored is settled; the work goes on")
			}
			return nil
		}
		if err != nil && ctx.Err() == nil {
			log.Warn("whether Redis was restored from a backup is not known yet", zap.Error(err))
		}
		if err == nil && !said {
			said = true
			log.Error("Redis was restored from a backup: nothing is sent until volley settle has been run", zap.Time("backup", at))
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(poll):
		}
	}
}

// Found is a job with recipients that may have been sent since the backup.
type Found struct {
	Job   string
	Label string
	// Recipients are how many; Sending are those of them that were on the wire when the backup was made.
	Recipients, Sending int64
}

// Settler finds and settles them. Guard returns an account's quiet hours.
type Settler struct {
	Ledger *ledger.Ledger
	Guard  func(account string) (*window.Guard, error)
	Now    time.Time
}

// detail is what an outcome says that is settled.
const detail = "may have been sent after the backup of %s, from which Redis was restored"

// Look returns what Settle would change.
func (s *Settler) Look(ctx context.Context) ([]Found, error) {
	return s.each(ctx, func(job ledger.Job, f *Found) error {
		counts, err := s.Ledger.Counts(ctx, job.Spec.ID)
		if err != nil {
			return err
		}
		f.Sending = counts[ledger.Sending]
		f.Recipients = f.Sending
		due := s.due(&job)
		for b, err := range s.Ledger.Queued(ctx, job) {
			if err != nil {
				return err
			}
			for i := range b.Recipients {
				if due(job.Spec.Account(b.Via), &b.Recipients[i]) {
					f.Recipients++
				}
			}
		}
		return nil
	})
}

// Settle makes them unknown: a report settles them, or an operator. backup is when the backup was made. Nobody may be
// sending; ledger.ErrLost when somebody is, with what had been settled before that.
func (s *Settler) Settle(ctx context.Context, backup time.Time) ([]Found, error) {
	why := fmt.Sprintf(detail, backup.UTC().Format(time.RFC3339))
	token := "settle/" + uuid.NewString() + "/"
	return s.each(ctx, func(job ledger.Job, f *Found) error {
		counts, err := s.Ledger.Counts(ctx, job.Spec.ID)
		if err != nil {
			return err
		}
		f.Sending = counts[ledger.Sending]
		f.Recipients, err = s.Ledger.Doubt(ctx, job, token, s.Now, why, s.due(&job))
		return err
	})
}

// each looks at the jobs that may have been sending since: all that have not ended, but those whose time is still to come.
func (s *Settler) each(ctx context.Context, look func(ledger.Job, *Found) error) ([]Found, error) {
	ids, err := s.Ledger.Live(ctx)
	if err != nil {
		return nil, err
	}
	out := []Found{}
	for _, id := range ids {
		job, err := s.Ledger.Job(ctx, id)
		if errors.Is(err, ledger.ErrNotFound) {
			continue
		}
		if err != nil {
			return out, err
		}
		if job.Sealed == "" || job.Control == ledger.Withdrawn || job.Spec.At > s.Now.UnixMilli() && !job.Spec.AtGateway {
			continue
		}
		f := Found{Job: id, Label: job.Spec.Label}
		err = look(job, &f)
		if f.Recipients > 0 {
			out = append(out, f)
		}
		if err != nil {
			return out, fmt.Errorf("job %s: %w", id, err)
		}
	}
	return out, nil
}

// due tells of whom the time has come: nobody else can have been sent to. When that can't be worked out it may have been.
func (s *Settler) due(job *ledger.Job) func(account string, r *ledger.Recipient) bool {
	if job.Spec.Time == nil {
		return func(string, *ledger.Recipient) bool { return true }
	}
	turns := map[string]*timing.Turns{}
	return func(account string, r *ledger.Recipient) bool {
		t, ok := turns[account]
		if !ok {
			if guard, err := s.Guard(account); err == nil {
				t, _ = timing.Always(&job.Spec, guard)
			}
			turns[account] = t
		}
		return t == nil || !t.Gate.Ripe(t.Person(r)).After(s.Now)
	}
}
