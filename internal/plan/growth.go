package plan

import (
	"unicode/utf8"

	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/sms"
)

// grown returns the bytes that s takes in a request, where it is, or is part of, a text of that encoding. It is never less
// than what an adapter writes: JSON counts <, > and & as escaped, Base64 counts the padding.
func grown(s string, g providers.Growth, e sms.Encoding) int {
	switch g {
	case providers.Percent:
		return percentBytes(s)
	case providers.JSON:
		return jsonBytes(s)
	case providers.Base64:
		return (len(s) + 2) / 3 * 4
	case providers.Hex16:
		if e == sms.UCS2 {
			return hex16Bytes(s)
		}
		return jsonBytes(s)
	}
	return len(s)
}

func percentBytes(s string) int {
	n := 0
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '.', c == '_', c == '~':
			n++
		default:
			n += len("%20")
		}
	}
	return n
}

func jsonBytes(s string) int {
	n := 0
	for _, r := range s {
		switch {
		case r == '"', r == '\\', r == '\n', r == '\r', r == '\t':
			n += len(`\n`)
		case r < ' ', r == '<', r == '>', r == '&', r == '\u2028', r == '\u2029':
			n += len(`\u0000`)
		case r == utf8.RuneError:
			// Also for a byte that isn't UTF-8, which is written as that character or its escape.
			n += len(`\ufffd`)
		default:
			n += utf8.RuneLen(r)
		}
	}
	return n
}

func hex16Bytes(s string) int {
	n := 0
	for _, r := range s {
		if r > 0xFFFF {
			n += len("d83ddc4b")
		} else {
			n += len("00e6")
		}
	}
	return n
}
