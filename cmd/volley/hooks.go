package main

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/config"
	"github.com/volleysms/volley/internal/hook"
	"github.com/volleysms/volley/internal/jobhook"
)

// newTeller tells producers about their jobs.
func newTeller(cfg *config.Config, rdb redis.UniversalClient, log *zap.Logger) (*jobhook.Teller, error) {
	c, err := enqueue.NewFromRedis(rdb, producer(cfg))
	if err != nil {
		return nil, err
	}
	secrets := map[string]string{}
	for name, s := range cfg.Hooks.Secrets {
		secrets[name] = s.Reveal()
	}
	if !cfg.Hooks.Secret.IsZero() {
		secrets[""] = cfg.Hooks.Secret.Reveal()
	}
	return jobhook.New(rdb, jobhook.Options{
		Secrets: secrets, AllowPrivate: cfg.Hooks.AllowPrivate, Metrics: prometheus.DefaultRegisterer, Logger: log,
		Describe: func(ctx context.Context, job string) (any, error) { return c.Status(ctx, job) },
	})
}

// hookFlags say where a job's producer is told about it.
type hookFlags struct {
	app         *app
	url, secret string
	at          []string
}

func (h *hookFlags) register(a *app, cmd *cobra.Command) {
	h.app = a
	f := cmd.Flags()
	f.StringVar(&h.url, "hook", "", "post to that `URL` when the job has completed, signed as Standard Webhooks describes it; volley scheduler does it")
	f.StringVar(&h.secret, "hook-secret", "", "the `name` in hooks.secrets of what signs it (default hooks.secret)")
	f.StringArrayVar(&h.at, "hook-at", nil, "post also when so many are in a `state`: failed=5%, unknown=100; may be given again")
}

// apply puts them into a job, after a look whether the configuration lets a scheduler do that.
func (h *hookFlags) apply(job *enqueue.Job) error {
	if h.url == "" {
		if h.secret != "" || len(h.at) > 0 {
			return invalid("--hook-at and --hook-secret say more about --hook, and there is no --hook")
		}
		return nil
	}
	job.Hook = &enqueue.Hook{URL: h.url, Secret: h.secret}
	for _, s := range h.at {
		t, err := enqueue.ParseThreshold(s)
		if err != nil {
			return invalid("--hook-at: %w", err)
		}
		job.Hook.At = append(job.Hook.At, t)
	}
	cfg, err := h.app.config()
	if err != nil {
		return err
	}
	if err := hook.NewPoster(cfg.Hooks.AllowPrivate).CheckURL(h.url); err != nil {
		return invalid("--hook: %w", err)
	}
	if _, ok := cfg.Hooks.Secrets[h.secret]; h.secret != "" && !ok {
		return invalid("--hook-secret: the configuration has no %q in hooks.secrets", h.secret)
	}
	if h.secret == "" && cfg.Hooks.Secret.IsZero() {
		return invalid("--hook: the configuration has no hooks.secret, without which nothing is posted; make one by: echo whsec_$(openssl rand -base64 32)")
	}
	return nil
}
