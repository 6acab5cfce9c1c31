package main

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/archive"
	"github.com/volleysms/volley/internal/export"
)

func newOutcomes(a *app) *cobra.Command {
	var format string
	var only outcomeFilter
	cmd := &cobra.Command{
		Use:   "outcomes JOB",
		Short: "Write one row per recipient of a job",
		Long: `Write one row per recipient of a job, those refused when it was enqueued included, as CSV or as one JSON object a line.
row is the recipient's row in the file that was imported, and ref what the producer called it.
Rows are written while they are read: a job of a million recipients needs no memory to speak of. A job that Redis has
forgotten is read from PostgreSQL, where the configuration names one (outcomes.postgres).`,
		Example: `  volley outcomes 0197c1b2-7a4e-7000-8000-000000000000 > outcomes.csv
  volley outcomes 0197c1b2-7a4e-7000-8000-000000000000 --status unknown --format ndjson
  volley outcomes 0197c1b2-7a4e-7000-8000-000000000000 --status failed --status undelivered --account dk | cut -d, -f1 > again.csv`,
		Args: oneArg("a JOB"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if format == "" {
				format = export.CSV
				if a.json {
					format = export.NDJSON
				}
			}
			if format != export.CSV && format != export.NDJSON {
				return invalid("--format is csv or ndjson, and not %q", format)
			}
			for _, status := range only.states {
				if !isState(status) {
					return invalid("--status %q is no state: there are %s", status, strings.Join(stateNames(), ", "))
				}
			}
			return a.withAll(cmd.Context(), func(s *stores) error {
				return noSuchJob(args[0], s.writeOutcomes(cmd.Context(), a.stdout, args[0], format, only))
			})
		},
	}
	cmd.Flags().StringVar(&format, "format", "", "csv or ndjson (default csv; ndjson with --json)")
	cmd.Flags().StringSliceVar(&only.states, "status", nil, "only recipients in that `state`; several with commas, or --status again")
	cmd.Flags().StringSliceVar(&only.accounts, "account", nil, "only recipients that were sent to through that `account`; several with commas, or --account again")
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]string{export.CSV, export.NDJSON}, cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("status", cobra.FixedCompletions(stateNames(), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// stateNames are the states a recipient may be in.
func stateNames() []string {
	var names []string
	for _, c := range counts(enqueue.Counts{}) {
		names = append(names, c.state)
	}
	return names
}

func isState(s string) bool {
	for _, n := range stateNames() {
		if n == s {
			return true
		}
	}
	return false
}

// outcomeFilter says whose outcomes are wanted. What is empty wants all.
type outcomeFilter struct{ states, accounts []string }

func (f *outcomeFilter) takes(o *enqueue.Outcome) bool {
	return (len(f.states) == 0 || slices.Contains(f.states, o.Status)) && (len(f.accounts) == 0 || slices.Contains(f.accounts, o.Account))
}

// writeOutcomes writes a job's outcomes to w, those that the filter takes.
func (s *stores) writeOutcomes(ctx context.Context, w io.Writer, job, format string, only outcomeFilter) (err error) {
	var out *export.Writer
	write := func(o *enqueue.Outcome) (err error) {
		if out == nil {
			if out, err = export.NewWriter(w, format); err != nil {
				return err
			}
		}
		if !only.takes(o) {
			return nil
		}
		return out.Write(o)
	}
	defer func() {
		if out != nil {
			err = errors.Join(err, out.Flush())
		}
	}()
	for o, err := range s.client.Outcomes(ctx, job) {
		if errors.Is(err, enqueue.ErrNotFound) && out == nil {
			return s.writeRecorded(ctx, job, write)
		}
		if err == nil {
			err = write(&o)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// writeRecorded writes the outcomes of a job that Redis has forgotten.
func (s *stores) writeRecorded(ctx context.Context, job string, write func(*enqueue.Outcome) error) error {
	if s.record.store == nil {
		return enqueue.ErrNotFound
	}
	found, err := s.record.store.Outcomes(ctx, job, func(r *archive.Row) error {
		f := foundRow(r)
		return write(&f.Outcome)
	})
	if err == nil && !found {
		err = enqueue.ErrNotFound
	}
	return err
}
