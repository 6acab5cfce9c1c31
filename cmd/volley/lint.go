package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/config"
	"github.com/volleysms/volley/internal/lint"
	"github.com/volleysms/volley/sms"
)

func newLint(a *app) *cobra.Command {
	im := importer{app: a, dry: true}
	cmd := &cobra.Command{
		Use:   "lint FILE --via ACCOUNT_OR_ROUTE --from SENDER --text TEXT",
		Short: "Show what a campaign would be, cost and take, and enqueue nothing",
		Long: `Read a campaign as volley import does, enqueue nothing, and show what it would be: who is refused and why, duplicates,
countries, encodings, segments, calls of each account, the time that takes at the account's limits, the cost where a price is
configured, and some of the texts. It is the same as volley import --dry-run, and takes the same flags.

It warns of characters that alone make a message UCS-2, which has room for 70 characters and not for 160. --substitute shows
what becomes of it when those with a safe substitute are written as GSM-7 has them; volley import --substitute does that.

It needs no Redis; without one it can't tell who has opted out. Time windows, quiet hours and the gateway's own speed are not
in the time, and failover is not in the cost.`,
		Example: `  volley lint campaign.csv --via default --from Acme --text "Hi {{name}}, the doors open at nine"
  volley lint campaign.csv --via default --from Acme --text "Hi {{name}} – see you" --substitute --refused refused.csv
  volley lint campaign.ndjson.gz --via dk --from Acme --text "Hi {{name}}" --json`,
		Args: oneArg("a FILE, or - for standard input"),
		RunE: func(cmd *cobra.Command, args []string) error { return im.run(cmd, args[0]) },
	}
	im.register(cmd)
	return cmd
}

// lint shows what the campaign would be.
func (im *importer) lint(ctx context.Context, c *campaign, job enqueue.Job) error {
	cfg, err := im.config()
	if err != nil {
		return err
	}
	o := lint.Options{Text: job.Text, From: sms.SenderID(job.From), Fields: job.Fields, Accounts: map[string]lint.Account{}}
	for _, acc := range cfg.Accounts {
		if o.Accounts[acc.Name], err = lintAccount(acc); err != nil {
			return err
		}
	}
	var stop func()
	o.Suppressed, stop, err = optedOut(ctx, cfg)
	defer stop()
	if err != nil {
		fmt.Fprintln(im.stderr, "who has opted out is not known: "+sentence(err))
	}
	l, err := lint.New(o)
	if err != nil {
		return invalid("--text %w", err)
	}
	left, err := createRefused(im.refused, c.name)
	if err != nil {
		return err
	}
	if left != nil {
		job.OnRefused = left.add
	}
	p := newProgress(im.stderr, "rows", c.size)
	_, err = enqueue.DryRun(ctx, producer(cfg), job, c.recipients(ctx, func(rows int64) error {
		p.set(rows, c.in.n)
		return left.err()
	}), l.Add)
	p.end()
	nobody := errors.Is(err, enqueue.ErrNoRecipients)
	if err != nil && !nobody {
		return errors.Join(c.ofFile(err), left.close())
	}
	report, e := l.Report()
	if e = errors.Join(e, left.close()); e != nil {
		return e
	}
	if report.Rows == 0 {
		return err
	}
	if im.json {
		return errors.Join(err, writeJSON(im.stdout, report))
	}
	im.showLint(report, left)
	return err
}

// lintAccount is an account as lint sees it.
func lintAccount(acc config.Account) (lint.Account, error) {
	w, err := wire(acc)
	if err != nil {
		return lint.Account{}, fmt.Errorf("account %s: %w", acc.Name, err)
	}
	out := lint.Account{
		Limits: w.Adapter.Limits(), Calls: w.Limits.Calls, Recipients: w.Limits.Recipients, Segments: w.Limits.Segments,
	}
	if p := acc.Price; p != nil {
		out.Price = &lint.Price{Currency: p.Currency, Segment: p.Segment, Prefixes: p.Prefixes}
	}
	return out, nil
}

// maxShown is how many lines of a table people are shown; JSON has all.
const maxShown = 10

func (im *importer) showLint(r *lint.Report, left *refusedFile) {
	t := im.newTable("recipients", "")
	rightAligned(t, 2)
	t.AppendRow(table.Row{"rows", count(r.Rows)})
	t.AppendRow(table.Row{"refused", count(r.Refused)})
	for _, reason := range r.Reasons[:min(len(r.Reasons), maxShown)] {
		t.AppendRow(table.Row{"  " + reason.Reason, count(reason.Count)})
	}
	if n := len(r.Reasons) - maxShown; n > 0 {
		t.AppendRow(table.Row{"  " + plural(int64(n), "other reason"), ""})
	}
	t.AppendRow(table.Row{"duplicates", count(r.Duplicates)})
	suppressed := "not known"
	if r.Suppressed != nil {
		suppressed = count(*r.Suppressed)
	}
	t.AppendRow(table.Row{"suppressed", suppressed})
	t.AppendRow(table.Row{im.paint(stateColour("completed"), "to be sent to"), count(r.Send)})
	t.Render()
	if left != nil {
		fmt.Fprintf(im.stderr, "%s left out, with the reasons: %s\n", plural(left.n, "row"), left.name)
	}
	if r.Send == 0 {
		im.warn(r)
		return
	}
	im.showCountries(r)
	im.showLengths(r)
	im.showAccounts(r)
	im.showSamples(r)
	im.warn(r)
}

func (im *importer) showCountries(r *lint.Report) {
	t := im.newTable("country", "recipients")
	rightAligned(t, 2)
	var rest int64
	for i, c := range r.Countries {
		if i >= maxShown {
			rest += c.Recipients
			continue
		}
		name := c.Country
		if name == "" {
			name = "none"
		}
		t.AppendRow(table.Row{name, count(c.Recipients)})
	}
	if rest > 0 {
		t.AppendRow(table.Row{plural(int64(len(r.Countries)-maxShown), "other"), count(rest)})
	}
	t.Render()
}

func (im *importer) showLengths(r *lint.Report) {
	t := im.newTable("encoding", "segments each", "messages", "segments")
	rightAligned(t, 2, 3, 4)
	for _, l := range r.Lengths {
		t.AppendRow(table.Row{strings.ToUpper(l.Encoding[:3]) + "-" + l.Encoding[3:], l.Segments, count(l.Messages), count(l.Messages * int64(l.Segments))})
	}
	t.AppendFooter(table.Row{"", "", count(r.Send), count(r.Segments)})
	t.Render()
}

func (im *importer) showAccounts(r *lint.Report) {
	t := im.newTable("account", "recipients", "calls", "segments", "time at its limits", "cost")
	rightAligned(t, 2, 3, 4, 5, 6)
	took := func(seconds *float64, by string) string {
		if seconds == nil {
			return "no limit is set"
		}
		s := "less than a second"
		if *seconds >= 1 {
			s = (time.Duration(*seconds) * time.Second).String()
		}
		if by != "" {
			s += " (" + by + ")"
		}
		return s
	}
	var calls int64
	for _, a := range r.Accounts {
		cost := "no price is set"
		if a.Cost != nil {
			cost = a.Cost.Amount + " " + a.Cost.Currency
		}
		calls += a.Calls
		t.AppendRow(table.Row{a.Account, count(a.Recipients), count(a.Calls), count(a.Segments), took(a.Seconds, a.LimitedBy), cost})
	}
	if len(r.Accounts) > 1 {
		var costs []string
		for _, c := range r.Cost {
			costs = append(costs, c.Amount+" "+c.Currency)
		}
		if slices.ContainsFunc(r.Accounts, func(a lint.Spending) bool { return a.Cost == nil }) {
			costs = append(costs, "what has no price")
		}
		t.AppendFooter(table.Row{"", count(r.Send), count(calls), count(r.Segments), took(r.Seconds, ""), strings.Join(costs, " + ")})
	}
	t.Render()
}

func (im *importer) showSamples(r *lint.Report) {
	t := im.newTable("row", "to", "text", "")
	t.SetColumnConfigs([]table.ColumnConfig{{Number: 3, WidthMax: 80, WidthMaxEnforcer: text.WrapSoft}})
	for _, s := range r.Samples {
		t.AppendRow(table.Row{s.Row, s.To, s.Text, plural(int64(s.Segments), s.Encoding+" segment")})
	}
	t.Render()
}

// warn writes warnings on standard error.
func (im *importer) warn(r *lint.Report) {
	for _, w := range r.Warnings {
		fmt.Fprintln(im.stderr, im.paint(stateColour("paused"), "warning: ")+w)
	}
}
