package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/spf13/cobra"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/config"
	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/internal/restore"
	"github.com/volleysms/volley/internal/schedule"
)

func newBackup(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "backup",
		Short: "Mark what is in Redis while it is being backed up",
		Long: `Mark what is in Redis while its files are being copied. A Redis that is started from the copy has the mark, and nothing is sent
from it before volley settle has been run: what was queued when the copy was made may have been sent since.`,
		Example: `  volley backup begin && cp -a /var/lib/redis/appendonlydir /backup/; volley backup end`,
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	begin := &cobra.Command{
		Use: "begin", Short: "Set the mark; sending goes on", Args: noArgs,
		Example: `  volley backup begin`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.onLedger(cmd.Context(), func(_ *config.Config, _ redis.UniversalClient, l *ledger.Ledger) error {
				now := time.Now()
				if at, err := l.Restored(cmd.Context()); err != nil || !at.IsZero() {
					return errors.Join(err, notSettled(at))
				}
				if err := l.BeginBackup(cmd.Context(), now); err != nil {
					return err
				}
				return a.saidOfBackup("begun", now)
			})
		},
	}
	end := &cobra.Command{
		Use: "end", Short: "Take the mark away", Args: noArgs,
		Example: `  volley backup end`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.onLedger(cmd.Context(), func(_ *config.Config, _ redis.UniversalClient, l *ledger.Ledger) error {
				if at, err := l.Restored(cmd.Context()); err != nil || !at.IsZero() {
					return errors.Join(err, notSettled(at))
				}
				at, err := l.EndBackup(cmd.Context())
				if errors.Is(err, ledger.ErrNotFound) {
					return errors.New("no backup has begun; volley backup begin says so before the copy")
				}
				if err != nil {
					return err
				}
				return a.saidOfBackup("ended", at)
			})
		},
	}
	cmd.AddCommand(begin, end)
	return cmd
}

// notSettled is the error for a Redis that was restored; nil for the zero time.
func notSettled(at time.Time) error {
	if at.IsZero() {
		return nil
	}
	return fmt.Errorf("this Redis was restored from the backup of %s, or has been replaced while one was made: run volley settle first", clock(&at))
}

func (a *app) saidOfBackup(what string, began time.Time) error {
	if a.json {
		return writeJSON(a.stdout, map[string]any{"backup": what, "began_at": began.UTC()})
	}
	fmt.Fprintf(a.stdout, "The backup that began at %s has %s.\n", clock(&began), what)
	return nil
}

// onLedger connects to the configuration's Redis for as long as do takes.
func (a *app) onLedger(ctx context.Context, do func(*config.Config, redis.UniversalClient, *ledger.Ledger) error) error {
	cfg, err := a.config()
	if err != nil {
		return err
	}
	return a.withRedis(ctx, cfg, func(rdb redis.UniversalClient) error { return do(cfg, rdb, ledger.New(rdb)) })
}

// settled is the answer of settle in JSON.
type settled struct {
	Backup     *time.Time   `json:"backup"`
	DryRun     bool         `json:"dry_run"`
	Recipients int64        `json:"recipients"`
	Jobs       []settledJob `json:"jobs"`
	Schedules  int          `json:"schedules"`
}

type settledJob struct {
	JobID      string `json:"job_id"`
	Label      string `json:"label"`
	Recipients int64  `json:"recipients"`
	Sending    int64  `json:"sending"`
}

func newSettle(a *app) *cobra.Command {
	var dry bool
	var backup string
	cmd := &cobra.Command{
		Use:   "settle",
		Short: "After Redis was restored from a backup: say who may have been sent to since, and hold them",
		Long: `After Redis was restored from a backup: who was queued when it was made may have been sent to since. They become unknown, so that
nothing is sent to them by itself: reports settle them, or you do, by volley retry JOB --unknown. Who was not due yet stays
queued. Schedules go on with their next tick. Jobs that were enqueued after the backup are not there; their producers have to
enqueue them again, or not.

No worker sends from a Redis that was restored from a backup between volley backup begin and end before this has been run. Of
another backup say when it was made by --backup, and run this before you start the workers.`,
		Example: `  volley settle --dry-run
  volley settle
  volley settle --backup 2030-01-31T03:00:00Z      # a copy that was made without volley backup begin`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var at time.Time
			if backup != "" {
				t, err := enqueue.ParseWhen(backup, time.UTC, time.Now())
				if err != nil || t.After(time.Now()) {
					return invalid("--backup is when the backup was made, such as 2030-01-31T03:00:00Z, and not %q", backup)
				}
				at = t
			}
			return a.onLedger(cmd.Context(), func(cfg *config.Config, rdb redis.UniversalClient, l *ledger.Ledger) error {
				return a.settle(cmd.Context(), cfg, rdb, l, at, dry)
			})
		},
	}
	f := cmd.Flags()
	f.BoolVar(&dry, "dry-run", false, "change nothing, and tell whom it would be about")
	f.StringVar(&backup, "backup", "", "when the backup was made, as a `time`; left out, what volley backup begin has noted")
	return cmd
}

func (a *app) settle(ctx context.Context, cfg *config.Config, rdb redis.UniversalClient, l *ledger.Ledger, backup time.Time, dry bool) error {
	marked, err := l.Restored(ctx)
	if err != nil {
		return err
	}
	if backup.IsZero() {
		backup = marked
	}
	if backup.IsZero() {
		return errors.New("this Redis was not restored from a backup that volley backup begin has marked; if it was from another, say when that was made by --backup TIME")
	}
	s := &restore.Settler{Ledger: l, Guard: guards(cfg), Now: time.Now()}
	out := settled{Backup: &backup, DryRun: dry, Jobs: []settledJob{}}
	var found []restore.Found
	if dry {
		found, err = s.Look(ctx)
	} else {
		found, err = settlePatiently(ctx, s, backup)
	}
	if errors.Is(err, ledger.ErrLost) {
		return fmt.Errorf("a worker is sending from this Redis: stop the workers and run it again: %w", err)
	}
	if err != nil {
		return err
	}
	for _, f := range found {
		out.Recipients += f.Recipients
		out.Jobs = append(out.Jobs, settledJob{f.Job, f.Label, f.Recipients, f.Sending})
	}
	if out.Schedules, err = a.forgo(ctx, rdb, dry); err != nil {
		return err
	}
	if !dry && !marked.IsZero() {
		if _, err := l.EndBackup(ctx); err != nil {
			return err
		}
	}
	return a.showSettled(&out)
}

// settlePatiently settles, and waits for the heartbeats to end that are in a fresh copy.
func settlePatiently(ctx context.Context, s *restore.Settler, backup time.Time) ([]restore.Found, error) {
	const patience = 12 * time.Second
	var all []restore.Found
	for end := time.Now().Add(patience); ; {
		found, err := s.Settle(ctx, backup)
		for _, f := range found {
			if i := slices.IndexFunc(all, func(g restore.Found) bool { return g.Job == f.Job }); i >= 0 {
				all[i].Recipients += f.Recipients
			} else {
				all = append(all, f)
			}
		}
		if !errors.Is(err, ledger.ErrLost) || time.Now().After(end) {
			return all, err
		}
		select {
		case <-ctx.Done():
			return all, ctx.Err()
		case <-time.After(time.Second):
		}
	}
}

// forgo lets the schedules go on after the ticks that may have been fired since, and returns how many there are.
func (a *app) forgo(ctx context.Context, rdb redis.UniversalClient, dry bool) (int, error) {
	store := schedule.NewStore(rdb)
	list, err := store.List(ctx)
	if err != nil || dry {
		return len(list), err
	}
	for _, in := range list {
		if err := store.Forgo(ctx, in.Name); err != nil {
			return 0, err
		}
	}
	return len(list), nil
}

func (a *app) showSettled(out *settled) error {
	if a.json {
		return writeJSON(a.stdout, out)
	}
	if len(out.Jobs) > 0 {
		t := a.newTable("Job", "Label", "Recipients", "Of them on the wire then")
		rightAligned(t, 3, 4)
		for _, j := range out.Jobs {
			t.AppendRow([]any{j.JobID, j.Label, count(j.Recipients), count(j.Sending)})
		}
		t.Render()
	}
	verb := "are unknown now; volley retry JOB --unknown sends to them again"
	if out.DryRun {
		verb = "would become unknown; nothing has been changed"
	}
	fmt.Fprintf(a.stdout, "%s may have been sent to since the backup of %s, and %s.\n", plural(out.Recipients, "recipient"), clock(out.Backup), verb)
	if out.Schedules > 0 && !out.DryRun {
		fmt.Fprintf(a.stdout, "%s goes on with the next tick from now on.\n", plural(int64(out.Schedules), "schedule"))
	}
	return nil
}
