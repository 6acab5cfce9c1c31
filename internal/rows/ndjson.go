package rows

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// ndjsonFile is a file of JSON objects that is read line by line.
type ndjsonFile struct {
	source *source
	line   []byte // of a row that does not fit the buffer
	row    uint64
	first  []byte // the first row, until it has been given out
	object map[string]json.RawMessage
	to     string // the key with the numbers; empty is a usual one
	ref    string // empty is none
	// strayAt is the key of the recipients' own times when the first row has none; empty when that does not matter.
	strayAt string
}

// openNDJSON decides what is looked for in the objects, by the first of them where that matters. Which keys the others have
// is known only row by row: what a row lacks is empty.
func (c *Reader) openNDJSON(s *source, o Options) error {
	f := &ndjsonFile{source: s, to: o.To.Name, ref: nameOf(o.Ref, usualRef), object: map[string]json.RawMessage{}}
	line, err := f.read()
	if errors.Is(err, io.EOF) {
		return bad(0, "the file is empty: it must have a JSON object on each line")
	}
	if err != nil {
		return err
	}
	if line[0] == '[' {
		return bad(f.row, "it begins a JSON array: write one object on each line, as jq -c '.[]' does")
	}
	f.first = bytes.Clone(line)
	for _, name := range o.Fields {
		c.want(name, name, 0)
	}
	at := o.timeColumn()
	if c.at = at.Name; c.at == "" && !at.None {
		if json.Unmarshal(line, &f.object) == nil && f.object[usualAt] != nil {
			c.at = usualAt
		} else {
			f.strayAt = usualAt
		}
	}
	if c.at != "" {
		c.want(c.at, c.at, 0)
	}
	if c.zone = nameOf(o.Zone, usualZone); c.zone != "" {
		c.want(c.zone, c.zone, 0)
	}
	if carrier := nameOf(o.Carrier, usualCarrier); carrier != "" {
		if err := c.wantCarrier(carrier, 0); err != nil {
			return err
		}
	}
	c.next = func(r *Row) error { return f.next(c, r) }
	return nil
}

func nameOf(c Column, usual string) string {
	switch {
	case c.None:
		return ""
	case c.Name == "":
		return usual
	}
	return c.Name
}

// next reads the next row.
func (f *ndjsonFile) next(c *Reader, r *Row) error {
	line := f.first
	if f.first = nil; line == nil {
		var err error
		if line, err = f.read(); err != nil {
			return err
		}
	}
	r.N = f.row
	if !utf8.Valid(line) {
		return notUTF8(f.row)
	}
	clear(f.object)
	if line[0] != '{' {
		r.Refuse = "it is no JSON object"
		return nil
	}
	if err := json.Unmarshal(line, &f.object); err != nil {
		r.Refuse = "it is no JSON object: " + reason(err)
		return nil
	}
	f.fill(c, r)
	return nil
}

// reason is what encoding/json says, without what stands in the row.
func reason(err error) string {
	var s *json.SyntaxError
	if errors.As(err, &s) {
		return fmt.Sprintf("it goes wrong after %d bytes", s.Offset)
	}
	return "it can't be read"
}

// fill takes from the object what is wanted.
func (f *ndjsonFile) fill(c *Reader, r *Row) {
	to, why := f.number()
	if why != "" {
		r.Refuse = why
		return
	}
	if f.strayAt != "" && f.object[f.strayAt] != nil {
		r.Refuse = fmt.Sprintf("it has a time in %q, and the first row has none: give every row one, or say --at-column", f.strayAt)
		return
	}
	get := func(key string) string {
		v, why := f.value(key)
		if why != "" && r.Refuse == "" {
			r.Refuse = why
		}
		return v
	}
	r.To = get(to)
	if f.ref != "" {
		r.Ref = get(f.ref)
	}
	for i := range c.fields {
		r.Values[i] = get(c.fields[i].column)
	}
}

// number is the key of the number.
func (f *ndjsonFile) number() (key, why string) {
	if f.to != "" {
		return f.to, ""
	}
	if _, ok := f.object[usualTo[0]]; ok {
		return usualTo[0], ""
	}
	for name := range f.object {
		if !slices.Contains(usualTo, strings.ToLower(name)) {
			continue
		}
		if key != "" {
			return "", "several of its keys may have the number: choose one by --to-column"
		}
		key = name
	}
	if key == "" {
		return "", "none of its keys is " + strings.Join(usualTo, ", ") + ": name the one with the number by --to-column"
	}
	return key, ""
}

// value returns what stands under a key as a text: a string, or a number or truth value as it is written. What is absent
// or null is empty.
func (f *ndjsonFile) value(key string) (v, why string) {
	raw := f.object[key]
	if len(raw) == 0 {
		return "", ""
	}
	switch raw[0] {
	case '"':
		if bytes.IndexByte(raw, '\\') < 0 {
			return string(raw[1 : len(raw)-1]), ""
		}
		if json.Unmarshal(raw, &v) != nil {
			return "", fmt.Sprintf("its field %q can't be read", key)
		}
		return v, ""
	case '{', '[':
		return "", fmt.Sprintf("its field %q has no text or number, but more JSON within it", key)
	case 'n':
		return "", ""
	}
	return string(raw), ""
}

// read returns the next line that is not empty, without white space around it, which is valid until the one after it is
// read; io.EOF after the last.
func (f *ndjsonFile) read() ([]byte, error) {
	for {
		line, err := f.readLine()
		if err != nil {
			return nil, err
		}
		if line = bytes.TrimSpace(line); len(line) > 0 {
			return line, nil
		}
	}
}

func (f *ndjsonFile) readLine() ([]byte, error) {
	f.source.limit.reset()
	f.row++
	f.line = f.line[:0]
	for {
		part, err := f.source.ReadSlice('\n')
		if len(f.line) > 0 || errors.Is(err, bufio.ErrBufferFull) {
			f.line = append(f.line, part...)
			part = f.line
		}
		switch {
		case err == nil, errors.Is(err, io.EOF) && len(part) > 0:
			return part, nil
		case errors.Is(err, bufio.ErrBufferFull) && len(part) < maxRow:
		case errors.Is(err, bufio.ErrBufferFull), errors.Is(err, errLongRow):
			return nil, longRow(f.row, NDJSON)
		default:
			return nil, err
		}
	}
}
