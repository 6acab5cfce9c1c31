package sms

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Template is a text with fields in double braces, such as "Hi {{name}}" or "Hi {{name|there}}". It has no conditions, loops
// or escapes. The zero value is the empty text.
type Template struct {
	// literals surround the uses: there is one more of them.
	literals []string
	// uses are indexes in fields.
	uses     []int
	fields   []string
	defaults []fieldDefault
}

// fieldDefault is what stands for a field without a value.
type fieldDefault struct {
	text  string
	given bool
}

// ParseTemplate reads a template. A field is "{{", a name and "}}"; a name is made of letters, digits, _ - . and spaces, those
// around it not counted. What follows the name after a | is the field's default, without the spaces around it; it may be
// empty, and has no "{{" in it. A default that is given at one use of a field holds at all of them. Single braces, and "}}"
// without a "{{", are text.
//
// The error is an InvalidError that names the place, counted in characters from 1. Whether the text can be sent isn't
// checked: rendered texts are for ValidateText.
func ParseTemplate(text string) (*Template, error) {
	t := &Template{}
	index := map[string]int{}
	for rest := text; ; {
		literal, field, found := strings.Cut(rest, "{{")
		t.literals = append(t.literals, literal)
		if !found {
			return t, nil
		}
		name, after, closed := strings.Cut(field, "}}")
		name, alt, given := strings.Cut(name, "|")
		name = strings.Trim(name, " ")
		d := fieldDefault{strings.Trim(alt, " "), given}
		at := func() int { return utf8.RuneCountInString(text[:len(text)-len(field)-len("{{")]) + 1 }
		if !closed || name == "" || strings.ContainsFunc(name, badInName) {
			return nil, fieldReason(at(), name, closed)
		}
		if strings.Contains(d.text, "{{") {
			return nil, InvalidError(fmt.Sprintf("default of the field at character %d has a field in it; only text is allowed", at()))
		}
		n, seen := index[name]
		if !seen {
			n = len(t.fields)
			index[name] = n
			t.fields, t.defaults = append(t.fields, name), append(t.defaults, d)
		}
		switch have := &t.defaults[n]; {
		case !have.given:
			*have = d
		case given && d != *have:
			return nil, InvalidError(fmt.Sprintf("field at character %d has another default than before: a field has one", at()))
		}
		t.uses = append(t.uses, n)
		rest = after
	}
}

// fieldReason says what is wrong with the field at a character.
func fieldReason(at int, name string, closed bool) InvalidError {
	if !closed {
		return InvalidError(fmt.Sprintf("{{ at character %d is not closed with }}", at))
	}
	for _, r := range name {
		if badInName(r) {
			return InvalidError(fmt.Sprintf(
				"field at character %d has %q in its name; letters, digits, _ - . and spaces are allowed", at, r))
		}
	}
	return InvalidError(fmt.Sprintf("field at character %d has no name", at))
}

func badInName(r rune) bool {
	return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) && !strings.ContainsRune("_-. ", r)
}

// Fields returns the names of the fields, each once, in order of first use.
func (t *Template) Fields() []string { return slices.Clone(t.fields) }

// Default returns what stands for field i of Fields where a recipient has no value, and whether the template says so.
func (t *Template) Default(i int) (text string, given bool) {
	return t.defaults[i].text, t.defaults[i].given
}

// Missing reports whether a field's value is none: empty, or nothing but white space.
func Missing(value string) bool { return strings.TrimSpace(value) == "" }

// Fill returns the values with the field's default, where there is one, in the place of each that is missing. It returns
// values themselves when there is nothing to fill in, and does not change them.
func (t *Template) Fill(values []string) []string {
	out := values
	for i, v := range values {
		if !t.defaults[i].given || !Missing(v) {
			continue
		}
		if &out[0] == &values[0] {
			out = slices.Clone(values)
		}
		out[i] = t.defaults[i].text
	}
	return out
}

// Literal reports whether the template has no fields, so that all recipients get the same text.
func (t *Template) Literal() bool { return len(t.fields) == 0 }

// Render appends the text to dst, with each field replaced by the value at its index in Fields, or by its default where
// that is missing. Values are taken as they are: braces in them mean nothing. It panics when there is not exactly one value
// for each field.
func (t *Template) Render(dst []byte, values []string) []byte {
	if len(values) != len(t.fields) {
		panic(fmt.Sprintf("sms: template has %d fields, got %d values", len(t.fields), len(values)))
	}
	for i, literal := range t.literals {
		dst = append(dst, literal...)
		if i < len(t.uses) {
			n := t.uses[i]
			v := values[n]
			if d := &t.defaults[n]; d.given && Missing(v) {
				v = d.text
			}
			dst = append(dst, v...)
		}
	}
	return dst
}

// Merge returns the text with each field replaced by the placeholder at its index in Fields, for gateways that merge fields
// themselves. It is for the caller to choose placeholders that occur nowhere else in the text. It panics as Render does.
func (t *Template) Merge(placeholders []string) string { return string(t.Render(nil, placeholders)) }
