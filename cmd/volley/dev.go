package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/volleysms/volley/providers/providertest/gateway"
	"github.com/volleysms/volley/worker"
)

// devReports is what the simulated gateways of development say about messages later: most arrive, after two seconds.
var devReports = gateway.ReportPlan{On: true, Undelivered: 0.05, Transient: 0.2, Delay: 2 * time.Second, Stored: time.Second, Pause: time.Second}

func newDev(a *app) *cobra.Command {
	var redisURL, listen, reports, dashboard string
	var faults []string
	cmd := &cobra.Command{
		Use:   "dev",
		Short: "Run Redis, the simulated gateways, all roles and the dashboard, until stopped",
		Long: `Run everything that development needs in one process: an embedded Redis on a free port (or the one that --redis names),
the four simulated gateways, a worker, a scheduler, callbacks, to which the gateways report, and the dashboard. A
configuration for them is written into a temporary directory, for the other commands to use.`,
		Example: `  volley dev
  volley dev --fault "mttm/latency:200ms" --redis redis://127.0.0.1:6379/1
  volley dev --reports undelivered=0.5,delay=10s`,
		Annotations: map[string]string{role: ""},
		Args:        noArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			plan := devReports
			if cmd.Flags().Changed("reports") {
				if plan, err = gateway.ParseReportPlan(reports); err != nil {
					return invalid("--%w", err)
				}
			}
			r, err := newRig(cmd.Context(), a, redisURL, listen, faults, worker.Retry{}, plan)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, r.close()) }()
			dir, err := os.MkdirTemp("", "volley-dev-")
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
			file := filepath.Join(dir, "volley.yaml")
			if err := os.WriteFile(file, []byte(r.yaml), 0o600); err != nil {
				return err
			}
			dash, err := new(net.ListenConfig).Listen(cmd.Context(), "tcp", dashboard)
			if err != nil {
				return fmt.Errorf("the address %s can't be used: %w; choose another by --ui", dashboard, reason(err))
			}
			defer dash.Close()
			if err := a.announceDev(r, file, dash.Addr().String()); err != nil {
				return err
			}
			// Endpoints of one's own are on this machine.
			r.cfg.Scheduler.AllowPrivate = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
			return a.besideScheduler(cmd.Context(), r.cfg, r.redis, func(ctx context.Context) error {
				return together(ctx, r.run, func(ctx context.Context) error { return a.runDashboard(ctx, r.cfg, r.redis, dash) })
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&redisURL, "redis", "", "`url` of a Redis to use instead of the embedded one")
	f.StringVar(&listen, "listen", "127.0.0.1:0", "`address` of the first simulated gateway; the others take the next ports; port 0 is a free one for each")
	f.StringVar(&dashboard, "ui", "127.0.0.1:0", "`address` of the dashboard, on the loopback; port 0 is a free one")
	f.StringArrayVar(&faults, "fault", nil, "a `fault` of the simulated gateways, as volley simulate takes it; may be given again")
	f.StringVar(&reports, "reports", "", "the `plan` of what the gateways report, as volley simulate takes it (default: most arrive, after two seconds)")
	return cmd
}

func (a *app) announceDev(r *rig, file, dashboard string) error {
	if a.json {
		gateways := map[string]string{}
		for _, g := range r.sims {
			gateways[g.Dialect().Provider()] = g.URL()
		}
		return writeJSON(a.stdout, map[string]any{"config": file, "redis": address(r.redis), "gateways": gateways, "ui": "http://" + dashboard})
	}
	fmt.Fprintf(a.stdout, `Redis is at %s, and the worker serves the accounts gatewayapi, mgage, mttm and ogangi.
The dashboard is at http://%s
In another terminal:

  export VOLLEY_CONFIG=%s
  volley send --via mttm --from Acme --text "Hello" --to 12125550100
  volley status

Ctrl-C ends it, and forgets everything.
`, address(r.redis), dashboard, file)
	return nil
}
