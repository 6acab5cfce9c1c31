package mgage

import (
	"bytes"

	"github.com/volleysms/volley/sms"
)

// The vendor's page says that an answer has a block for each number, with a number and a status, and does not show one.
// So a block is recognised by its fields, in XML, JSON or lines of text.

// answer is what could be recognised of an answer's body.
type answer struct {
	// blocks are those with a number, when there is any; otherwise those that have a status alone.
	blocks []block
	// numbered is true when blocks have numbers.
	numbered bool
}

// block is what the gateway says about one number, or about the whole request.
type block struct {
	// number is 0 in a block without one.
	number sms.MSISDN
	// code is the status; -1 when there is none that can be relied on.
	code int
	// text is the gateway's wording, as it came.
	text string
	// id is an identifier, should there ever be one.
	id string
}

// field is what a name stands for.
type field uint8

const (
	noField field = iota
	numberField
	codeField
	textField
	idField
)

// fields are the names that stand for something, in small letters without "_" and "-".
var fields = map[string]field{
	"number": numberField, "recipient": numberField, "msisdn": numberField, "mobile": numberField, "phone": numberField,
	"destination": numberField, "to": numberField, "phonenumber": numberField, "mobilenumber": numberField,
	"status": codeField, "statuscode": codeField, "code": codeField, "result": codeField, "resultcode": codeField,
	"message": textField, "text": textField, "statustext": textField, "statusmessage": textField,
	"description": textField, "detail": textField, "reason": textField,
	"id": idField, "messageid": idField, "transaction": idField, "transactionid": idField,
}

// fieldOf returns what name stands for, without regard to case, "_", "-" and an XML prefix.
func fieldOf(name []byte) field {
	if i := bytes.LastIndexByte(name, ':'); i >= 0 {
		name = name[i+1:]
	}
	var buf [16]byte
	key := buf[:0]
	for _, c := range name {
		switch {
		case c == '_' || c == '-':
			continue
		case len(key) == len(buf):
			return noField
		case c >= 'A' && c <= 'Z':
			c += 'a' - 'A'
		}
		key = append(key, c)
	}
	return fields[string(key)]
}

// readAnswer reads a body in whichever form it has. It never fails: what is not understood is not in the answer.
func readAnswer(body []byte) answer {
	body = bytes.TrimSpace(bytes.TrimPrefix(bytes.TrimSpace(body), []byte("\xef\xbb\xbf")))
	if len(body) == 0 {
		return answer{}
	}
	var found []block
	switch body[0] {
	case '<':
		found = readXML(body)
	case '{', '[':
		found = readJSON(body)
	default:
		found = readLines(body)
	}
	return pick(found)
}

// pick drops the blocks without a number when others have one.
func pick(found []block) answer {
	a := answer{blocks: found}
	for i := range found {
		if found[i].number != 0 {
			a.numbered = true
			break
		}
	}
	if !a.numbered {
		return a
	}
	kept := found[:0]
	for _, b := range found {
		if b.number != 0 {
			kept = append(kept, b)
		}
	}
	a.blocks = kept
	return a
}

// parts are the fields of one element or object as they are met. The byte slices are the answer's own.
type parts struct {
	number               sms.MSISDN
	code                 int
	text, id             []byte
	hasCode, clash       bool
	numberName, codeName []byte
}

// add takes the value of a field called name. It returns false, and takes nothing, when the value belongs to a next
// block: a second value of the field that the number or the code came from. Fields of different names that contradict
// each other leave the block without a code.
func (p *parts) add(f field, name, value []byte) bool {
	value = bytes.TrimSpace(value)
	switch f {
	case numberField:
		n := parseNumber(value)
		switch {
		case n == 0:
		case p.number == 0:
			p.number, p.numberName = n, name
		case bytes.Equal(p.numberName, name):
			return false
		case p.number != n:
			p.clash = true
		}
	case codeField:
		code, ok := parseCode(value)
		switch {
		case !ok:
		case !p.hasCode:
			p.code, p.hasCode, p.codeName = code, true, name
		case bytes.Equal(p.codeName, name):
			return false
		case p.code != code:
			p.clash = true
		}
	case textField:
		if p.text == nil {
			p.text = value
		}
	case idField:
		if p.id == nil && plausibleID(value) {
			p.id = value
		}
	}
	return true
}

// done returns the block, and false when the parts are none: a block has a status. before is the block before it, whose
// text is used again when it is the same.
func (p *parts) done(before *block) (block, bool) {
	b := block{number: p.number, code: p.code}
	if p.clash {
		b.code = -1
	}
	if before != nil && before.text == string(p.text) {
		b.text = before.text
	} else {
		b.text = string(p.text)
	}
	if parseNumber(p.id) != p.number || p.number == 0 {
		b.id = string(p.id)
	}
	return b, p.hasCode
}

// last returns the last of found, nil when there is none.
func last(found []block) *block {
	if len(found) == 0 {
		return nil
	}
	return &found[len(found)-1]
}

// parseNumber reads an MSISDN, with or without "+" or "00" before it; 0 when s is none.
func parseNumber(s []byte) sms.MSISDN {
	s = bytes.TrimPrefix(s, []byte("+"))
	s = bytes.TrimPrefix(s, []byte("00"))
	if len(s) < 7 || len(s) > 15 || s[0] == '0' {
		return 0
	}
	n := sms.MSISDN(0)
	for _, c := range s {
		if !isDigit(c) {
			return 0
		}
		n = n*10 + sms.MSISDN(c-'0')
	}
	return n
}

// parseCode reads a status of up to four digits; a colon and a text may follow.
func parseCode(s []byte) (int, bool) {
	code, n := 0, 0
	for n < len(s) && isDigit(s[n]) && n <= 4 {
		code = code*10 + int(s[n]-'0')
		n++
	}
	if n == 0 || n > 4 {
		return 0, false
	}
	rest := bytes.TrimLeft(s[n:], " \t")
	return code, len(rest) == 0 || rest[0] == ':'
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// plausibleID accepts what an identifier looks like: 1 to 64 letters, digits, "_", "." and "-".
func plausibleID(s []byte) bool {
	return len(s) > 0 && len(s) <= 64 && !bytes.ContainsFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '_' && r != '-' && r != '.'
	})
}
