package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/worker"
)

// checkTimeout bounds the check of all accounts.
const checkTimeout = 15 * time.Second

// The results of a check.
const (
	checkOK          = "ok"
	checkReachable   = "reachable" // the gateway answers, and can't prove a login
	checkLogin       = "wrong login"
	checkUnreachable = "unreachable"
	checkFailed      = "failed"
)

// checked is what a check found out about an account.
type checked struct {
	Name     string `json:"name"`
	Provider string `json:"provider"`
	Result   string `json:"result"`
	Balance  string `json:"balance"`
	Detail   string `json:"detail"`
}

func (c checked) good() bool { return c.Result == checkOK || c.Result == checkReachable }

func newAccountsCheck(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "check [NAME]",
		Short: "Check login and reachability of the accounts, without sending anything",
		Long: `Check login and reachability of one account or all of them, at the same time and within 15 seconds. Nothing is sent.
The exit status is 1 when one of them fails.`,
		Example: `  volley accounts check
  volley accounts check dk --json`,
		Args: atMostOneArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := a.config()
			if err != nil {
				return err
			}
			accounts, err := wireAll(cfg, args)
			if err != nil {
				return err
			}
			results := checkAll(cmd.Context(), accounts)
			if a.json {
				err = writeJSON(a.stdout, results)
			} else {
				a.showChecks(results)
			}
			for _, r := range results {
				if !r.good() {
					err = errors.Join(err, errSaid)
					break
				}
			}
			return err
		},
	}
}

// checkAll checks the accounts at the same time.
func checkAll(ctx context.Context, accounts []worker.Account) []checked {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	out := make([]checked, len(accounts))
	var all sync.WaitGroup
	for i, acc := range accounts {
		all.Go(func() { out[i] = check(ctx, acc) })
	}
	all.Wait()
	return out
}

func check(ctx context.Context, acc worker.Account) checked {
	c := checked{Name: acc.Name, Provider: acc.Provider}
	checker, ok := acc.Adapter.(providers.Checker)
	if !ok {
		c.Result, c.Detail = checkReachable, "the gateway has nothing to check an account by"
		return c
	}
	info, err := checker.Check(ctx)
	c.Balance, c.Detail = info.Balance, info.Note
	switch {
	case err == nil && info.LoginProven:
		c.Result = checkOK
	case err == nil:
		c.Result = checkReachable
	default:
		c.Detail = err.Error()
		switch providers.KindOf(err) {
		case providers.Config:
			c.Result = checkLogin
		case providers.Unavailable:
			c.Result = checkUnreachable
		default:
			c.Result = checkFailed
		}
	}
	return c
}

func (a *app) showChecks(results []checked) {
	t := a.newTable("Account", "Provider", "Result", "Balance", "Detail")
	for _, c := range results {
		colour := text.FgRed
		if c.good() {
			colour = text.FgGreen
		}
		t.AppendRow(table.Row{c.Name, c.Provider, a.paint(colour, c.Result), c.Balance, c.Detail})
	}
	t.Render()
}
