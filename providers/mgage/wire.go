package mgage

import (
	"strconv"
	"unicode/utf8"

	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/sms"
)

const (
	// recipientBytes is a number of 15 digits and an escaped comma.
	recipientBytes = 18
	// senderBytes is the longest sender ID, each of its 11 characters escaped.
	senderBytes = 33
	// shortText is the longest text without allow_long_messages, in characters. Source: code 107 and the parameter's
	// description.
	shortText = 160
)

// baseBytes returns what a URL has beside the numbers and the text, at most.
func baseBytes(o Options) int {
	o.From = ""
	return len(appendURL(nil, o, providers.Call{Segments: 2})) + senderBytes
}

// appendURL appends the address of the request for c. Its parameters are in the order of their names.
func appendURL(b []byte, o Options, c providers.Call) []byte {
	if b == nil {
		b = make([]byte, 0, 512+len(o.BaseURL)+len(c.Text)*3/2+len(c.Recipients)*recipientBytes)
	}
	b = append(b, o.BaseURL...)
	b = append(b, "/api/gateway?allow_long_messages="...)
	if isLong(c) {
		b = append(b, "yes&message="...)
	} else {
		b = append(b, "no&message="...)
	}
	b = appendEscaped(b, c.Text)
	b = append(b, "&message_billed=no&message_type=sms&numbers="...)
	for i := range c.Recipients {
		if i > 0 {
			b = append(b, "%2C"...)
		}
		b = strconv.AppendUint(b, uint64(c.Recipients[i].To), 10)
	}
	b = appendEscaped(append(b, "&program_id="...), o.ProgramID)
	return appendEscaped(append(b, "&spoof_from="...), string(c.From))
}

// isLong reports whether the text must be announced as long. The vendor's limit of 160 is worded in characters; which
// units it counts is not said, so both count.
func isLong(c providers.Call) bool {
	return c.Segments > 1 || utf8.RuneCountInString(c.Text) > shortText || sms.Measure(c.Text).Segments > 1
}

const hexDigits = "0123456789ABCDEF"

// unreserved are the bytes that stand for themselves in a URL. Source: RFC 3986, 2.3.
var unreserved = func() (t [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~") {
		t[c] = true
	}
	return t
}()

// appendEscaped appends s with every other byte as %XX; a blank is %20.
func appendEscaped(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; unreserved[c] {
			b = append(b, c)
		} else {
			b = append(b, '%', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return b
}
