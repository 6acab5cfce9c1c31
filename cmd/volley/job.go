package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/volleysms/volley/enqueue"
)

// jobFlags are the flags that send and import share.
type jobFlags struct {
	via, from, text, at, tz, key, label string
	missing                             string
	delay                               time.Duration
	wishes                              wishFlags
	times                               timeFlags
	hook                                hookFlags
	ask                                 askFlags
}

// register adds the flags; a job has the priority unless told.
func (j *jobFlags) register(a *app, cmd *cobra.Command, priority enqueue.Priority) {
	j.wishes.register(cmd, priority)
	f := cmd.Flags()
	f.StringVar(&j.via, "via", "", "`account or route` to send through")
	f.StringVar(&j.from, "from", "", "sender ID: up to 11 letters and digits, or 15 digits; left out, the account's own")
	f.StringVar(&j.text, "text", "", "the text; {{name}} stands for the recipient's field of that name, {{name|there}} for \"there\" where it is empty")
	f.StringVar(&j.missing, "missing", string(enqueue.RefuseMissing), "who lacks a value that the text has no default for: `refuse` the row, leave it empty, or default: insist on defaults in the text")
	f.StringVar(&j.at, "at", "", "when to send: RFC 3339, \"2028-01-31 09:30:00\" or 86400s from now")
	f.StringVar(&j.tz, "tz", "", "time `zone` of --at and --not-after, such as Europe/Copenhagen (default UTC)")
	f.DurationVar(&j.delay, "delay", 0, "send that much later, such as 90s or 2h")
	f.StringVar(&j.key, "key", "", "idempotency `key`: the same command with the same key enqueues once")
	f.StringVar(&j.label, "label", "", "a `word` to tell the job by")
	for _, name := range []string{"via", "text"} {
		_ = cmd.MarkFlagRequired(name) // an error only for a flag that is not there
	}
	j.ask.registerBy(cmd)
	j.times.register(cmd)
	j.hook.register(a, cmd)
	_ = cmd.RegisterFlagCompletionFunc("via", a.completeVia)
}

// job returns what the flags say; its recipients are for the caller to add.
func (j *jobFlags) job() (enqueue.Job, error) {
	job := enqueue.Job{
		Via: j.via, From: j.from, Text: j.text, Key: j.key, Label: j.label, By: j.ask.ask().By, Delay: j.delay, Missing: enqueue.Missing(j.missing),
	}
	if err := j.wishes.apply(&job); err != nil {
		return job, err
	}
	if err := j.hook.apply(&job); err != nil {
		return job, err
	}
	if j.tz != "" && j.at == "" && j.times.notAfter == "" {
		return job, invalid("--tz says in which zone --at is, and there is no --at")
	}
	loc, err := time.LoadLocation(j.tz)
	if err != nil || j.tz == "Local" {
		return job, invalid("--tz %q is no time zone: name one such as Europe/Copenhagen", j.tz)
	}
	if err := j.times.apply(&job, loc); err != nil || j.at == "" {
		return job, err
	}
	when, err := enqueue.ParseWhen(j.at, loc, time.Now())
	if err != nil {
		return job, invalid("--at: %w", err)
	}
	if d, err := time.ParseDuration(j.at); err == nil {
		job.Delay = d // the same every time, as --key needs it
	} else {
		job.At = when
	}
	return job, nil
}

func (a *app) completeVia(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	cfg, err := a.config()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	names := accountNames(cfg)
	for route := range cfg.Routes {
		names = append(names, route)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// receipt answers with what was enqueued, or what was refused when nothing was: in JSON, or by show.
func (a *app) receipt(r enqueue.Receipt, err error, show func(enqueue.Receipt)) error {
	if err != nil && !errors.Is(err, enqueue.ErrNoRecipients) {
		return err
	}
	if r.Refused == nil {
		r.Refused = []enqueue.Refused{}
	}
	switch {
	case a.json:
		err = errors.Join(err, writeJSON(a.stdout, r))
	case r.Total > 0:
		show(r)
	}
	return err
}

// listed is how many refused recipients are told to people.
const listed = 10

// tellRefused lists refused recipients on standard error, with their rows where those mean something.
func (a *app) tellRefused(r enqueue.Receipt, rows bool) {
	for _, f := range r.Refused[:min(listed, len(r.Refused))] {
		row := ""
		if rows {
			row = fmt.Sprintf("row %d: ", f.Row)
		}
		fmt.Fprintf(a.stderr, "refused: %s%q: %s\n", row, f.To, f.Reason)
	}
	more := r.RefusedCount - listed
	if more <= 0 {
		return
	}
	where := ""
	if r.JobID != "" {
		where = ": volley outcomes " + r.JobID + " --status rejected"
	}
	fmt.Fprintf(a.stderr, "refused: and %s more%s\n", count(more), where)
}

// noSuchJob tells what to do when there is no such job; other errors stay.
func noSuchJob(id string, err error) error {
	if errors.Is(err, enqueue.ErrNotFound) {
		return fmt.Errorf("there is no job %q, or it has been forgotten: volley status lists the latest", id)
	}
	return err
}

// withClient runs fn with a client on the configured Redis.
func (a *app) withClient(ctx context.Context, fn func(*enqueue.Client) error) error {
	cfg, err := a.config()
	if err != nil {
		return err
	}
	c, err := a.client(ctx, cfg)
	if err != nil {
		return err
	}
	return errors.Join(fn(c), c.Close())
}
