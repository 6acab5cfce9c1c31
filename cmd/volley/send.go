package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/sms"
)

func newSend(a *app) *cobra.Command {
	var flags jobFlags
	var to []string
	var substitute bool
	cmd := &cobra.Command{
		Use:   "send --via ACCOUNT_OR_ROUTE --from SENDER --text TEXT --to NUMBER",
		Short: "Enqueue one message to a few recipients, and print the job's ID",
		Example: `  volley send --via dk --from Acme --text "Your table is ready" --to 12125550100
  volley send --via default --from Acme --text "Lunch?" --to 12125550100,12125550101 --to "+44 7700 900000"
  volley send --via dk --from Acme --text "Good morning" --to 12125550100 --at "2028-01-31 07:00:00" --tz Europe/Copenhagen
  volley send --via dk --from Acme --text "Good morning" --to 12125550100 --at-local "2028-01-31 09:00" --not-after 2h
  volley send --via dk --from Acme --text "Sale" --to 12125550100 --window "mon-sat 09:00-20:00"
  volley send --via dk --from Acme --text "Reminder" --to 12125550100 --delay 2h --key reminder-4711`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			job, err := flags.job()
			if err != nil {
				return err
			}
			if substitute {
				job.Text = sms.SubstituteTemplate(job.Text)
			}
			for _, list := range to {
				for n := range strings.SplitSeq(list, ",") {
					job.Recipients = append(job.Recipients, enqueue.Recipient{To: strings.TrimSpace(n)})
				}
			}
			return a.withClient(cmd.Context(), func(c *enqueue.Client) error {
				r, err := c.Enqueue(cmd.Context(), job)
				return a.receipt(r, err, func(r enqueue.Receipt) {
					a.tellRefused(r, false)
					if r.JobID != "" {
						fmt.Fprintln(a.stdout, r.JobID)
					}
				})
			})
		},
	}
	flags.register(a, cmd, enqueue.Normal)
	substituteFlag(cmd, &substitute)
	cmd.Flags().StringArrayVar(&to, "to", nil, "recipient's `number` with its country code; several with commas, or --to again")
	_ = cmd.MarkFlagRequired("to")
	return cmd
}
