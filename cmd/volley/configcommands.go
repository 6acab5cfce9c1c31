package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/volleysms/volley/internal/config"
)

func newConfig(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Check the configuration, and show what is in effect",
		Example: `  volley config check
  volley config show accounts.dk`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newConfigCheck(a), newConfigShow(a))
	return cmd
}

// configChecked is the answer of config check in JSON.
type configChecked struct {
	Config   string   `json:"config"`
	Accounts []string `json:"accounts"`
	Routes   []string `json:"routes"`
}

func newConfigCheck(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "Say everything that is wrong with the configuration; exit status 2 when something is",
		Long: `Read the configuration, the files that it names for secrets, and the variables of this environment, as the roles do, and say
everything that is wrong. Nothing is connected to: volley accounts check proves the logins.

The long-running roles look at the file every two seconds, and at once on SIGHUP. A configuration that this command refuses
changes nothing there.`,
		Example: `  volley config check
  volley config check --config volley.yaml.new && mv volley.yaml.new volley.yaml`,
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			cfg, err := a.config()
			if err != nil {
				return err
			}
			if _, err := redisOptions(cfg.Redis.URL.Reveal()); err != nil {
				return err
			}
			if _, err := wireAll(cfg, nil); err != nil {
				return err
			}
			out := configChecked{a.configFile, accountNames(cfg), routeNames(cfg)}
			if a.json {
				return writeJSON(a.stdout, out)
			}
			fmt.Fprintf(a.stdout, "%s is right: %s (%s), %s.\n", out.Config,
				plural(int64(len(out.Accounts)), "account"), strings.Join(out.Accounts, ", "), plural(int64(len(out.Routes)), "route"))
			return nil
		},
	}
}

func newConfigShow(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "show [KEY]",
		Short: "Show each key that is in effect, with where it comes from; secrets are masked",
		Example: `  volley config show
  volley config show accounts.dk
  volley config show --json | jq -r '.[] | select(.source == "default").key'`,
		Args: atMostOneArg,
		RunE: func(_ *cobra.Command, args []string) error {
			all, err := config.Settings(a.configFile)
			if err != nil {
				return &inputError{err}
			}
			shown := []config.Setting{}
			for _, s := range all {
				if len(args) == 0 || below(s.Key, args[0]) {
					shown = append(shown, s)
				}
			}
			if len(shown) == 0 {
				return invalid("%s says nothing about %q; volley config show lists all keys", a.configFile, args[0])
			}
			if a.json {
				return writeJSON(a.stdout, shown)
			}
			t := a.newTable("Key", "Value", "Source")
			for _, s := range shown {
				t.AppendRow([]any{s.Key, s.Value, s.Source})
			}
			t.Render()
			return nil
		},
	}
}

// below reports whether a key is the one named, or somewhere under it.
func below(key, of string) bool {
	rest, ok := strings.CutPrefix(key, of)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
}
