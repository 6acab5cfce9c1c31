package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// jsonPath is a singular query of RFC 9535: $, then names (.name, ['name']) and indexes ([0], [-1]).
type jsonPath []step

// step is a name, or an index when name is nil.
type step struct {
	name  *string
	index int
}

var errPath = errors.New(`is no path: write $ and names or indexes, such as $.messages[0].id or $['message id']`)

// parsePath reads a path.
func parsePath(s string) (jsonPath, error) {
	rest, ok := strings.CutPrefix(s, "$")
	if !ok {
		return nil, errPath
	}
	path := jsonPath{}
	for rest != "" {
		var one step
		var err error
		switch rest[0] {
		case '.':
			one, rest, err = dotted(rest[1:])
		case '[':
			one, rest, err = bracketed(rest[1:])
		default:
			err = errPath
		}
		if err != nil {
			return nil, err
		}
		path = append(path, one)
	}
	return path, nil
}

// dotted reads a name without quotes, which has letters, digits, _ and what is beyond ASCII, and begins with no digit.
func dotted(s string) (step, string, error) {
	end := 0
	for end < len(s) && (s[end] == '_' || s[end] >= 'a' && s[end] <= 'z' || s[end] >= 'A' && s[end] <= 'Z' ||
		s[end] >= utf8.RuneSelf || end > 0 && s[end] >= '0' && s[end] <= '9') {
		end++
	}
	if end == 0 {
		return step{}, "", errPath
	}
	name := s[:end]
	return step{name: &name}, s[end:], nil
}

// bracketed reads what is between [ and ], a quoted name or an index.
func bracketed(s string) (step, string, error) {
	if s != "" && (s[0] == '\'' || s[0] == '"') {
		var name strings.Builder
		for i := 1; i < len(s); i++ {
			switch {
			case s[i] == '\\' && i+1 < len(s) && (s[i+1] == s[0] || s[i+1] == '\\'):
				i++
				name.WriteByte(s[i])
			case s[i] == '\\':
				return step{}, "", errPath
			case s[i] != s[0]:
				name.WriteByte(s[i])
			default:
				rest, ok := strings.CutPrefix(s[i+1:], "]")
				if !ok {
					return step{}, "", errPath
				}
				text := name.String()
				return step{name: &text}, rest, nil
			}
		}
		return step{}, "", errPath
	}
	digits, rest, ok := strings.Cut(s, "]")
	n, err := strconv.Atoi(digits)
	if !ok || err != nil || strconv.Itoa(n) != digits {
		return step{}, "", errPath
	}
	return step{index: n}, rest, nil
}

// find returns what is at the path in a document of encoding/json, nil when there is nothing.
func (p jsonPath) find(doc any) any {
	for _, s := range p {
		switch in := doc.(type) {
		case map[string]any:
			if s.name == nil {
				return nil
			}
			doc = in[*s.name]
		case []any:
			i := s.index
			if i < 0 {
				i += len(in)
			}
			if s.name != nil || i < 0 || i >= len(in) {
				return nil
			}
			doc = in[i]
		default:
			return nil
		}
	}
	return doc
}

// scalar returns a string, number or truth value as it was written; "" for everything else.
func scalar(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

// decode reads one JSON document, with numbers as they were written; nil when it isn't one.
func decode(b []byte) any {
	if !utf8.Valid(b) {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var doc any
	if d.Decode(&doc) != nil {
		return nil
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil
	}
	return doc
}
