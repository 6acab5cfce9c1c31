package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/volleysms/volley/enqueue"
)

func newReplace(a *app) *cobra.Command {
	var ref, to, at, tz string
	var set []string
	var ask askFlags
	cmd := &cobra.Command{
		Use:   "replace JOB --ref REF",
		Short: "Replace one recipient who is still queued, by another time, number or value",
		Long: `Replace one recipient who is still queued: the one with that ref is cancelled, and a job of one recipient, like the old
one but for what is different, takes the place. It prints the new job's ID. What is not valid is refused before anything
is cancelled, and the same replacement again enqueues nothing twice. Whoever was cancelled before is enqueued too.`,
		Example: `  volley replace 0197c1b2-7a4e-7000-8000-000000000000 --ref appointment-17 --at "2028-01-31 14:00:00" --tz Europe/Copenhagen
  volley replace 0197c1b2-7a4e-7000-8000-000000000000 --ref appointment-17 --to 12125550101 --set name=Ann`,
		Args: oneArg("the job's ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := replacement(to, at, tz, set)
			if err != nil {
				return err
			}
			return a.withClient(cmd.Context(), func(c *enqueue.Client) error {
				return a.replace(cmd.Context(), c, args[0], ref, r, ask.ask())
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&ref, "ref", "", "the recipient's `ref`")
	f.StringVar(&to, "to", "", "another `number`")
	f.StringVar(&at, "at", "", "another `time`: RFC 3339, \"2028-01-31 09:30:00\" or 86400s from now")
	f.StringVar(&tz, "tz", "", "time `zone` of --at, such as Europe/Copenhagen (default UTC)")
	f.StringArrayVar(&set, "set", nil, "another value of a personal field, `name=value`; may be given again")
	ask.register(cmd)
	_ = cmd.MarkFlagRequired("ref")
	return cmd
}

// replacement reads the flags. One of them must say what is to be different.
func replacement(to, at, tz string, set []string) (r enqueue.Replacement, err error) {
	if to == "" && at == "" && len(set) == 0 {
		return r, invalid("say what is to be different: --at, --to or --set; volley cancel --ref takes a recipient out")
	}
	r.To = to
	loc, err := time.LoadLocation(tz)
	if err != nil || tz == "Local" {
		return r, invalid("--tz %q is no time zone: name one such as Europe/Copenhagen", tz)
	}
	if at != "" {
		if r.At, err = enqueue.ParseWhen(at, loc, time.Now()); err != nil {
			return r, invalid("--at: %w", err)
		}
	}
	r.Values = map[string]string{}
	for _, s := range set {
		name, value, ok := strings.Cut(s, "=")
		if !ok || name == "" {
			return r, invalid("--set is name=value, and not %q", s)
		}
		r.Values[name] = value
	}
	return r, nil
}

func (a *app) replace(ctx context.Context, c *enqueue.Client, job, ref string, r enqueue.Replacement, ask enqueue.Ask) error {
	receipt, err := c.Replace(ctx, job, ref, r, ask)
	switch {
	case errors.Is(err, enqueue.ErrNoRef):
		return fmt.Errorf("no recipient of the job has the ref %q: volley outcomes %s lists them", ref, job)
	case errors.Is(err, enqueue.ErrSameRef):
		return fmt.Errorf("several recipients of the job have the ref %q, and only one can be replaced", ref)
	case errors.Is(err, enqueue.ErrNotQueued):
		return fmt.Errorf("%q is not queued any more: volley outcomes %s shows what became of it", ref, job)
	case errors.Is(err, enqueue.ErrBusy):
		return fmt.Errorf("the batch of %q is being sent just now: try again, or see volley outcomes %s for what became of it", ref, job)
	case errors.Is(err, enqueue.ErrNotFound):
		return noSuchJob(job, err)
	}
	return a.receipt(receipt, err, func(r enqueue.Receipt) {
		a.tellRefused(r, false)
		if r.JobID != "" {
			fmt.Fprintln(a.stdout, r.JobID)
		}
	})
}
