package httpapi

import (
	"encoding/json"
	"errors"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/sms"
)

// request writes calls.
type request struct {
	method, base         string
	path, json, each     *text
	query, form, headers []pair
	// inURL is true when the recipients or the text are in the URL, binary when a binary message can be written.
	inURL, binary bool
}

// pair is a name and what it holds.
type pair struct {
	name  string
	value *text
}

// pairs returns m by name.
func pairs(m map[string]*text) []pair {
	var out []pair
	for _, name := range slices.Sorted(maps.Keys(m)) {
		out = append(out, pair{name, m[name]})
	}
	return out
}

// all returns every template of the request.
func (r *request) all() []*text {
	out := []*text{r.path, r.json, r.each}
	for _, list := range [][]pair{r.query, r.form, r.headers} {
		for _, p := range list {
			out = append(out, p.value)
		}
	}
	return slices.DeleteFunc(out, func(t *text) bool { return t == nil })
}

// uses reports whether any template names a field.
func (r *request) uses(field string) bool {
	return slices.ContainsFunc(r.all(), func(t *text) bool { return t.uses[field] })
}

// growth says how a text grows in the request. It is an estimate for the planner; Send looks at the real size.
func (r *request) growth() providers.Growth {
	calls := func(f string) bool {
		return slices.ContainsFunc(r.all(), func(t *text) bool { return t.uses["Text"] && t.calls[f] })
	}
	switch {
	case calls("utf16"):
		return providers.Hex16
	case r.json != nil && !r.inURL && !calls("urlquery") && !calls("hex") && !calls("base64"):
		return providers.JSON
	}
	return providers.Percent
}

// written is a request as it goes out.
type written struct {
	url, body, contentType string
	headers                []header
	inURL                  bool
}

type header struct{ name, value string }

// invitesRepetition reports whether net/http takes the header for leave to repeat the request.
func (h header) invitesRepetition() bool {
	return strings.EqualFold(h.name, "Idempotency-Key") || strings.EqualFold(h.name, "X-Idempotency-Key")
}

// size is what the budget counts, in bytes.
func (w *written) size() int {
	if w.inURL {
		return len(w.url)
	}
	return len(w.body)
}

var (
	errJSON   = errors.New("the body that the template makes is not JSON: write texts as {{json .Text}}, without quotes around")
	errHeader = errors.New("a header would hold a line break or another control character")
)

// write fills the templates in for c. The error is errLong, errFill, errJSON or errHeader, and holds nothing of the call.
func (r *request) write(c *providers.Call) (written, error) {
	w := written{inURL: r.inURL}
	f := callFields(c)
	if r.each != nil {
		if err := r.writeEach(c, &f); err != nil {
			return w, err
		}
	}
	path, err := r.path.write(&f, bodyBudget)
	if err != nil {
		return w, err
	}
	query, err := encode(r.query, &f)
	if err != nil {
		return w, err
	}
	w.url = r.base + path
	if query != "" {
		w.url += "?" + query
	}
	for _, h := range r.headers {
		v, err := h.value.write(&f, bodyBudget)
		switch {
		case err != nil:
			return w, err
		case strings.ContainsFunc(v, unicode.IsControl):
			return w, errHeader
		case v != "":
			w.headers = append(w.headers, header{h.name, v})
		}
	}
	switch {
	case r.json != nil:
		w.contentType = "application/json"
		if w.body, err = r.json.write(&f, 2*bodyBudget); err == nil && !json.Valid([]byte(w.body)) {
			err = errJSON
		}
	case len(r.form) > 0:
		w.contentType = "application/x-www-form-urlencoded"
		w.body, err = encode(r.form, &f)
	}
	return w, err
}

// writeEach writes the recipients, with commas between.
func (r *request) writeEach(c *providers.Call, f *fields) error {
	b := bounded{max: 2 * bodyBudget}
	for i := range c.Recipients {
		if i > 0 {
			_ = b.WriteByte(',')
		}
		own := *f
		own.setRecipient(c, i)
		if err := r.each.tmpl.Execute(&b, &own); err != nil {
			if errors.Is(err, errLong) {
				return errLong
			}
			return errFill
		}
	}
	f.Each = b.String()
	return nil
}

// encode writes pairs as a query or form.
func encode(list []pair, f *fields) (string, error) {
	var b strings.Builder
	for _, p := range list {
		v, err := p.value.write(f, 2*bodyBudget)
		if err != nil {
			return "", err
		}
		if v == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('&')
		}
		b.WriteString(url.QueryEscape(p.name) + "=" + url.QueryEscape(v))
	}
	return b.String(), nil
}

var priorities = map[providers.Priority]string{providers.Bulk: "bulk", providers.Normal: "normal", providers.Urgent: "urgent"}

// callFields returns what a call asks for; the recipient's own when there is one.
func callFields(c *providers.Call) fields {
	f := fields{
		Text: c.Text, From: string(c.From), Reference: c.Reference,
		Encoding: c.Encoding.String(), Unicode: c.Encoding == sms.UCS2, Segments: c.Segments,
		Flash: c.Options.Flash, Priority: priorities[c.Options.Priority],
		Validity: int(c.Options.Validity / time.Second), Label: c.Options.Label,
	}
	if !c.Options.At.IsZero() {
		f.At = c.Options.At.UTC().Format(time.RFC3339)
	}
	if c.Binary != nil {
		f.Binary, f.Payload, f.UDH = true, string(c.Binary.Payload), string(c.Binary.UDH)
	}
	if c.ReportTo != nil {
		f.ReportURL = c.ReportTo(-1)
	}
	if len(c.Recipients) == 1 {
		f.setRecipient(c, 0)
	}
	return f
}

// setRecipient puts in what is recipient i's own.
func (f *fields) setRecipient(c *providers.Call, i int) {
	r := &c.Recipients[i]
	f.To, f.Carrier = r.To.String(), r.Carrier
	if r.Text != "" {
		f.Text = r.Text
	}
	if c.ReportTo != nil {
		f.ReportURL = c.ReportTo(i)
	}
}
