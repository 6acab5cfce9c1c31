package gatewayapi

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/volleysms/volley/sms"
)

// The vendor's documents show values and no types, and its own samples differ in them. These types take a number or a
// string, and are zero for everything else, so that one odd field never costs a report.

// text is a string, or a number as it is written.
type text string

// UnmarshalJSON reads a text.
func (t *text) UnmarshalJSON(b []byte) error {
	switch {
	case len(b) > 0 && b[0] == '"':
		var s string
		if err := json.Unmarshal(b, &s); err != nil {
			return err
		}
		*t = text(s)
	case len(b) > 0 && (b[0] == '-' || b[0] >= '0' && b[0] <= '9'):
		*t = text(b)
	}
	return nil
}

// msisdn is a number in digits.
type msisdn sms.MSISDN

// UnmarshalJSON reads an msisdn.
func (m *msisdn) UnmarshalJSON(b []byte) error {
	digits := strings.TrimLeft(string(bytes.Trim(b, `"`)), "+0")
	n, err := strconv.ParseUint(strings.TrimSuffix(digits, ".0"), 10, 64)
	if err == nil && sms.MSISDN(n).Valid() {
		*m = msisdn(n)
	}
	return nil
}

// unixTime is a time in seconds since 1970, whole or not.
type unixTime time.Time

// UnmarshalJSON reads a unixTime.
func (t *unixTime) UnmarshalJSON(b []byte) error {
	const year2200 = 7_258_118_400
	seconds, err := strconv.ParseFloat(string(bytes.Trim(b, `"`)), 64)
	if err == nil && seconds > 0 && seconds < year2200 {
		*t = unixTime(time.UnixMilli(int64(seconds * 1000)).UTC())
	}
	return nil
}

// isoTime is a time as RFC 3339 writes it.
type isoTime time.Time

// UnmarshalJSON reads an isoTime.
func (t *isoTime) UnmarshalJSON(b []byte) error {
	if at, err := time.Parse(time.RFC3339, string(bytes.Trim(b, `"`))); err == nil {
		*t = isoTime(at.UTC())
	}
	return nil
}

// plainID is an identifier without quotes, and empty when it does not look like one.
func plainID(raw json.RawMessage) string {
	id := string(bytes.Trim(raw, `"`))
	if !plausibleID(id) {
		return ""
	}
	return id
}
