package rows

import (
	"fmt"
	"slices"
	"strings"

	"github.com/volleysms/volley/internal/redact"
)

// header is the first row of CSV.
type header struct {
	names []string
	comma rune
}

// choose finds the columns that are needed.
func (c *Reader) choose(h *header, o Options) (to, ref int, err error) {
	if o.To.Name != "" {
		to, err = h.column(o.To.Name, "--to-column")
	} else {
		to, err = h.findTo()
	}
	if err != nil {
		return 0, 0, err
	}
	if _, ref, err = h.usual(o.Ref, usualRef, "--ref-column"); err != nil {
		return 0, 0, err
	}
	for _, name := range o.Fields {
		n, err := h.column(name, "{{"+name+"}} in --text")
		if err != nil {
			return 0, 0, err
		}
		c.want(name, name, n)
	}
	name, n, err := h.usual(o.timeColumn(), usualAt, "--at-column")
	if err != nil {
		return 0, 0, err
	}
	if n >= 0 {
		c.at = name
		c.want(name, name, n)
	}
	if name, n, err = h.usual(o.Zone, usualZone, "--tz-column"); err != nil {
		return 0, 0, err
	}
	if n >= 0 {
		c.zone = name
		c.want(name, name, n)
	}
	name, n, err = h.usual(o.Carrier, usualCarrier, "--carrier-column")
	if err != nil || n < 0 {
		return to, ref, err
	}
	return to, ref, c.wantCarrier(name, n)
}

// timeColumn is At. A column that the text shows is a time only when it is named as that.
func (o *Options) timeColumn() Column {
	c := o.At
	c.None = c.None || c.Name == "" && slices.Contains(o.Fields, usualAt)
	return c
}

// wantCarrier adds the field of the network operators.
func (c *Reader) wantCarrier(column string, at int) error {
	i := slices.IndexFunc(c.fields, func(f field) bool { return f.name == CarrierField })
	if i >= 0 && c.fields[i].column != column {
		return bad(0, "{{%s}} in --text and --carrier-column are different columns: rename one", CarrierField)
	}
	c.want(CarrierField, column, at)
	return nil
}

// usual finds the column that a flag names, or else one with the usual name; -1 when there is none.
func (h *header) usual(o Column, usual, flag string) (string, int, error) {
	switch {
	case o.None, o.Name == "" && !slices.Contains(h.names, usual):
		return "", -1, nil
	case o.Name == "":
		n, err := h.column(usual, flag)
		return usual, n, err
	}
	n, err := h.column(o.Name, flag)
	return o.Name, n, err
}

// column finds a column by its name; who is what asks for it.
func (h *header) column(name, who string) (int, error) {
	n := slices.Index(h.names, name)
	if n < 0 {
		return 0, bad(0, "%s: there is no column %q; %s", who, name, h.list())
	}
	if slices.Contains(h.names[n+1:], name) {
		return 0, bad(0, "%s: there are two columns %q: rename one", who, name)
	}
	return n, nil
}

func (h *header) findTo() (int, error) {
	if slices.Contains(h.names, usualTo[0]) {
		return h.column(usualTo[0], "--to-column")
	}
	var found []int
	for i, name := range h.names {
		if slices.Contains(usualTo, strings.ToLower(name)) {
			found = append(found, i)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return 0, bad(0, "no column is called %s: name the one with the numbers by --to-column; %s", strings.Join(usualTo, ", "), h.list())
	}
	return 0, bad(0, "several columns may hold the numbers: choose one by --to-column; %s", h.list())
}

// maxListedColumns and maxColumnName bound what an error tells about a header.
const (
	maxListedColumns = 40
	maxColumnName    = 40
)

// list tells the columns, without numbers in case that the first row is no header.
func (h *header) list() string {
	s := "the first row has the columns " + tell(h.names)
	if len(h.names) == 1 {
		for _, d := range []string{",", ";", "\t", "|"} {
			if strings.Contains(h.names[0], d) {
				return s + fmt.Sprintf(" (is --delimiter %q missing?)", d)
			}
		}
	}
	return s
}

// tell lists names.
func tell(all []string) string {
	var names []string
	for _, n := range all[:min(len(all), maxListedColumns)] {
		if r := []rune(n); len(r) > maxColumnName {
			n = string(r[:maxColumnName]) + "…"
		}
		names = append(names, redact.Numbers(n))
	}
	s := strings.Join(names, ", ")
	if len(all) > maxListedColumns {
		s += fmt.Sprintf(" and %d more", len(all)-maxListedColumns)
	}
	return s
}
