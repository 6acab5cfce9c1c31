package ogangi

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// answer is what the gateway says to a call. Source: fact sheet section 3.
type answer struct {
	// status and description are of the call as a whole.
	status, description string
	// messages are those created by the call, or asked for; sendMT names none.
	messages []Message
	// pin is the one that was made.
	pin   string
	fired Fired
	// records is how many inbound messages there are in all, and inbound those of the page.
	records int
	inbound []InboundMessage
}

// Bounds of an answer that is read.
const (
	maxMessages = 1000
	maxDepth    = 32
)

// The reasons why an answer can't be read to its end.
var (
	errEmpty     = errors.New("empty answer")
	errNotXML    = errors.New("answer is not XML")
	errEndsEarly = errors.New("answer ends early")
	errTooLarge  = errors.New("answer nests too deep or names too many messages")
)

// parseAnswer reads the XML of an answer, whether or not a <response> is around it, and with lists that end in an opening tag
// instead of a closing one. With an error comes what was read until there.
func parseAnswer(body []byte) (answer, error) {
	var a answer
	body = readable(body)
	switch {
	case len(body) == 0:
		return a, errEmpty
	case body[0] != '<':
		return a, errNotXML
	}
	d := xml.NewDecoder(bytes.NewReader(body))
	d.Strict = false
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil } // see readable

	var (
		path = make(place, 0, 8)
		text []byte // since the last tag
	)
	for {
		token, err := d.RawToken()
		switch {
		case errors.Is(err, io.EOF) && len(path) > 0:
			return a, errEndsEarly
		case errors.Is(err, io.EOF):
			if n := len(a.inbound); n > 0 && a.inbound[n-1] == (InboundMessage{}) {
				a.inbound = a.inbound[:n-1]
			}
			return a, nil
		case err != nil:
			return a, errNotXML
		}
		switch t := token.(type) {
		case xml.CharData:
			text = append(text, t...)
		case xml.StartElement:
			text = text[:0]
			path = append(path, t.Name.Local)
			a.open(path, t.Name.Local)
			if len(path) > maxDepth || len(a.messages)+len(a.inbound) > maxMessages {
				return a, errTooLarge
			}
		case xml.EndElement:
			if n := len(path); n > 0 && path[n-1] == t.Name.Local {
				a.set(path[:n-1], t.Name.Local, string(bytes.TrimSpace(text)))
			}
			text = text[:0]
			path = path.close(t.Name.Local)
		}
	}
}

// open begins a new message when an element called name, the last of path, is one.
func (a *answer) open(path place, name string) {
	switch name {
	case "message":
		if path.inMessage() {
			a.messages = append(a.messages, Message{})
		}
	case "MOMessage":
		// One that is empty so far was not begun, or the tag of the one before was meant to end it.
		if path.in(inboundPath...) && (len(a.inbound) == 0 || a.inbound[len(a.inbound)-1] != (InboundMessage{})) {
			a.inbound = append(a.inbound, InboundMessage{})
		}
	}
}

// set stores the value of the element name inside parent, unless an earlier one was stored. A status counts only at the top
// level, for the call, and in a message: the same name occurs elsewhere.
func (a *answer) set(parent place, name, value string) {
	var field *string
	switch {
	case parent.in():
		switch name {
		case "status":
			field = &a.status
		case "description":
			field = &a.description
		}
	case len(a.messages) > 0 && parent.inMessage():
		field = a.messages[len(a.messages)-1].field(name, value)
	case len(a.inbound) > 0 && parent.in(inboundPath...):
		field = a.inbound[len(a.inbound)-1].field(name)
	case name == "pin" && parent.in("result", "PinSMSConfirmation"):
		field = &a.pin
	case name == "records" && a.records == 0 && parent.in(inboundPath[:2]...):
		a.records, _ = strconv.Atoi(value) // 0 when it is no number
		a.records = max(a.records, 0)
	case parent.in("result", "mo"):
		field = a.fired.field(name)
	}
	if field != nil && *field == "" {
		*field = value
	}
}

// field returns where a message keeps the value of an element, nil when it does not or when value is kept already.
func (m *Message) field(name, value string) *string {
	switch name {
	case "id":
		return &m.ID
	case "carrier":
		return &m.Carrier
	case "from":
		return &m.From
	case "to":
		return &m.To
	case "text":
		return &m.Text
	case "status":
		return &m.Status
	case "statusDescription":
		return &m.Description
	case "encoding":
		return &m.Encoding
	case "date":
		m.Date = parseDate(value)
	case "timezone":
		return &m.Timezone
	case "clientId":
		return &m.ClientID
	case "type":
		return &m.Type
	case "blastId":
		return &m.BlastID
	case "subject":
		return &m.Subject
	case "appName":
		return &m.AppName
	case "platform":
		return &m.Platform
	}
	return nil
}

// field returns where an inbound message keeps the value of an element, nil when it does not.
func (m *InboundMessage) field(name string) *string {
	switch name {
	case "text":
		return &m.Text
	case "from":
		return &m.From
	case "to":
		return &m.To
	case "encoding":
		return &m.Encoding
	case "keyword":
		return &m.Keyword
	case "carrier":
		return &m.Carrier
	case "sendDate":
		return &m.SendDate
	}
	return nil
}

// field returns where the fired message keeps the value of an element, nil when it does not.
func (f *Fired) field(name string) *string {
	switch name {
	case "instanceId":
		return &f.InstanceID
	case "mobileNumber":
		return &f.From
	case "text":
		return &f.Text
	}
	return nil
}

// parseDate reads a message's time; zero when it can't be read.
func parseDate(s string) time.Time {
	for _, layout := range [...]string{"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05Z0700"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t
		}
	}
	return time.Time{}
}

// place is where the parser stands: the names of the open elements, outermost first.
type place []string

var (
	messagePath = []string{"result", "messages", "message"}
	singlePath  = []string{"result", "message"}
	inboundPath = []string{"result", "MOMessageList", "MessageList", "MOMessage"}
)

// inMessage reports whether the place is a message: in a list, or alone as getMessage may have it.
func (p place) inMessage() bool { return p.in(messagePath...) || p.in(singlePath...) }

// in reports whether the place is want, below a <response> or not. The same name twice in a row counts once: the second was
// meant as a closing tag.
func (p place) in(want ...string) bool {
	last := ""
	for i, name := range p {
		if name == last || i == 0 && name == "response" {
			last = name
			continue
		}
		if len(want) == 0 || want[0] != name {
			return false
		}
		last, want = name, want[1:]
	}
	return len(want) == 0
}

// close ends the innermost element called name and all inside it. A tag that ends nothing is passed over.
func (p place) close(name string) place {
	for i, open := range slices.Backward(p) {
		if open == name {
			return p[:i]
		}
	}
	return p
}

// readable returns body without what would stop the XML parser: byte order mark, blanks around it, control characters, and
// bytes that are not UTF-8, which are taken for ISO 8859-1 as an XML declaration would say. Status words are ASCII and so the
// same in both.
func readable(body []byte) []byte {
	body = bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")))
	valid := utf8.Valid(body)
	if valid && !bytes.ContainsFunc(body, isControl) {
		return body
	}
	var b strings.Builder
	for i := 0; i < len(body); {
		r, size := rune(body[i]), 1
		if valid {
			r, size = utf8.DecodeRune(body[i:])
		}
		if isControl(r) {
			r = ' '
		}
		b.WriteRune(r)
		i += size
	}
	return []byte(b.String())
}

// isControl reports whether XML forbids r.
func isControl(r rune) bool {
	return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF
}
