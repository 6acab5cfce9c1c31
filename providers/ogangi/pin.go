package ogangi

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/sms"
)

// PIN is a code that the platform made and texted to somebody. It shows itself as "***" in logs, errors, JSON and every
// verb of fmt; Reveal alone returns it. The zero value has none.
type PIN struct {
	value *string // not a string: fmt prints the unexported fields of what holds a PIN without asking its methods
}

// newPIN returns a PIN of value.
func newPIN(value string) PIN { return PIN{&value} }

const hiddenPIN = "***"

// Reveal returns the code, for the one who has to compare it with what the user types.
func (p PIN) Reveal() string {
	if p.value == nil {
		return ""
	}
	return *p.value
}

// IsZero reports whether there is no PIN.
func (p PIN) IsZero() bool { return p.value == nil }

// String returns "***".
func (p PIN) String() string { return hiddenPIN }

// GoString returns "***".
func (p PIN) GoString() string { return hiddenPIN }

// Format writes "***" for every verb.
func (p PIN) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hiddenPIN) }

// MarshalText returns "***".
func (p PIN) MarshalText() ([]byte, error) { return []byte(hiddenPIN), nil }

// MarshalJSON returns "***" as a JSON string.
func (p PIN) MarshalJSON() ([]byte, error) { return []byte(`"` + hiddenPIN + `"`), nil }

// PINRequest asks for a PIN. All fields are required.
type PINRequest struct {
	// Carrier is the operator's name, exactly as the platform writes it.
	Carrier string
	// From is a code or number in digits.
	From sms.SenderID
	To   sms.MSISDN
	// Text goes with the PIN. How the platform puts the PIN into it is not documented: try it with a number of your own.
	Text string
	// Length is how many characters the PIN has, 1 to 20.
	Length int
}

// maxPINLength bounds the length that is asked for. The platform documents no bound.
const maxPINLength = 20

// pinUnderWay is what an error adds when the platform may have texted a PIN that it did not tell.
const pinUnderWay = "a PIN may be under way that nobody knows; another call makes another PIN, so ask the user first"

// SendPIN lets the platform make a PIN and text it, and returns it. This is the only time that it can be had.
//
// Never repeat the call by itself: each one texts another PIN. An error that is Unknown, after a timeout above all, says
// that a PIN may be under way that nobody knows. The platform's wording is in no error, since it may hold the PIN.
func (c *Client) SendPIN(ctx context.Context, r PINRequest) (PIN, error) {
	why := refuse(r.From, r.To, r.Carrier, r.Text)
	switch {
	case why != "":
	case r.Carrier == "":
		why = "a PIN needs the operator's name"
	case r.Length < 1 || r.Length > maxPINLength:
		why = fmt.Sprintf("the PIN's length must be 1 to %d", maxPINLength)
	}
	if why != "" {
		return PIN{}, invalid(why)
	}
	pin, err := c.sendPIN(ctx, r)
	if err != nil && err.Kind == providers.Unknown {
		err.Detail = pinUnderWay
	}
	return pin, asError(err)
}

func (c *Client) sendPIN(ctx context.Context, r PINRequest) (PIN, *providers.Error) {
	resp, err := c.do(ctx, OpSendPIN, nil, appendEscaped(nil, r.Carrier), []byte(r.From), c.number(OpSendPIN, r.To),
		c.base64(r.Text), strconv.AppendInt(nil, int64(r.Length), 10))
	switch {
	case err != nil:
		return PIN{}, err
	case resp.Status != http.StatusOK:
		return PIN{}, refusal(resp, c.now())
	}
	a, err := c.read(resp.Body, nil)
	if err == nil {
		_, err = c.sent(a, r.To, false)
	}
	switch {
	case err != nil:
		err.Code, err.Detail = knownWord(err.Code), "" // the platform's wording may hold the PIN
		return PIN{}, err
	case a.pin == "":
		return PIN{}, c.fail(providers.Unknown, callOK, "", nil)
	}
	return newPIN(a.pin), nil
}
