package main

import (
	"net/url"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/volleysms/volley/internal/config"
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
}

func newAccounts(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "accounts",
		Short: "List the accounts of the configuration",
		Example: `  volley accounts
  volley accounts check`,
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			cfg, err := a.config()
			if err != nil {
				return err
			}
			list := []accountInfo{}
			for _, acc := range cfg.Accounts {
				list = append(list, infoOf(acc))
			}
			if a.json {
				return writeJSON(a.stdout, list)
			}
			a.showAccounts(list)
			return nil
		},
	}
	cmd.AddCommand(newAccountsCheck(a))
	return cmd
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
	t := a.newTable("Account", "Provider", "Host", "Calls in flight", "Rate of calls", "Timeout")
	rightAligned(t, 4, 5, 6)
	for _, i := range list {
		host := i.Host
		if host == "" {
			host = "the provider's"
		}
		t.AppendRow(table.Row{i.Name, i.Provider, host, i.Concurrency, i.Rate, i.Timeout})
	}
	t.Render()
}
