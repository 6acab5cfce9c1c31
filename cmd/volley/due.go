package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/spf13/cobra"

	"github.com/volleysms/volley/internal/config"
	"github.com/volleysms/volley/internal/due"
	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/internal/timing"
	"github.com/volleysms/volley/internal/window"
)

// dueLine is one recipient as volley due --json shows them.
type dueLine struct {
	At    time.Time `json:"at"`
	To    string    `json:"to"`
	Ref   string    `json:"ref,omitempty"`
	JobID string    `json:"job_id"`
	Why   string    `json:"why,omitempty"`
}

func newDue(a *app) *cobra.Command {
	var within time.Duration
	var limit int
	cmd := &cobra.Command{
		Use:   "due [JOB]",
		Short: "Tell who is to be sent to when",
		Long: `Tell who is to be sent to when, the next one first: of one job, or of all that are not completed. Each recipient's own
time and zone, windows and quiet hours count. Whoever waits for the account, and not for a time, is due now; paused jobs
have nobody who is due.`,
		Example: `  volley due
  volley due 0197c1b2-7a4e-7000-8000-000000000000 --within 72h --limit 1000 --json`,
		Args: atMostOneArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case within <= 0:
				return invalid("--within is a time such as 24h, and not %v", within)
			case limit < 1 || limit > maxDue:
				return invalid("--limit is 1 to %s, and not %d", count(maxDue), limit)
			}
			return a.due(cmd.Context(), args, within, limit)
		},
	}
	f := cmd.Flags()
	f.DurationVar(&within, "within", 24*time.Hour, "list who is due within this `time`")
	f.IntVar(&limit, "limit", 50, "list at most so `many`")
	return cmd
}

// maxDue bounds what volley due lists.
const maxDue = 1_000_000

func (a *app) due(ctx context.Context, jobs []string, within time.Duration, limit int) error {
	cfg, err := a.config()
	if err != nil {
		return err
	}
	return a.withRedis(ctx, cfg, func(rdb redis.UniversalClient) error {
		l := ledger.New(rdb)
		if len(jobs) > 0 {
			if _, err := l.Job(ctx, jobs[0]); err != nil {
				return noSuchJob(jobs[0], err)
			}
		} else if jobs, err = l.Live(ctx); err != nil {
			return err
		}
		now := time.Now()
		list, err := (&due.Finder{Ledger: l, Guard: guards(cfg), Now: now, By: now.Add(within), Limit: limit}).Find(ctx, jobs)
		if err != nil {
			return err
		}
		return a.showDue(list, within)
	})
}

// guards returns the quiet hours of the configuration's accounts.
func guards(cfg *config.Config) func(account string) (*window.Guard, error) {
	return func(account string) (*window.Guard, error) {
		own := ""
		for _, acc := range cfg.Accounts {
			if acc.Name == account {
				own = acc.Quiet
			}
		}
		return timing.Guard(own, cfg.Quiet)
	}
}

func (a *app) showDue(list due.List, within time.Duration) error {
	if a.json {
		out := struct {
			Due   int64     `json:"due"`
			Later int64     `json:"later"`
			Never int64     `json:"never"`
			First []dueLine `json:"first"`
		}{list.Due, list.Later, list.Never, []dueLine{}}
		for _, r := range list.First {
			out.First = append(out.First, dueLine{r.At.UTC(), r.To.String(), r.Ref, r.Job, string(r.Why)})
		}
		return writeJSON(a.stdout, out)
	}
	if len(list.First) > 0 {
		t := a.newTable("At", "To", "Ref", "Job", "Waits for")
		for _, r := range list.First {
			t.AppendRow([]any{clock(&r.At), r.To.String(), r.Ref, r.Job, cmp.Or(string(r.Why), "its account")})
		}
		t.Render()
	}
	fmt.Fprintf(a.stdout, "%s due within %s", plural(list.Due, "recipient"), plainly(within))
	if n := list.Due - int64(len(list.First)); n > 0 {
		fmt.Fprintf(a.stdout, ", of whom the first %s are listed", count(int64(len(list.First))))
	}
	if list.Later > 0 {
		fmt.Fprintf(a.stdout, "; %s later", count(list.Later))
	}
	if list.Never > 0 {
		fmt.Fprintf(a.stdout, "; for %s it will be too late", count(list.Never))
	}
	fmt.Fprintln(a.stdout, ".")
	return nil
}

// plainly writes a duration without parts that are nothing: 24h, not 24h0m0s.
func plainly(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
