package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/volleysms/volley/internal/config"
	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/providers/mgage"
	"github.com/volleysms/volley/sms"
)

// newMgage makes the adapter for an account of the configuration.
func newMgage(c config.Account) (*mgage.Adapter, error) {
	return mgage.New(mgage.Options{
		BaseURL: c.BaseURL, Region: c.Region, Username: c.Username, Password: c.Password.Reveal(), ProgramID: c.ProgramID,
		MaxRecipients: c.MaxRecipients, MaxURLBytes: c.MaxBytes, MaxConns: c.Concurrency, GSMOnly: c.GSMOnly, RetryCode1: c.Code1 == "retry",
	})
}

// mgageAdapter is newMgage for wire.
func mgageAdapter(c config.Account) (providers.Adapter, error) {
	a, err := newMgage(c)
	if err != nil {
		return nil, err
	}
	return a, nil
}

func newMgageCommands(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "mgage",
		Short:   "What an mGage gateway does beside sending: virtual replies of handsets",
		Example: `  volley mgage webmo --account acoustic --from 12135550101 --to 87767 --text "JOIN club"`,
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newMgageWebMO(a))
	return cmd
}

// moTaken is the answer of webmo in JSON.
type moTaken struct {
	Account string `json:"account"`
	From    string `json:"from"`
	To      string `json:"to"`
	Taken   bool   `json:"taken"`
	Code    string `json:"code"`
	Detail  string `json:"detail"`
}

func newMgageWebMO(a *app) *cobra.Command {
	var account, from, to, text, program string
	cmd := &cobra.Command{
		Use:   "webmo --account NAME --from NUMBER --to CODE --text TEXT",
		Short: "Let the gateway take a message as if a handset had sent it",
		Long: `Let the gateway take a message as if a handset had sent it (externalMO), which starts or joins a program. The program answers
the handset, so an SMS may follow, and cost.

The command makes one call at once, past the queue, and never repeats it. When it fails in a way that the gateway may have
taken the message all the same, it says so. What the gateway answers is not documented: a 2xx without an error code is taken
for a yes.`,
		Example: `  volley mgage webmo --account acoustic --from 12135550101 --to 87767 --text "JOIN club"
  volley mgage webmo --account acoustic --from 12135550101 --to US-87767 --text STOP --program 108140 --json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			handset, err := sms.ParseMSISDN(from)
			if err != nil {
				return invalid("--from %s %w", from, err)
			}
			acc, err := a.accountOf(config.Mgage, account)
			if err != nil {
				return err
			}
			adapter, err := newMgage(acc)
			if err != nil {
				return invalid("account %s: %w", account, err)
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), acc.Timeout)
			defer cancel()
			said, err := adapter.WebMO(ctx, mgage.MO{Originator: handset, Destination: to, Message: text, ProgramID: program})
			if err != nil {
				return asked(err)
			}
			if a.json {
				return writeJSON(a.stdout, moTaken{account, handset.String(), to, true, said.Code, said.Detail})
			}
			_, err = fmt.Fprintln(a.stdout, "The gateway took the message; its program may answer the handset.")
			return err
		},
	}
	accountFlag(cmd, &account, config.Mgage)
	f := cmd.Flags()
	f.StringVar(&from, "from", "", "the handset's `number`, with its country code")
	f.StringVar(&to, "to", "", "the `code` that the handset writes to, such as 87767 or US-87767")
	f.StringVar(&text, "text", "", "the `text` that it writes, a program's keyword as a rule")
	f.StringVar(&program, "program", "", "the program's `ID`; empty is the account's")
	for _, name := range []string{"from", "to", "text"} {
		_ = cmd.MarkFlagRequired(name)
	}
	return cmd
}
