// Package rows reads campaigns: who is sent to, and with what, from a CSV or NDJSON file, row by row and in bounded memory.
//
// Rows are counted as people see them: in CSV as a spreadsheet numbers them, with the header in row 1, and in NDJSON by
// lines. What is wrong with one row refuses that row; what leaves in doubt where rows begin, or how all of them are to be
// read, is an *Error, and the end. Both say what to do in the words of volley import's flags, and hold no number.
package rows

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// Format is how a file is written.
type Format string

// The formats. The zero value is CSV.
const (
	// CSV is RFC 4180 with any delimiter; its first row names the columns.
	CSV Format = "csv"
	// NDJSON has a JSON object on each line.
	NDJSON Format = "ndjson"
)

// FormatOf guesses the format, and the delimiter of CSV, from a file's name.
func FormatOf(name string) (Format, rune) {
	name = strings.TrimSuffix(strings.ToLower(name), ".gz")
	switch {
	case strings.HasSuffix(name, ".ndjson"), strings.HasSuffix(name, ".jsonl"), strings.HasSuffix(name, ".json"):
		return NDJSON, 0
	case strings.HasSuffix(name, ".tsv"), strings.HasSuffix(name, ".tab"):
		return CSV, '\t'
	}
	return CSV, ','
}

// Encoding is how a file's characters are written.
type Encoding string

// The encodings. The zero value is UTF8.
const (
	UTF8 Encoding = "utf-8"
	// Latin1 is Windows-1252, which has the letters of ISO 8859-1 and what Windows adds to it, such as € and curly quotes.
	Latin1 Encoding = "latin1"
)

// Column says where something is. The zero value is its usual name, where the file has that.
type Column struct {
	// Name is the column, or the key of NDJSON's objects; the file must have it.
	Name string
	// None leaves it out, also where the file has the usual name.
	None bool
}

// Options say how a file is read. The zero value is CSV in UTF-8 with commas.
type Options struct {
	Format   Format
	Encoding Encoding
	// Comma separates columns of CSV; 0 is a comma.
	Comma rune
	// To has the numbers. Its usual name is "to", and else the only one of msisdn, phone, number and mobile.
	To Column
	// Ref is given back with outcomes ("ref"). At is the recipient's own time ("at", unless that is one of Fields), Zone the
	// time zone ("tz"), and Carrier the network operator ("carrier").
	Ref, At, Zone, Carrier Column
	// Fields are the personal fields that are wanted; the file must have columns of these names.
	Fields []string
}

// CarrierField is the field that has the recipients' network operators, whatever the column is called.
const CarrierField = "carrier"

// The usual names of columns.
const (
	usualRef     = "ref"
	usualAt      = "at"
	usualZone    = "tz"
	usualCarrier = CarrierField
)

// usualTo are the names by which the column with the numbers is found, the first before all others.
var usualTo = []string{"to", "msisdn", "phone", "number", "mobile"}

// Reader reads a campaign. It is not safe for concurrent use.
type Reader struct {
	fields []field
	at     string
	zone   string
	next   func(*Row) error
	row    Row
	first  uint64
}

// field is one of Row.Values.
type field struct {
	name   string
	column string
	at     int // its position in the header of CSV
}

// Row is one recipient as the file has it. It is valid until the next is read; its strings stay.
type Row struct {
	// N is the row's number.
	N uint64
	// To is what stands where a number should be, and Ref what is given back with the outcome.
	To, Ref string
	// Values are in the order of Reader.Fields.
	Values []string
	// Refuse says why the row can't be read; empty for one that can.
	Refuse string
}

// Error is what is wrong with a file as a whole, or from a row on.
type Error struct {
	// Row is where it was found; 0 is nowhere in particular.
	Row uint64
	// Line is where that row begins, when rows of several lines come before it; else 0.
	Line int
	// Reason is a sentence that says what to do.
	Reason string
}

func (e *Error) Error() string {
	switch {
	case e.Row == 0:
		return e.Reason
	case e.Line > 0:
		return fmt.Sprintf("row %d (line %d): %s", e.Row, e.Line, e.Reason)
	}
	return fmt.Sprintf("row %d: %s", e.Row, e.Reason)
}

func bad(row uint64, format string, args ...any) *Error {
	return &Error{Row: row, Reason: fmt.Sprintf(format, args...)}
}

// Open reads so much of r as it takes to know the columns. What is compressed by gzip is found out from its first bytes.
//
// The error, here and of Next, is an *Error when the file is to blame, and else what r said.
func Open(r io.Reader, o Options) (*Reader, error) {
	if o.Comma == 0 {
		o.Comma = ','
	}
	s, err := newSource(r, o.Encoding)
	if err != nil {
		return nil, err
	}
	c := &Reader{first: 1}
	if o.Format == NDJSON {
		err = c.openNDJSON(s, o)
	} else {
		err = c.openCSV(s, o)
	}
	if err != nil {
		return nil, err
	}
	c.row.Values = make([]string, len(c.fields))
	return c, nil
}

// Fields names Row.Values: first Options.Fields, then those of At, Zone and Carrier, where the file has them.
func (c *Reader) Fields() []string {
	var names []string
	for _, f := range c.fields {
		names = append(names, f.name)
	}
	return names
}

// AtField is the field with the recipients' own times, and ZoneField the one with their time zones; empty when there is none.
func (c *Reader) AtField() string { return c.at }

// ZoneField is the field with the recipients' time zones; empty when there is none.
func (c *Reader) ZoneField() string { return c.zone }

// FirstRow is the number of the first row that can hold a recipient.
func (c *Reader) FirstRow() uint64 { return c.first }

// Next returns the next row; io.EOF after the last.
func (c *Reader) Next() (*Row, error) {
	c.row.To, c.row.Ref, c.row.Refuse = "", "", ""
	if err := c.next(&c.row); err != nil {
		return nil, err
	}
	return &c.row, nil
}

// want adds a field, unless it is there.
func (c *Reader) want(name, column string, at int) {
	if !slices.ContainsFunc(c.fields, func(f field) bool { return f.name == name }) {
		c.fields = append(c.fields, field{name, column, at})
	}
}
