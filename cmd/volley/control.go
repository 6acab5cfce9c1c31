package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"strings"

	"github.com/spf13/cobra"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/ledger"
)

// effect is how many recipients a command changed, and what became of them; the zero effect is none.
type effect struct {
	changed int64
	words   string
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
	pause := a.control("pause", "Stop a job until it is resumed",
		`Stop a job until it is resumed. No further call is made once this has returned; those on the wire end and are recorded.
Recipients stay queued. Pausing a paused job changes nothing.`,
		func(ctx context.Context, c *enqueue.Client, job string) (effect, error) {
			n, err := c.Pause(ctx, job, f.ask())
			return effect{n, "held back"}, err
		})
	resume := a.control("resume", "Let a paused job go on",
		`Let a paused job go on where it stopped. Resuming a job that is not paused changes nothing.`,
		func(ctx context.Context, c *enqueue.Client, job string) (effect, error) {
			n, err := c.Resume(ctx, job, f.ask())
			return effect{n, "let go on"}, err
		})
	cancel := a.control("cancel", "End a job for good",
		`End a job for good: it can be neither resumed nor retried. No further call is made once this has returned; those on the
wire end and are recorded. Recipients that are queued become cancelled.

With --ref only the recipient with that ref is cancelled, and the job goes on.`,
		func(ctx context.Context, c *enqueue.Client, job string) (effect, error) {
			if ref != "" {
				n, err := cancelRef(ctx, c, job, ref, f.ask())
				return effect{n, "cancelled"}, err
			}
			n, err := c.Cancel(ctx, job, f.ask())
			return effect{n, "cancelled"}, err
		})
	cancel.Flags().StringVar(&ref, "ref", "", "cancel only the recipient with this `ref`, as long as it is queued")
	cancel.Example += "\n  volley cancel 0197c1b2-7a4e-7000-8000-000000000000 --ref appointment-17"
	for _, cmd := range []*cobra.Command{pause, resume, cancel} {
		f.register(cmd)
	}
	return []*cobra.Command{pause, resume, cancel, newRetry(a)}
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
	cmd := a.control("retry", "Send a job again to those who did not get it, and to no others",
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
				return effect{n, "queued again"}, err
			}
			n, err := c.Retriable(ctx, job, states)
			return effect{n, "to be queued again; nothing was changed"}, err
		})
	cmd.Example = "  volley retry JOB --failed\n  volley retry JOB --status failed,rejected,undelivered\n  volley retry JOB --unknown --dry-run"
	cmd.PreRunE = func(*cobra.Command, []string) error {
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
	f.BoolVar(&dry, "dry-run", false, "change nothing, and tell how many they are")
	ask.register(cmd)
	_ = cmd.RegisterFlagCompletionFunc("status", cobra.FixedCompletions(enqueue.RetriedStates(), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// control returns a command that does something to a job, and then answers with its status and how many recipients changed.
func (a *app) control(name, short, long string, do func(ctx context.Context, c *enqueue.Client, job string) (effect, error)) *cobra.Command {
	return &cobra.Command{
		Use:     name + " JOB",
		Short:   short,
		Long:    long,
		Example: fmt.Sprintf("  volley %s 0197c1b2-7a4e-7000-8000-000000000000", name),
		Args:    oneArg("the job's ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withClient(cmd.Context(), func(c *enqueue.Client) error {
				e, err := do(cmd.Context(), c, args[0])
				switch {
				case errors.Is(err, enqueue.ErrCompleted):
					return errors.New("the job is completed: there is nothing left to " + name)
				case errors.Is(err, enqueue.ErrCancelled):
					return errors.New("the job was cancelled, which is for good: enqueue it again instead")
				case err != nil:
					return noSuchJob(args[0], err)
				}
				s, err := c.Status(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				if a.json {
					return writeJSON(a.stdout, struct {
						enqueue.Status
						Changed int64 `json:"changed"`
					}{s, e.changed})
				}
				a.showStatus(s)
				if e.words != "" {
					fmt.Fprintf(a.stdout, "%s %s.\n", plural(e.changed, "recipient"), e.words)
				}
				return nil
			})
		},
	}
}
