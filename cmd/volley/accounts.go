package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/redis/go-redis/v9"
	"github.com/spf13/cobra"

	"github.com/volleysms/volley/internal/config"
	"github.com/volleysms/volley/internal/standing"
)

// accountInfo is an account as `volley accounts` shows it.
type accountInfo struct {
	Name     string `json:"name"`
	Provider string `json:"provider"`
	// Host is where the gateway is; empty is the provider's own.
	Host        string `json:"host"`
	Concurrency int    `json:"concurrency"`
	Rate        string `json:"rate"`
	Timeout     string `json:"timeout"`
	// State is ok, suspended or down; empty when Redis does not tell it.
	State string `json:"state"`
	// Since, Code and Detail are when that began and what the gateway, or the network, said.
	Since  *time.Time `json:"since"`
	Code   string     `json:"code"`
	Detail string     `json:"detail"`
}

// stateOK is the state of an account without trouble.
const stateOK = "ok"

func newAccounts(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "accounts",
		Short: "Show the accounts of the configuration, and how they stand",
		Long: `Show the accounts of the configuration, and how they stand: ok; suspended, when the gateway refuses the account (login,
address, balance); or down, when it does not answer. The recipients of an account in trouble stay queued. It is probed from
time to time, at first after 2 seconds and at last every 5 minutes, and goes on by itself when the trouble is over.`,
		Example: `  volley accounts
  volley accounts check
  volley accounts resume dk`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.config()
			if err != nil {
				return err
			}
			list, err := a.accountList(cmd.Context(), cfg)
			if err != nil {
				fmt.Fprintf(a.stderr, "how the accounts stand is not known: %v\n", err)
			}
			if a.json {
				return writeJSON(a.stdout, list)
			}
			a.showAccounts(list)
			return nil
		},
	}
	cmd.AddCommand(newAccountsCheck(a), newAccountsResume(a))
	return cmd
}

func newAccountsResume(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "resume NAME",
		Short: "End an account's suspension: all workers try it again within a second or two",
		Example: `  volley accounts resume dk
  volley accounts resume dk --json`,
		Args: oneArg("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := a.config()
			if err != nil {
				return err
			}
			name := args[0]
			if _, ok := cfg.Account(name); !ok {
				return unknownAccount(name, accountNames(cfg))
			}
			var had bool
			err = a.withRedis(cmd.Context(), cfg, func(rdb redis.UniversalClient) error {
				had, err = standing.New(rdb).Resume(cmd.Context(), name)
				return err
			})
			switch {
			case err != nil:
				return err
			case a.json:
				return writeJSON(a.stdout, map[string]any{"name": name, "resumed": had})
			case had:
				fmt.Fprintf(a.stdout, "%s is tried again\n", name)
			default:
				fmt.Fprintf(a.stdout, "%s was not in trouble\n", name)
			}
			return nil
		},
	}
}

// withRedis runs fn with a connection to the configured Redis, and fails when it is not there or not fit.
func (a *app) withRedis(ctx context.Context, cfg *config.Config, fn func(redis.UniversalClient) error) error {
	o, err := redisOptions(cfg.Redis.URL.Reveal())
	if err != nil {
		return err
	}
	if err := checkRedis(ctx, o); err != nil {
		return err
	}
	rdb := redis.NewUniversalClient(o)
	return errors.Join(fn(rdb), rdb.Close())
}

// accountList returns the accounts; when Redis does not answer, without their states.
func (a *app) accountList(ctx context.Context, cfg *config.Config) ([]accountInfo, error) {
	list := []accountInfo{}
	for _, acc := range cfg.Accounts {
		list = append(list, infoOf(acc))
	}
	err := a.withRedis(ctx, cfg, func(rdb redis.UniversalClient) error {
		known, err := standings(ctx, rdb, cfg)
		if err == nil {
			list = known
		}
		return err
	})
	return list, err
}

// standings are the accounts and how they stand.
func standings(ctx context.Context, rdb redis.UniversalClient, cfg *config.Config) ([]accountInfo, error) {
	records, err := standing.New(rdb).Of(ctx, accountNames(cfg)...)
	if err != nil {
		return nil, err
	}
	list := []accountInfo{}
	for _, acc := range cfg.Accounts {
		i := infoOf(acc)
		i.State = stateOK
		if t := records[i.Name]; t != nil {
			since := t.Since.UTC()
			i.State, i.Since, i.Code, i.Detail = t.Why, &since, t.Code, t.Detail
		}
		list = append(list, i)
	}
	return list, nil
}

func infoOf(c config.Account) accountInfo {
	host := ""
	if u, err := url.Parse(c.BaseURL); err == nil {
		host = u.Host
	}
	return accountInfo{
		Name: c.Name, Provider: c.Provider, Host: host, Concurrency: c.Concurrency, Rate: c.Rate.String(), Timeout: c.Timeout.String(),
	}
}

func (a *app) showAccounts(list []accountInfo) {
	t := a.newTable("Account", "Provider", "Host", "Calls in flight", "Rate of calls", "Timeout", "State")
	rightAligned(t, 4, 5, 6)
	for _, i := range list {
		host, state := i.Host, i.State
		if host == "" {
			host = "the provider's"
		}
		if i.Since != nil {
			state += " since " + clock(i.Since)
		}
		t.AppendRow(table.Row{i.Name, i.Provider, host, i.Concurrency, i.Rate, i.Timeout, state})
	}
	t.Render()
	for _, i := range list {
		if i.Since != nil {
			fmt.Fprintf(a.stdout, "%s: %s %s\n", i.Name, i.Code, i.Detail)
		}
	}
}
