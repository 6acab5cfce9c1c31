package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/inbound"
	"github.com/volleysms/volley/sms"
)

// forgotten is what forget has done.
type forgotten struct {
	// Job is the job that was deleted, or empty.
	Job string `json:"job_id,omitempty"`
	// Forgotten is about Redis.
	*enqueue.Forgotten
	// Postgres is how many rows of PostgreSQL were deleted, or emptied.
	Postgres int64 `json:"postgres"`
	Inbound  int   `json:"inbound"`
	// Suppressed are the lists of opt-outs that the number stays on.
	Suppressed []enqueue.Suppression `json:"suppressed,omitempty"`
	// Schedules list the number, and are for their owner to change.
	Schedules []string `json:"schedules,omitempty"`
}

var errNotAll = errors.New("not everything has been forgotten")

func newForget(a *app) *cobra.Command {
	var ask askFlags
	cmd := &cobra.Command{
		Use:   "forget MSISDN|JOB",
		Short: "Erase a number, or a whole job, for good",
		Long: `Erase a number, or a whole job, from Redis and from PostgreSQL, where the configuration names one (outcomes.postgres).
It can't be undone.

Of a number its digits, reference and personal fields, the gateway's identifiers and words, and the messages that came from
it are erased. What is left is that there was somebody, and what became of them, so that every count stays as it was. A
recipient that is still queued is cancelled before. On a list of opt-outs it stays, and that is told: who must not be sent
to has to be known for that; volley suppress remove takes it off. The lists of schedules are left alone, and named. What a schedule read for its last ticks goes by itself after two days, and a report that waits for its
recipient's outcome after reports.give_up.

Of a job everything is erased, once it has completed: cancel it before. As long as its idempotency key is remembered a
producer who repeats it gets its receipt, and nothing is sent again.`,
		Example: `  volley forget "+45 00 12 34 56"
  volley forget 0197c1b2-7a4e-7000-8000-000000000000`,
		Args: oneArg("an MSISDN or a JOB"),
		RunE: func(cmd *cobra.Command, args []string) error {
			to, numberErr := sms.ParseMSISDN(args[0])
			isJob := uuid.Validate(args[0]) == nil
			if numberErr != nil && !isJob {
				return invalid("%q is neither the ID of a job nor a number: %w", args[0], numberErr)
			}
			return a.withAll(cmd.Context(), func(s *stores) error {
				var done forgotten
				var err error
				if isJob {
					done, err = s.forgetJob(cmd.Context(), args[0])
				} else {
					done, err = s.forgetNumber(cmd.Context(), to, ask.ask())
				}
				if err != nil {
					return err
				}
				if a.json {
					return writeJSON(a.stdout, done)
				}
				a.showForgotten(done)
				return nil
			})
		},
	}
	ask.register(cmd)
	return cmd
}

// forgetNumber erases from Redis first: what is carried to PostgreSQL after that has no number.
func (s *stores) forgetNumber(ctx context.Context, to sms.MSISDN, ask enqueue.Ask) (forgotten, error) {
	inRedis, err := s.client.Forget(ctx, to, ask)
	done := forgotten{Forgotten: &inRedis}
	switch {
	case errors.Is(err, enqueue.ErrBusy):
		return done, fmt.Errorf("%w: a message to it may be on its way; try again in a moment: %w", errNotAll, err)
	case errors.Is(err, enqueue.ErrBeingWritten):
		return done, fmt.Errorf("%w: try again when it is enqueued: %w", errNotAll, err)
	case err != nil:
		return done, err
	}
	if done.Inbound, err = inbound.NewStream(s.rdb).Forget(ctx, to); err != nil {
		return done, fmt.Errorf("%w: %w", errNotAll, err)
	}
	if s.record.store != nil {
		if done.Postgres, err = s.record.store.ForgetNumber(ctx, to); err != nil {
			return done, fmt.Errorf("%w: Redis has forgotten it; try again for the rest: %w", errNotAll, err)
		}
	}
	if done.Suppressed, err = s.client.SuppressionsOf(ctx, to); err != nil {
		return done, err
	}
	done.Schedules, err = s.schedules(ctx, to)
	return done, err
}

func (s *stores) forgetJob(ctx context.Context, id string) (forgotten, error) {
	done := forgotten{Job: id}
	err := s.client.Remove(ctx, id)
	gone := errors.Is(err, enqueue.ErrNotFound)
	switch {
	case errors.Is(err, enqueue.ErrOpen):
		return done, invalid("the job has recipients that are still to be sent to; first run: volley cancel %s", id)
	case err != nil && !gone:
		return done, err
	}
	found := false
	if s.record.store != nil {
		if done.Postgres, found, err = s.record.store.ForgetJob(ctx, id); err != nil {
			return done, fmt.Errorf("%w: Redis has forgotten it; try again for the rest: %w", errNotAll, err)
		}
	}
	if gone && !found {
		return done, noSuchJob(id, enqueue.ErrNotFound)
	}
	return done, nil
}

func (a *app) showForgotten(f forgotten) {
	if f.Job != "" {
		fmt.Fprintln(a.stdout, "The job is forgotten.")
	} else {
		fmt.Fprintf(a.stdout, "Forgotten: %s in Redis (%s), %s from it, %s of PostgreSQL.\n", plural(int64(f.Recipients), "recipient"),
			plural(int64(f.Jobs), "job"), plural(int64(f.Inbound), "message"), plural(f.Postgres, "row"))
		if f.Cancelled > 0 {
			fmt.Fprintf(a.stdout, "%s had not been sent to, and will not be.\n", plural(int64(f.Cancelled), "recipient"))
		}
	}
	a.showSuppressions(f.Suppressed, "It stays on %s, since %s%s, so that nobody sends to it%s; volley suppress remove takes it off.\n")
	for _, name := range f.Schedules {
		fmt.Fprintf(a.stdout, "The schedule %s still lists it: take it out with volley schedules apply.\n", name)
	}
}
