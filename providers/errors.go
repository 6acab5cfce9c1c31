package providers

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Kind says what is known about a recipient that the gateway did not clearly accept, and so what the worker does next.
type Kind uint8

// The kinds. The zero Kind is Unknown: whoever forgets to classify never causes a second SMS.
const (
	// Unknown: the gateway may have taken it (timeout after the request left, cut connection, odd 5xx, unreadable 2xx).
	// The recipient is held as unknown and not sent again by itself.
	Unknown Kind = iota
	// Invalid: refused for what is in the message or the number. Final.
	Invalid
	// Rejected: refused by the gateway for good. Final.
	Rejected
	// Config: login, address, balance, sender or account permission. Nothing was taken; the account is suspended and the
	// recipients stay queued. Costs no attempt.
	Config
	// Throttled: too fast. Nothing was taken; sent again after RetryAfter. Costs no attempt.
	Throttled
	// Unavailable: provably not taken (connection refused, a documented "busy"). Sent again after a backoff.
	Unavailable
	// Again: not taken because another recipient of the same call was refused. Sent again at once, without that one;
	// costs no attempt. A call whose results are all Again is treated as Unavailable.
	Again
	// Split: the call as built was refused whole and nothing was taken (too large, or one unnamed recipient spoils it).
	// Sent again at once in two halves; a call of one recipient that still says Split is Rejected. Costs no attempt.
	Split
)

var kindNames = [...]string{"unknown", "invalid", "rejected", "config", "throttled", "unavailable", "again", "split"}

// String returns the kind's name as it stands in logs and metrics.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("kind(%d)", uint8(k))
}

// NotSent reports whether the kind proves that the gateway did not take the message and that it may be sent again.
func (k Kind) NotSent() bool {
	return k == Config || k == Throttled || k == Unavailable || k == Again || k == Split
}

// Error is the one error type of adapters.
type Error struct {
	Kind Kind
	// Provider is the kind of gateway, such as "mttm".
	Provider string
	// Code is the gateway's own code, or the HTTP status in digits; may be empty.
	Code string
	// Detail is the gateway's text, without credentials, at most MaxDetail bytes; may be empty.
	Detail string
	// RetryAfter is the gateway's wish; zero when it named none.
	RetryAfter time.Duration
	// Err is the cause, such as a network error; may be nil. It never holds a request's URL.
	Err error
}

// Error returns "mttm: throttled: 429 Too Many Requests: slow down".
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Provider)
	b.WriteString(": ")
	b.WriteString(e.Kind.String())
	for _, s := range []string{e.Code, e.Detail} {
		if s != "" {
			b.WriteString(": ")
			b.WriteString(s)
		}
	}
	if e.Err != nil {
		b.WriteString(": ")
		b.WriteString(e.Err.Error())
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the Kind of the *Error in err's chain, and Unknown for any other error. err is not nil.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Unknown
}
