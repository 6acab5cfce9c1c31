package main

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/volleysms/volley/enqueue"
)

// The formats of outcomes.
const (
	formatCSV    = "csv"
	formatNDJSON = "ndjson"
)

func newOutcomes(a *app) *cobra.Command {
	var format, status string
	cmd := &cobra.Command{
		Use:   "outcomes JOB",
		Short: "Write one row per recipient of a job",
		Long: `Write one row per recipient of a job, those refused when it was enqueued included, as CSV or as one JSON object a line.
Rows are written while they are read: a job of a million recipients needs no memory to speak of.`,
		Example: `  volley outcomes 0197c1b2-7a4e-7000-8000-000000000000 > outcomes.csv
  volley outcomes 0197c1b2-7a4e-7000-8000-000000000000 --status unknown --format ndjson`,
		Args: oneArg("a JOB"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if format == "" {
				format = formatCSV
				if a.json {
					format = formatNDJSON
				}
			}
			if format != formatCSV && format != formatNDJSON {
				return invalid("--format is csv or ndjson, and not %q", format)
			}
			if status != "" && !isState(status) {
				return invalid("--status %q is no state: there are %s", status, strings.Join(stateNames(), ", "))
			}
			return a.withClient(cmd.Context(), func(c *enqueue.Client) error {
				return noSuchJob(args[0], writeOutcomes(cmd.Context(), a.stdout, c, args[0], format, status))
			})
		},
	}
	cmd.Flags().StringVar(&format, "format", "", "csv or ndjson (default csv; ndjson with --json)")
	cmd.Flags().StringVar(&status, "status", "", "only recipients in that `state`")
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]string{formatCSV, formatNDJSON}, cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("status", cobra.FixedCompletions(stateNames(), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// stateNames are the states a recipient may be in.
func stateNames() []string {
	var names []string
	for _, c := range counts(enqueue.Counts{}) {
		names = append(names, c.state)
	}
	return names
}

func isState(s string) bool {
	for _, n := range stateNames() {
		if n == s {
			return true
		}
	}
	return false
}

// outcomeWriter writes outcomes in one format.
type outcomeWriter interface {
	write(o *enqueue.Outcome) error
	flush() error
}

// writeOutcomes writes a job's outcomes to w, only those in the state when it is not empty.
func writeOutcomes(ctx context.Context, w io.Writer, c *enqueue.Client, job, format, state string) error {
	var out outcomeWriter
	for o, err := range c.Outcomes(ctx, job) {
		if err != nil {
			if out != nil {
				err = errors.Join(err, out.flush())
			}
			return err
		}
		if out == nil {
			var err error
			if out, err = newOutcomeWriter(w, format); err != nil {
				return err
			}
		}
		if state != "" && o.Status != state {
			continue
		}
		if err := out.write(&o); err != nil {
			return err
		}
	}
	if out == nil {
		return nil
	}
	return out.flush()
}

func newOutcomeWriter(w io.Writer, format string) (outcomeWriter, error) {
	buf := bufio.NewWriterSize(w, 64<<10)
	if format == formatNDJSON {
		e := json.NewEncoder(buf)
		e.SetEscapeHTML(false)
		return &ndjsonWriter{buf, e}, nil
	}
	c := &csvWriter{csv: csv.NewWriter(buf), buf: buf}
	return c, c.csv.Write([]string{
		"to", "status", "account", "provider_message_id", "code", "detail", "attempts", "updated_at", "ref", "row",
	})
}

type ndjsonWriter struct {
	buf *bufio.Writer
	enc *json.Encoder
}

func (n *ndjsonWriter) write(o *enqueue.Outcome) error { return n.enc.Encode(o) }
func (n *ndjsonWriter) flush() error                   { return n.buf.Flush() }

type csvWriter struct {
	csv *csv.Writer
	buf *bufio.Writer
	row [10]string
}

func (c *csvWriter) write(o *enqueue.Outcome) error {
	c.row = [10]string{
		o.To, o.Status, o.Account, o.ProviderMessageID, o.Code, o.Detail, strconv.Itoa(o.Attempts),
		o.UpdatedAt.Format(time.RFC3339Nano), o.Ref, strconv.FormatUint(o.Row, 10),
	}
	return c.csv.Write(c.row[:])
}

func (c *csvWriter) flush() error {
	c.csv.Flush()
	return errors.Join(c.csv.Error(), c.buf.Flush())
}
