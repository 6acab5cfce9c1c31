package sms

import (
	"fmt"
	"strconv"
	"strings"
)

// MSISDN is a phone number in E.164: country code first, no "+", 7 to 15 digits. The zero value is no number.
type MSISDN uint64

// ParseMSISDN reads a number as people type it. (skeleton; see tests for what is accepted)
func ParseMSISDN(s string) (MSISDN, error) {
	s = strings.TrimPrefix(strings.TrimSpace(s), "+")
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil || len(s) < 7 || len(s) > 15 {
		return 0, fmt.Errorf("not a phone number")
	}
	return MSISDN(n), nil
}

// String returns the digits.
func (m MSISDN) String() string { return strconv.FormatUint(uint64(m), 10) }

// Masked returns the number for logs: all but the last three digits hidden.
func (m MSISDN) Masked() string {
	s := m.String()
	if len(s) <= 3 {
		return "***"
	}
	return "***" + s[len(s)-3:]
}
