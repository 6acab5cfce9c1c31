package sms

import (
	"fmt"
	"strings"
)

// SenderID is what the handset shows as origin: 1 to 15 digits, or 1 to 11 of ASCII letters, digits, space and - . _ &
// with a letter among them. The zero value means "the account's own".
type SenderID string

// The most characters of a sender ID. Source: 3GPP TS 23.040 section 9.1.2.5, an alphanumeric address is 10 octets at most,
// which hold 11 septets; ITU-T E.164 section 6 for numbers.
const (
	maxSenderDigits = 15
	maxSenderChars  = 11
)

// ParseSenderID reads a sender ID: spaces around it and a "+" before digits are taken off. The empty string is refused. The
// error is an InvalidError.
func ParseSenderID(s string) (SenderID, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return "", InvalidError("sender ID is empty")
	}
	if digits := strings.TrimPrefix(s, "+"); isDigits(digits) {
		if len(digits) > maxSenderDigits {
			return "", InvalidError(fmt.Sprintf("sender ID has %d digits; at most %d are allowed", len(digits), maxSenderDigits))
		}
		return SenderID(digits), nil
	}
	letters := false
	for _, r := range s {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z':
			letters = true
		case '0' <= r && r <= '9', strings.ContainsRune(" -._&", r):
		default:
			return "", InvalidError(fmt.Sprintf("sender ID has %q; letters A to Z, digits, space and - . _ & are allowed", r))
		}
	}
	if !letters {
		return "", InvalidError("sender ID has no letter: write a number in digits alone, a name with a letter")
	}
	if n := len(s); n > maxSenderChars {
		return "", InvalidError(fmt.Sprintf("sender ID has %d characters; at most %d are allowed with letters", n, maxSenderChars))
	}
	return SenderID(s), nil
}

// Numeric reports whether the sender ID is a number or short code. The zero value is not.
func (s SenderID) Numeric() bool { return isDigits(string(s)) }

// isDigits reports whether s is one digit or more and nothing else.
func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}
