package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/redact"
	"github.com/volleysms/volley/sms"
)

// tableOptions say how a campaign's file is read.
type tableOptions struct {
	// to, ref and zone name columns; empty finds them by their usual names. at names one, or is empty.
	to, ref, zone, at string
	// comma separates columns.
	comma rune
	// text is the message, whose fields must be columns.
	text string
}

// campaign is a CSV file with a header, read row by row. Rows are counted as people see them in a spreadsheet: the header
// is row 1.
type campaign struct {
	csv     *csv.Reader
	columns []string
	to, ref int // columns; ref is -1 when there is none
	// names are the fields that the text uses and those about time, and fields their columns.
	names  []string
	fields []int
	row    int64
}

// firstRow is the row of the first recipient.
const firstRow = 2

// usualTo are the names by which the column with the numbers is found, the first before all others.
var usualTo = []string{"to", "msisdn", "phone", "number", "mobile"}

// openCampaign reads the header and finds the columns.
func openCampaign(r io.Reader, o tableOptions) (*campaign, error) {
	buf := bufio.NewReaderSize(r, 256<<10)
	start, err := buf.Peek(3)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(start, []byte("\xef\xbb\xbf")):
		_, _ = buf.Discard(3) // they were peeked at
	case bytes.HasPrefix(start, []byte("\xff\xfe")), bytes.HasPrefix(start, []byte("\xfe\xff")):
		return nil, invalid("row 1: the file is UTF-16 and not UTF-8: save it as \"CSV UTF-8\"")
	}
	c := &campaign{csv: csv.NewReader(buf)}
	c.csv.Comma, c.csv.ReuseRecord = o.comma, true
	header, err := c.read()
	if errors.Is(err, io.EOF) {
		return nil, invalid("the file is empty: its first row must name the columns")
	}
	if err != nil {
		return nil, err
	}
	for _, name := range header {
		c.columns = append(c.columns, strings.Clone(strings.TrimSpace(name)))
	}
	return c, c.choose(o)
}

// choose finds the columns that are needed.
func (c *campaign) choose(o tableOptions) error {
	var err error
	if o.to != "" {
		if c.to, err = c.column(o.to, "--to-column"); err != nil {
			return err
		}
	} else if c.to, err = c.findTo(); err != nil {
		return err
	}
	c.ref = slices.Index(c.columns, "ref")
	if o.ref != "" {
		if c.ref, err = c.column(o.ref, "--ref-column"); err != nil {
			return err
		}
	}
	t, err := sms.ParseTemplate(o.text)
	if err != nil {
		return invalid("--text: %w", err)
	}
	for _, name := range t.Fields() {
		if err := c.need(name, "{{"+name+"}} in --text"); err != nil {
			return err
		}
	}
	if o.at != "" {
		if err := c.need(o.at, "--at-column"); err != nil {
			return err
		}
	}
	if o.zone != "" || slices.Contains(c.columns, enqueue.TimeZoneField) {
		return c.need(cmp.Or(o.zone, enqueue.TimeZoneField), "--tz-column")
	}
	return nil
}

// need makes a column a field; who is what asks for it.
func (c *campaign) need(name, who string) error {
	n, err := c.column(name, who)
	if err == nil && !slices.Contains(c.names, name) {
		c.names, c.fields = append(c.names, name), append(c.fields, n)
	}
	return err
}

// column finds a column by its name; who is what asks for it.
func (c *campaign) column(name, who string) (int, error) {
	n := slices.Index(c.columns, name)
	if n < 0 {
		return 0, invalid("%s: there is no column %q; %s", who, name, c.list())
	}
	if slices.Contains(c.columns[n+1:], name) {
		return 0, invalid("%s: there are two columns %q: rename one", who, name)
	}
	return n, nil
}

func (c *campaign) findTo() (int, error) {
	if slices.Contains(c.columns, usualTo[0]) {
		return c.column(usualTo[0], "--to-column")
	}
	var found []int
	for i, name := range c.columns {
		if slices.Contains(usualTo, strings.ToLower(name)) {
			found = append(found, i)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return 0, invalid("no column is called %s: name the one with the numbers by --to-column; %s", strings.Join(usualTo, ", "), c.list())
	}
	return 0, invalid("several columns may hold the numbers: choose one by --to-column; %s", c.list())
}

// maxListedColumns and maxColumnName bound what an error tells about a header.
const (
	maxListedColumns = 40
	maxColumnName    = 40
)

// list tells the columns, without numbers in case that the first row is no header.
func (c *campaign) list() string {
	var names []string
	for _, n := range c.columns[:min(len(c.columns), maxListedColumns)] {
		if r := []rune(n); len(r) > maxColumnName {
			n = string(r[:maxColumnName]) + "…"
		}
		names = append(names, redact.Numbers(n))
	}
	s := "the first row has the columns " + strings.Join(names, ", ")
	if len(c.columns) > maxListedColumns {
		s += fmt.Sprintf(" and %d more", len(c.columns)-maxListedColumns)
	}
	if len(c.columns) == 1 {
		for _, d := range []string{";", "\t", "|"} {
			if strings.Contains(c.columns[0], d) {
				return s + fmt.Sprintf(" (is --delimiter %q missing?)", d)
			}
		}
	}
	return s
}

// read returns the next row, which is valid until the one after it is read; io.EOF after the last.
func (c *campaign) read() ([]string, error) {
	c.row++
	record, err := c.csv.Read()
	if err != nil {
		return nil, c.explain(record, err)
	}
	for _, v := range record {
		if !utf8.ValidString(v) {
			return nil, invalid("row %d: it is not UTF-8: save the file as \"CSV UTF-8\"", c.row)
		}
	}
	return record, nil
}

// explain turns an error of encoding/csv into a sentence with the row.
func (c *campaign) explain(record []string, err error) error {
	var p *csv.ParseError
	if !errors.As(err, &p) {
		return err
	}
	place := fmt.Sprintf("row %d", c.row)
	if int64(p.StartLine) != c.row {
		place += fmt.Sprintf(" (line %d)", p.StartLine)
	}
	switch {
	case errors.Is(err, csv.ErrFieldCount):
		return invalid("%s: the number of its columns is %d, and the header's is %d", place, len(record), len(c.columns))
	case errors.Is(err, csv.ErrBareQuote):
		return invalid("%s: a quote stands within a column that is not quoted: write \"\" for it, and quotes around the column", place)
	case errors.Is(err, csv.ErrQuote):
		return invalid("%s: a quote is opened and not closed, or a column goes on after its closing quote", place)
	}
	return invalid("%s: %w", place, p.Err)
}

// recipients yields the rows below the header, until ctx ends. seen is called now and then with how many there were.
func (c *campaign) recipients(ctx context.Context, seen func(rows int64)) iter.Seq2[enqueue.Recipient, error] {
	return func(yield func(enqueue.Recipient, error) bool) {
		values := make([]string, len(c.fields))
		for n := int64(0); ; n++ {
			if n&1023 == 0 {
				seen(n)
			}
			record, err := c.read()
			if errors.Is(err, io.EOF) {
				return
			}
			if err == nil && n&1023 == 0 {
				err = ctx.Err()
			}
			if err != nil {
				yield(enqueue.Recipient{}, err)
				return
			}
			r := enqueue.Recipient{To: record[c.to], Values: values}
			if c.ref >= 0 {
				r.Ref = record[c.ref]
			}
			for i, f := range c.fields {
				values[i] = record[f]
			}
			if !yield(r, nil) {
				return
			}
		}
	}
}
