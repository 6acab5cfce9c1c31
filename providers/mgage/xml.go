package mgage

import (
	"bytes"
	"html"
)

// maxDepth bounds how deep elements are followed.
const maxDepth = 16

// readXML walks tags without asking for a well-formed document, and takes every element as a block that has, as
// attributes or as children without children, the fields of one.
func readXML(body []byte) []block {
	w := xmlWalk{in: body, open: make([]element, 1, maxDepth)}
	for w.next() {
	}
	for len(w.open) > 1 { // elements that were never closed
		w.close()
	}
	if w.page {
		return nil
	}
	w.flush(&w.open[0])
	return w.found
}

// element is an element that is open.
type element struct {
	name []byte
	parts
	// text begins where the element's content began; children is true once a tag came in it.
	text     int
	children bool
}

type xmlWalk struct {
	in    []byte
	at    int
	open  []element // the first stands for the document
	found []block
	deep  int  // open elements beyond maxDepth
	page  bool // an HTML page, which is no answer
}

// next reads up to and with the next tag; false at the end.
func (w *xmlWalk) next() bool {
	i := bytes.IndexByte(w.in[w.at:], '<')
	if i < 0 {
		return false
	}
	start := w.at + i
	rest := w.in[start:]
	if len(rest) > 1 && (rest[1] == '!' || rest[1] == '?') {
		return w.skip(start)
	}
	end := tagEnd(rest)
	if end < 0 {
		return false
	}
	tag := rest[1:end]
	w.at = start + end + 1
	if len(tag) > 0 && tag[0] == '/' {
		w.shut(bytes.TrimSpace(tag[1:]), start)
		return true
	}
	tag, empty := bytes.CutSuffix(tag, []byte("/"))
	w.begin(tag)
	if empty {
		w.shut(nil, w.at)
	}
	return true
}

// skip passes what begins at start and is no tag: a comment, a CDATA section, a declaration.
func (w *xmlWalk) skip(start int) bool {
	for _, s := range [...]struct{ begin, end string }{{"<!--", "-->"}, {"<![CDATA[", "]]>"}, {"<?", "?>"}, {"<!", ">"}} {
		if !bytes.HasPrefix(w.in[start:], []byte(s.begin)) {
			continue
		}
		end := bytes.Index(w.in[start:], []byte(s.end))
		if end < 0 {
			return false
		}
		w.at = start + end + len(s.end)
		return true
	}
	return false
}

// tagEnd returns the index of the ">" that ends the tag at the beginning of b, which is in no quotes; -1 without one.
func tagEnd(b []byte) int {
	if i := bytes.IndexByte(b, '>'); i < 0 || bytes.IndexByte(b[:i], '"') < 0 && bytes.IndexByte(b[:i], '\'') < 0 {
		return i
	}
	var quote byte
	for i, c := range b {
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '>':
			return i
		}
	}
	return -1
}

func (w *xmlWalk) begin(tag []byte) {
	n := bytes.IndexAny(tag, " \t\r\n")
	if n < 0 {
		n = len(tag)
	}
	name := tag[:n]
	w.open[len(w.open)-1].children = true
	if len(w.open) == 1 && bytes.EqualFold(name, []byte("html")) {
		w.page = true
	}
	if len(w.open) == maxDepth {
		w.deep++
		return
	}
	w.open = append(w.open, element{name: name, text: w.at})
	e := &w.open[len(w.open)-1]
	for attributes := tag[n:]; ; {
		var name, value []byte
		if name, value, attributes = attribute(attributes); name == nil {
			return
		}
		w.add(e, name, value)
	}
}

// attribute cuts the first name="value" off b; name is nil when there is none.
func attribute(b []byte) (name, value, rest []byte) {
	name, rest, ok := bytes.Cut(b, []byte("="))
	name, rest = bytes.TrimSpace(name), bytes.TrimLeft(rest, " \t\r\n")
	if !ok || len(name) == 0 || len(rest) == 0 || (rest[0] != '"' && rest[0] != '\'') {
		return nil, nil, nil
	}
	end := bytes.IndexByte(rest[1:], rest[0])
	if end < 0 {
		return nil, nil, nil
	}
	return name, rest[1 : end+1], rest[end+2:]
}

// shut ends the innermost element of that name, and those left open in it; nil ends the innermost one. The content
// ended at end.
func (w *xmlWalk) shut(name []byte, end int) {
	if w.deep > 0 {
		w.deep--
		return
	}
	i := len(w.open) - 1
	for name != nil && i > 0 && !bytes.Equal(w.open[i].name, name) {
		i--
	}
	if i == 0 {
		return // an end of nothing
	}
	for len(w.open)-1 > i {
		w.close()
	}
	e := w.open[i]
	w.close()
	if !e.children {
		w.add(&w.open[len(w.open)-1], e.name, content(w.in[min(e.text, end):end]))
	}
}

// close takes the innermost element off, and the block it is.
func (w *xmlWalk) close() {
	w.flush(&w.open[len(w.open)-1])
	w.open = w.open[:len(w.open)-1]
}

func (w *xmlWalk) flush(e *element) {
	if e.hasCode {
		b, _ := e.done(last(w.found))
		w.found = append(w.found, b)
	}
	e.parts = parts{}
}

// add gives e a field; one that belongs to a next block ends the one before.
func (w *xmlWalk) add(e *element, name, value []byte) {
	f := fieldOf(name)
	if f == noField {
		return
	}
	if bytes.IndexByte(value, '&') >= 0 {
		value = []byte(html.UnescapeString(string(value)))
	}
	if !e.add(f, name, value) {
		w.flush(e)
		e.add(f, name, value)
	}
}

// content returns an element's text without the marks of a CDATA section around it.
func content(b []byte) []byte {
	b = bytes.TrimSpace(b)
	if inner, ok := bytes.CutPrefix(b, []byte("<![CDATA[")); ok {
		inner, _ = bytes.CutSuffix(inner, []byte("]]>"))
		return inner
	}
	return b
}
