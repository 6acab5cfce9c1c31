package mttm

import (
	"encoding/hex"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/sms"
)

// coding is how the gateway is told to read a text or an 8-bit message. Source: fact sheet section 2.
type coding byte

const (
	codingGSM    coding = 0 // content, which the gateway turns into GSM-7
	codingBinary coding = 4 // hex_content, the octets
	codingUCS2   coding = 8 // hex_content, UTF-16 big-endian; as content it would arrive as garbage
)

// What a body costs beside senders, numbers, texts, tags and addresses for reports, for Limits.
const (
	sharedFrame = `"from":"","coding":8,"hex_content":"","priority":2,"validity-period":999999999,"sdt":"260102120000000+","tags":"",` +
		`"dlr":"yes","dlr-level":3,"dlr-method":"POST",`
	sendFrame   = `{` + sharedFrame + `"to":"","dlr-url":""}`
	batchFrame  = `{"globals":{` + sharedFrame + `},"batch_config":{"callback_url":"","errback_url":"","schedule_at":"2026-01-02 12:00:00"},"messages":[]}`
	entryFrame  = `{"hex_content":"","to":"","dlr-url":""},`
	maxToDigits = 15
)

// appendSend appends the body of a send to one recipient.
func appendSend(b []byte, c *providers.Call, how coding, w *wishes) []byte {
	b = append(b, '{')
	b = appendShared(b, c.From, how, w)
	b = append(b, ',')
	b = appendContent(b, c, textFor(c, 0), how)
	b = append(b, ',')
	b = appendRecipient(b, c, 0, w)
	return append(b, '}')
}

// appendBatch appends the body of a sendbatch: what all recipients share as globals, and an entry for each recipient. One
// entry with a list of numbers would be shorter, but reports do not name the recipient of such an entry. Source: fact sheet
// section 5.
func appendBatch(b []byte, c *providers.Call, how coding, w *wishes) []byte {
	shared := oneText(c)
	b = append(b, `{"globals":{`...)
	b = appendShared(b, c.From, how, w)
	if shared {
		b = append(b, ',')
		b = appendContent(b, c, c.Text, how)
	}
	b = append(b, '}')
	b = appendBatchConfig(b, w)
	b = append(b, `,"messages":[`...)
	for i := range c.Recipients {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '{')
		if !shared {
			b = appendContent(b, c, textFor(c, i), how)
			b = append(b, ',')
		}
		b = appendRecipient(b, c, i, w)
		b = append(b, '}')
	}
	return append(b, "]}"...)
}

// appendBatchConfig appends when the batch goes out and where its progress is told. What becomes of a number after the answer
// is said nowhere else: an entry that the gateway can't send has no report. Source: fact sheet section 5.
func appendBatchConfig(b []byte, w *wishes) []byte {
	if w.reportTo == nil && w.batchAt == "" {
		return b
	}
	b = append(b, `,"batch_config":{`...)
	if w.reportTo != nil {
		to := w.reportTo(-1)
		b = appendField(b, "callback_url", to)
		b = append(b, ',')
		b = appendField(b, "errback_url", to)
		if w.batchAt != "" {
			b = append(b, ',')
		}
	}
	if w.batchAt != "" {
		b = appendField(b, "schedule_at", w.batchAt)
	}
	return append(b, '}')
}

func appendShared(b []byte, from sms.SenderID, how coding, w *wishes) []byte {
	if from != "" {
		b = appendField(b, "from", string(from))
		b = append(b, ',')
	}
	b = append(b, `"coding":`...)
	b = strconv.AppendUint(b, uint64(how), 10)
	if w.priority > 0 {
		b = append(b, `,"priority":`...)
		b = strconv.AppendInt(b, int64(w.priority), 10)
	}
	if w.validity > 0 {
		b = append(b, `,"validity-period":`...)
		b = strconv.AppendInt(b, w.validity, 10)
	}
	if w.sdt != "" {
		b = append(b, ',')
		b = appendField(b, "sdt", w.sdt)
	}
	if w.tags != "" {
		b = append(b, ',')
		b = appendField(b, "tags", w.tags)
	}
	if w.reportTo != nil {
		b = append(b, `,"dlr":"yes","dlr-level":`...)
		b = strconv.AppendInt(b, reportLevel, 10)
		b = append(b, ',')
		b = appendField(b, "dlr-method", reportMethod)
	}
	return b
}

// appendRecipient appends recipient i's number and where reports on it go.
func appendRecipient(b []byte, c *providers.Call, i int, w *wishes) []byte {
	b = appendTo(b, c.Recipients[i].To)
	if w.reportTo == nil {
		return b
	}
	b = append(b, ',')
	return appendField(b, "dlr-url", w.reportTo(i))
}

func appendField(b []byte, key, value string) []byte {
	b = append(b, '"')
	b = append(b, key...)
	b = append(b, `":`...)
	return appendString(b, value)
}

func appendTo(b []byte, to sms.MSISDN) []byte {
	b = append(b, `"to":"`...)
	b = strconv.AppendUint(b, uint64(to), 10)
	return append(b, '"')
}

// appendContent appends content or hex_content: exactly one of them may be there.
func appendContent(b []byte, c *providers.Call, text string, how coding) []byte {
	switch how {
	case codingGSM:
		b = append(b, `"content":`...)
		return appendString(b, text)
	case codingUCS2:
		b = append(b, `"hex_content":"`...)
		b = appendUTF16(b, text)
	default:
		b = append(b, `"hex_content":"`...)
		b = hex.AppendEncode(b, c.Binary.Payload)
	}
	return append(b, '"')
}

// appendUTF16 appends text in UTF-16 big-endian, in lower-case hex.
func appendUTF16(b []byte, text string) []byte {
	for _, r := range text {
		if hi, lo := utf16.EncodeRune(r); hi != utf8.RuneError {
			b = appendHex4(appendHex4(b, hi), lo)
		} else {
			b = appendHex4(b, r)
		}
	}
	return b
}

const lowerHex = "0123456789abcdef"

func appendHex4(b []byte, r rune) []byte {
	return append(b, lowerHex[r>>12&15], lowerHex[r>>8&15], lowerHex[r>>4&15], lowerHex[r&15])
}

// appendString appends s as a JSON string. A byte that is not UTF-8 becomes U+FFFD.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			switch {
			case c == '"' || c == '\\':
				b = append(b, '\\', c)
			case c == '\n':
				b = append(b, `\n`...)
			case c == '\r':
				b = append(b, `\r`...)
			case c == '\t':
				b = append(b, `\t`...)
			case c == '\f':
				b = append(b, `\f`...)
			case c == '\b':
				b = append(b, `\b`...)
			case c < ' ':
				b = append(b, '\\', 'u', '0', '0', lowerHex[c>>4], lowerHex[c&15])
			default:
				b = append(b, c)
			}
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		b = utf8.AppendRune(b, r)
		i += size
	}
	return append(b, '"')
}
