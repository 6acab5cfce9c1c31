package main

import (
	"context"
	"errors"
	"net"
	"sync"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/volleysms/volley/callbacks"
	"github.com/volleysms/volley/internal/config"
	"github.com/volleysms/volley/internal/hook"
	"github.com/volleysms/volley/internal/inbound"
	"github.com/volleysms/volley/internal/report"
	"github.com/volleysms/volley/internal/suppress"
	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/worker"
)

func newCallbacks(a *app) *cobra.Command {
	var listen, admin string
	cmd := &cobra.Command{
		Use:   "callbacks",
		Short: "Take what gateways push: reports and inbound messages",
		Long: `Take what gateways push, until stopped: reports, which change accepted to delivered or undelivered, and messages from
handsets. Run as many as you like, behind whatever serves callbacks.public_url with TLS.

When the configuration has changed, or on SIGHUP, it goes on with the new one; one that is wrong is refused.

A push is acknowledged only when Redis has it. One that was not signed here is turned away, counted, and changes nothing.
On SIGTERM or Ctrl-C what has begun is answered, and it exits 0.`,
		Example: `  volley callbacks
  volley callbacks --listen 127.0.0.1:8080 --admin 127.0.0.1:9466
  volley callbacks addresses          # what to tell the gateways`,
		Annotations: map[string]string{role: ""},
		Args:        noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.config()
			if err != nil {
				return err
			}
			if !cmd.Flags().Changed("listen") {
				listen = cfg.Callbacks.Listen
			}
			if !cmd.Flags().Changed("admin") {
				admin = cfg.Admin.Listen
			}
			return a.takeCallbacks(cmd.Context(), cfg, listen, admin)
		},
	}
	f := cmd.Flags()
	f.StringVar(&listen, "listen", "", "`address` to serve (default callbacks.listen of the configuration, :8080)")
	f.StringVar(&admin, "admin", "", "`address` of /healthz, /readyz and /metrics (default admin.listen of the configuration; none when that is left out)")
	cmd.AddCommand(newAddresses(a))
	return cmd
}

// takeCallbacks runs the role and its admin server until ctx ends.
func (a *app) takeCallbacks(ctx context.Context, cfg *config.Config, addr, adminAddr string) error {
	if err := callbacksSet(cfg); err != nil {
		return err
	}
	return a.serving(ctx, cfg, addr, "--listen or callbacks.listen", adminAddr,
		func(ctx context.Context, cfg *config.Config, o *redis.UniversalOptions, l net.Listener) error {
			if err := callbacksSet(cfg); err != nil {
				return errors.Join(err, l.Close())
			}
			wired, err := wireAll(cfg, nil)
			if err != nil {
				return errors.Join(err, l.Close())
			}
			return a.serveCallbacks(ctx, cfg, wired, o, l)
		})
}

// serveCallbacks serves on l until ctx ends, and closes it.
func (a *app) serveCallbacks(ctx context.Context, cfg *config.Config, wired []worker.Account, o *redis.UniversalOptions, l net.Listener) error {
	own := *o
	own.ContextTimeoutEnabled = true
	own.PoolSize = max(own.PoolSize, 16)
	rdb := redis.NewUniversalClient(&own)
	defer rdb.Close()
	s, err := callbacks.New(rdb, callbacks.Options{
		Accounts: receivers(wired), PublicURL: cfg.Callbacks.PublicURL, Secret: cfg.Callbacks.Secret.Reveal(),
		PreviousSecret: cfg.Callbacks.PreviousSecret.Reveal(), GiveUp: cfg.Reports.GiveUp, Words: words(cfg),
		Metrics: prometheus.DefaultRegisterer, Logger: a.log.Named("callbacks"), Spans: a.tracer.spans(),
	})
	if err != nil {
		return errors.Join(err, l.Close())
	}
	deliver, err := deliverer(cfg, rdb, a.log)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var hooks sync.WaitGroup
	defer hooks.Wait()
	if deliver != nil {
		hooks.Go(func() { deliver.Run(ctx) })
	}
	defer cancel() // before the hooks are waited for
	return s.Run(ctx, l)
}

// deliverer posts inbound messages to the hook of the configuration; nil when there is none.
func deliverer(cfg *config.Config, rdb redis.UniversalClient, log *zap.Logger) (*inbound.Deliverer, error) {
	if cfg.Inbound.Hook == "" {
		return nil, nil
	}
	h, err := hook.New(cfg.Inbound.Hook, cfg.Inbound.Secret.Reveal(), cfg.Inbound.AllowPrivate)
	if err != nil {
		return nil, invalid("inbound: %w", err)
	}
	return inbound.NewDeliverer(rdb, h, log.Named("hook")), nil
}

// words are the opt-outs of each account.
func words(cfg *config.Config) map[string]inbound.Words {
	out := map[string]inbound.Words{}
	for _, acc := range cfg.Accounts {
		w := inbound.Words{Stop: acc.StopWords, Start: acc.StartWords, List: suppress.All}
		if w.Stop == nil {
			w.Stop = inbound.StopWords()
		}
		if acc.StopList == "account" {
			w.List = acc.Name
		}
		out[acc.Name] = w
	}
	return out
}

// receivers are the accounts whose gateways push.
func receivers(wired []worker.Account) map[string]providers.Receiver {
	out := map[string]providers.Receiver{}
	for _, acc := range wired {
		if r, ok := acc.Adapter.(providers.Receiver); ok {
			out[acc.Name] = r
		}
	}
	return out
}

// callbacksSet tells what is missing for addresses to be made.
func callbacksSet(cfg *config.Config) error {
	switch c := cfg.Callbacks; {
	case c.Secret.Reveal() == "":
		return invalid("the configuration has no callbacks.secret, which signs the addresses that gateways are given; make one by: openssl rand -hex 32")
	case c.PublicURL == "":
		return invalid("the configuration has no callbacks.public_url, where the gateways reach this; it begins with https://")
	}
	return nil
}

// signer makes the addresses that gateways are given; nil when the configuration has none.
func signer(cfg *config.Config) *report.Signer {
	if callbacksSet(cfg) != nil {
		return nil
	}
	c := cfg.Callbacks
	return report.NewSigner(c.PublicURL, c.Secret.Reveal(), c.PreviousSecret.Reveal())
}

// addressOf is where an account's gateway reaches Volley.
type addressOf struct {
	Account  string `json:"account"`
	Provider string `json:"provider"`
	// Pushes is false for gateways that push nothing that Volley can read.
	Pushes  bool   `json:"pushes"`
	Inbound string `json:"inbound,omitempty"`
	// Reports shows what the addresses look like that each call has of its own.
	Reports string `json:"reports,omitempty"`
}

func newAddresses(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "addresses",
		Short: "Show the addresses that the gateways are to push to",
		Long: `Show, for each account, the address to enter at the gateway for inbound messages, and for reports where the gateway takes
one address for all and signs what it pushes. It is a secret: whoever knows it can make up messages.

The addresses for reports are given to the gateway with each call; nothing has to be entered for them.`,
		Example: `  volley callbacks addresses
  volley callbacks addresses --json`,
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			cfg, err := a.config()
			if err != nil {
				return err
			}
			if err := callbacksSet(cfg); err != nil {
				return err
			}
			wired, err := wireAll(cfg, nil)
			if err != nil {
				return err
			}
			s, pushes := signer(cfg), receivers(wired)
			var out []addressOf
			for _, acc := range cfg.Accounts {
				row := addressOf{Account: acc.Name, Provider: acc.Provider}
				if _, row.Pushes = pushes[acc.Name]; row.Pushes {
					row.Inbound, row.Reports = s.Inbound(acc.Name), cfg.Callbacks.PublicURL+"/r/"+acc.Name+"/…"
				}
				out = append(out, row)
			}
			if a.json {
				return writeJSON(a.stdout, out)
			}
			t := a.newTable("Account", "Provider", "Inbound messages", "Reports (given with each call)")
			for _, r := range out {
				if !r.Pushes {
					r.Inbound, r.Reports = "pushes nothing", "-"
				}
				t.AppendRow(table.Row{r.Account, r.Provider, r.Inbound, r.Reports})
			}
			t.Render()
			return nil
		},
	}
}
