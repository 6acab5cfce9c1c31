package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"strings"
	"sync"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/ledger"
)

// effect is how many recipients a command changed, and what became of them; the zero effect is none.
type effect struct {
	changed int64
	words   string
	// who are the first of those that would be changed; nil when that was not asked.
	who []enqueue.Outcome
}

// askFlags say who asks for something to be done to a job, and why.
type askFlags struct{ by, reason string }

func (f *askFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.reason, "reason", "", "why, as a `text` that is kept with the job")
	f.registerBy(cmd)
}

// registerBy is register for what is asked without a reason.
func (f *askFlags) registerBy(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.by, "by", "", "who asks, a `name` that is kept with the job (default: user@host)")
}

// ask fills in who runs the program.
func (f *askFlags) ask() enqueue.Ask {
	by := f.by
	if by == "" {
		by = caller()
	}
	return enqueue.Ask{By: by, Reason: f.reason}
}

// caller is the user of the operating system and the host, as far as they are known.
func caller() string {
	name := os.Getenv("USER")
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	if host, err := os.Hostname(); err == nil {
		name += "@" + host
	}
	return strings.ToValidUTF8(name[:min(len(name), enqueue.MaxBy)], "")
}

// newControls returns the commands that steer a job that is there.
func newControls(a *app) []*cobra.Command {
	var f askFlags
	var ref string
	pause := a.controlMany("pause", "Stop a job until it is resumed",
		`Stop a job until it is resumed. No further call is made once this has returned; those on the wire end and are recorded.
Recipients stay queued. Pausing a paused job changes nothing.`,
		func(ctx context.Context, c *enqueue.Client, job string) (effect, error) {
			n, err := c.Pause(ctx, job, f.ask())
			return effect{changed: n, words: "held back"}, err
		})
	resume := a.controlMany("resume", "Let a paused job go on",
		`Let a paused job go on where it stopped. Resuming a job that is not paused changes nothing.`,
		func(ctx context.Context, c *enqueue.Client, job string) (effect, error) {
			n, err := c.Resume(ctx, job, f.ask())
			return effect{changed: n, words: "let go on"}, err
		})
	cancel := a.controlMany("cancel", "End a job for good",
		`End a job for good: it can be neither resumed nor retried. No further call is made once this has returned; those on the
wire end and are recorded. Recipients that are queued become cancelled.

With --ref only the recipient with that ref is cancelled, and the job goes on.`,
		func(ctx context.Context, c *enqueue.Client, job string) (effect, error) {
			if ref != "" {
				n, err := cancelRef(ctx, c, job, ref, f.ask())
				return effect{changed: n, words: "cancelled"}, err
			}
			n, err := c.Cancel(ctx, job, f.ask())
			return effect{changed: n, words: "cancelled"}, err
		})
	cancel.Flags().StringVar(&ref, "ref", "", "cancel only the recipient with this `ref`, as long as it is queued")
	cancel.MarkFlagsMutuallyExclusive("ref", "label")
	cancel.Example += "\n  volley cancel 0197c1b2-7a4e-7000-8000-000000000000 --ref appointment-17"
	for _, cmd := range []*cobra.Command{pause, resume, cancel} {
		f.register(cmd)
	}
	return []*cobra.Command{pause, resume, cancel, newRetry(a), newReroute(a)}
}

// cancelRef cancels one recipient. That there was nothing left to cancel is an error: somebody counts on it.
func cancelRef(ctx context.Context, c *enqueue.Client, job, ref string, ask enqueue.Ask) (int64, error) {
	n, err := c.CancelRef(ctx, job, ref, ask)
	switch {
	case errors.Is(err, enqueue.ErrNoRef):
		return n, fmt.Errorf("no recipient of the job has the ref %q: volley outcomes %s lists them", ref, job)
	case errors.Is(err, enqueue.ErrBusy):
		return n, fmt.Errorf("the batch of %q is being sent just now: try again, or see volley outcomes %s for what became of it", ref, job)
	case err == nil && n == 0:
		return n, fmt.Errorf("%q is not queued any more: volley outcomes %s shows what became of it", ref, job)
	}
	return n, err
}

func newRetry(a *app) *cobra.Command {
	var ask askFlags
	var states []string
	var unknown, failed, dry bool
	cmd := a.controlMany("retry", "Send a job again to those who did not get it, and to no others",
		`Send a job again to those of its recipients who are in one of the states, with a new budget of attempts; all others stay
as they are. The states are:

  failed       provably not sent: nothing was wrong with the recipient, and the attempts were used up
  rejected     refused by the gateway, and not sent; who was refused when the job was enqueued stays refused
  undelivered  the gateway says that the handset did not get it
  unknown      the gateway was asked, and its answer never came: they may get the message twice

Nobody who is in another state is sent to again: they have got it, may still get it, have opted out, or are too late.`,
		func(ctx context.Context, c *enqueue.Client, job string) (effect, error) {
			if !dry {
				n, err := c.Retry(ctx, job, states, ask.ask())
				return effect{changed: n, words: "queued again"}, err
			}
			n, err := c.Retriable(ctx, job, states)
			if err != nil {
				return effect{}, err
			}
			who, err := firstIn(ctx, c, job, states)
			return effect{n, "to be queued again; nothing was changed", who}, err
		})
	cmd.Example = "  volley retry JOB --failed\n  volley retry --label summer --failed\n  volley retry JOB --status failed,rejected,undelivered\n  volley retry JOB --unknown --dry-run"
	one := cmd.PreRunE
	cmd.PreRunE = func(cmd *cobra.Command, args []string) error {
		if err := one(cmd, args); err != nil {
			return err
		}
		if unknown {
			states = append(states, ledger.Unknown.String())
		}
		if failed {
			states = append(states, ledger.Failed.String())
		}
		if len(states) == 0 {
			return invalid("say whom: --unknown, --failed, or --status STATE")
		}
		return nil
	}
	f := cmd.Flags()
	f.BoolVar(&unknown, "unknown", false, "recipients of whom nobody knows whether they got it")
	f.BoolVar(&failed, "failed", false, "recipients who provably did not get it")
	f.StringSliceVar(&states, "status", nil, "recipients in that `state`; several with commas, or --status again")
	f.BoolVar(&dry, "dry-run", false, "change nothing, and show who they are: how many, and the first hundred")
	ask.register(cmd)
	_ = cmd.RegisterFlagCompletionFunc("status", cobra.FixedCompletions(enqueue.RetriedStates(), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func newReroute(a *app) *cobra.Command {
	var ask askFlags
	var to string
	cmd := a.controlMany("reroute", "Let what is queued of a job go to another account",
		`Let what is queued of a job go to another account or route. No further call is made through the old account once this has
returned. What is on the wire ends there and is recorded; what turns out not to have been sent goes along. Whoever is unknown,
or has any other outcome, stays as they are.`,
		func(ctx context.Context, c *enqueue.Client, job string) (effect, error) {
			n, err := c.Reroute(ctx, job, to, ask.ask())
			return effect{changed: n, words: "queued for " + to}, err
		})
	cmd.Use += " --to ACCOUNT_OR_ROUTE"
	cmd.Example = `  volley reroute 0197c1b2-7a4e-7000-8000-000000000000 --to moon --reason "dk is slow today"
  volley reroute --label summer --to moon`
	cmd.Flags().StringVar(&to, "to", "", "the `account or route` that it goes to")
	_ = cmd.MarkFlagRequired("to") // an error only for a flag that is not there
	ask.register(cmd)
	_ = cmd.RegisterFlagCompletionFunc("to", a.completeVia)
	return cmd
}

// doing does something to a job, and returns how many recipients that concerned.
type doing func(ctx context.Context, c *enqueue.Client, job string) (effect, error)

// control returns a command that does something to a job, and then answers with its status and how many recipients changed.
func (a *app) control(name, short, long string, do doing) *cobra.Command {
	return &cobra.Command{
		Use:     name + " JOB",
		Short:   short,
		Long:    long,
		Example: fmt.Sprintf("  volley %s 0197c1b2-7a4e-7000-8000-000000000000", name),
		Args:    oneArg("the job's ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withClient(cmd.Context(), func(c *enqueue.Client) error { return a.steer(cmd.Context(), c, name, args[0], do) })
		},
	}
}

// controlMany is control for what can be done to all jobs with a label as well.
func (a *app) controlMany(name, short, long string, do doing) *cobra.Command {
	cmd := a.control(name, short, long+"\n\nWith --label it is done to every job with that label; those that have ended are left alone.", do)
	var label string
	cmd.Use = name + " JOB|--label LABEL"
	cmd.Example += fmt.Sprintf("\n  volley %s --label summer", name)
	cmd.Args = atMostOneArg
	cmd.Flags().StringVar(&label, "label", "", "every job with this `label`, and not one JOB")
	cmd.PreRunE = func(_ *cobra.Command, args []string) error {
		if (len(args) == 0) == (label == "") {
			return invalid("say which: the ID of a job, or --label")
		}
		return nil
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return a.withClient(cmd.Context(), func(c *enqueue.Client) error {
			if label == "" {
				return a.steer(cmd.Context(), c, name, args[0], do)
			}
			return a.steerAll(cmd.Context(), c, name, label, do)
		})
	}
	return cmd
}

// steer does something to one job.
func (a *app) steer(ctx context.Context, c *enqueue.Client, name, job string, do doing) error {
	e, err := do(ctx, c, job)
	switch {
	case errors.Is(err, enqueue.ErrCompleted):
		return errors.New("the job is completed: there is nothing left to " + name)
	case errors.Is(err, enqueue.ErrCancelled):
		return errors.New("the job was cancelled, which is for good: enqueue it again instead")
	case err != nil:
		return noSuchJob(job, err)
	}
	s, err := c.Status(ctx, job)
	if err != nil {
		return err
	}
	if a.json {
		return writeJSON(a.stdout, struct {
			enqueue.Status
			Changed int64 `json:"changed"`
			// Recipients are only there in a dry run.
			Recipients []enqueue.Outcome `json:"recipients,omitzero"`
		}{s, e.changed, e.who})
	}
	a.showStatus(s)
	a.showWho(e, job)
	if e.words != "" {
		fmt.Fprintf(a.stdout, "%s %s.\n", plural(e.changed, "recipient"), e.words)
	}
	return nil
}

// steeredJob is what was done to one of the jobs with a label.
type steeredJob struct {
	JobID   string `json:"job_id"`
	Changed int64  `json:"changed"`
	// Error is why it could not be done; empty where it was.
	Error string `json:"error,omitempty"`
}

// steerAll does something to all jobs with a label. That it failed for one keeps no other.
func (a *app) steerAll(ctx context.Context, c *enqueue.Client, name, label string, do doing) error {
	words := ""
	var mu sync.Mutex
	done, err := c.ForLabel(ctx, label, func(ctx context.Context, job string) (int64, error) {
		e, err := do(ctx, c, job)
		mu.Lock()
		words = e.words
		mu.Unlock()
		return e.changed, err
	})
	if err != nil {
		return err
	}
	if len(done) == 0 {
		return fmt.Errorf("no job has the label %q: volley status lists the latest", label)
	}
	out := struct {
		Label     string       `json:"label"`
		Jobs      []steeredJob `json:"jobs"`
		LeftAlone int          `json:"left_alone"`
		Changed   int64        `json:"changed"`
	}{Label: label, Jobs: []steeredJob{}}
	failed := 0
	for _, d := range done {
		if d.LeftAlone() {
			out.LeftAlone++
			continue
		}
		job := steeredJob{JobID: d.JobID, Changed: d.Changed}
		if d.Err != nil {
			var in *enqueue.InvalidError
			if errors.As(d.Err, &in) && len(done) > 0 && failed == 0 {
				err = d.Err // what was asked for is wrong, for every job
			}
			job.Error, failed = d.Err.Error(), failed+1
		}
		out.Changed += d.Changed
		out.Jobs = append(out.Jobs, job)
	}
	if err != nil {
		return err
	}
	switch {
	case a.json:
		err = writeJSON(a.stdout, out)
	default:
		t := a.newTable("Job", "Recipients", "Failed because")
		rightAligned(t, 2)
		for _, j := range out.Jobs {
			t.AppendRow(table.Row{j.JobID, count(j.Changed), j.Error})
		}
		if len(out.Jobs) > 0 {
			t.Render()
		}
		fmt.Fprintf(a.stdout, "%s of %s with the label %q: %s %s; %s left alone, which have ended.\n", name, plural(int64(len(out.Jobs)-failed), "job"), label,
			plural(out.Changed, "recipient"), words, plural(int64(out.LeftAlone), "job"))
	}
	if err == nil && failed > 0 {
		err = fmt.Errorf("it failed for %s: run it again", plural(int64(failed), "job"))
	}
	return err
}
