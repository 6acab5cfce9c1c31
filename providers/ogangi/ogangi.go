// Package ogangi speaks to the Ogangi campaign manager, now Messangi: an HTTP API of signed addresses, one recipient a call.
//
// Client has the platform's operations as typed methods, and is usable on its own. Adapter sends with it what Volley's worker
// asks for, by one of two operations: sendSMS takes the operator's name, and answers with the message's identifier and its
// status; sendMT takes the operator's number, or lets the platform choose, and answers that the call was taken, no more.
package ogangi

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/volleysms/volley/internal/redact"
	"github.com/volleysms/volley/providers"
)

const provider = "ogangi"

// Options of an Adapter. The zero value lets the platform choose the operator.
type Options struct {
	// Carrier is the operator of recipients that name none: its name for sendSMS, its number for sendMT. Empty, or "null", lets
	// the platform choose, which sendMT alone can.
	Carrier string
	// Operation is OpSendSMS or OpSendMT. Empty is, for each recipient, OpSendSMS when its operator is a name, and OpSendMT
	// otherwise.
	Operation Operation
	// Flags is an extra parameter of sendMT, as in MT. Empty leaves it out.
	Flags string
	// Zone is the time zone of the inbound messages' times, which the platform does not name; nil is UTC.
	Zone *time.Location
}

// Adapter sends through one account. Safe for concurrent use.
type Adapter struct {
	client *Client
	opts   Options
}

var (
	_ providers.Adapter       = (*Adapter)(nil)
	_ providers.Checker       = (*Adapter)(nil)
	_ providers.Poller        = (*Adapter)(nil)
	_ providers.InboundPoller = (*Adapter)(nil)
	_ providers.Receiver      = (*Adapter)(nil)
)

// New returns an Adapter that calls through c, or an error that says which option to change.
func New(c *Client, o Options) (*Adapter, error) {
	o.Carrier = strings.TrimSpace(o.Carrier)
	if isNull(o.Carrier) {
		o.Carrier = ""
	}
	a := &Adapter{client: c, opts: o}
	if err := o.validate(); err != nil {
		return nil, fmt.Errorf("ogangi: %w", err)
	}
	if l := a.Limits(); l.Bytes-l.BaseBytes-l.RecipientBytes < minTextBytes {
		return nil, fmt.Errorf("ogangi: max URL of %d bytes leaves no room for a text: allow %d or more",
			l.Bytes, l.BaseBytes+l.RecipientBytes+minTextBytes)
	}
	return a, nil
}

func (o Options) validate() error {
	switch {
	case o.Operation != "" && o.Operation != OpSendSMS && o.Operation != OpSendMT:
		return fmt.Errorf("operation %q does not send: use sendSMS or sendMT", string(o.Operation))
	case isDots(o.Carrier):
		return errors.New("carrier is \".\" or \"..\", which cannot stand in an address")
	case o.Flags != "" && (o.Operation == OpSendSMS || o.Operation == "" && isName(o.Carrier)):
		return errors.New("sendSMS takes no flags")
	case !isPathSafe(o.Flags):
		return errors.New("flags may hold letters, digits and . _ ~ - only")
	}
	return nil
}

// isNull reports whether a carrier is the platform's word for "choose one".
func isNull(carrier string) bool { return strings.EqualFold(carrier, "null") }

// isName reports whether a carrier is an operator's name rather than its number.
func isName(carrier string) bool { return carrier != "" && !isNumber(carrier) }

const (
	// maxDigits is the longest sender and MSISDN, in digits.
	maxDigits = 15
	// carrierBytes is what Limits leave for the carrier of a recipient; a longer one leaves less for the text.
	carrierBytes = 60
)

// Limits returns one recipient a call. How many segments a text may have is not documented; the address bounds it.
func (a *Adapter) Limits() providers.Limits {
	s := a.client.signer
	fixed := s.fixedBytes(OpSendSMS.path()) + len(a.client.opts.InstanceID) + maxDigits + len("////") +
		max(carrierBytes, len(appendEscaped(nil, a.opts.Carrier)))
	if a.opts.Flags != "" {
		fixed += len(a.opts.Flags) + len("/")
	}
	return providers.Limits{
		Recipients:     1,
		Texts:          providers.ManyTexts,
		Bytes:          a.client.opts.MaxURLBytes,
		BaseBytes:      fixed,
		RecipientBytes: s.base64.EncodedLen(maxDigits),
		TextGrowth:     providers.Base64,
	}
}

// Send makes one request. A call of more than one recipient is not made and is Split. The sender must be a code or number in
// digits, and a Binary can't be sent. A recipient's Carrier goes before the account's.
func (a *Adapter) Send(ctx context.Context, c providers.Call) []providers.Result {
	switch len(c.Recipients) {
	case 0:
		return nil
	case 1:
		return []providers.Result{a.send(ctx, &c)}
	}
	return providers.Fail(len(c.Recipients), &providers.Error{
		Kind: providers.Split, Provider: provider, Detail: "one recipient a call",
	})
}

func (a *Adapter) send(ctx context.Context, c *providers.Call) providers.Result {
	switch {
	case c.Binary != nil:
		return a.result(Message{}, invalid("binary messages cannot be sent"), "")
	case len(c.Tags) > 0:
		return a.result(Message{}, invalid("the platform merges no fields"), "")
	}
	r := &c.Recipients[0]
	text, carrier := r.Text, strings.TrimSpace(r.Carrier)
	if text == "" {
		text = c.Text
	}
	switch {
	case carrier == "":
		carrier = a.opts.Carrier
	case isNull(carrier):
		carrier = ""
	}
	if a.opts.Operation == OpSendSMS || a.opts.Operation == "" && isName(carrier) {
		m, err := a.client.sendSMS(ctx, SMS{Carrier: carrier, From: c.From, To: r.To, Text: text})
		return a.result(m, err, text)
	}
	m, err := a.client.sendMT(ctx, MT{From: c.From, Carrier: carrier, To: r.To, Text: text, Flags: a.opts.Flags})
	return a.result(m, err, text)
}

// result returns what a call established about its recipient.
func (a *Adapter) result(m Message, err *providers.Error, text string) providers.Result {
	r := providers.Result{ID: redact.Cap(m.ID)}
	switch {
	case err != nil:
		r.Code, r.Detail, r.Err = err.Code, err.Detail, err
	case m.Status == "":
		r.Code = callOK
	default:
		r.Code, r.Delivered = word(m.Status), m.Fate() == providers.Delivered
		r.Detail = a.client.detail(m.Description, text, string(a.client.base64(text)))
	}
	return r
}
