package main

import (
	"errors"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"github.com/spf13/cobra"
	"go.opentelemetry.io/otel/trace"

	"github.com/volleysms/volley/internal/config"
	"github.com/volleysms/volley/internal/report"
	"github.com/volleysms/volley/worker"
)

func newWorker(a *app) *cobra.Command {
	var accounts, admin string
	cmd := &cobra.Command{
		Use:   "worker",
		Short: "Send what is on the queue, until stopped",
		Long: `Send what is on the queue. Run as many workers as you like, on one machine or several.

When the configuration has changed, or on SIGHUP, it goes on with the new one: accounts, limits, credentials; one that is
wrong is refused, and the old one stays.

On SIGTERM or Ctrl-C it makes no further call, waits for those that are on the wire, records them, and exits 0; a second
signal ends it at once, and what was on the wire then becomes unknown.`,
		Example: `  volley worker
  volley worker --accounts dk,moon --admin 127.0.0.1:9465
  VOLLEY_CONFIG=/etc/volley/volley.yaml volley worker --log-level warn`,
		Annotations: map[string]string{role: ""},
		Args:        noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.config()
			if err != nil {
				return err
			}
			var only []string
			if accounts != "" {
				only = strings.Split(accounts, ",")
			}
			if !cmd.Flags().Changed("admin") {
				admin = cfg.Admin.Listen
			}
			return a.role(cmd.Context(), cfg, admin, func(cfg *config.Config, r *redis.UniversalOptions) (work, error) {
				wired, err := wireAll(cfg, only)
				if err != nil {
					return nil, err
				}
				o := workerOptions(cfg, wired, a.tracer.spans())
				o.Logger = a.log
				w, err := worker.New(r, o)
				if err != nil {
					return nil, &inputError{err}
				}
				return w.Run, nil
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&accounts, "accounts", "", "serve only these `accounts`, with commas between them (default all)")
	f.StringVar(&admin, "admin", "", "`address` of /healthz, /readyz and /metrics (default admin.listen of the configuration; none when that is left out)")
	return cmd
}

func workerOptions(cfg *config.Config, accounts []worker.Account, spans trace.TracerProvider) worker.Options {
	r := worker.Retry{MaxAttempts: cfg.Retry.MaxAttempts, Initial: cfg.Retry.Initial, Max: cfg.Retry.Max, Inline: cfg.Retry.Inline}
	if r.Inline == 0 {
		r.Inline = -1 // the worker's word for not at all
	}
	o := worker.Options{Accounts: accounts, Routes: branches(cfg), Retry: r, Quiet: cfg.Quiet, Metrics: prometheus.DefaultRegisterer, LogCalls: cfg.Log.Calls, Spans: spans}
	if s := signer(cfg); s != nil {
		o.ReportTo = func(t worker.ReportTarget) string {
			return s.Address(t.Account, report.Target{Job: t.Job, Batch: t.Batch, Position: t.Position, Round: t.Round, Attempt: t.Attempt})
		}
	}
	return o
}

// wireAll wires the accounts of the configuration, or only those named.
func wireAll(cfg *config.Config, only []string) ([]worker.Account, error) {
	known := accountNames(cfg)
	for _, name := range only {
		if !slices.Contains(known, name) {
			return nil, unknownAccount(name, known)
		}
	}
	var wired []worker.Account
	var errs []error
	for _, acc := range cfg.Accounts {
		if len(only) > 0 && !slices.Contains(only, acc.Name) {
			continue
		}
		w, err := wire(acc)
		if err != nil {
			errs = append(errs, invalid("account %s: %w", acc.Name, err))
			continue
		}
		wired = append(wired, w)
	}
	return wired, errors.Join(errs...)
}

func unknownAccount(name string, known []string) error {
	return invalid("there is no account %q in the configuration; there are: %s", name, strings.Join(known, ", "))
}
