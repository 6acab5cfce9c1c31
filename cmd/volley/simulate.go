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

func newSimulate(a *app) *cobra.Command {
	var listen string
	var faults []string
	var redisURL string
	cmd := &cobra.Command{
		Use:   "simulate",
		Short: "Run the simulated gateways, until stopped",
		Long: `Run the four simulated gateways on this machine, and print a configuration with an account at each. They are as strict as
the real ones, send nothing, and misbehave when told to.

A fault is [PROVIDER/]WHAT[:ARGUMENT][WHEN]. WHAT is a status from 400 to 599 (503-after: the messages are taken all the
same), latency:50ms, cut-before, cut-after, refuse:LASTDIGITS, garbage, slow, huge, redirect or auth. WHEN is @2 (the second
send), @1-5, @3-, %10 (every tenth) or ~0.01 (one in a hundred).`,
		Example: `  volley simulate > volley.yaml
  volley simulate --listen 127.0.0.1:8099 --fault mttm/503@1-3 --fault "gatewayapi/cut-after%10"`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			sims, err := startSimulators(listen, faults, -1, gateway.ReportPlan{})
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
	f.StringArrayVar(&faults, "fault", nil, "a `fault`, such as 503@2 or mttm/refuse:9901; may be given again")
	f.StringVar(&redisURL, "redis", "redis://127.0.0.1:6379/0", "the `url` of Redis that is written into the configuration")
	return cmd
}
