package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/volleysms/volley/internal/config"
	"github.com/volleysms/volley/providers/ogangi"
	"github.com/volleysms/volley/sms"
)

func newOgangi(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "ogangi",
		Short: "What an Ogangi platform does beside sending: PINs, simulated replies, the inbox, a message's state",
		Long: `What an Ogangi platform does beside sending. Each command makes one call at the account's gateway at once, past the queue,
and repeats nothing.`,
		Example: `  volley ogangi pin --account og --from 2020 --to 13055550100 --text "Your code is"
  volley ogangi fire --account og --from 13055550100 --to 2020 --text "JOIN club"
  volley ogangi inbox --account og --keyword "^STOP"
  volley ogangi message --account og --id -8174720676710228700`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newOgangiPIN(a), newOgangiFire(a), newOgangiInbox(a), newOgangiMessage(a))
	return cmd
}

// withOgangi calls do with a client of an Ogangi account, and for as long as one call of the account may take.
func (a *app) withOgangi(ctx context.Context, account string, do func(context.Context, *ogangi.Client, config.Account) error) error {
	acc, err := a.accountOf(config.Ogangi, account)
	if err != nil {
		return err
	}
	client, err := ogangiClient(acc)
	if err != nil {
		return invalid("account %s: %w", account, err)
	}
	ctx, cancel := context.WithTimeout(ctx, acc.Timeout)
	defer cancel()
	return asked(do(ctx, client, acc))
}

// pinSent is the answer of pin in JSON.
type pinSent struct {
	Account string `json:"account"`
	To      string `json:"to"`
	PIN     string `json:"pin"`
}

func newOgangiPIN(a *app) *cobra.Command {
	var account, to, from, text, carrier string
	var length int
	cmd := &cobra.Command{
		Use:   "pin --account NAME --from CODE --to NUMBER --text TEXT",
		Short: "Let the platform make a PIN, text it to a number, and print it",
		Long: `Let the platform make a PIN and text it to a number. The PIN is printed on standard output, this once, and is kept nowhere
else. How the platform puts it into the text is not documented: try it with a number of your own.

The command makes one call. When it fails in a way that the platform may have sent the PIN all the same, it says so: ask the
user before you try again, since each call makes another PIN.`,
		Example: `  volley ogangi pin --account og --from 2020 --to 13055550100 --text "Your code is"
  PIN=$(volley ogangi pin --account og --from 2020 --to 13055550100 --text "Your code is" --length 4 --carrier Movistar)`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			number, err := sms.ParseMSISDN(to)
			if err != nil {
				return invalid("--to %s %w", to, err)
			}
			return a.withOgangi(cmd.Context(), account, func(ctx context.Context, c *ogangi.Client, acc config.Account) error {
				if carrier == "" {
					carrier = acc.Carrier
				}
				if carrier == "" {
					return invalid("--carrier is missing, and account %s names none: a PIN needs the operator's name", account)
				}
				pin, err := c.SendPIN(ctx, ogangi.PINRequest{Carrier: carrier, From: sms.SenderID(from), To: number, Text: text, Length: length})
				if err != nil {
					return err
				}
				if a.json {
					return writeJSON(a.stdout, pinSent{account, number.String(), pin.Reveal()})
				}
				_, err = fmt.Fprintln(a.stdout, pin.Reveal())
				return err
			})
		},
	}
	accountFlag(cmd, &account, config.Ogangi)
	f := cmd.Flags()
	f.StringVar(&to, "to", "", "the `number` that gets the PIN, with its country code")
	f.StringVar(&from, "from", "", "the short or long `code` that it comes from, in digits")
	f.StringVar(&text, "text", "", "the `text` that goes with the PIN")
	f.StringVar(&carrier, "carrier", "", "the operator's `name`, exactly as the platform writes it; empty is the account's")
	f.IntVar(&length, "length", 6, "how many characters the PIN has, 1 to 20")
	for _, name := range []string{"to", "from", "text"} {
		_ = cmd.MarkFlagRequired(name)
	}
	return cmd
}

// messageFired is the answer of fire in JSON.
type messageFired struct {
	Account string `json:"account"`
	From    string `json:"from"`
	To      string `json:"to"`
	Fired   bool   `json:"fired"`
}

func newOgangiFire(a *app) *cobra.Command {
	var account, to, from, text string
	cmd := &cobra.Command{
		Use:   "fire --account NAME --from NUMBER --text TEXT [--to CODE]",
		Short: "Let the platform take a message as if a handset had sent it",
		Long: `Let the platform take a message as if a handset had sent it (fireMessage): by POST when --to names the code that it goes to,
and by GET otherwise.

The campaign that the message belongs to answers the handset as usual, so an SMS may follow, and cost. The command makes one
call and never repeats it. When it fails in a way that the platform may have taken the message all the same, it says so.`,
		Example: `  volley ogangi fire --account og --from 13055550100 --to 2020 --text "JOIN club"
  volley ogangi fire --account og --from 13055550100 --text STOP --json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			handset, err := sms.ParseMSISDN(from)
			if err != nil {
				return invalid("--from %s %w", from, err)
			}
			return a.withOgangi(cmd.Context(), account, func(ctx context.Context, c *ogangi.Client, _ config.Account) error {
				mo := ogangi.MO{From: handset, To: to, Text: text}
				if to == "" {
					_, err = c.FireMessage(ctx, mo)
				} else {
					_, err = c.PostFireMessage(ctx, mo, ogangi.EventFields{})
				}
				if err != nil {
					return err
				}
				if a.json {
					return writeJSON(a.stdout, messageFired{account, handset.String(), to, true})
				}
				_, err = fmt.Fprintln(a.stdout, "The platform took the message; its campaign may answer the handset.")
				return err
			})
		},
	}
	accountFlag(cmd, &account, config.Ogangi)
	f := cmd.Flags()
	f.StringVar(&from, "from", "", "the handset's `number`, with its country code")
	f.StringVar(&to, "to", "", "the `code` that the handset writes to; empty leaves it to the platform")
	f.StringVar(&text, "text", "", "the `text` that it writes")
	for _, name := range []string{"from", "text"} {
		_ = cmd.MarkFlagRequired(name)
	}
	return cmd
}

// inboxShown is the answer of inbox in JSON.
type inboxShown struct {
	Account  string         `json:"account"`
	Page     int            `json:"page"`
	Records  int            `json:"records"`
	Messages []inboundShown `json:"messages"`
}

type inboundShown struct {
	ID       string `json:"id"`
	From     string `json:"from"`
	To       string `json:"to"`
	Text     string `json:"text"`
	Keyword  string `json:"keyword"`
	Carrier  string `json:"carrier"`
	SendDate string `json:"send_date"`
}

func newOgangiInbox(a *app) *cobra.Command {
	var account, keyword, order string
	var from, to, carrier []string
	var page, perPage int
	cmd := &cobra.Command{
		Use:   "inbox --account NAME",
		Short: "Show a page of what handsets wrote",
		Long: `Show a page of the messages that handsets wrote to the platform (getMOMessages). Reading changes nothing.

Platforms begin with page 0 or with page 1. Unless --page is given, the first page that has something is shown. Filters narrow
the messages: all that are given have to fit; one that is given several times, any of its values. Times are the platform's
own; it names no zone. The ID in JSON is a hash that tells a message from another: the platform gives none.`,
		Example: `  volley ogangi inbox --account og
  volley ogangi inbox --account og --to 2020 --keyword "^STOP.*" --per-page 200 --json
  volley ogangi inbox --account og --page 2 --order asc --carrier Movistar --carrier Claro`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withOgangi(cmd.Context(), account, func(ctx context.Context, c *ogangi.Client, _ config.Account) error {
				filter := ogangi.Filter{From: from, To: to, Carrier: carrier, Keyword: keyword, Order: ogangi.Order(order)}
				in, err := c.MOMessages(ctx, page, perPage, filter)
				if !cmd.Flags().Changed("page") && (err == nil && len(in.Messages) == 0 || providerCode(err) == "ERROR") {
					page = 1
					in, err = c.MOMessages(ctx, page, perPage, filter)
				}
				if err != nil {
					return err
				}
				a.showInbox(account, page, in)
				return nil
			})
		},
	}
	accountFlag(cmd, &account, config.Ogangi)
	f := cmd.Flags()
	f.IntVar(&page, "page", 0, "the `page`; left out, the first that has something")
	f.IntVar(&perPage, "per-page", 50, "messages on a page, 1 to 1000")
	f.StringSliceVar(&from, "from", nil, "only of these handsets' `numbers`")
	f.StringSliceVar(&to, "to", nil, "only to these `codes`")
	f.StringSliceVar(&carrier, "carrier", nil, "only of these operators' `names`")
	f.StringVar(&keyword, "keyword", "", "only texts that fit this Java regular `expression`")
	f.StringVar(&order, "order", string(ogangi.NewestFirst), "`desc` for the newest first, asc for the oldest")
	return cmd
}

func (a *app) showInbox(account string, page int, in ogangi.Inbox) {
	if a.json {
		out := inboxShown{Account: account, Page: page, Records: in.Records, Messages: []inboundShown{}}
		for _, m := range in.Messages {
			out.Messages = append(out.Messages, inboundShown{m.ID(), m.From, m.To, m.Text, m.Keyword, m.Carrier, m.SendDate})
		}
		_ = writeJSON(a.stdout, out) // when nobody reads the answer there is nobody to tell
		return
	}
	if len(in.Messages) == 0 {
		fmt.Fprintf(a.stdout, "No messages on page %d.\n", page)
		return
	}
	t := a.newTable("Sent", "From", "To", "Carrier", "Text")
	for _, m := range in.Messages {
		t.AppendRow(table.Row{m.SendDate, m.From, m.To, m.Carrier, strings.Join(strings.Fields(m.Text), " ")})
	}
	t.Render()
	fmt.Fprintf(a.stdout, "Page %d, %s in all.\n", page, plural(int64(in.Records), "message"))
}

// messageShown is the answer of message in JSON.
type messageShown struct {
	Account     string `json:"account"`
	ID          string `json:"id"`
	Status      string `json:"status"`
	Description string `json:"description"`
	// Fate is what the status means: pending, taken, delivered or undelivered.
	Fate    string     `json:"fate"`
	From    string     `json:"from"`
	To      string     `json:"to"`
	Carrier string     `json:"carrier"`
	Date    *time.Time `json:"date"`
}

func newOgangiMessage(a *app) *cobra.Command {
	var account, id string
	cmd := &cobra.Command{
		Use:   "message --account NAME --id ID",
		Short: "Ask what became of a message",
		Long: `Ask the platform what became of a message (getMessage), by the identifier that sendSMS gave: volley outcomes JOB shows it.
Messages of sendMT have none. Reading changes nothing.`,
		Example: `  volley ogangi message --account og --id -8174720676710228700`,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withOgangi(cmd.Context(), account, func(ctx context.Context, c *ogangi.Client, _ config.Account) error {
				m, err := c.Message(ctx, id)
				if err != nil {
					return err
				}
				if m == (ogangi.Message{}) {
					return fmt.Errorf("the platform of %s shows nothing of message %s: it has not stored it yet, or it is another account's", account, id)
				}
				a.showMessage(account, id, m)
				return nil
			})
		},
	}
	accountFlag(cmd, &account, config.Ogangi)
	cmd.Flags().StringVar(&id, "id", "", "the message's `ID`")
	_ = cmd.MarkFlagRequired("id")
	return cmd
}

func (a *app) showMessage(account, id string, m ogangi.Message) {
	out := messageShown{
		Account: account, ID: id, Status: m.Status, Description: m.Description, Fate: fateNames[m.Fate()],
		From: m.From, To: m.To, Carrier: m.Carrier,
	}
	if !m.Date.IsZero() {
		out.Date = &m.Date
	}
	if a.json {
		_ = writeJSON(a.stdout, out) // when nobody reads the answer there is nobody to tell
		return
	}
	t := a.newTable("To", "Status", "Means", "Description", "Made")
	t.AppendRow(table.Row{m.To, m.Status, out.Fate, m.Description, clock(out.Date)})
	t.Render()
}
