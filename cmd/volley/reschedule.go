package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/volleysms/volley/enqueue"
)

func newReschedule(a *app) *cobra.Command {
	var at, tz string
	var ask askFlags
	cmd := a.control("reschedule", "Move the time of a scheduled job",
		`Move the time at which the sending of a scheduled job starts. Once this has returned it starts at the new time, neither
before nor by the old one. A job whose sending has started stays as it is.`,
		func(ctx context.Context, c *enqueue.Client, job string) (effect, error) {
			loc, err := time.LoadLocation(tz)
			if err != nil || tz == "Local" {
				return effect{}, invalid("--tz %q is no time zone: name one such as Europe/Copenhagen", tz)
			}
			when, err := enqueue.ParseWhen(at, loc, time.Now())
			if err != nil {
				return effect{}, invalid("--at: %w", err)
			}
			err = c.Reschedule(ctx, job, when, ask.ask())
			if errors.Is(err, enqueue.ErrBegun) {
				err = errors.New("the job's sending has started: volley pause or cancel stop it")
			}
			return effect{}, err
		})
	cmd.Use = "reschedule JOB --at TIME"
	cmd.Example = `  volley reschedule 0197c1b2-7a4e-7000-8000-000000000000 --at "2028-01-31 09:00:00" --tz Europe/Copenhagen
  volley reschedule 0197c1b2-7a4e-7000-8000-000000000000 --at 2h`
	f := cmd.Flags()
	f.StringVar(&at, "at", "", "the new `time`: RFC 3339, \"2028-01-31 09:30:00\" or 86400s from now")
	f.StringVar(&tz, "tz", "", "time `zone` of --at, such as Europe/Copenhagen (default UTC)")
	ask.register(cmd)
	_ = cmd.MarkFlagRequired("at") // an error only for a flag that is not there
	return cmd
}

// scheduledJobs lists the jobs that wait for their time, the next one first.
func (a *app) scheduledJobs(ctx context.Context, c *enqueue.Client, limit int) error {
	jobs, err := c.Scheduled(ctx, limit)
	if err != nil {
		return err
	}
	if a.json {
		return writeJSON(a.stdout, jobs)
	}
	if len(jobs) == 0 {
		fmt.Fprintln(a.stdout, "No job waits for its time.")
		return nil
	}
	t := a.newTable("Job", "Via", "Scheduled", "Recipients", "Label")
	rightAligned(t, 4)
	for _, s := range jobs {
		t.AppendRow(table.Row{s.JobID, s.Via, clock(s.ScheduleAt), count(s.Counts.Total), s.Label})
	}
	t.Render()
	return nil
}
