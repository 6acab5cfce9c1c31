package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/volleysms/volley/internal/config"
	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/providers/gatewayapi"
)

func newGatewayAPI(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "gatewayapi",
		Short: "Ask GatewayAPI about a message, take one back, list what handsets wrote, and what it costs",
		Long: `Ask GatewayAPI about a message, take one back, list what handsets wrote, and what sending costs. Each command asks the
account's gateway at once, past the queue, and changes nothing in Volley's own books. The account speaks the REST API: the
Messaging API has none of this.`,
		Example: `  volley gatewayapi show 421332671 --account dk
  volley gatewayapi cancel 421332671 --account dk
  volley gatewayapi inbound --account dk --since 24h
  volley gatewayapi prices --account dk --country DK
  volley gatewayapi usage --account dk --from 2026-03-01 --to 2026-03-31`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newGatewayAPIShow(a), newGatewayAPICancel(a), newGatewayAPIInbound(a), newGatewayAPIPrices(a), newGatewayAPIUsage(a))
	return cmd
}

// withGatewayAPI calls do with the adapter of a GatewayAPI account, and for as long as one call of the account may take.
func (a *app) withGatewayAPI(ctx context.Context, account string, do func(context.Context, *gatewayapi.Adapter) error) error {
	acc, err := a.accountOf(config.GatewayAPI, account)
	if err != nil {
		return err
	}
	acc.Concurrency = 1
	adapter, err := gatewayapiAdapter(acc)
	if err != nil {
		return invalid("account %s: %w", account, err)
	}
	rest, ok := adapter.(*gatewayapi.Adapter)
	if !ok {
		return invalid("account %s has api: messaging, which has no such operation; make an account with the same token and api: rest", account)
	}
	ctx, cancel := context.WithTimeout(ctx, acc.Timeout)
	defer cancel()
	return asked(do(ctx, rest))
}

// fateNames are the fates as people read them.
var fateNames = map[providers.Fate]string{
	providers.Pending: "pending", providers.Taken: "taken", providers.Delivered: "delivered", providers.Undelivered: "undelivered",
	providers.Unclear: "unclear",
}

// shownReport is a recipient in the answer of show in JSON.
type shownReport struct {
	To     string     `json:"to"`
	Fate   string     `json:"fate"`
	Code   string     `json:"code"`
	Detail string     `json:"detail"`
	At     *time.Time `json:"at"`
}

func newGatewayAPIShow(a *app) *cobra.Command {
	var account string
	cmd := &cobra.Command{
		Use:   "show ID --account NAME",
		Short: "Show what became of the recipients of a message",
		Long: `Show what the gateway knows of a message: the state of each recipient. ID is the provider_message_id of volley outcomes; one
ID stands for all recipients of a call. The gateway knows a message some time after it was sent; before that, and of IDs that
are not there, it says nothing.`,
		Example: `  volley gatewayapi show 421332671 --account dk
  volley gatewayapi show 421332671 --account dk --json`,
		Args: oneArg("the ID of a message"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withGatewayAPI(cmd.Context(), account, func(ctx context.Context, g *gatewayapi.Adapter) error {
				reports, err := g.Poll(ctx, args[0])
				if err != nil {
					return err
				}
				return a.showReports(args[0], reports)
			})
		},
	}
	accountFlag(cmd, &account, config.GatewayAPI)
	return cmd
}

func (a *app) showReports(id string, reports []providers.Report) error {
	list := []shownReport{}
	for _, r := range reports {
		s := shownReport{To: r.To.String(), Fate: fateNames[r.Fate], Code: r.Code, Detail: r.Detail}
		if !r.At.IsZero() {
			s.At = &r.At
		}
		list = append(list, s)
	}
	if a.json {
		return writeJSON(a.stdout, list)
	}
	if len(list) == 0 {
		_, err := fmt.Fprintf(a.stdout, "The gateway has nothing about message %s yet. Ask again in some minutes.\n", id)
		return err
	}
	t := a.newTable("To", "Fate", "Code", "Detail", "At")
	for _, s := range list {
		t.AppendRow(table.Row{s.To, a.paint(stateColour(s.Fate), s.Fate), s.Code, s.Detail, clock(s.At)})
	}
	t.Render()
	return nil
}

// takenBack is the answer of cancel in JSON.
type takenBack struct {
	ID        string `json:"id"`
	Cancelled bool   `json:"cancelled"`
}

func newGatewayAPICancel(a *app) *cobra.Command {
	var account string
	cmd := &cobra.Command{
		Use:   "cancel ID --account NAME",
		Short: "Take back a message that the gateway was told to send later",
		Long: `Take back a message that the gateway was told to send later, for all its recipients. A message that is sent, or that the
gateway does not know, can't be taken back: the exit status is then 1. volley cancel is what stops a job; this is for what a
job has left to the gateway's own schedule.`,
		Example: `  volley gatewayapi cancel 421332671 --account dk`,
		Args:    oneArg("the ID of a message"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withGatewayAPI(cmd.Context(), account, func(ctx context.Context, g *gatewayapi.Adapter) error {
				done, err := g.Cancel(ctx, args[0])
				if err != nil {
					return err
				}
				if a.json {
					err = writeJSON(a.stdout, takenBack{args[0], done})
				} else if done {
					_, err = fmt.Fprintf(a.stdout, "Message %s is taken back.\n", args[0])
				}
				switch {
				case !done && a.json:
					return errors.Join(err, errSaid)
				case !done:
					return fmt.Errorf("message %s was not taken back: it is sent already, or the gateway does not know it", args[0])
				}
				return err
			})
		},
	}
	accountFlag(cmd, &account, config.GatewayAPI)
	return cmd
}

// wroteIn is a message in the answer of inbound in JSON.
type wroteIn struct {
	ID   string     `json:"id"`
	From string     `json:"from"`
	To   string     `json:"to"`
	Text string     `json:"text"`
	At   *time.Time `json:"at"`
}

func newGatewayAPIInbound(a *app) *cobra.Command {
	var account string
	var since time.Duration
	cmd := &cobra.Command{
		Use:   "inbound --account NAME",
		Short: "List what handsets wrote to the account's numbers and keywords",
		Long:  `List what handsets wrote to the account's numbers and keywords, the oldest first. They stay at the gateway.`,
		Example: `  volley gatewayapi inbound --account dk
  volley gatewayapi inbound --account dk --since 168h --json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if since <= 0 {
				return invalid("--since is a time above zero, such as 24h")
			}
			from := time.Now().Add(-since)
			return a.withGatewayAPI(cmd.Context(), account, func(ctx context.Context, g *gatewayapi.Adapter) error {
				list, err := g.PollInbound(ctx, from)
				list = slices.DeleteFunc(list, func(m providers.Inbound) bool { return !m.At.IsZero() && m.At.Before(from) })
				return errors.Join(a.showInbound(list), err)
			})
		},
	}
	accountFlag(cmd, &account, config.GatewayAPI)
	cmd.Flags().DurationVar(&since, "since", 24*time.Hour, "how far back to look")
	return cmd
}

func (a *app) showInbound(list []providers.Inbound) error {
	out := []wroteIn{}
	for _, m := range list {
		w := wroteIn{ID: m.ID, From: m.From.String(), To: m.To, Text: m.Text}
		if !m.At.IsZero() {
			w.At = &m.At
		}
		out = append(out, w)
	}
	if a.json {
		return writeJSON(a.stdout, out)
	}
	t := a.newTable("At", "From", "To", "Text", "ID")
	for _, w := range out {
		t.AppendRow(table.Row{clock(w.At), w.From, w.To, w.Text, w.ID})
	}
	t.Render()
	return nil
}
