package providers

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/volleysms/volley/sms"
)

// Fate is what a report says about a message. The zero Fate is Pending.
type Fate uint8

// The fates.
const (
	// Pending: nothing that is not known already, but for the gateway's words.
	Pending Fate = iota
	// Taken: the gateway or the network has the message; not final.
	Taken
	// Delivered: the handset, or the network for it, has the message. Final.
	Delivered
	// Undelivered: the handset will not get it, for whatever reason the code names. Final.
	Undelivered
	// Unclear: the gateway has the message, may try it again by itself, and will not tell whether that succeeds. Not final.
	Unclear
)

// Final reports whether no later report changes the fate.
func (f Fate) Final() bool { return f == Delivered || f == Undelivered }

// Report is what a gateway says about one recipient after the call.
type Report struct {
	Fate Fate
	// To is the recipient; zero when the gateway does not say.
	To sms.MSISDN
	// ID is the gateway's identifier of the message; may be empty.
	ID string
	// Reference is the Call.Reference that the gateway echoes; may be empty.
	Reference string
	// Code is the gateway's own code or status word, verbatim; Detail its text, without credentials, numbers or message
	// text, at most MaxDetail bytes. Both may be empty.
	Code, Detail string
	// At is the gateway's time of the event; zero when it names none.
	At time.Time
}

// Says reports whether there is anything in it: a fate, or words about a message whose fate they don't tell.
func (r *Report) Says() bool { return r.Fate != Pending || r.Code != "" || r.Detail != "" }

// Inbound is a message from a handset (MO).
type Inbound struct {
	// ID tells a repetition from a new message: the gateway's identifier, or a hash where it gives none. Never empty.
	ID string
	// From is the handset, To the code or number that it wrote to.
	From sms.MSISDN
	To   string
	Text string
	// Keyword and Carrier are what the gateway made of it; may be empty.
	Keyword, Carrier string
	// At is when the gateway got it; zero when it does not say.
	At time.Time
}

// Push is a request that a gateway made to one of the account's callback addresses.
type Push struct {
	Method string
	Query  url.Values
	Header http.Header
	// Body is the whole body, at most MaxPush bytes.
	Body []byte
}

// MaxPush bounds the body of a push, in bytes.
const MaxPush = 1 << 20

// Pushed is what was in a Push.
type Pushed struct {
	Reports []Report
	Inbound []Inbound
	// Proven is true when the push itself proves that the gateway made it, such as by a signature. Then reports are matched
	// by Reference and To where the address says nothing.
	Proven bool
}

// Errors of Receive; compare with errors.Is.
var (
	// ErrForged: a signature is missing that the account's configuration asks for, or it is wrong.
	ErrForged = errors.New("the signature is missing or wrong")
	// ErrMalformed: the push can't be read.
	ErrMalformed = errors.New("the push can't be read")
)

// Receiver is implemented by adapters whose gateway pushes reports or inbound messages. Its methods are safe for
// concurrent use, do not block, and never panic, whatever the bytes.
type Receiver interface {
	// Receive reads a push. The error is ErrForged or ErrMalformed, wrapped with what is wrong, without credentials, numbers
	// or texts.
	Receive(p Push) (Pushed, error)
	// Ack is the body that tells the gateway not to push the same again; the status is 200. Empty is an empty body.
	Ack() string
}

// Poller is implemented by adapters whose gateway can be asked what became of a message.
type Poller interface {
	// Poll makes one request about the message, or call, whose Result had the ID. A gateway that does not know yet gives no
	// report and no error. The error is an *Error.
	Poll(ctx context.Context, id string) ([]Report, error)
}

// InboundPoller is implemented by adapters whose gateway keeps inbound messages until they are fetched.
type InboundPoller interface {
	// PollInbound returns the messages that came in since a time, the oldest first, in as few requests as it takes; messages
	// of before may be among them. The error is an *Error, and comes with what was read before it.
	PollInbound(ctx context.Context, since time.Time) ([]Inbound, error)
}

// Canceller is implemented by adapters whose gateway can take back a message that it was told to send later.
type Canceller interface {
	// Cancel takes back the message, or call, whose Result had the ID. It reports whether the gateway did; false means that
	// it is too late, or that the gateway does not know the message.
	Cancel(ctx context.Context, id string) (bool, error)
}
