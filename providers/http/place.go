package httpapi

import (
	"errors"
	"regexp"
	"strings"
)

// place is where a value is in what a gateway wrote: a path into JSON or form fields, or a regular expression with one
// group over the text. The zero place holds nothing.
type place struct {
	path jsonPath
	expr *regexp.Regexp
}

// source is what a gateway wrote.
type source struct {
	doc  any
	text []byte
}

var (
	errPlace = errors.New("is no place: write a path such as $.message.id, or a regular expression with one group such as /^OK: (\\S+)/")
	errGroup = errors.New("has not exactly one group: put what is wanted in one pair of ( and ), and others in (?: and )")
	errExpr  = errors.New("is no regular expression that Go's regexp takes; a pair of / stands around it")
)

// parsePlace reads "$.path" or "/expression/"; "" is no place.
func parsePlace(s string) (place, error) {
	switch {
	case s == "":
		return place{}, nil
	case strings.HasPrefix(s, "$"):
		p, err := parsePath(s)
		return place{path: p}, err
	case len(s) < 2 || s[0] != '/' || s[len(s)-1] != '/':
		return place{}, errPlace
	}
	expr, err := regexp.Compile(s[1 : len(s)-1])
	switch {
	case err != nil:
		return place{}, errExpr
	case expr.NumSubexp() != 1:
		return place{}, errGroup
	}
	return place{expr: expr}, nil
}

// named reports whether there is a place.
func (p place) named() bool { return p.path != nil || p.expr != nil }

// find returns the text that is there, "" when there is none.
func (p place) find(s source) string {
	switch {
	case p.path != nil:
		return scalar(p.path.find(s.doc))
	case p.expr != nil:
		if m := p.expr.FindSubmatch(s.text); m != nil {
			return string(m[1])
		}
	}
	return ""
}

// elements returns what is in the array at the path, and false when there is none.
func (p place) elements(s source) ([]any, bool) {
	list, ok := p.path.find(s.doc).([]any)
	return list, ok && p.path != nil
}
