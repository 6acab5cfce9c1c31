package gatewayapi

import (
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/sms"
)

// What a body costs, for Limits.
const (
	// baseBytes covers the keys, a sender ID, a reference, tags of up to half a KiB, the address for reports, and a label in
	// its longest writing.
	baseBytes = 1024 + providers.MaxReportTo + 6*64 + 128
	// recipientBytes is {"msisdn":123456789012345,"tagvalues":[]} and a comma.
	recipientBytes = 42
	// valueBytes is two quotes and a comma.
	valueBytes = 3
)

// unfit says why a call cannot be written as one message object; empty when it can.
func unfit(c providers.Call) string {
	switch {
	case c.Binary != nil && (c.Text != "" || len(c.Tags) > 0):
		return "a binary message has no text and no tags"
	case c.Binary != nil && len(c.Binary.Payload) == 0:
		return "the binary message is empty"
	case c.Binary == nil && c.Text == "":
		return "the call has no text for all recipients"
	}
	for i := range c.Recipients {
		if len(c.Recipients[i].Values) != len(c.Tags) {
			return "a recipient has not one value for each tag"
		}
	}
	return ""
}

// wishes are a message object's fields beside the message itself. Empty and zero ones are left out.
type wishes struct {
	class, priority, destaddr, label, callbackURL string
	validitySeconds, sendtime                     int64
}

// minValidity is what the gateway makes of any shorter validity, in seconds. Source: rest.rst.
const minValidity = 60

// wishes translates what a call asks for.
func (a *Adapter) wishes(c providers.Call) wishes {
	w := wishes{class: a.opts.Class, label: c.Options.Label}
	switch {
	case c.Options.Priority < providers.Normal:
		w.priority = "BULK"
	case c.Options.Priority > providers.Normal:
		if a.opts.UrgentClass != "" {
			w.class = a.opts.UrgentClass
		}
		if w.class == "premium" || w.class == "secret" {
			w.priority = "URGENT"
		}
	}
	if c.Options.Flash {
		w.destaddr = "DISPLAY"
	}
	if v := c.Options.Validity; v > 0 {
		w.validitySeconds = max(minValidity, int64((v+time.Second-1)/time.Second))
	}
	// A time that has passed means now, as for a call that is made again later than the first time.
	if at := c.Options.At; at.After(a.now()) {
		w.sendtime = at.Unix()
	}
	if c.ReportTo != nil {
		w.callbackURL = c.ReportTo(-1)
	}
	return w
}

// appendBody appends the message object that c and w ask for.
func appendBody(b []byte, c providers.Call, w wishes) []byte {
	if b == nil {
		b = make([]byte, 0, bodySize(c))
	}
	b = append(b, '{')
	if c.From != "" {
		b = appendString(append(b, `"sender":`...), string(c.From))
		b = append(b, ',')
	}
	if c.Binary != nil {
		b = appendBase64(append(b, `"payload":`...), c.Binary.Payload)
		if len(c.Binary.UDH) > 0 {
			b = appendBase64(append(b, `,"udh":`...), c.Binary.UDH)
		}
	} else {
		b = appendString(append(b, `"message":`...), c.Text)
		// With UTF8 the gateway converts to GSM-7 and loses every other character.
		if c.Encoding == sms.UCS2 {
			b = append(b, `,"encoding":"UCS2"`...)
		} else {
			b = append(b, `,"encoding":"UTF8"`...)
		}
	}
	b = appendField(b, "userref", c.Reference)
	b = appendField(b, "class", w.class)
	b = appendField(b, "priority", w.priority)
	b = appendField(b, "destaddr", w.destaddr)
	b = appendField(b, "label", w.label)
	b = appendField(b, "callback_url", w.callbackURL)
	if w.validitySeconds > 0 {
		b = strconv.AppendInt(append(b, `,"validity_period":`...), w.validitySeconds, 10)
	}
	if w.sendtime > 0 {
		b = strconv.AppendInt(append(b, `,"sendtime":`...), w.sendtime, 10)
	}
	if len(c.Tags) > 0 {
		b = appendStrings(append(b, `,"tags":`...), c.Tags)
	}
	b = append(b, `,"recipients":[`...)
	for i := range c.Recipients {
		r := &c.Recipients[i]
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendUint(append(b, `{"msisdn":`...), uint64(r.To), 10)
		if len(c.Tags) > 0 {
			b = appendStrings(append(b, `,"tagvalues":`...), r.Values)
		}
		b = append(b, '}')
	}
	return append(b, "]}"...)
}

// appendField appends a comma, the key and the value, and nothing when the value is empty.
func appendField(b []byte, key, value string) []byte {
	if value == "" {
		return b
	}
	b = append(append(append(b, `,"`...), key...), `":`...)
	return appendString(b, value)
}

// bodySize is about the size of the body, so that it is allocated once.
func bodySize(c providers.Call) int {
	n := 1024 + len(c.Text) + len(c.Text)/8 + len(c.Recipients)*(recipientBytes-len(`,"tagvalues":[]`))
	if c.Binary != nil {
		n += 2 * (len(c.Binary.Payload) + len(c.Binary.UDH))
	}
	if len(c.Tags) == 0 {
		return n
	}
	n += len(c.Recipients) * len(`,"tagvalues":[]`)
	for i := range c.Recipients {
		for _, v := range c.Recipients[i].Values {
			n += len(v) + valueBytes
		}
	}
	return n
}

func appendStrings(b []byte, list []string) []byte {
	b = append(b, '[')
	for i, s := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, s)
	}
	return append(b, ']')
}

func appendBase64(b, raw []byte) []byte {
	b = append(b, '"')
	b = base64.StdEncoding.AppendEncode(b, raw)
	return append(b, '"')
}

const hexDigits = "0123456789abcdef"

// appendString appends s as a JSON string. Only what JSON demands is escaped; a byte that is not UTF-8 becomes U+FFFD.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	done := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				b = append(append(b, s[done:i]...), "\uFFFD"...)
				done = i + 1
			}
			i += size
			continue
		}
		b = append(b, s[done:i]...)
		if short := strings.IndexByte("\"\\\b\f\n\r\t", c); short >= 0 {
			b = append(b, '\\', `"\bfnrt`[short])
		} else {
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		done = i
	}
	b = append(b, s[done:]...)
	return append(b, '"')
}

// success is the answer to a send that was accepted. IDs has one entry for each message object, a number or a string.
type success struct {
	IDs []json.RawMessage `json:"ids"`
}

// failure is the answer to a request that was refused. Message is a template in which %1 stands for Variables[0].
type failure struct {
	Code      any               `json:"code"`
	Incident  string            `json:"incident_uuid"`
	Message   string            `json:"message"`
	Variables []any             `json:"variables"`
	IDs       []json.RawMessage `json:"ids"`
}

// me is the answer of /rest/me.
type me struct {
	Credit   *json.Number `json:"credit"`
	Currency string       `json:"currency"`
}
