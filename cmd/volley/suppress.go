package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/rows"
	"github.com/volleysms/volley/sms"
)

func newSuppress(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "suppress",
		Short: "Keep lists of those who opted out: nobody on one is sent to",
		Long: `Keep lists of those who opted out: one for all accounts, and one for each account. Workers look before each call, also for
jobs that were enqueued before. Every worker knows of a change within a second, and add and import return once all do: no call
is made any more to whom they put there. Who is on a list gets the outcome suppressed, which is final. Messages such as STOP
put their senders on a list by themselves: see docs/suppression.md.`,
		Example: `  volley suppress add "+45 00 12 34 56" --reason "asked by phone"
  volley suppress import optouts.csv --account dk
  volley suppress list > optouts.csv`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newSuppressAdd(a), newSuppressRemove(a), newSuppressList(a), newSuppressImport(a))
	return cmd
}

// listFlag adds the flag for the list of an account.
func listFlag(a *app, cmd *cobra.Command, account *string) {
	cmd.Flags().StringVar(account, "account", "", "the list of this `account` (default the list for all accounts)")
	_ = cmd.RegisterFlagCompletionFunc("account", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		cfg, err := a.config()
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		return accountNames(cfg), cobra.ShellCompDirectiveNoFileComp
	})
}

func newSuppressAdd(a *app) *cobra.Command {
	var o enqueue.SuppressOptions
	cmd := &cobra.Command{
		Use:     "add MSISDN...",
		Short:   "Put numbers on a list",
		Example: "  volley suppress add \"+45 00 12 34 56\" --reason \"asked by phone\"\n  volley suppress add 12125550100 12125550101 --account dk",
		Args:    someNumbers,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Source = "cli"
			return a.withClient(cmd.Context(), func(c *enqueue.Client) error {
				done, err := c.Suppress(cmd.Context(), o, args...)
				return a.showSuppressed(done, err, "added to "+listName(o.Account), "on it already")
			})
		},
	}
	listFlag(a, cmd, &o.Account)
	cmd.Flags().StringVar(&o.Reason, "reason", "", "why, for people: a short `text`")
	return cmd
}

func newSuppressRemove(a *app) *cobra.Command {
	var account string
	cmd := &cobra.Command{
		Use:     "remove MSISDN...",
		Short:   "Take numbers off a list",
		Example: "  volley suppress remove \"+45 00 12 34 56\"\n  volley suppress remove 12125550100 --account dk",
		Args:    someNumbers,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withClient(cmd.Context(), func(c *enqueue.Client) error {
				done, err := c.Unsuppress(cmd.Context(), account, args...)
				return a.showSuppressed(done, err, "removed from "+listName(account), "not on it")
			})
		},
	}
	listFlag(a, cmd, &account)
	return cmd
}

// someNumbers wants an argument, and all of them to be numbers.
func someNumbers(_ *cobra.Command, args []string) error {
	if len(args) == 0 {
		return invalid("give at least one MSISDN: a number with its country code")
	}
	for _, n := range args {
		if _, err := sms.ParseMSISDN(n); err != nil {
			return invalid("%q: %w", n, err)
		}
	}
	return nil
}

func listName(account string) string {
	if account == "" {
		return "the list for all accounts"
	}
	return "the list of account " + account
}

// showSuppressed tells what was done to a list.
func (a *app) showSuppressed(done enqueue.Suppressed, err error, changed, unchanged string) error {
	if err != nil {
		return err
	}
	if a.json {
		return writeJSON(a.stdout, done)
	}
	fmt.Fprintf(a.stdout, "%s %s", plural(done.Changed, "number"), changed)
	if done.Unchanged > 0 {
		fmt.Fprintf(a.stdout, "; %s %s", count(done.Unchanged), unchanged)
	}
	if done.RefusedCount > 0 {
		fmt.Fprintf(a.stdout, "; %s refused", count(done.RefusedCount))
	}
	fmt.Fprintln(a.stdout, ".")
	return nil
}

func newSuppressList(a *app) *cobra.Command {
	var account, format string
	var counts bool
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "Write a list out, or count what is on each",
		Long:    `Write a list out as CSV or NDJSON, in no order, or count what is on each list. volley suppress import reads the CSV again.`,
		Example: "  volley suppress list > optouts.csv\n  volley suppress list --account dk --format ndjson\n  volley suppress list --count",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if format != "csv" && format != "ndjson" {
				return invalid("--format is csv or ndjson, and not %q", format)
			}
			return a.withClient(cmd.Context(), func(c *enqueue.Client) error {
				if counts {
					return a.countSuppressed(cmd.Context(), c)
				}
				return a.listSuppressed(cmd.Context(), c, account, a.json || format == "ndjson")
			})
		},
	}
	listFlag(a, cmd, &account)
	cmd.Flags().StringVar(&format, "format", "csv", "`csv` or ndjson")
	cmd.Flags().BoolVar(&counts, "count", false, "only how many numbers each list has")
	return cmd
}

func (a *app) countSuppressed(ctx context.Context, c *enqueue.Client) error {
	n, err := c.SuppressionCounts(ctx)
	if err != nil {
		return err
	}
	if a.json {
		return writeJSON(a.stdout, n)
	}
	names := make([]string, 0, len(n))
	for name := range n {
		names = append(names, name)
	}
	slices.Sort(names)
	t := a.newTable("List", "Numbers")
	rightAligned(t, 2)
	for _, name := range names {
		list := name
		if name == "" {
			list = "(all accounts)"
		}
		t.AppendRow(table.Row{list, count(n[name])})
	}
	if len(n) == 0 {
		fmt.Fprintln(a.stdout, "Nobody has opted out.")
		return nil
	}
	t.Render()
	return nil
}

func (a *app) listSuppressed(ctx context.Context, c *enqueue.Client, account string, ndjson bool) error {
	out := bufio.NewWriterSize(a.stdout, 64<<10)
	w := csv.NewWriter(out)
	write := func(s enqueue.Suppression) error {
		return w.Write([]string{s.To, s.Account, s.At.Format(time.RFC3339), s.Source, s.Reason})
	}
	if ndjson {
		write = func(s enqueue.Suppression) error { return writeJSON(out, s) }
	} else if err := w.Write([]string{"to", "account", "at", "source", "reason"}); err != nil {
		return err
	}
	for s, err := range c.Suppressions(ctx, account) {
		if err == nil {
			err = write(s)
		}
		if err != nil {
			return err
		}
	}
	w.Flush()
	return errors.Join(w.Error(), out.Flush())
}

func newSuppressImport(a *app) *cobra.Command {
	var o enqueue.SuppressOptions
	var column, delimiter string
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Put the numbers of a file on a list",
		Long: `Put the numbers of a file of any size on a list. The file is CSV or NDJSON as volley import takes it, by its name, also
compressed by gzip, or has one number a line. "-" is standard input. What is no number is refused and told; the others are put
on the list as they are read, so that an import that was cut off can be run again.`,
		Example: "  volley suppress import optouts.csv\n  volley suppress import optouts.txt --account dk --reason \"list of 2029\"\n  cat optouts.txt | volley suppress import -",
		Args:    oneArg("a FILE, or - for standard input"),
		RunE: func(cmd *cobra.Command, args []string) error {
			file, size, err := a.open(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			defer file.Close()
			format := rows.Options{To: rows.Column{Name: column}}
			if format.Format, format.Comma = rows.FormatOf(args[0]); delimiter != "" {
				if format.Comma, err = comma(delimiter); err != nil {
					return err
				}
			}
			in := &countingReader{r: file}
			list, err := openNumbers(in, format)
			if err != nil {
				return list.explain(args[0], err)
			}
			o.Source = "import"
			return a.withClient(cmd.Context(), func(client *enqueue.Client) error {
				p := newProgress(a.stderr, "rows", size)
				refused := []enqueue.Refused{}
				done, err := client.SuppressStream(cmd.Context(), o, list.each(cmd.Context(), func(n int64) { p.set(n, in.n) }), func(r enqueue.Refused) {
					r.Row = list.row
					if list.why != "" {
						r.Reason = list.why
					}
					if len(refused) < maxRefusedTold {
						refused = append(refused, r)
					}
				})
				p.end()
				if done.Refused = refused; !a.json {
					for _, r := range refused[:min(listed, len(refused))] {
						fmt.Fprintf(a.stderr, "refused: row %d: %q: %s\n", r.Row, r.To, r.Reason)
					}
					if more := done.RefusedCount - listed; more > 0 {
						fmt.Fprintf(a.stderr, "refused: and %s more\n", count(more))
					}
				}
				if err != nil {
					return fmt.Errorf("%w; %s added before that", list.explain(args[0], err), plural(done.Changed, "number"))
				}
				return a.showSuppressed(done, nil, "added to "+listName(o.Account), "on it already")
			})
		},
	}
	listFlag(a, cmd, &o.Account)
	f := cmd.Flags()
	f.StringVar(&o.Reason, "reason", "", "why, for people: a short `text`")
	f.StringVar(&column, "to-column", "", "`column` with the numbers (default to, or the only one of msisdn, phone, number, mobile)")
	f.StringVar(&delimiter, "delimiter", "", "`character` between columns; \\t is a tab (default a comma; a tab for .tsv)")
	return cmd
}

// maxRefusedTold is how many refused rows are told in JSON.
const maxRefusedTold = 100

// numberFile is a file of numbers, read one by one.
type numberFile struct {
	next func() (to, why string, row uint64, err error)
	row  uint64 // of the last one
	why  string // it is refused
}

// openNumbers opens a CSV or NDJSON file, or one that has a number a line, which its first line tells.
func openNumbers(r io.Reader, o rows.Options) (*numberFile, error) {
	f := &numberFile{}
	buf := bufio.NewReaderSize(r, 256<<10)
	start, err := buf.Peek(64)
	if err != nil && !errors.Is(err, io.EOF) {
		return f, err
	}
	line, _, _ := strings.Cut(strings.TrimPrefix(string(start), "\ufeff"), "\n")
	if _, err := sms.ParseMSISDN(strings.TrimSpace(line)); err == nil && o.Format == rows.CSV && o.To.Name == "" {
		lines := bufio.NewScanner(buf)
		n := uint64(0)
		f.next = func() (string, string, uint64, error) {
			for lines.Scan() {
				n++
				if to := strings.TrimSpace(strings.TrimPrefix(lines.Text(), "\ufeff")); to != "" {
					return to, "", n, nil
				}
			}
			return "", "", n, cmp.Or(lines.Err(), io.EOF)
		}
		return f, nil
	}
	file, err := rows.Open(buf, o)
	if err != nil {
		return f, err
	}
	f.next = func() (string, string, uint64, error) {
		row, err := file.Next()
		if err != nil {
			return "", "", 0, err
		}
		return row.To, row.Refuse, row.N, nil
	}
	return f, nil
}

// each yields the numbers, until ctx ends. What stands where a number should be and can't be read is yielded as nothing.
func (f *numberFile) each(ctx context.Context, seen func(n int64)) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for n := int64(1); ; n++ {
			to, why, row, err := f.next()
			if errors.Is(err, io.EOF) {
				return
			}
			if err == nil {
				err = ctx.Err()
			}
			if f.row, f.why = row, why; why != "" {
				to = ""
			}
			if !yield(to, err) || err != nil {
				return
			}
			if n&1023 == 0 {
				seen(n)
			}
		}
	}
}

// explain adds to an error in the file's content which file it was.
func (f *numberFile) explain(name string, err error) error {
	var bad *rows.Error
	if errors.As(err, &bad) || errors.Is(err, bufio.ErrTooLong) {
		return invalid("%s: %w", fileName(name), err)
	}
	return err
}
