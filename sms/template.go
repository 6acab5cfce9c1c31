package sms

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Template is a text with fields in double braces, such as "Hi {{name}}". It has no conditions, loops or escapes. The zero
// value is the empty text.
type Template struct {
	// literals surround the uses: there is one more of them.
	literals []string
	// uses are indexes in fields.
	uses   []int
	fields []string
}

// ParseTemplate reads a template. A field is "{{", a name and "}}"; a name is made of letters, digits, _ - . and spaces, those
// around it not counted. Single braces, and "}}" without a "{{", are text.
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
		name = strings.Trim(name, " ")
		if !closed || name == "" || strings.ContainsFunc(name, badInName) {
			before := text[:len(text)-len(field)-len("{{")]
			return nil, fieldReason(utf8.RuneCountInString(before)+1, name, closed)
		}
		n, seen := index[name]
		if !seen {
			n = len(t.fields)
			index[name] = n
			t.fields = append(t.fields, name)
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

// Literal reports whether the template has no fields, so that all recipients get the same text.
func (t *Template) Literal() bool { return len(t.fields) == 0 }

// Render appends the text to dst, with each field replaced by the value at its index in Fields. Values are taken as they
// are: braces in them mean nothing. It panics when there is not exactly one value for each field.
func (t *Template) Render(dst []byte, values []string) []byte {
	if len(values) != len(t.fields) {
		panic(fmt.Sprintf("sms: template has %d fields, got %d values", len(t.fields), len(values)))
	}
	for i, literal := range t.literals {
		dst = append(dst, literal...)
		if i < len(t.uses) {
			dst = append(dst, values[t.uses[i]]...)
		}
	}
	return dst
}

// Merge returns the text with each field replaced by the placeholder at its index in Fields, for gateways that merge fields
// themselves. It is for the caller to choose placeholders that occur nowhere else in the text. It panics as Render does.
func (t *Template) Merge(placeholders []string) string { return string(t.Render(nil, placeholders)) }
