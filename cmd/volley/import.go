package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/volleysms/volley/enqueue"
)

func newImport(a *app) *cobra.Command {
	im := importer{app: a}
	cmd := &cobra.Command{
		Use:   "import FILE --via ACCOUNT_OR_ROUTE --from SENDER --text TEXT",
		Short: "Enqueue a campaign from a CSV or NDJSON file, row by row",
		Long: `Enqueue a campaign from a CSV file whose first row names the columns, or from NDJSON, an object on each line. The file may
be compressed by gzip. "-" is standard input. volley lint, or --dry-run, shows beforehand what it will cost.

The numbers are in the column "to", or else in the only one called msisdn, phone, number or mobile. The column "ref" is given
back with the outcomes, and volley cancel JOB --ref takes it; "at" is the recipient's own time; "tz" the recipient's time zone,
where the number does not tell it or tells several; "carrier" the network operator, for gateways that ask for it. Flags name
other columns. Every column can be used in the text: {{name}} is the row's value in the column "name", and {{name|there}} is
"there" where that is empty. A row without a value that has no default is refused, unless --missing says otherwise.

Rows that can't be sent to are refused, told with their row number, and written to the file that --refused names; the others
are enqueued. Nothing is sent before the file has been read to its end, and one that can't be read to its end enqueues nothing.

An import that was cut off, even by kill -9, goes on where it was when the same command is given again, and one that was
completed is not done twice: the content of the file and the options are recognised, for seven days. --again sends the same
once more. For standard input, and to decide yourself what is the same, give a --key.`,
		Example: `  volley import campaign.csv --via default --from Acme --text "Hi {{name}}, the doors open at nine"
  volley import people.csv --via dk --from Acme --text "Hej" --to-column mobile --delimiter ";" --encoding latin1
  volley import campaign.csv --via dk --from Acme --text "Hi" --at "2028-01-31 09:00:00" --tz Europe/Copenhagen --key spring
  volley import appointments.csv --via dk --from Acme --text "See you at {{time}}" --at-column send_at --tz-column tz
  volley import campaign.ndjson.gz --via dk --from Acme --text "Hi {{name}}" --refused refused.csv
  some-query | volley import - --format ndjson --via dk --from Acme --text "Hi {{name}}" --key monday`,
		Args: oneArg("a FILE, or - for standard input"),
		RunE: func(cmd *cobra.Command, args []string) error { return im.run(cmd, args[0]) },
	}
	im.register(cmd)
	f := cmd.Flags()
	f.BoolVar(&im.again, "again", false, "send once more what was imported before, from the same file with the same options")
	f.BoolVar(&im.dry, "dry-run", false, "show what the campaign would be, cost and take, and enqueue nothing; see volley lint")
	cmd.MarkFlagsMutuallyExclusive("again", "key")
	return cmd
}

// importer is volley import.
type importer struct {
	*app
	flags             jobFlags
	file              fileFlags
	refused           string
	substitute, again bool
	dry               bool // nothing is enqueued
}

// register adds the flags that import and lint share.
func (im *importer) register(cmd *cobra.Command) {
	im.flags.register(im.app, cmd, enqueue.Bulk)
	im.file.register(cmd)
	substituteFlag(cmd, &im.substitute)
	cmd.Flags().StringVar(&im.refused, "refused", "", "write the rows that are left out to this `file`, as CSV: row, value, reason")
}

func (im *importer) run(cmd *cobra.Command, name string) error {
	ctx := cmd.Context()
	job, err := im.flags.job()
	if err != nil {
		return err
	}
	o, err := im.file.options(cmd, name, &job)
	if err != nil {
		return err
	}
	c, err := im.openCampaign(ctx, name, o, &job, im.substitute)
	if err != nil {
		return err
	}
	defer c.close()
	if im.dry {
		return im.lint(ctx, c, job)
	}
	key := ""
	if job.Key == "" {
		if key, err = contentKey(name, cmd.Flags()); err != nil {
			return err
		}
		if key == "" && im.again {
			return invalid("--again is for files that can be read twice, and not for %s: name the import by --key, or leave both out", fileName(name))
		}
	}
	return im.withClient(ctx, func(client *enqueue.Client) error { return im.enqueue(ctx, client, c, job, key) })
}

// enqueue enqueues a campaign. key is its own, and empty when the caller gave one or there is none.
func (im *importer) enqueue(ctx context.Context, client *enqueue.Client, c *campaign, job enqueue.Job, key string) error {
	var before enqueue.KeyState
	if key != "" {
		var continued bool
		var err error
		if job.Key, before, continued, err = turn(ctx, client, key, im.again); err != nil {
			return err
		}
		if continued {
			fmt.Fprintln(im.stderr, "an import of this file with these options was cut off: going on with it")
		}
	}
	left, err := createRefused(im.refused, c.name)
	if err != nil {
		return err
	}
	if left != nil {
		job.OnRefused = left.add
	}
	p := newProgress(im.stderr, "rows", c.size)
	began := time.Now()
	r, err := client.EnqueueStream(ctx, job, c.recipients(ctx, func(rows int64) error {
		p.set(rows, c.in.n)
		return left.err()
	}))
	p.end()
	err = c.ofFile(err)
	if key != "" && errors.Is(err, enqueue.ErrKeyConflict) {
		err = conflict(before, im.again)
	}
	closed := left.close()
	err = im.receipt(r, err, func(r enqueue.Receipt) {
		im.tellLeftOut(r, left)
		im.showReceipt(r, time.Since(began))
	})
	if closed != nil {
		err = errors.Join(err, closed)
	}
	if key != "" && r.Duplicate && !im.again {
		fmt.Fprintf(im.stderr, "this file was imported with these options before, as job %s at %s: nothing was added; --again sends it once more\n",
			r.JobID, clock(&before.Begun))
	}
	return err
}

// conflict is what is told when an import of the same file and options made other batches: the configuration or Volley was
// another then.
func conflict(before enqueue.KeyState, again bool) error {
	if before.JobID != "" && !again {
		return fmt.Errorf("this file was imported with these options before, as job %s at %s, when the configuration was another: nothing was added; --again sends it once more",
			before.JobID, clock(&before.Begun))
	}
	return errors.New("an import of this file was cut off, and the configuration or Volley has changed since, so that it can't go on: " +
		"nothing of it was sent; give this one a name of its own by --key")
}

// tellLeftOut lists refused rows on standard error, and says where all of them are.
func (im *importer) tellLeftOut(r enqueue.Receipt, left *refusedFile) {
	if left == nil {
		im.tellRefused(r, true)
		return
	}
	fmt.Fprintf(im.stderr, "%s left out, with the reasons: %s\n", plural(left.n, "row"), left.name)
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
