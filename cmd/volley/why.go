package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/redis/go-redis/v9"
	"github.com/spf13/cobra"

	"github.com/volleysms/volley/internal/config"
	"github.com/volleysms/volley/internal/why"
	"github.com/volleysms/volley/sms"
)

func newWhy(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "why JOB|MSISDN",
		Short: "Tell what a job, or a number, is waiting for, and when it goes on",
		Long: `Tell what the queued recipients of a job, or a number in all jobs, are waiting for: the rule, the setting that it comes from,
and when it goes on, as far as that is known. It is told from what workers go by: a pause, the time, windows and quiet hours, an
account that is suspended or down, workers that are not there, pauses between attempts, limits of an account, and other jobs.`,
		Example: `  volley why 0197c1b2-7a4e-7000-8000-000000000000
  volley why "+45 00 12 34 56" --json`,
		Args: oneArg("a JOB or an MSISDN"),
		RunE: func(cmd *cobra.Command, args []string) error {
			to, numberErr := sms.ParseMSISDN(args[0])
			isJob := uuid.Validate(args[0]) == nil
			if numberErr != nil && !isJob {
				return invalid("%q is neither the ID of a job nor a number: %w", args[0], numberErr)
			}
			cfg, err := a.config()
			if err != nil {
				return err
			}
			return a.withRedis(cmd.Context(), cfg, func(rdb redis.UniversalClient) error {
				f := finder(cfg, rdb)
				if isJob {
					return a.whyJob(cmd.Context(), f, args[0])
				}
				return a.whyNumber(cmd.Context(), f, to)
			})
		},
	}
}

// finder knows the configuration's accounts.
func finder(cfg *config.Config, rdb redis.UniversalClient) *why.Finder {
	f := &why.Finder{Redis: rdb, Guard: guards(cfg), Now: time.Now(), Accounts: map[string]why.Account{}}
	for _, acc := range cfg.Accounts {
		var limits []string
		for _, l := range []struct {
			key  string
			rate config.Rate
		}{{"rate", acc.Rate}, {"recipients", acc.Recipients}, {"segments", acc.Segments}} {
			if l.rate != (config.Rate{}) {
				limits = append(limits, l.key+": "+l.rate.String())
			}
		}
		f.Accounts[acc.Name] = why.Account{Limits: strings.Join(limits, ", "), Attempts: cfg.Retry.MaxAttempts}
	}
	return f
}

func (a *app) whyJob(ctx context.Context, f *why.Finder, id string) error {
	j, err := f.Job(ctx, id)
	if err != nil {
		return noSuchJob(id, err)
	}
	if a.json {
		return writeJSON(a.stdout, j)
	}
	fmt.Fprintf(a.stdout, "The job is %s: %s queued, %s on the wire.\n", a.paint(stateColour(j.State), j.State), plural(j.Queued, "recipient"), count(j.Sending))
	if len(j.Reasons) == 0 {
		fmt.Fprintln(a.stdout, "Nobody is waiting.")
		return nil
	}
	a.showReasons(j.Reasons)
	return nil
}

func (a *app) whyNumber(ctx context.Context, f *why.Finder, to sms.MSISDN) error {
	found, err := f.Number(ctx, to)
	if err != nil {
		return err
	}
	if a.json {
		if found == nil {
			found = []why.Recipient{}
		}
		return writeJSON(a.stdout, found)
	}
	if len(found) == 0 {
		return errors.New("no job that Redis has is to this number: volley find looks in PostgreSQL as well")
	}
	for _, r := range found {
		fmt.Fprintf(a.stdout, "%s %s: %s", r.JobID, r.Label, a.paint(stateColour(r.Status), r.Status))
		if len(r.Reasons) == 0 {
			fmt.Fprintf(a.stdout, ", %s", r.Detail)
		}
		fmt.Fprintln(a.stdout)
		if len(r.Reasons) > 0 {
			a.showReasons(r.Reasons)
		}
	}
	return nil
}

func (a *app) showReasons(reasons []why.Reason) {
	t := a.newTable("Waits for", "Account", "What is known", "Goes on", "Setting")
	for _, r := range reasons {
		until := "not known"
		if r.Until != nil {
			until = clock(r.Until)
		}
		t.AppendRow(table.Row{string(r.Rule), r.Account, r.Detail, until, r.Setting})
	}
	t.Render()
}
