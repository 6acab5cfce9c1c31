package sms

import (
	"strconv"
	"strings"
	"unicode"
)

// MSISDN is a phone number in E.164: country code first, no "+", 7 to 15 digits, the first of them 1 to 9. The zero value
// is no number. Convert an integer only when it is known to be Valid.
type MSISDN uint64

// What an MSISDN has. Source: ITU-T E.164 section 6 (15 digits at most). The lower bound is ours: what is shorter is a short
// code or lacks its country code.
const (
	minDigits = 7
	maxDigits = 15

	minMSISDN MSISDN = 1_000_000
	maxMSISDN MSISDN = 999_999_999_999_999
)

// Why a number is refused.
const (
	errEmpty       InvalidError = "empty; write the number with its country code"
	errNoDigits    InvalidError = "no digits; write the number with its country code"
	errLetters     InvalidError = "has letters; write it in digits"
	errLeadingZero InvalidError = "starts with 0: write it with its country code"
	errTrunk       InvalidError = "has a trunk prefix (0): leave it out after the country code"
	errPlus        InvalidError = "has a + that is not at its start; write one number"
	errExtension   InvalidError = "has an extension, which can't get an SMS: leave it out"
	errDecimal     InvalidError = "is a decimal number: format the column as text"
	errScientific  InvalidError = "is in scientific notation: format the column as text"
	errOtherDigits InvalidError = "has digits other than 0 to 9: write it in those"
)

// ParseMSISDN reads a number with its country code as people type it. It may start with "+" or "00", and may hold spaces,
// dashes, dots, slashes and round brackets; Unicode's spaces, dashes and invisible format characters count as well.
//
// It doesn't allocate when the number is taken, also as ParseMSISDN(string(bytes)). The error is an InvalidError. Whether
// a country has such a number isn't checked.
func ParseMSISDN(s string) (MSISDN, error) {
	digits := s
	if digits != "" && digits[0] == '+' {
		digits = digits[1:]
	}
	if len(digits) < minDigits || len(digits) > maxDigits || digits[0] == '0' {
		return parseTyped(s)
	}
	var m MSISDN
	for i := range len(digits) {
		d := digits[i] - '0'
		if d > 9 {
			return parseTyped(s)
		}
		m = m*10 + MSISDN(d)
	}
	return m, nil
}

// parseTyped reads what is more than digits, or less than a number.
func parseTyped(s string) (MSISDN, error) {
	s = strings.TrimFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) })
	if s == "" {
		return 0, errEmpty
	}
	var (
		m     MSISDN
		zeros int // before the first other digit
		n     int // digits after those
		plus  bool
	)
	for i, r := range s {
		switch {
		case r == '0' && n == 0:
			zeros++
		case '0' <= r && r <= '9':
			if n++; n <= maxDigits {
				m = m*10 + MSISDN(r-'0')
			}
		case r == '+':
			if plus || zeros+n > 0 {
				return 0, errPlus
			}
			plus = true
		case r == '(' && n > 0 && isTrunk(s[i:]):
			return 0, errTrunk
		case !isSeparator(r):
			return 0, strayReason(s[i:], r, n > 0)
		}
	}
	international := zeros == 2 && !plus // 00 is how "+" is dialled
	switch {
	case zeros+n == 0:
		return 0, errNoDigits
	case isDecimal(s):
		return 0, errDecimal
	case zeros > 0 && !international:
		return 0, errLeadingZero
	case n == 1:
		return 0, InvalidError("1 digit; a number with country code has 7 to 15")
	case n < minDigits || n > maxDigits:
		return 0, InvalidError(strconv.Itoa(n) + " digits; a number with country code has 7 to 15")
	}
	return m, nil
}

// isSeparator reports whether r may stand anywhere in a number and means nothing.
func isSeparator(r rune) bool {
	switch r {
	case ' ', '\t', '-', '.', '/', '(', ')', '\u2212': // the last is the minus sign
		return true
	}
	return r >= 0x80 && unicode.In(r, unicode.Zs, unicode.Pd, unicode.Cf)
}

// isTrunk reports whether s, which starts with a bracket, starts with "(0)".
func isTrunk(s string) bool {
	end := strings.IndexByte(s, ')')
	return end > 0 && strings.TrimFunc(s[1:end], isSeparator) == "0"
}

// isDecimal reports whether s is what a spreadsheet makes of a number it takes for a quantity, such as "4512345678.0".
// Read as a separator, the dot would make it another, longer number.
func isDecimal(s string) bool {
	whole, fraction, ok := strings.Cut(s, ".")
	return ok && (fraction == "0" || fraction == "00") && strings.IndexFunc(whole, isSeparator) < 0
}

// strayReason says why r, with which rest starts, can't be in a number. digits is true when some stand before it.
func strayReason(rest string, r rune, digits bool) InvalidError {
	next := byte(0)
	if len(rest) > 1 {
		next = rest[1]
	}
	switch {
	case digits && isExtension(rest):
		return errExtension
	case digits && (r == 'e' || r == 'E') && (next == '+' || '0' <= next && next <= '9'):
		return errScientific
	case unicode.IsLetter(r):
		return errLetters
	case unicode.IsDigit(r):
		return errOtherDigits
	}
	return InvalidError("has " + strconv.QuoteRune(r) + "; write one number, in digits")
}

// isExtension reports whether s starts as extensions do: "#12", "x12", "x. 12", "ext 12", ";ext=12".
func isExtension(s string) bool {
	if s[0] == '#' {
		return true
	}
	s = strings.TrimPrefix(s, ";")
	if len(s) >= 3 && strings.EqualFold(s[:3], "ext") {
		return true
	}
	if len(s) < 2 || s[0] != 'x' && s[0] != 'X' {
		return false
	}
	s = strings.TrimLeft(s[1:], " .:")
	return s != "" && '0' <= s[0] && s[0] <= '9'
}

// Valid reports whether m has 7 to 15 digits.
func (m MSISDN) Valid() bool { return minMSISDN <= m && m <= maxMSISDN }

// Append appends the digits to dst. The zero value appends nothing.
func (m MSISDN) Append(dst []byte) []byte {
	if m == 0 {
		return dst
	}
	return strconv.AppendUint(dst, uint64(m), 10)
}

// String returns the digits, without "+". The zero value gives the empty string.
func (m MSISDN) String() string {
	if m == 0 {
		return ""
	}
	return strconv.FormatUint(uint64(m), 10)
}

// Masked returns the number as it may stand in logs: "***" and its last three digits.
func (m MSISDN) Masked() string {
	s := m.String()
	if len(s) <= 3 {
		return "***"
	}
	return "***" + s[len(s)-3:]
}
