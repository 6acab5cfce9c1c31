package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/volleysms/volley/providers/providertest/gateway"
)

// simulated is the answer of simulate in JSON.
type simulated struct {
	Provider string            `json:"provider"`
	BaseURL  string            `json:"base_url"`
	Account  map[string]string `json:"account"`
}

// simulatedMessages is how many messages each simulated gateway remembers for those who ask about them.
const simulatedMessages = 100_000

func newSimulate(a *app) *cobra.Command {
	var listen string
	var faults []string
	var redisURL, reports string
	var open bool
	cmd := &cobra.Command{
		Use:   "simulate",
		Short: "Run the simulated gateways, until stopped",
		Long: `Run the four simulated gateways on this machine, and print a configuration with an account at each. They are as strict as
the real ones, send nothing, and misbehave when told to.

A fault is [PROVIDER/]WHAT[:ARGUMENT][WHEN]. WHAT is a status from 400 to 599 (503-after: the messages are taken all the
same), latency:50ms, cut-before, cut-after, refuse:LASTDIGITS, garbage, slow, huge, redirect or auth. WHEN is @2 (the second
send), @1-5, @3-, %10 (every tenth) or ~0.01 (one in a hundred).

With --reports the gateways decide what becomes of each message, and push it to the address that came with it, as the real
ones do: repeated until it is taken. What becomes of a number is always the same. usual is a plan of its own, and
undelivered=0.1,silent=0.1,transient=0.5,disorder=0.5,twice=0.1,forged=0.1,late=0.1:5s,delay=1s,stored=1m,pause=1s,webhook=URL
say what differs from it: shares of the numbers, times, and where an account's own webhook is.`,
		Example: `  volley simulate > volley.yaml
  volley simulate --listen 127.0.0.1:8099 --fault mttm/503@1-3 --fault "gatewayapi/cut-after%10"
  volley simulate --reports usual
  volley simulate --reports undelivered=0.5,forged=0.2,delay=0s`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			plan, err := gateway.ParseReportPlan(reports)
			if err != nil {
				return invalid("--%w", err)
			}
			keep := -1
			if plan.On {
				keep = simulatedMessages
			}
			sims, err := startSimulators(listen, open, faults, keep, plan)
			if err != nil {
				return err
			}
			if a.json {
				var out []simulated
				for _, g := range sims {
					out = append(out, simulated{g.Dialect().Provider(), g.URL(), g.Dialect().Account()})
				}
				err = writeJSON(a.stdout, out)
			} else {
				_, err = fmt.Fprint(a.stdout, sims.yaml(redisURL))
			}
			if err == nil {
				<-cmd.Context().Done()
			}
			return errors.Join(err, sims.close())
		},
	}
	f := cmd.Flags()
	f.StringVar(&listen, "listen", "127.0.0.1:0", "`address` of the first gateway, on the loopback; the others take the next ports; port 0 is a free one for each")
	f.BoolVar(&open, "open", false, "let --listen be any address, such as :8090; for networks of containers, since anybody who reaches them may send")
	f.StringArrayVar(&faults, "fault", nil, "a `fault`, such as 503@2 or mttm/refuse:9901; may be given again")
	f.StringVar(&reports, "reports", "off", "the `plan` of what the gateways report: off, usual, or what differs from that")
	f.StringVar(&redisURL, "redis", "redis://127.0.0.1:6379/0", "the `url` of Redis that is written into the configuration")
	return cmd
}
