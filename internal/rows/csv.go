package rows

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// csvFile is a CSV file that is read row by row.
type csvFile struct {
	source *source
	csv    *csv.Reader
	// row is the last one read, and after the line below it.
	row   uint64
	after int
}

// openCSV reads the header and finds the columns.
func (c *Reader) openCSV(s *source, o Options) error {
	if start, _ := peek(s.Reader, 2); string(start) == `{"` {
		return bad(1, "it begins a JSON object: is --format ndjson missing?")
	}
	f := &csvFile{source: s, csv: csv.NewReader(s.Reader), after: 1}
	f.csv.Comma, f.csv.ReuseRecord = o.Comma, true
	record, err := f.read()
	if errors.Is(err, io.EOF) {
		return bad(0, "the file is empty: its first row must name the columns")
	}
	if err != nil {
		return err
	}
	h := header{comma: o.Comma}
	for _, name := range record {
		h.names = append(h.names, strings.Clone(strings.TrimSpace(name)))
	}
	c.first = f.row + 1
	to, ref, err := c.choose(&h, o)
	if err != nil {
		return err
	}
	c.next = func(r *Row) error {
		record, err := f.read()
		r.N = f.row
		if errors.Is(err, csv.ErrFieldCount) {
			r.Refuse = fmt.Sprintf("its number of columns is %d, and the header's is %d", len(record), len(h.names))
			if to < len(record) {
				r.To = record[to]
			}
			return nil
		}
		if err != nil {
			return err
		}
		r.To = record[to]
		if ref >= 0 {
			r.Ref = record[ref]
		}
		for i := range c.fields {
			r.Values[i] = record[c.fields[i].at]
		}
		return nil
	}
	return nil
}

// read returns the next row, which is valid until the one after it is read; io.EOF after the last. With csv.ErrFieldCount
// the row is returned too.
func (f *csvFile) read() ([]string, error) {
	f.source.limit.reset()
	record, err := f.csv.Read()
	var p *csv.ParseError
	switch {
	case err == nil:
		f.count(record)
	case errors.Is(err, errLongRow):
		return nil, longRow(f.row+1, CSV)
	case !errors.As(err, &p):
		return nil, err
	default:
		if !errors.Is(err, csv.ErrFieldCount) {
			f.begin(p.StartLine)
			return nil, f.explain(p)
		}
		f.count(record)
		err = csv.ErrFieldCount
	}
	for _, v := range record {
		if !utf8.ValidString(v) {
			return nil, notUTF8(f.row)
		}
	}
	return record, err
}

// begin finds the number of the row that begins at a line. Empty lines are rows too.
func (f *csvFile) begin(line int) { f.row += uint64(line-f.after) + 1 }

// count finds the number of the row that was read, and the line after it: one row may have several lines, of which the place of
// the last value tells but those of that value.
func (f *csvFile) count(record []string) {
	first, _ := f.csv.FieldPos(0)
	f.begin(first)
	last, _ := f.csv.FieldPos(len(record) - 1)
	f.after = last + strings.Count(record[len(record)-1], "\n") + 1
}

// explain turns an error of encoding/csv into a sentence with the row.
func (f *csvFile) explain(p *csv.ParseError) *Error {
	e := &Error{Row: f.row}
	if uint64(p.StartLine) != f.row {
		e.Line = p.StartLine
	}
	switch {
	case errors.Is(p.Err, csv.ErrBareQuote):
		e.Reason = `a quote stands within a column that is not quoted: write "" for it, and quotes around the column`
	case errors.Is(p.Err, csv.ErrQuote):
		e.Reason = "a quote is opened and not closed, or a column goes on after its closing quote"
	default:
		e.Reason = p.Err.Error()
	}
	return e
}
