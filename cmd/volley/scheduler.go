package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"github.com/spf13/cobra"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/books"
	"github.com/volleysms/volley/internal/config"
	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/internal/metric"
	"github.com/volleysms/volley/internal/restore"
	"github.com/volleysms/volley/internal/rows"
	"github.com/volleysms/volley/internal/schedule"
	"github.com/volleysms/volley/internal/sweep"
	"github.com/volleysms/volley/internal/vitals"
	"github.com/volleysms/volley/scheduler"
)

func newScheduler(a *app) *cobra.Command {
	var admin string
	cmd := &cobra.Command{
		Use:   "scheduler",
		Short: "Fire recurring sends, ask for missing reports, and put back what nobody works on, until stopped",
		Long: `Fire the schedules that volley schedules manages, put batches back on the queue that nobody works on, check the
books of one job after the other, and ask gateways that can be asked what became of messages that were not reported about.
Tell producers about their jobs, where they gave a hook. Where the configuration has outcomes.postgres, carry outcomes there; remove jobs that are older than retention says.
Run as many schedulers as you like: each tick fires once, and the rest they share.

What is wrong with the books is an error in the log, and the metrics volley_books_clean and volley_books_problems.

When the configuration has changed, or on SIGHUP, it goes on with the new one; one that is wrong is refused.

On SIGTERM or Ctrl-C it brings to an end what it is firing, and exits 0.`,
		Example: `  volley scheduler
  volley scheduler --admin 127.0.0.1:9466`,
		Annotations: map[string]string{role: ""},
		Args:        noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.config()
			if err != nil {
				return err
			}
			if !cmd.Flags().Changed("admin") {
				admin = cfg.Admin.Listen
			}
			return a.role(cmd.Context(), cfg, admin, func(cfg *config.Config, o *redis.UniversalOptions) (work, error) {
				return func(ctx context.Context) error { return a.runScheduler(ctx, cfg, o) }, nil
			})
		},
	}
	cmd.Flags().StringVar(&admin, "admin", "", "`address` of /healthz, /readyz and /metrics (default admin.listen of the configuration; none when that is left out)")
	return cmd
}

// runScheduler does the role's work until ctx ends.
func (a *app) runScheduler(ctx context.Context, cfg *config.Config, o *redis.UniversalOptions) (err error) {
	rdb := redis.NewUniversalClient(o)
	defer func() { err = errors.Join(err, rdb.Close()) }()
	s, err := scheduler.New(rdb, schedulerOptions(cfg, a))
	if err != nil {
		return &inputError{err}
	}
	log := a.log.Named("scheduler")
	if err := restore.Await(ctx, ledger.New(rdb), log); err != nil {
		return nil // ctx has ended
	}
	asks, err := newPoller(cfg, rdb, a.tracer.spans(), log.Named("poll"))
	if err != nil {
		return err
	}
	b := books.New(rdb, prometheus.DefaultRegisterer, log.Named("books"))
	vital := vitals.New(rdb, vitals.Options{
		Accounts: accountNames(cfg), GiveUp: cfg.Reports.GiveUp,
		Metrics: prometheus.DefaultRegisterer, Logger: log.Named("vitals"),
	})
	record, err := openRecord(cfg)
	if err != nil {
		return err
	}
	defer record.close()
	tell, err := newTeller(cfg, rdb, log.Named("hooks"))
	if err != nil {
		return err
	}
	// What else a scheduler does beside firing is one more line here.
	var parts sync.WaitGroup
	parts.Go(func() { record.carry(ctx, rdb, log.Named("archive")) })
	parts.Go(func() { tell.Run(ctx) })
	parts.Go(func() { record.retain(ctx, rdb, log.Named("retention")) })
	parts.Go(func() { s.Run(ctx) })
	parts.Go(func() { sweep.New(rdb, log.Named("sweep")).Run(ctx) })
	parts.Go(func() { b.Run(ctx) })
	parts.Go(func() { asks.Run(ctx) })
	parts.Go(func() { vital.Run(ctx) })
	log.Info("scheduler is ready")
	parts.Wait()
	log.Info("scheduler has stopped")
	return nil
}

// besideScheduler runs a scheduler for as long as run takes.
func (a *app) besideScheduler(ctx context.Context, cfg *config.Config, o *redis.UniversalOptions, run func(context.Context) error) error {
	return together(ctx, run, func(ctx context.Context) error { return a.runScheduler(ctx, cfg, o) })
}

// together runs two parts until ctx, or one of them, ends.
func together(ctx context.Context, run, beside func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		defer cancel()
		ended <- beside(ctx)
	}()
	err := run(ctx)
	cancel()
	return errors.Join(err, <-ended)
}

func schedulerOptions(cfg *config.Config, a *app) scheduler.Options {
	secrets := map[string]string{}
	for name, secret := range cfg.Scheduler.Secrets {
		secrets[name] = secret.Reveal()
	}
	return scheduler.Options{
		Enqueue: a.producer(cfg), Files: fileRows(cfg.Scheduler.Files), Secrets: secrets, Private: cfg.Scheduler.AllowPrivate,
		Fired: countFirings(), Logger: a.log.Named("scheduler"),
	}
}

// countFirings makes metrics of what became of ticks.
func countFirings() func(enqueue.Firing) {
	ticks := metric.Register(prometheus.DefaultRegisterer, prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "volley_schedule_ticks_total", Help: "Ticks of schedules, by what became of them.",
	}, []string{"outcome"}))
	late := metric.Register(prometheus.DefaultRegisterer, prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "volley_schedule_fire_lateness_seconds", Help: "From a tick's time to when its job was enqueued, jitter included.",
		Buckets: []float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 3600},
	}))
	for _, o := range []schedule.Outcome{schedule.Fired, schedule.Missed, schedule.Skipped, schedule.Failed} {
		ticks.WithLabelValues(string(o)) // is there before the first tick, so that it is an increase
	}
	return func(f enqueue.Firing) {
		ticks.WithLabelValues(string(f.Outcome)).Add(float64(f.Count))
		if f.Outcome == schedule.Fired && f.Request == "" {
			late.Observe(f.At.Sub(f.Tick).Seconds())
		}
	}
}

// fileRows reads files below a folder, and none outside it, as volley import does.
func fileRows(folder string) scheduler.Files {
	return func(ctx context.Context, f enqueue.ScheduleFile, fields []string) (out scheduler.Rows, err error) {
		root, err := os.OpenRoot(folder)
		if err != nil {
			return out, fmt.Errorf("the folder of files: %w", pathless(err))
		}
		defer root.Close()
		file, err := root.Open(filepath.FromSlash(f.Path))
		if err != nil {
			return out, fmt.Errorf("the file %s: %w", f.Path, pathless(err))
		}
		defer func() {
			if err != nil {
				err = errors.Join(fmt.Errorf("the file %s: %w", f.Path, err), file.Close())
			}
		}()
		info, err := file.Stat()
		if err == nil && !info.Mode().IsRegular() {
			err = errors.New("it is no regular file")
		}
		if err != nil {
			return out, pathless(err)
		}
		o := rows.Options{To: rows.Column{Name: f.ToColumn}, Ref: rows.Column{Name: f.RefColumn}, At: rows.Column{None: true}, Fields: fields}
		o.Format, o.Comma = rows.FormatOf(f.Path)
		if f.Delimiter != "" {
			if o.Comma, err = comma(f.Delimiter); err != nil {
				return out, err
			}
		}
		r, err := rows.Open(file, o)
		if err != nil {
			return out, err
		}
		return scheduler.Rows{
			Fields: r.Fields(), FirstRow: r.FirstRow(), Close: file.Close,
			Recipients: ofNamedFile(f.Path, strictRows(ctx, r)),
		}, nil
	}
}

// ofNamedFile adds to an error among the rows which file they are of.
func ofNamedFile(name string, all iter.Seq2[enqueue.Recipient, error]) iter.Seq2[enqueue.Recipient, error] {
	return func(yield func(enqueue.Recipient, error) bool) {
		for r, err := range all {
			if err != nil {
				err = fmt.Errorf("the file %s: %w", name, err)
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

// pathless takes the path out of a file's error.
func pathless(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return errors.New(strings.TrimPrefix(p.Err.Error(), "openat "))
	}
	return err
}
