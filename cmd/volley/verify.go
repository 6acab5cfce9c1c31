package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/internal/sweep"
)

// problem is something in a job's books that should not be.
type problem struct {
	Job     string `json:"job_id"`
	Problem string `json:"problem"`
}

type verdict struct {
	Clean    bool      `json:"clean"`
	Jobs     int       `json:"jobs"`
	Problems []problem `json:"problems"`
}

func newVerify(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "verify [JOB]",
		Short: "Check the books: every recipient in exactly one state, counts equal to outcomes",
		Long: `Check the books of one job, or of all, from the ledger's own data: every recipient in exactly one state, counters equal
to outcomes, nothing lost since the receipt, no batch held by a worker that is gone, no batch without a task. The exit
status is 1 when something is wrong. Jobs may run meanwhile.`,
		Example: `  volley verify
  volley verify 0197c1b2-7a4e-7000-8000-000000000000 --json`,
		Args: atMostOneArg,
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			ctx := cmd.Context()
			cfg, err := a.config()
			if err != nil {
				return err
			}
			o, err := redisOptions(cfg.Redis.URL.Reveal())
			if err != nil {
				return err
			}
			if err := checkRedis(ctx, o); err != nil {
				return err
			}
			rdb := redis.NewUniversalClient(o)
			defer func() { err = errors.Join(err, rdb.Close()) }()
			v, err := verify(ctx, rdb, args)
			if err != nil {
				if len(args) == 1 {
					return noSuchJob(args[0], err)
				}
				return err
			}
			if a.json {
				err = writeJSON(a.stdout, v)
			} else {
				a.showVerdict(v)
			}
			if err == nil && !v.Clean {
				err = errSaid
			}
			return err
		},
	}
}

func (a *app) showVerdict(v verdict) {
	for _, p := range v.Problems {
		fmt.Fprintf(a.stdout, "%s  %s\n", p.Job, p.Problem)
	}
	if v.Clean {
		fmt.Fprintf(a.stdout, "The books of %s are clean.\n", plural(int64(v.Jobs), "job"))
	} else {
		fmt.Fprintf(a.stdout, "%s in %s.\n", plural(int64(len(v.Problems)), "problem"), plural(int64(v.Jobs), "job"))
	}
}

// verify checks the named jobs, or all. What may only be late is looked at twice.
func verify(ctx context.Context, rdb redis.UniversalClient, jobs []string) (verdict, error) {
	l := ledger.New(rdb)
	v := verdict{Problems: []problem{}}
	if len(jobs) == 0 {
		var err error
		if jobs, err = l.Recent(ctx, 0); err != nil {
			return v, err
		}
	}
	s := sweep.New(rdb, zap.NewNop())
	late := map[string][]string{}
	for _, job := range jobs {
		wrong, err := l.Audit(ctx, job)
		if len(jobs) > 1 && (errors.Is(err, ledger.ErrNotFound) || errors.Is(err, ledger.ErrNewer)) {
			continue // removed between two looks, or for a newer program
		}
		if err != nil {
			return v, err
		}
		v.Jobs++
		for _, w := range wrong {
			v.Problems = append(v.Problems, problem{job, w})
		}
		if late[job], err = s.Forsaken(ctx, job); err != nil {
			return v, err
		}
		if len(late[job]) == 0 {
			delete(late, job)
		}
	}
	if len(late) > 0 {
		select {
		case <-time.After(sweep.Every + sweep.Every/2):
		case <-ctx.Done():
			return v, ctx.Err()
		}
	}
	for job, before := range late {
		still, err := s.Forsaken(ctx, job)
		if err != nil {
			return v, err
		}
		for _, w := range still {
			if slices.Contains(before, w) {
				v.Problems = append(v.Problems, problem{job, w})
			}
		}
	}
	v.Clean = len(v.Problems) == 0
	return v, nil
}
