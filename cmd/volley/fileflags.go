package main

import (
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/rows"
	"github.com/volleysms/volley/sms"
)

// fileFlags say how a campaign's file is read; import and lint share them.
type fileFlags struct {
	format, encoding, delimiter string
	to, ref, at, zone, carrier  string
}

func (f *fileFlags) register(cmd *cobra.Command) {
	v := cmd.Flags()
	v.StringVar(&f.format, "format", "", "`csv or ndjson` (default: by the file's name)")
	v.StringVar(&f.encoding, "encoding", string(rows.UTF8), "how characters are written: `utf-8 or latin1`, which is Windows-1252")
	v.StringVar(&f.delimiter, "delimiter", "", "`character` between columns; \\t is a tab (default a comma; a tab for .tsv)")
	v.StringVar(&f.to, "to-column", "", "`column` with the numbers (default to, or the only one of msisdn, phone, number, mobile)")
	v.StringVar(&f.ref, "ref-column", "", "`column` that is given back with the outcomes (default ref, when there is one; \"\" is none)")
	v.StringVar(&f.at, "at-column", "", "`column` with each recipient's own time: RFC 3339, or \"2027-12-24 09:00\" in the recipient's zone or --zone (default at, when there is one, the text does not show it and no other time is given; \"\" is none)")
	v.StringVar(&f.zone, "tz-column", "", "`column` with each recipient's time zone (default tz, when there is one; \"\" is none); empty values are where the number says")
	v.StringVar(&f.carrier, "carrier-column", "", "`column` with each recipient's network operator, for gateways that ask for it (default carrier, when there is one; \"\" is none)")
}

// options returns how to read the file of a name for a job.
func (f *fileFlags) options(cmd *cobra.Command, name string, job *enqueue.Job) (rows.Options, error) {
	var o rows.Options
	o.Format, o.Comma = rows.FormatOf(name)
	switch f.format {
	case "":
	case string(rows.CSV), string(rows.NDJSON):
		o.Format = rows.Format(f.format)
	default:
		return o, invalid("--format is csv or ndjson, and not %q", f.format)
	}
	switch f.encoding {
	case string(rows.UTF8), "utf8":
	case string(rows.Latin1), "latin-1", "iso-8859-1", "windows-1252":
		o.Encoding = rows.Latin1
	default:
		return o, invalid("--encoding is utf-8 or latin1, and not %q", f.encoding)
	}
	if f.delimiter != "" {
		var err error
		if o.Comma, err = comma(f.delimiter); err != nil {
			return o, err
		}
		if o.Format == rows.NDJSON {
			return o, invalid("--delimiter is for CSV, and %s is read as ndjson: leave it out, or add --format csv", fileName(name))
		}
	}
	column := func(flag, value string) rows.Column {
		return rows.Column{Name: value, None: value == "" && cmd.Flags().Changed(flag)}
	}
	o.To, o.Ref = column("to-column", f.to), column("ref-column", f.ref)
	o.At, o.Zone, o.Carrier = column("at-column", f.at), column("tz-column", f.zone), column("carrier-column", f.carrier)
	if !job.At.IsZero() || job.Delay != 0 || job.AtLocal != "" {
		o.At.None = o.At.Name == ""
	}
	t, err := sms.ParseTemplate(job.Text)
	if err != nil {
		return o, invalid("--text %w", err)
	}
	o.Fields = t.Fields()
	return o, nil
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

// fileName is how an argument that names a file is called in sentences.
func fileName(arg string) string {
	if arg == "-" {
		return "standard input"
	}
	return arg
}

// substituteFlag adds --substitute to a command.
func substituteFlag(cmd *cobra.Command, on *bool) {
	cmd.Flags().BoolVar(on, "substitute", false,
		"write typographic quotes, dashes, spaces and the like as GSM-7 has them, so that they don't double the bill")
}
