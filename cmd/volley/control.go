package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/volleysms/volley/enqueue"
)

// newControls returns the commands that steer a job that is there.
func newControls(a *app) []*cobra.Command {
	var reason string
	withReason := func(cmd *cobra.Command) *cobra.Command {
		cmd.Flags().StringVar(&reason, "reason", "", "why, for those who look at the job later")
		return cmd
	}
	pause := withReason(a.control("pause", "Stop a job until it is resumed",
		`No further call is made once this has returned; those on the wire end and are recorded. Recipients stay queued.`,
		func(ctx context.Context, c *enqueue.Client, job string) (int64, error) {
			return 0, c.Pause(ctx, job, reason)
		}))
	resume := a.control("resume", "Let a paused job go on", "",
		func(ctx context.Context, c *enqueue.Client, job string) (int64, error) { return 0, c.Resume(ctx, job) })
	cancel := withReason(a.control("cancel", "End a job for good",
		`No further call is made once this has returned; those on the wire end and are recorded. What is queued becomes cancelled.`,
		func(ctx context.Context, c *enqueue.Client, job string) (int64, error) {
			return c.Cancel(ctx, job, reason)
		}))
	return []*cobra.Command{pause, resume, cancel, newRetry(a)}
}

func newRetry(a *app) *cobra.Command {
	var unknown, failed, dry bool
	cmd := a.control("retry", "Send a job again to those who are unknown or failed, and to no others",
		`An unknown recipient may have got the message: the gateway was asked, and never heard from. Sending again may give it to
them twice. A failed one provably did not get it.`,
		func(ctx context.Context, c *enqueue.Client, job string) (int64, error) {
			if !unknown && !failed {
				return 0, invalid("say whom: --unknown, --failed, or both")
			}
			if !dry {
				return c.Retry(ctx, job, unknown, failed)
			}
			s, err := c.Status(ctx, job)
			var n int64
			if unknown {
				n += s.Counts.Unknown
			}
			if failed {
				n += s.Counts.Failed
			}
			return n, err
		})
	cmd.Example = "  volley retry JOB --failed\n  volley retry JOB --unknown --dry-run"
	f := cmd.Flags()
	f.BoolVar(&unknown, "unknown", false, "those of whom nobody knows")
	f.BoolVar(&failed, "failed", false, "those who provably were not sent to")
	f.BoolVar(&dry, "dry-run", false, "only tell how many they are")
	return cmd
}

// control returns a command that does something to a job, and then answers with its status and how many recipients changed.
func (a *app) control(name, short, long string, do func(ctx context.Context, c *enqueue.Client, job string) (int64, error)) *cobra.Command {
	return &cobra.Command{
		Use:     name + " JOB",
		Short:   short,
		Long:    long,
		Example: fmt.Sprintf("  volley %s 0197c1b2-7a4e-7000-8000-000000000000", name),
		Args:    oneArg("the job's ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withClient(cmd.Context(), func(c *enqueue.Client) error {
				changed, err := do(cmd.Context(), c, args[0])
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
					}{s, changed})
				}
				a.showStatus(s)
				return nil
			})
		},
	}
}
