package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// healthTimeout bounds one question to an admin server.
const healthTimeout = 3 * time.Second

func newHealthcheck(a *app) *cobra.Command {
	var admin string
	var alive bool
	cmd := &cobra.Command{
		Use:   "healthcheck",
		Short: "Ask a role on this machine whether it is ready; for health checks of containers",
		Long: `Ask the admin address of a role on this machine whether it is ready: that it does its work, and that Redis answers. Exit
status 0 is yes, 1 is no. It is for images and service managers that have no curl.`,
		Example: `  volley healthcheck
  volley healthcheck --admin 127.0.0.1:9465
  volley healthcheck --alive              # that the process answers at all`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !cmd.Flags().Changed("admin") {
				cfg, err := a.config()
				if err != nil {
					return err
				}
				admin = cfg.Admin.Listen
			}
			if admin == "" {
				return invalid("the configuration has no admin.listen; name the role's address with --admin")
			}
			path := "/readyz"
			if alive {
				path = "/healthz"
			}
			word, err := askHealth(cmd.Context(), admin, path)
			if err != nil {
				return err
			}
			if a.json {
				return writeJSON(a.stdout, map[string]string{"admin": admin, "says": word})
			}
			fmt.Fprintln(a.stdout, word)
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&admin, "admin", "", "`address` of the role's /healthz and /readyz (default admin.listen of the configuration)")
	f.BoolVar(&alive, "alive", false, "ask only whether the process answers")
	return cmd
}

// askHealth returns what the admin server says; an error unless it is yes.
func askHealth(ctx context.Context, admin, path string) (string, error) {
	host, port, err := net.SplitHostPort(admin)
	if err != nil {
		return "", invalid("--admin is host:port, and not %q", admin)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1" // it listens everywhere, and so here
	}
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+path, nil)
	if err != nil {
		return "", invalid("--admin is host:port, and not %q", admin)
	}
	// The role is on this machine: no proxy has a part in it.
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		return "", fmt.Errorf("nothing answers at %s: %w", admin, reason(err))
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
	if err != nil {
		return "", fmt.Errorf("the answer of %s breaks off: %w", admin, err)
	}
	word := strings.TrimSpace(string(body))
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s says: %s", admin, word)
	}
	return word, nil
}
