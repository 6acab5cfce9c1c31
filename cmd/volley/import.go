package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
	"unicode/utf8"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/volleysms/volley/enqueue"
)

func newImport(a *app) *cobra.Command {
	var flags jobFlags
	var o tableOptions
	var delimiter string
	cmd := &cobra.Command{
		Use:   "import FILE.csv --via ACCOUNT_OR_ROUTE --from SENDER --text TEXT",
		Short: "Enqueue a campaign from a CSV file, row by row",
		Long: `Enqueue a campaign from a CSV file in UTF-8 whose first row names the columns. "-" is standard input.

The numbers are in the column "to", or else in the only one called msisdn, phone, number or mobile. Every other column can
be used in the text: {{name}} is the row's value in the column "name", and {{name|there}} is "there" where that is empty. A
row without a value that has no default is refused, unless --missing says otherwise. The column "ref", when there is one, is given back
with the outcomes, and volley cancel JOB --ref takes it. The column "tz" names the recipient's time zone, where the number
does not tell it or tells several.

Rows without a usable number are refused and told; the others are enqueued. A file that can't be read to its end enqueues
nothing. With --key, an import that was cut off can be repeated without sending anything twice.`,
		Example: `  volley import campaign.csv --via default --from Acme --text "Hi {{name}}, the doors open at nine"
  volley import people.csv --via dk --from Acme --text "Hej" --to-column mobile --delimiter ";"
  volley import campaign.csv --via dk --from Acme --text "Hi" --at "2030-01-31 09:00:00" --tz Europe/Copenhagen --key spring
  volley import appointments.csv --via dk --from Acme --text "See you at {{time}}" --at-column send_at --tz-column tz
  gunzip -c campaign.csv.gz | volley import - --via dk --from Acme --text "Hi {{name}}"`,
		Args: oneArg("a FILE.csv, or - for standard input"),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			job, err := flags.job()
			if err != nil {
				return err
			}
			o.text = job.Text
			if o.comma, err = comma(delimiter); err != nil {
				return err
			}
			file, size, err := a.open(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			defer file.Close()
			in := &countingReader{r: file}
			c, err := openCampaign(in, o)
			if err != nil {
				return ofFile(args[0], err)
			}
			job.Fields, job.FirstRow = c.names, firstRow
			job.AtField, job.ZoneField = o.at, o.zone
			return a.withClient(cmd.Context(), func(client *enqueue.Client) error {
				p := newProgress(a.stderr, "rows", size)
				began := time.Now()
				rows := c.recipients(cmd.Context(), func(rows int64) { p.set(rows, in.n) })
				r, err := client.EnqueueStream(cmd.Context(), job, rows)
				p.end()
				return a.receipt(r, ofFile(args[0], err), func(r enqueue.Receipt) {
					a.tellRefused(r, true)
					a.showReceipt(r, time.Since(began))
				})
			})
		},
	}
	flags.register(a, cmd, enqueue.Bulk)
	f := cmd.Flags()
	f.StringVar(&o.to, "to-column", "", "`column` with the numbers (default to, or the only one of msisdn, phone, number, mobile)")
	f.StringVar(&o.at, "at-column", "", "`column` with each recipient's own time: RFC 3339, or \"2030-12-24 09:00\" in the recipient's zone or --zone")
	f.StringVar(&o.zone, "tz-column", "", "`column` with each recipient's time zone (default tz, when there is one); empty is where the number says")
	f.StringVar(&o.ref, "ref-column", "", "`column` that is given back with the outcomes (default ref, when there is one)")
	f.StringVar(&delimiter, "delimiter", ",", "`character` between columns; \\t is a tab")
	return cmd
}

func comma(s string) (rune, error) {
	if s == `\t` || s == "tab" {
		return '\t', nil
	}
	r, n := utf8.DecodeRuneInString(s)
	if n != len(s) || r == utf8.RuneError || r == '"' || r == '\r' || r == '\n' || r == 0 {
		return 0, invalid("--delimiter is one character such as \",\" or \";\", and not %q", s)
	}
	return r, nil
}

// open returns the file and its size; the size is 0 when it is not known.
func (a *app) open(ctx context.Context, name string) (io.ReadCloser, int64, error) {
	if name == "-" {
		return io.NopCloser(cancellable(ctx, a.stdin)), 0, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, 0, fileError(name, err)
	}
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		err = errors.New("it is a directory")
	}
	if err != nil {
		return nil, 0, errors.Join(fileError(name, err), f.Close())
	}
	if !info.Mode().IsRegular() {
		return f, 0, nil
	}
	return f, info.Size(), nil
}

func fileError(name string, err error) error {
	var p *os.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	return invalid("%s can't be read: %w", name, err)
}

// ofFile adds to an error in the file's content which file it was, and that it had no effect.
func ofFile(name string, err error) error {
	var in *inputError
	if !errors.As(err, &in) {
		return err
	}
	if name == "-" {
		name = "standard input"
	}
	return invalid("%s: %w; nothing was enqueued", name, in.err)
}

func (a *app) showReceipt(r enqueue.Receipt, took time.Duration) {
	t := a.newTable()
	t.AppendRow(table.Row{"job", r.JobID})
	t.AppendRow(table.Row{"state", a.paint(stateColour(string(r.State)), string(r.State))})
	if r.ScheduleAt != nil {
		t.AppendRow(table.Row{"scheduled", clock(r.ScheduleAt)})
	}
	t.AppendRow(table.Row{"queued", count(r.Queued)})
	t.AppendRow(table.Row{"refused", count(r.RefusedCount)})
	t.AppendRow(table.Row{"duplicates dropped", count(r.Duplicates)})
	t.AppendRow(table.Row{"batches", count(int64(r.Batches))})
	if r.Duplicate {
		t.AppendRow(table.Row{"key", "was enqueued before; nothing was added"})
	}
	if r.JobID == "" {
		t.ResetRows()
		t.AppendRow(table.Row{"refused", count(r.RefusedCount)})
		t.AppendRow(table.Row{"queued", "0"})
	}
	t.Render()
	if r.JobID != "" {
		fmt.Fprintf(a.stderr, "%s rows in %v; volley status %s shows how far it is\n",
			count(r.Total+r.Duplicates), took.Round(time.Millisecond), r.JobID)
	}
}

// cancellable reads r until ctx ends, also when r has nothing to say.
func cancellable(ctx context.Context, r io.Reader) io.Reader {
	out, in := io.Pipe()
	context.AfterFunc(ctx, func() { in.CloseWithError(ctx.Err()) })
	go func() {
		// The types hide all methods but Read and Write, so that the buffer is used.
		_, err := io.CopyBuffer(struct{ io.Writer }{in}, struct{ io.Reader }{r}, make([]byte, 256<<10))
		in.CloseWithError(err)
	}()
	return out
}

// countingReader counts the bytes read.
type countingReader struct {
	r io.Reader
	n int64
}

func (c *countingReader) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += int64(n)
	return n, err
}
