package enqueue

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/volleysms/volley/sms"
)

// Missing says what becomes of a recipient without a value for a field that the text asks for and gives no default. A value
// is missing when it is empty or only white space. The zero value is RefuseMissing.
type Missing = sms.MissingPolicy

// What may be done about a missing value. Where the text has a default, as in {{name|there}}, that is taken always.
const (
	// RefuseMissing refuses the recipient, with the field's name as the reason.
	RefuseMissing = sms.RefuseMissing
	// EmptyMissing leaves the place in the text empty.
	EmptyMissing = sms.EmptyMissing
	// DefaultMissing lets a job in only if its text has a default for each of its fields, so that nobody is refused for
	// a missing value and no place stays empty.
	DefaultMissing = sms.DefaultMissing
)

// personal is what the door knows of a text with fields. The zero value lets everything through.
type personal struct {
	tmpl   *sms.Template
	fields []fieldUse
	// fixed is the bytes of the text with its braces, and blank is true when it says nothing without values.
	fixed  int
	blank  bool
	values []string
	text   []byte
}

// fieldUse is one field of the text.
type fieldUse struct {
	name   string
	at     int  // its position in Job.Fields
	uses   int  // at most how often it stands in the text
	least  int  // bytes of its default
	needed bool // who has no value is refused
}

// sureBytes is so short that a text can be sent by some gateway: no character has more units than bytes.
const sureBytes = sms.MaxSegments * 67

// checkFields validates the fields and what the text, which is valid as a text, asks of them.
func (j *Job) checkFields() (personal, error) {
	var p personal
	t, err := sms.ParseTemplate(j.Text)
	if err != nil {
		return p, invalid("text", "%s", err)
	}
	if len(j.Fields) > MaxFields {
		return p, invalid("fields", "%d fields are more than %d", len(j.Fields), MaxFields)
	}
	for i, f := range j.Fields {
		if len(f) > MaxValue || !utf8.ValidString(f) {
			return p, invalid("fields", "the name of field %d is not UTF-8 of at most %d bytes", i+1, MaxValue)
		}
		if slices.Contains(j.Fields[:i], f) {
			return p, invalid("fields", "%q is named twice", f)
		}
	}
	switch j.Missing {
	case "", RefuseMissing, EmptyMissing, DefaultMissing:
	default:
		return p, invalid("missing", "must be refuse, empty or default")
	}
	for i, f := range t.Fields() {
		k := slices.Index(j.Fields, f)
		if k < 0 {
			have := "the recipients have no fields"
			if len(j.Fields) > 0 {
				have = "the recipients have " + strings.Join(j.Fields, ", ")
			}
			return p, invalid("text", "asks for the field %q; %s", f, have)
		}
		d, given := t.Default(i)
		switch {
		case len(d) > MaxValue:
			return p, invalid("text", "the default of the field %q has more than %d bytes", f, MaxValue)
		case !given && j.Missing == DefaultMissing:
			return p, invalid("text", "has no default for the field %q: write {{%s|something}}, or choose another policy for missing values", f, f)
		}
		p.fields = append(p.fields, fieldUse{f, k, strings.Count(j.Text, f), len(d), !given && j.Missing != EmptyMissing})
	}
	if len(p.fields) > 0 {
		p.tmpl, p.values, p.fixed = t, make([]string, len(p.fields)), len(j.Text)
		p.blank = sms.Missing(string(t.Render(nil, p.values)))
	}
	return p, nil
}

// vet says why a recipient with these values, in the order of Job.Fields, gets no text, and "" when there is one.
func (p *personal) vet(values []string) string {
	sure, most := !p.blank, p.fixed
	for i := range p.fields {
		f := &p.fields[i]
		v := values[f.at]
		if f.needed && sms.Missing(v) {
			return fmt.Sprintf("its field %q is empty, and the text has no default for it", f.name)
		}
		p.values[i] = v
		most += f.uses * max(len(v), f.least)
		sure = sure && strings.IndexByte(v, 0) < 0
	}
	if p.tmpl == nil || sure && most <= sureBytes {
		return ""
	}
	p.text = p.tmpl.Render(p.text[:0], p.values)
	if err := sms.ValidateText(string(p.text)); err != nil {
		return "its " + err.Error()
	}
	return ""
}
