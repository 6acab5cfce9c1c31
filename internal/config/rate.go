package config

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// Rate is so many calls in a time. The zero value is no limit.
type Rate struct {
	N   float64
	Per time.Duration
}

var errRate = errors.New("must be a number of calls above zero and the time they are for: 50/s, 3000/m or 100000/h")

// maxRate is far above what any gateway takes; a number beyond it is a slip of the hand.
const maxRate = 1e9

// ParseRate reads "50/s", "3000/m" or "100000/h"; a bare number is for a second. The number is above zero and may have a
// fraction. The error is a sentence that says how a rate is written.
func ParseRate(s string) (Rate, error) {
	number, unit, found := strings.Cut(s, "/")
	r := Rate{Per: time.Second}
	if found {
		switch strings.TrimSpace(unit) {
		case "s":
		case "m":
			r.Per = time.Minute
		case "h":
			r.Per = time.Hour
		default:
			return Rate{}, errRate
		}
	}
	number = strings.TrimSpace(number)
	// ParseFloat also knows hex, exponents, infinities and what is not a number.
	if strings.Trim(number, "0123456789.") != "" {
		return Rate{}, errRate
	}
	n, err := strconv.ParseFloat(number, 64)
	if err != nil || n <= 0 || n > maxRate {
		return Rate{}, errRate
	}
	r.N = n
	return r, nil
}

// PerSecond returns the calls for a second; 0 is no limit.
func (r Rate) PerSecond() float64 {
	if r.Per <= 0 {
		return 0
	}
	return r.N / r.Per.Seconds()
}

// String returns the rate as ParseRate reads it, and "none" for no limit.
func (r Rate) String() string {
	n := strconv.FormatFloat(r.N, 'f', -1, 64)
	switch {
	case r.N == 0:
		return "none"
	case r.Per == time.Minute:
		return n + "/m"
	case r.Per == time.Hour:
		return n + "/h"
	case r.Per == time.Second:
		return n + "/s"
	}
	return n + "/" + r.Per.String()
}
