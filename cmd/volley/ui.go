package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/redis/go-redis/v9"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/config"
	"github.com/volleysms/volley/internal/signin"
	"github.com/volleysms/volley/ui"
)

func newUI(a *app) *cobra.Command {
	var listen, admin string
	cmd := &cobra.Command{
		Use:   "ui",
		Short: "Serve the dashboard: see and steer jobs, accounts and schedules in a browser",
		Long: `Serve the dashboard, until stopped: jobs with live progress, what became of their recipients and why, accounts and how they
stand, unknown recipients that wait for a decision, and schedules; and pause, resume, cancel, retry, each after a page
that says what it will do. Whatever is done is on a trail, with who did it.

People sign in by a password file, an identity provider (OIDC), or a reverse proxy, as the section ui of the configuration
says. Without any of these it serves this machine only.`,
		Example: `  volley ui
  volley ui --listen 127.0.0.1:9000
  volley ui passwd ann >> ui-passwords`,
		Annotations: map[string]string{role: ""},
		Args:        noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.config()
			if err != nil {
				return err
			}
			if !cmd.Flags().Changed("listen") {
				listen = cfg.UI.Listen
			}
			if !cmd.Flags().Changed("admin") {
				admin = cfg.Admin.Listen
			}
			return a.serving(cmd.Context(), cfg, listen, "--listen or ui.listen", admin, a.runDashboard)
		},
	}
	f := cmd.Flags()
	f.StringVar(&listen, "listen", "", "`address` to serve (default ui.listen of the configuration, 127.0.0.1:8090)")
	f.StringVar(&admin, "admin", "", "`address` of /healthz, /readyz and /metrics (default admin.listen of the configuration; none when that is left out)")
	cmd.AddCommand(newPasswd(a))
	return cmd
}

// runDashboard serves on l until ctx ends, and closes it.
func (a *app) runDashboard(ctx context.Context, cfg *config.Config, o *redis.UniversalOptions, l net.Listener) (err error) {
	own := *o
	own.ContextTimeoutEnabled = true
	rdb := redis.NewUniversalClient(&own)
	defer func() { err = errors.Join(err, rdb.Close()) }()
	client, err := enqueue.NewFromRedis(rdb, a.producer(cfg))
	if err != nil {
		return errors.Join(err, l.Close())
	}
	u := cfg.UI
	s, err := ui.New(rdb, ui.Options{
		Client: client, Accounts: dashboardAccounts(cfg), Version: version, Logger: a.log.Named("ui"),
		SignIn: signin.Options{
			PublicURL: u.PublicURL, Secret: u.Secret.Reveal(), Session: u.Session, Passwords: u.Passwords,
			OIDC: signin.OIDC{
				Issuer: u.OIDC.Issuer, ClientID: u.OIDC.ClientID, ClientSecret: u.OIDC.ClientSecret.Reveal(), Scopes: u.OIDC.Scopes,
				NameClaim: u.OIDC.NameClaim, GroupsClaim: u.OIDC.GroupsClaim,
			},
			UserHeader: u.Proxy.UserHeader, GroupsHeader: u.Proxy.GroupsHeader, Trusted: u.Trusted,
			Read: signin.People(u.Read), Operate: signin.People(u.Operate),
		},
	})
	if err != nil {
		return errors.Join(&inputError{err}, l.Close())
	}
	if u.SignsIn() && u.Secret.IsZero() {
		a.log.Info("ui.secret is not set: whoever signed in has to do so again after a restart")
	}
	return s.Run(ctx, l)
}

// dashboardAccounts are the accounts as the dashboard shows them.
func dashboardAccounts(cfg *config.Config) []ui.Account {
	var out []ui.Account
	for _, c := range cfg.Accounts {
		i := infoOf(c)
		acc := ui.Account{Name: c.Name, Provider: c.Provider, Host: i.Host, Concurrency: c.Concurrency}
		for _, l := range []ui.Limit{
			{What: "Calls", PerSecond: c.Rate.PerSecond()},
			{What: "Recipients", PerSecond: c.Recipients.PerSecond()},
			{What: "Segments", PerSecond: c.Segments.PerSecond()},
		} {
			if l.PerSecond > 0 {
				acc.Limits = append(acc.Limits, l)
			}
		}
		out = append(out, acc)
	}
	return out
}

func newPasswd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "passwd NAME",
		Short: "Make a line for the password file of the dashboard",
		Long: `Ask for a password, and write the line that lets NAME sign in to the dashboard with it, for the file that ui.passwords
names. Only what the password is known by is in it. When standard input is no terminal the password is its first line.`,
		Example: `  volley ui passwd ann >> ui-passwords
  openssl rand -base64 15 | tee password | volley ui passwd ann >> ui-passwords`,
		Args: oneArg("NAME"),
		RunE: func(_ *cobra.Command, args []string) error {
			password, err := a.askPassword()
			if err != nil {
				return err
			}
			line, err := signin.Line(args[0], password)
			if err != nil {
				return &inputError{err}
			}
			if a.json {
				return writeJSON(a.stdout, map[string]string{"name": args[0], "line": line})
			}
			fmt.Fprintln(a.stdout, line)
			return nil
		},
	}
}

// askPassword asks twice where somebody types, and reads a line otherwise.
func (a *app) askPassword() (string, error) {
	f, ok := a.stdin.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		line, err := bufio.NewReader(a.stdin).ReadString('\n')
		if err != nil && line == "" {
			return "", invalid("there is no password on standard input")
		}
		return strings.TrimRight(line, "\r\n"), nil
	}
	ask := func(what string) (string, error) {
		fmt.Fprint(a.stderr, what)
		b, err := term.ReadPassword(int(f.Fd()))
		fmt.Fprintln(a.stderr)
		return string(b), err
	}
	first, err := ask("Password: ")
	if err != nil {
		return "", err
	}
	again, err := ask("Once more: ")
	if err != nil {
		return "", err
	}
	if first != again {
		return "", invalid("the two passwords differ")
	}
	return first, nil
}
