package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/redis/go-redis/v9"
	"github.com/spf13/cobra"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/config"
	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/internal/speed"
	"github.com/volleysms/volley/internal/task"
)

// topJob is a job as `volley top` shows it.
type topJob struct {
	enqueue.Status
	// PerSecond is how many recipients a second have got an outcome lately, and LeftSeconds how long the rest takes at that
	// speed; nil when it is not known.
	PerSecond   *float64 `json:"per_second"`
	LeftSeconds *float64 `json:"left_seconds"`
}

// topAccount is an account with how many batches are on its queues.
type topAccount struct {
	accountInfo
	Batches int64 `json:"batches"`
}

// overview is what `volley top` shows.
type overview struct {
	At time.Time `json:"at"`
	// Jobs are the open ones, the newest first, and after them those that ended last; Open is how many are open in all.
	Jobs     []topJob     `json:"jobs"`
	Open     int64        `json:"open"`
	Accounts []topAccount `json:"accounts"`
}

func newTop(a *app) *cobra.Command {
	var once bool
	var every time.Duration
	cmd := &cobra.Command{
		Use:   "top",
		Short: "Watch jobs, accounts and queues in the terminal",
		Long: `Watch the open jobs with their progress, speed and the time left, the accounts with how they stand, and how much is on their
queues, in the terminal, until q is pressed. Where standard output is no terminal, or with --once, they are shown once.`,
		Example: `  volley top
  volley top --once
  volley top --json | jq '.jobs[].per_second'`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if every < 200*time.Millisecond || every > time.Hour {
				return invalid("--every is 200ms to 1h, and not %s", every)
			}
			cfg, err := a.config()
			if err != nil {
				return err
			}
			return a.withRedis(cmd.Context(), cfg, func(rdb redis.UniversalClient) error {
				c, err := enqueue.NewFromRedis(rdb, producer(cfg))
				if err != nil {
					return err
				}
				l := &lookout{a: a, cfg: cfg, rdb: rdb, client: c}
				if once || a.json || !isTerminal(a.stdout) || !isTerminal(a.stdin) {
					return a.topOnce(cmd.Context(), l)
				}
				p := tea.NewProgram(&topModel{look: l, every: every, width: 80, height: 24},
					tea.WithContext(cmd.Context()), tea.WithInput(a.stdin), tea.WithOutput(a.stdout), tea.WithoutSignalHandler()) // signals end the context
				_, err = p.Run()
				if cmd.Context().Err() != nil && errors.Is(err, tea.ErrProgramKilled) {
					return nil
				}
				return err
			})
		},
	}
	cmd.Flags().BoolVar(&once, "once", false, "show it once, and end")
	cmd.Flags().DurationVar(&every, "every", time.Second, "how often it is looked")
	return cmd
}

// topOnce looks twice, a second apart, so that speeds are known.
func (a *app) topOnce(ctx context.Context, l *lookout) error {
	o, err := l.look(ctx)
	if err != nil {
		return err
	}
	if o.Open > 0 {
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return ctx.Err()
		}
		if o, err = l.look(ctx); err != nil {
			return err
		}
	}
	if a.json {
		return writeJSON(a.stdout, o)
	}
	fmt.Fprint(a.stdout, drawTop(o, topStyle{width: 110, rows: len(o.Jobs), accounts: len(o.Accounts), paint: a.paint}))
	return nil
}

// lookout looks at what `volley top` shows.
type lookout struct {
	a      *app
	cfg    *config.Config
	rdb    redis.UniversalClient
	client *enqueue.Client
	meter  speed.Meter
}

const (
	// topOpen is how many open jobs are looked at, and topEnded how many are filled up to with those that ended.
	topOpen  = 100
	topEnded = 10
)

func (l *lookout) look(ctx context.Context) (overview, error) {
	o := overview{At: time.Now().UTC(), Jobs: []topJob{}}
	open, err := l.client.List(ctx, 0, topOpen, true)
	if err != nil {
		return o, err
	}
	o.Open = open.Total
	done := map[string]int64{}
	for _, s := range open.Jobs {
		done[s.JobID] = s.Counts.Total - s.Counts.Queued - s.Counts.Sending
	}
	l.meter.Note(o.At, done)
	for _, s := range open.Jobs {
		j := topJob{Status: s}
		if v, known := l.meter.PerSecond(s.JobID); known {
			j.PerSecond = &v
			if d, ok := speed.Left(s.Counts.Queued+s.Counts.Sending, v); ok {
				left := d.Seconds()
				j.LeftSeconds = &left
			}
		}
		o.Jobs = append(o.Jobs, j)
	}
	if len(o.Jobs) < topEnded {
		all, err := l.client.List(ctx, 0, topEnded, false)
		if err != nil {
			return o, err
		}
		for _, s := range all.Jobs {
			if _, shown := done[s.JobID]; !shown && len(o.Jobs) < topEnded {
				o.Jobs = append(o.Jobs, topJob{Status: s})
			}
		}
	}
	o.Accounts, err = l.accounts(ctx)
	return o, err
}

func (l *lookout) accounts(ctx context.Context) ([]topAccount, error) {
	list, err := standings(ctx, l.rdb, l.cfg)
	if err != nil {
		return nil, err
	}
	shards, err := ledger.New(l.rdb).MostShards(ctx)
	if err != nil {
		return nil, err
	}
	depths, err := task.Depths(ctx, l.rdb, accountNames(l.cfg), shards)
	if err != nil {
		return nil, err
	}
	out := make([]topAccount, len(list))
	for i := range list {
		out[i].accountInfo, out[i].Batches = list[i], depths[i]
	}
	return out, nil
}
