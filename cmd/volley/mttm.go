package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/volleysms/volley/internal/config"
	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/providers/mttm"
	"github.com/volleysms/volley/sms"
)

// mttmAdapter makes the adapter for an account of the configuration.
func mttmAdapter(c config.Account) (providers.Adapter, error) {
	if c.API == "url" {
		return mttm.NewURL(mttm.URLOptions{
			BaseURL: c.BaseURL, Username: c.Username, Password: c.Password.Reveal(), Method: c.Method,
			MaxSegments: c.MaxSegments, Tags: c.Tags, MaxConns: c.Concurrency,
		})
	}
	return mttm.New(mttm.Options{
		BaseURL: c.BaseURL, Username: c.Username, Password: c.Password.Reveal(), Operation: c.Operation,
		MaxRecipients: c.MaxRecipients, MaxSegments: c.MaxSegments, MaxBodyBytes: c.MaxBytes, Tags: c.Tags,
		ScheduleFormat: c.ScheduleFormat, ScheduleZone: c.Timezone, MaxConns: c.Concurrency,
	})
}

// mttmTimeout bounds a question to the gateway.
const mttmTimeout = 15 * time.Second

func newMTTM(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "mttm",
		Short: "Ask an MTTM gateway whether it works, and what a message would cost",
		Example: `  volley mttm ping --account moon
  volley mttm rate --account moon --to 45001234567`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newMTTMPing(a), newMTTMRate(a))
	return cmd
}

// pinged is the answer of ping in JSON.
type pinged struct {
	Account string `json:"account"`
	Result  string `json:"result"`
}

func newMTTMPing(a *app) *cobra.Command {
	var account string
	cmd := &cobra.Command{
		Use:   "ping --account NAME",
		Short: "Ask the gateway whether it is there and works; proves no login",
		Long: `Ask the gateway of an MTTM account whether it is there and works. Nothing is sent, and no login is needed or proven:
volley accounts check does that.`,
		Example: `  volley mttm ping --account moon`,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			adapter, err := a.mttm(account)
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), mttmTimeout)
			defer cancel()
			// Both of the gateway's APIs have it.
			if err := adapter.(interface{ Ping(context.Context) error }).Ping(ctx); err != nil {
				return err
			}
			if a.json {
				return writeJSON(a.stdout, pinged{account, checkOK})
			}
			_, err = fmt.Fprintf(a.stdout, "The gateway of %s answers.\n", account)
			return err
		},
	}
	mttmAccountFlag(cmd, &account)
	return cmd
}

// rated is the answer of rate in JSON.
type rated struct {
	Account  string  `json:"account"`
	To       string  `json:"to"`
	UnitRate string  `json:"unit_rate"`
	Segments int     `json:"segments"`
	Total    float64 `json:"total"`
}

func newMTTMRate(a *app) *cobra.Command {
	var account, to, from, text string
	cmd := &cobra.Command{
		Use:   "rate --account NAME --to NUMBER",
		Short: "Ask what a message to a number would cost, without sending it",
		Long: `Ask the gateway of an MTTM account which price it takes for a message to a number, in the account's currency, which it does
not name. Nothing is sent. A number that it has no route to fails.`,
		Example: `  volley mttm rate --account moon --to 45001234567
  volley mttm rate --account moon --to 45001234567 --from Acme --text "Doors open at nine" --json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			number, err := sms.ParseMSISDN(to)
			if err != nil {
				return invalid("--to %s %w", to, err)
			}
			var sender sms.SenderID
			if from != "" {
				if sender, err = sms.ParseSenderID(from); err != nil {
					return invalid("--from: %w", err)
				}
			}
			adapter, err := a.mttm(account)
			if err != nil {
				return err
			}
			rest, ok := adapter.(*mttm.Adapter)
			if !ok {
				return invalid("account %s speaks the URL API, which can't tell a rate: use an account at the same gateway with api: rest", account)
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), mttmTimeout)
			defer cancel()
			rate, err := rest.Rate(ctx, number, sender, text)
			if err != nil {
				if providers.KindOf(err) == providers.Invalid {
					return invalid("--text: %w", err)
				}
				return err
			}
			total, ok := rate.Total()
			if !ok {
				return errors.New("the gateway names no price")
			}
			if a.json {
				return writeJSON(a.stdout, rated{account, number.String(), rate.Unit, rate.Segments, total})
			}
			t := a.newTable("To", "Price of a segment", "Segments", "Price")
			rightAligned(t, 2, 3, 4)
			t.AppendRow(table.Row{number, rate.Unit, rate.Segments, strconv.FormatFloat(total, 'f', -1, 64)})
			t.Render()
			return nil
		},
	}
	mttmAccountFlag(cmd, &account)
	f := cmd.Flags()
	f.StringVar(&to, "to", "", "the `number` of the recipient, with its country code")
	f.StringVar(&from, "from", "", "the `sender`; empty is the account's own")
	f.StringVar(&text, "text", "x", "the `text`, of which the number of segments depends")
	_ = cmd.MarkFlagRequired("to")
	return cmd
}

func mttmAccountFlag(cmd *cobra.Command, account *string) {
	cmd.Flags().StringVar(account, "account", "", "the `name` of an MTTM account of the configuration")
	_ = cmd.MarkFlagRequired("account")
}

// mttm returns the adapter of an MTTM account of the configuration.
func (a *app) mttm(name string) (providers.Adapter, error) {
	cfg, err := a.config()
	if err != nil {
		return nil, err
	}
	var have []string
	for _, acc := range cfg.Accounts {
		if acc.Provider != config.MTTM {
			continue
		}
		if acc.Name == name {
			adapter, err := mttmAdapter(acc)
			if err != nil {
				return nil, invalid("account %s: %w", name, err)
			}
			return adapter, nil
		}
		have = append(have, acc.Name)
	}
	if len(have) == 0 {
		return nil, invalid("there is no account of provider mttm in the configuration")
	}
	return nil, invalid("there is no account %q of provider mttm in the configuration; there are: %s", name, strings.Join(have, ", "))
}
