package main

import (
	"context"
	"fmt"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/volleysms/volley/enqueue"
)

func newStatus(a *app) *cobra.Command {
	var recent int
	var scheduled, history bool
	cmd := &cobra.Command{
		Use:   "status [JOB]",
		Short: "Show how far a job has come; without JOB, the jobs enqueued last",
		Example: `  volley status
  volley status --scheduled
  volley status 0197c1b2-7a4e-7000-8000-000000000000 --history
  volley status 0197c1b2-7a4e-7000-8000-000000000000 --json | jq .counts.accepted`,
		Args: atMostOneArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			if recent < 1 || recent > 1000 {
				return invalid("--limit is 1 to 1000, and not %d", recent)
			}
			if scheduled && len(args) > 0 {
				return invalid("--scheduled lists jobs, and can't be given together with one")
			}
			if history && len(args) == 0 {
				return invalid("--history is one job's: name it")
			}
			return a.withClient(cmd.Context(), func(c *enqueue.Client) error {
				if scheduled {
					return a.scheduledJobs(cmd.Context(), c, recent)
				}
				if len(args) == 0 {
					return a.recentJobs(cmd.Context(), c, recent)
				}
				return noSuchJob(args[0], a.jobStatus(cmd.Context(), c, args[0], history))
			})
		},
	}
	cmd.Flags().IntVar(&recent, "limit", 20, "how many jobs are listed without JOB")
	cmd.Flags().BoolVar(&history, "history", false, "add who asked what to be done to the job, and when")
	cmd.Flags().BoolVar(&scheduled, "scheduled", false, "list the jobs that wait for their time, the next one first")
	return cmd
}

func (a *app) jobStatus(ctx context.Context, c *enqueue.Client, job string, history bool) error {
	s, err := c.Status(ctx, job)
	if err != nil {
		return err
	}
	var entries []enqueue.Entry
	if history {
		if entries, err = c.History(ctx, job); err != nil {
			return err
		}
	}
	if a.json {
		return writeJSON(a.stdout, struct {
			enqueue.Status
			History []enqueue.Entry `json:"history,omitempty"`
		}{s, entries})
	}
	a.showStatus(s)
	if history {
		a.showHistory(entries)
	}
	return nil
}

func (a *app) showHistory(entries []enqueue.Entry) {
	t := a.newTable("When", "Asked for", "By", "Recipients", "Detail", "Reason")
	rightAligned(t, 4)
	for _, e := range entries {
		changed := "not known"
		if e.Changed != nil {
			changed = count(*e.Changed)
		}
		t.AppendRow(table.Row{clock(&e.At), e.Action, e.By, changed, e.Detail, e.Reason})
	}
	t.Render()
}

func (a *app) showStatus(s enqueue.Status) {
	head := [][2]string{
		{"Job", s.JobID},
		{"Via", s.Via},
		{"State", a.paint(stateColour(string(s.State)), string(s.State))},
		{"Created", clock(&s.CreatedAt)},
	}
	if s.Reason != "" {
		head = append(head, [2]string{"Reason", s.Reason})
	}
	if s.Label != "" {
		head = append(head, [2]string{"Label", s.Label})
	}
	if s.ScheduleAt != nil {
		head = append(head, [2]string{"Scheduled", clock(s.ScheduleAt)})
	}
	head = append(head, timingRows(s.Timing)...)
	if s.CompletedAt != nil {
		head = append(head, [2]string{"Completed", clock(s.CompletedAt)})
	}
	for _, h := range head {
		fmt.Fprintf(a.stdout, "%-10s %s\n", h[0], h[1])
	}
	t := a.newTable("Recipients", "")
	rightAligned(t, 2)
	for _, c := range counts(s.Counts) {
		if c.n > 0 {
			t.AppendRow(table.Row{a.paint(stateColour(c.state), c.state), count(c.n)})
		}
	}
	t.AppendFooter(table.Row{"total", count(s.Counts.Total)})
	t.Render()
}

// timingRows are what a job's status says about time.
func timingRows(t enqueue.Timing) (rows [][2]string) {
	add := func(name, value string) {
		if value != "" {
			rows = append(rows, [2]string{name, value})
		}
	}
	if t.AtLocal != "" {
		add("At", t.AtLocal+" in each recipient's zone")
	}
	add("Window", t.Window)
	if t.NotAfter != nil {
		add("Not after", clock(t.NotAfter))
	}
	if t.MaxLate != "" {
		add("Not after", t.MaxLate+" from when it was due")
	}
	if t.WaitingUntil != nil {
		add("Waiting", "until "+clock(t.WaitingUntil)+": "+t.WaitingFor)
	}
	return rows
}

type stateCount struct {
	state string
	n     int64
}

// counts are the states in the order a recipient goes through them.
func counts(c enqueue.Counts) []stateCount {
	return []stateCount{
		{"queued", c.Queued},
		{"sending", c.Sending},
		{"accepted", c.Accepted},
		{"delivered", c.Delivered},
		{"undelivered", c.Undelivered},
		{"rejected", c.Rejected},
		{"failed", c.Failed},
		{"expired", c.Expired},
		{"cancelled", c.Cancelled},
		{"suppressed", c.Suppressed},
		{"unknown", c.Unknown},
	}
}

// recentJobs lists the latest jobs, the newest first.
func (a *app) recentJobs(ctx context.Context, c *enqueue.Client, limit int) error {
	list, err := c.List(ctx, 0, limit, false)
	if err != nil {
		return err
	}
	jobs := list.Jobs
	if a.json {
		return writeJSON(a.stdout, jobs)
	}
	if len(jobs) == 0 {
		fmt.Fprintln(a.stdout, "There is no job yet: volley send or volley import enqueues one.")
		return nil
	}
	t := a.newTable("Job", "Via", "State", "Created", "Recipients", "Open", "Label")
	rightAligned(t, 5, 6)
	for _, s := range jobs {
		t.AppendRow(table.Row{
			s.JobID, s.Via, a.paint(stateColour(string(s.State)), string(s.State)), clock(&s.CreatedAt),
			count(s.Counts.Total), count(s.Counts.Queued + s.Counts.Sending), s.Label,
		})
	}
	t.Render()
	return nil
}
