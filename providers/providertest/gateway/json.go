package gateway

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth bounds how deep JSON may nest.
const maxDepth = 32

// scanner reads JSON front to back, strictly and without building a tree, so that a gateway under load spends its time
// elsewhere. After the first error, every method does nothing.
type scanner struct {
	b     []byte
	i     int
	depth int
	bad   bool
	buf   []byte // of the last string with an escape
}

// end reports whether all was read without an error.
func (s *scanner) end() bool {
	s.space()
	return !s.bad && s.i == len(s.b)
}

func (s *scanner) space() {
	for s.i < len(s.b) {
		switch s.b[s.i] {
		case ' ', '\t', '\n', '\r':
			s.i++
		default:
			return
		}
	}
}

// peek returns the first byte of the next value, 0 at the end or after an error.
func (s *scanner) peek() byte {
	s.space()
	if s.bad || s.i >= len(s.b) {
		return 0
	}
	return s.b[s.i]
}

// accept takes c if it comes next.
func (s *scanner) accept(c byte) bool {
	if s.peek() != c {
		return false
	}
	s.i++
	return true
}

func (s *scanner) expect(c byte) {
	if !s.accept(c) {
		s.bad = true
	}
}

// object calls field for each key; field must read the value. The key is good until then.
func (s *scanner) object(field func(key []byte)) {
	s.nest('{', '}', func() {
		key := s.str()
		s.expect(':')
		if !s.bad {
			field(key)
		}
	})
}

// array calls elem for each element; elem must read it.
func (s *scanner) array(elem func()) { s.nest('[', ']', elem) }

func (s *scanner) nest(open, shut byte, elem func()) {
	s.expect(open)
	if s.depth++; s.depth > maxDepth {
		s.bad = true
	}
	defer func() { s.depth-- }()
	if s.accept(shut) {
		return
	}
	for !s.bad {
		elem()
		if s.accept(shut) {
			return
		}
		s.expect(',')
	}
}

// str reads a string. The bytes are good until the next call.
func (s *scanner) str() []byte {
	s.expect('"')
	start := s.i
	for s.i < len(s.b) && !s.bad {
		switch c := s.b[s.i]; {
		case c == '"':
			s.i++
			return s.b[start : s.i-1]
		case c == '\\':
			return s.escaped(start)
		case c < ' ':
			s.bad = true
		default:
			s.i++
		}
	}
	s.bad = true
	return nil
}

// escaped reads the rest of a string that began at start and has an escape at i.
func (s *scanner) escaped(start int) []byte {
	s.buf = append(s.buf[:0], s.b[start:s.i]...)
	for s.i < len(s.b) && !s.bad {
		c := s.b[s.i]
		s.i++
		switch {
		case c == '"':
			return s.buf
		case c < ' ':
			s.bad = true
		case c != '\\':
			s.buf = append(s.buf, c)
		case s.i < len(s.b):
			c = s.b[s.i]
			s.i++
			s.unescape(c)
		}
	}
	s.bad = true
	return nil
}

func (s *scanner) unescape(c byte) {
	switch c {
	case '"', '\\', '/':
		s.buf = append(s.buf, c)
	case 'b':
		s.buf = append(s.buf, '\b')
	case 'f':
		s.buf = append(s.buf, '\f')
	case 'n':
		s.buf = append(s.buf, '\n')
	case 'r':
		s.buf = append(s.buf, '\r')
	case 't':
		s.buf = append(s.buf, '\t')
	case 'u':
		r := s.hex4()
		if utf16.IsSurrogate(r) && s.i+1 < len(s.b) && s.b[s.i] == '\\' && s.b[s.i+1] == 'u' {
			before := s.i
			s.i += 2
			if r2 := utf16.DecodeRune(r, s.hex4()); r2 != utf8.RuneError {
				r = r2
			} else {
				s.i = before
			}
		}
		s.buf = utf8.AppendRune(s.buf, r)
	default:
		s.bad = true
	}
}

func (s *scanner) hex4() rune {
	if s.i+4 > len(s.b) {
		s.bad = true
		return 0
	}
	n, err := strconv.ParseUint(string(s.b[s.i:s.i+4]), 16, 16)
	if err != nil || s.b[s.i] == '+' {
		s.bad = true
	}
	s.i += 4
	return rune(n)
}

// number reads a number and returns its bytes.
func (s *scanner) number() []byte {
	s.space()
	start := s.i
	s.here("-")
	if !s.here("0") {
		s.digits()
	}
	if s.here(".") {
		s.digits()
	}
	if s.here("eE") {
		s.here("+-")
		s.digits()
	}
	if s.bad {
		return nil
	}
	return s.b[start:s.i]
}

// here takes the byte that comes next, without a blank before it, when it is one of set.
func (s *scanner) here(set string) bool {
	if s.bad || s.i >= len(s.b) || strings.IndexByte(set, s.b[s.i]) < 0 {
		return false
	}
	s.i++
	return true
}

func (s *scanner) digits() {
	start := s.i
	for s.i < len(s.b) && s.b[s.i] >= '0' && s.b[s.i] <= '9' {
		s.i++
	}
	if s.i == start {
		s.bad = true
	}
}

// skip reads any value.
func (s *scanner) skip() {
	switch s.peek() {
	case '{':
		s.object(func([]byte) { s.skip() })
	case '[':
		s.array(s.skip)
	case '"':
		s.str()
	case 't':
		s.word("true")
	case 'f':
		s.word("false")
	case 'n':
		s.word("null")
	default:
		s.number()
	}
}

func (s *scanner) word(w string) {
	if s.i+len(w) > len(s.b) || string(s.b[s.i:s.i+len(w)]) != w {
		s.bad = true
		return
	}
	s.i += len(w)
}
