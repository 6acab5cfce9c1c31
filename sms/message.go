package sms

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// MaxTextBytes is the most bytes of a text. Every text of MaxSegments fits: no character of GSM-7 has more than two bytes a
// septet, and a UCS-2 segment of three bytes a unit is shorter.
const MaxTextBytes = MaxSegments * septetsJoined * 2

// Message is what a recipient gets: a Text or a Binary, not both. The zero value is not valid.
type Message struct {
	// Text is UTF-8.
	Text string
	// Binary is an 8-bit message.
	Binary *Binary
}

// Validate says why the message can't be sent by any gateway, and nil when it can. The error is an InvalidError.
func (m Message) Validate() error {
	switch {
	case m.Binary == nil:
		return ValidateText(m.Text)
	case m.Text != "":
		return InvalidError("message has a text and a binary part: leave one out")
	}
	return m.Binary.validate()
}

// Size returns what the message costs on the air.
func (m Message) Size() Size {
	if m.Binary != nil {
		return m.Binary.Size()
	}
	return Measure(m.Text)
}

// ValidateText says why text can't be sent by any gateway, and nil when it can: it must be valid UTF-8 without NUL, hold more
// than spaces, and need at most MaxTextBytes and MaxSegments. The error is an InvalidError.
func ValidateText(text string) error {
	switch {
	case len(text) > MaxTextBytes:
		return InvalidError(fmt.Sprintf("text has %d bytes; at most %d are allowed", len(text), MaxTextBytes))
	case strings.TrimSpace(text) == "":
		return InvalidError("text is empty")
	case !utf8.ValidString(text):
		return InvalidError("text is not valid UTF-8: save it in that encoding")
	case strings.IndexByte(text, 0) >= 0:
		return InvalidError("text has a NUL character: take it out")
	}
	if n := Measure(text).Segments; n > MaxSegments {
		return InvalidError(fmt.Sprintf("text needs %d segments; at most %d can be joined", n, MaxSegments))
	}
	return nil
}
