package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/volleysms/volley/internal/config"
	"github.com/volleysms/volley/providers/gatewayapi"
)

// priceShown is a price in the answer of prices in JSON. Amounts are as the gateway writes them.
type priceShown struct {
	Class   string `json:"class"`
	Country string `json:"country"`
	Name    string `json:"country_name"`
	Prefix  string `json:"prefix"`
	DKK     string `json:"dkk"`
	EUR     string `json:"eur"`
}

func newGatewayAPIPrices(a *app) *cobra.Command {
	var account, class string
	var countries []string
	cmd := &cobra.Command{
		Use:   "prices --account NAME",
		Short: "List what a segment costs, by class and country",
		Long: `List what a segment costs at the account's gateway, by class and country. The list is the gateway's public one: the account's
own agreement may say otherwise.`,
		Example: `  volley gatewayapi prices --account dk --country DK,SE
  volley gatewayapi prices --account dk --class standard --json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withGatewayAPI(cmd.Context(), account, func(ctx context.Context, g *gatewayapi.Adapter) error {
				list, err := g.Prices(ctx)
				if err != nil {
					return err
				}
				list = slices.DeleteFunc(list, func(p gatewayapi.Price) bool {
					named := func(c string) bool { return strings.EqualFold(c, p.Country) }
					return class != "" && p.Class != class || len(countries) > 0 && !slices.ContainsFunc(countries, named)
				})
				return a.showPrices(list)
			})
		},
	}
	accountFlag(cmd, &account, config.GatewayAPI)
	cmd.Flags().StringSliceVar(&countries, "country", nil, "only to these `countries`, such as DK")
	cmd.Flags().StringVar(&class, "class", "", "only in this `class`, such as standard")
	return cmd
}

func (a *app) showPrices(list []gatewayapi.Price) error {
	if a.json {
		out := []priceShown{}
		for _, p := range list {
			out = append(out, priceShown(p))
		}
		return writeJSON(a.stdout, out)
	}
	t := a.newTable("Class", "Country", "Name", "Prefix", "DKK", "EUR")
	rightAligned(t, 4, 5, 6)
	for _, p := range list {
		t.AppendRow(table.Row{p.Class, p.Country, p.Name, p.Prefix, p.DKK, p.EUR})
	}
	t.Render()
	return nil
}

// usageShown is an entry in the answer of usage in JSON. Amounts are as the gateway writes them.
type usageShown struct {
	Label    string `json:"label"`
	Country  string `json:"country"`
	Class    string `json:"class"`
	Messages string `json:"messages"`
	Cost     string `json:"cost"`
	Currency string `json:"currency"`
}

func newGatewayAPIUsage(a *app) *cobra.Command {
	var account, from, to, label string
	cmd := &cobra.Command{
		Use:   "usage --account NAME --from DAY --to DAY",
		Short: "List what the account sent and what it cost, by label and country",
		Long: `List what the account sent from a day to another, both of them included, and what it cost: by label, country and class. Label
is what a job was given with --label. What others sent by the same account is there too.`,
		Example: `  volley gatewayapi usage --account dk --from 2026-03-01 --to 2026-03-31
  volley gatewayapi usage --account dk --from 2026-03-01 --to 2026-03-31 --label spring --json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			first, err := time.Parse(time.DateOnly, from)
			if err != nil {
				return invalid("--from %q is no day: write it as 2026-03-31", from)
			}
			last, err := time.Parse(time.DateOnly, to)
			if err != nil {
				return invalid("--to %q is no day: write it as 2026-03-31", to)
			}
			return a.withGatewayAPI(cmd.Context(), account, func(ctx context.Context, g *gatewayapi.Adapter) error {
				list, err := g.UsageByLabel(ctx, first, last, label)
				if err != nil {
					return err
				}
				return a.showUsage(list)
			})
		},
	}
	accountFlag(cmd, &account, config.GatewayAPI)
	f := cmd.Flags()
	f.StringVar(&from, "from", "", "the first `day`, such as 2026-03-01")
	f.StringVar(&to, "to", "", "the last `day`, such as 2026-03-31")
	f.StringVar(&label, "label", "", "only under this `label`")
	for _, name := range []string{"from", "to"} {
		_ = cmd.MarkFlagRequired(name)
	}
	return cmd
}

func (a *app) showUsage(list []gatewayapi.Usage) error {
	if a.json {
		out := []usageShown{}
		for _, u := range list {
			out = append(out, usageShown(u))
		}
		return writeJSON(a.stdout, out)
	}
	t := a.newTable("Label", "Country", "Class", "Messages", "Cost", "Currency")
	rightAligned(t, 4, 5)
	for _, u := range list {
		t.AppendRow(table.Row{u.Label, u.Country, u.Class, u.Messages, u.Cost, u.Currency})
	}
	t.Render()
	return nil
}
