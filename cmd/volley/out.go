package main

import (
	"encoding/json"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/mattn/go-isatty"

	"github.com/volleysms/volley/internal/ledger"
)

// writeJSON writes v on one line.
func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// isTerminal reports whether w is a terminal.
func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}

// colours reports whether answers may be coloured.
func (a *app) colours() bool { return isTerminal(a.stdout) && os.Getenv("NO_COLOR") == "" }

// paint colours s when answers may be coloured.
func (a *app) paint(c text.Color, s string) string {
	if !a.colours() {
		return s
	}
	return c.Sprint(s)
}

// newTable returns a table on standard output with a header.
func (a *app) newTable(header ...any) table.Writer {
	t := table.NewWriter()
	t.SetOutputMirror(a.stdout)
	style := table.StyleLight
	style.Format.Header = text.FormatDefault
	style.Format.Footer = text.FormatDefault
	t.SetStyle(style)
	if len(header) > 0 {
		t.AppendHeader(header)
	}
	return t
}

// rightAligned aligns columns to the right, by their number from 1.
func rightAligned(t table.Writer, columns ...int) {
	var c []table.ColumnConfig
	for _, n := range columns {
		c = append(c, table.ColumnConfig{Number: n, Align: text.AlignRight, AlignHeader: text.AlignRight, AlignFooter: text.AlignRight})
	}
	t.SetColumnConfigs(c)
}

// stateColour is how a state is shown: good, under way, or in need of a look.
func stateColour(state string) text.Color {
	switch state {
	case ledger.Accepted.String(), ledger.Delivered.String(), "completed":
		return text.FgGreen
	case ledger.Queued.String(), ledger.Sending.String(), "running", "scheduled":
		return text.FgCyan
	case ledger.Unknown.String(), "paused":
		return text.FgYellow
	}
	return text.FgRed
}

// count writes a number with commas.
func count(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// plural writes a number with commas, and what is counted.
func plural(n int64, what string) string {
	if n != 1 {
		what += "s"
	}
	return count(n) + " " + what
}

// clock writes a time for people; a nil one is "-".
func clock(t *time.Time) string {
	if t == nil || t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}
