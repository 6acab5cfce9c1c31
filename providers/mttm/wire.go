package mttm

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"
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

// What a body costs beside senders, numbers and texts, for Limits.
const (
	sendFrame   = `{"from":"","coding":8,"hex_content":"","to":""}`
	batchFrame  = `{"globals":{"from":"","coding":8},"messages":[]}`
	entryFrame  = `{"hex_content":"","to":""},`
	maxToDigits = 15
)

// appendSend appends the body of a send to one recipient.
func appendSend(b []byte, c *providers.Call, how coding) []byte {
	b = append(b, '{')
	b = appendShared(b, c.From, how)
	b = append(b, ',')
	b = appendContent(b, c, textFor(c, 0), how)
	b = append(b, ',')
	b = appendTo(b, c.Recipients[0].To)
	return append(b, '}')
}

// appendBatch appends the body of a sendbatch: what all recipients share as globals, and an entry for each recipient. One
// entry with a list of numbers would be shorter, but reports do not name the recipient of such an entry. Source: fact sheet
// section 5.
func appendBatch(b []byte, c *providers.Call, how coding) []byte {
	shared := oneText(c)
	b = append(b, `{"globals":{`...)
	b = appendShared(b, c.From, how)
	if shared {
		b = append(b, ',')
		b = appendContent(b, c, c.Text, how)
	}
	b = append(b, `},"messages":[`...)
	for i := range c.Recipients {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '{')
		if !shared {
			b = appendContent(b, c, textFor(c, i), how)
			b = append(b, ',')
		}
		b = appendTo(b, c.Recipients[i].To)
		b = append(b, '}')
	}
	return append(b, "]}"...)
}

func appendShared(b []byte, from sms.SenderID, how coding) []byte {
	if from != "" {
		b = append(b, `"from":`...)
		b = appendString(b, string(from))
		b = append(b, ',')
	}
	b = append(b, `"coding":`...)
	return strconv.AppendUint(b, uint64(how), 10)
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

// answer is what the gateway says. Source: fact sheet section 3.
type answer struct {
	// success is what is said with a 200: a sentence for send.
	success string
	// batchID and count are said by sendbatch; count is -1 when it isn't there.
	batchID string
	count   int
	// balance and messages are said by balance.
	balance, messages string
	// title is what went wrong, in the gateway's words or its own REST layer's.
	title string
	// description is beside a title of the REST layer. It may hold the account's user name and password, and the text.
	description string
}

// maxText bounds what is looked at of an answer that isn't JSON, in bytes.
const maxText = 2000

// parseAnswer reads an answer in any form it may have: JSON with junk behind it, the sentence alone, or another server's
// page. It never fails; what it can't read is empty.
func parseAnswer(body []byte) answer {
	a := answer{count: -1}
	var j struct {
		Data        json.RawMessage `json:"data"`
		Message     lenient         `json:"message"`
		Title       lenient         `json:"title"`
		Description lenient         `json:"description"`
	}
	if err := json.NewDecoder(bytes.NewReader(body)).Decode(&j); err != nil {
		text := string(bytes.TrimSpace(body[:min(len(body), maxText)]))
		a.success, a.title = text, text
		return a
	}
	a.title, a.description = string(j.Message), string(j.Description)
	if a.title == "" {
		a.title = string(j.Title)
	}
	var data struct {
		BatchID  lenient `json:"batchId"`
		Count    *int    `json:"messageCount"`
		Balance  lenient `json:"balance"`
		Messages lenient `json:"sms_count"`
	}
	switch {
	case len(j.Data) == 0:
	case j.Data[0] == '"':
		var s lenient
		_ = json.Unmarshal(j.Data, &s)
		a.success = string(s)
	case json.Unmarshal(j.Data, &data) == nil:
		a.batchID, a.balance, a.messages = string(data.BatchID), string(data.Balance), string(data.Messages)
		if data.Count != nil {
			a.count = *data.Count
		}
	}
	return a
}

// lenient is a string that a number may stand for; any other JSON leaves it empty.
type lenient string

// UnmarshalJSON never fails.
func (l *lenient) UnmarshalJSON(b []byte) error {
	switch {
	case b[0] == '"':
		var s string
		if json.Unmarshal(b, &s) == nil {
			*l = lenient(s)
		}
	case b[0] == '-' || b[0] >= '0' && b[0] <= '9':
		*l = lenient(b)
	}
	return nil
}

// maxID bounds an identifier, in bytes.
const maxID = 128

// successID returns the identifier in the sentence Success "<id>", whose closing quote the REST layer loses, and false when
// it is another sentence. Without the quote nothing but the identifier may follow on its line.
func successID(s string) (string, bool) {
	const word = "success"
	s = strings.TrimSpace(s)
	if len(s) < len(word) || !strings.EqualFold(s[:len(word)], word) {
		return "", false
	}
	s, ok := strings.CutPrefix(strings.TrimLeft(s[len(word):], " "), `"`)
	if !ok {
		return "", false
	}
	if i := strings.IndexAny(s, "\"\r\n"); i >= 0 {
		s = s[:i]
	}
	return s, isID(s)
}

// plainID reads the identifier of an answer in the very form that the gateway gives, with the closing inner quote or
// without. Every other form is left to parseAnswer.
func plainID(body []byte) (string, bool) {
	rest, ok := bytes.CutPrefix(body, []byte(`{"data": "Success \"`))
	if !ok {
		return "", false
	}
	rest = bytes.TrimRight(rest, "\r\n ")
	if rest, ok = bytes.CutSuffix(rest, []byte(`"}`)); !ok {
		return "", false
	}
	id := string(bytes.TrimSuffix(rest, []byte(`\"`)))
	return id, isID(id)
}

// isID reports whether s can be an identifier: of any form, since the gateway's generator can be replaced.
func isID(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return s != "" && len(s) <= maxID
}
