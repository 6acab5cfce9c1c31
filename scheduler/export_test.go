package scheduler

import (
	"context"
	"time"
)

// SetNow gives a Scheduler another clock.
func (s *Scheduler) SetNow(now func() time.Time) {
	s.store.Now = func(context.Context) (time.Time, error) { return now(), nil }
}

// SetReached is called at each step of a firing; its error is the scheduler's death.
func (s *Scheduler) SetReached(f func(step string) error) { s.reached = f }

// Look is one look at what is due, to its end.
func (s *Scheduler) Look(ctx context.Context) error {
	names, _, err := s.due(ctx)
	for _, name := range names {
		if err == nil {
			err = s.visit(ctx, name)
		}
	}
	return err
}

// Attend looks after a schedule although another scheduler may do so at the same time.
func (s *Scheduler) Attend(ctx context.Context, name string) error { return s.attend(ctx, name) }
