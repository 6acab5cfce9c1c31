package gateway

import (
	"net/http"
	"slices"
	"time"

	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/sms"
)

// Dialect is one provider's protocol, seen from the gateway. Implementations are safe for concurrent use and hold no
// state of a request.
type Dialect interface {
	// Provider is the kind of gateway, such as "mttm".
	Provider() string

	// Account returns the settings an account needs to log in here, by their names in Volley's configuration, "provider"
	// among them and "base_url" not. They are obviously fake unless the Dialect was given others.
	Account() map[string]string

	// Read checks a request as strictly as the real gateway does and fills ask: Send and Messages for a request that
	// asks for messages; ask.Violate when it breaks a rule; ask.Say when it is another operation, such as a balance.
	// Neither r.Body nor what body's bytes back may be kept: strings in ask are copies.
	Read(r *http.Request, body []byte, ask *Ask)

	// Answer returns the answer to a send that keeps the rules, and sets each message's ID. Messages whose Refused is set
	// are answered as refused; where one refused number spoils the whole call, Answer sets Refused on the others too.
	// The answer's body may be built in buf, which has length 0.
	Answer(ask *Ask, buf []byte) Reply

	// Denied returns the answer to wrong credentials.
	Denied() Reply
}

// Message is what a gateway was asked to bring to one recipient.
type Message struct {
	To   sms.MSISDN
	From string
	// Text is the text as the handset would show it: decoded, and merged with the recipient's values. Empty when nothing
	// is recorded.
	Text     string
	Encoding sms.Encoding
	// Binary is set in place of Text for an 8-bit message.
	Binary *sms.Binary
	// Reference is the caller's own name for the call, where the gateway takes one.
	Reference string
	// ID is the gateway's identifier, where it gives one.
	ID string
	// Send is the number of the send request that carried it, from 1.
	Send int64
	// At is when it was taken.
	At time.Time
	// Refused is true for a message that the gateway does not take.
	Refused bool
	// Due is when the gateway is to send it; zero is at once.
	Due time.Time
	// Callback is where it is to be told what becomes of the message; nil when the request does not say.
	Callback *Callback
	// Asked are the request's wishes beside that, by the protocol's own names and in its own spelling, such as "class":
	// "premium"; nil when there are none. The messages of one request may share it.
	Asked map[string]string
	// Fate is what becomes of it, as Options.Reports decide; Cancelled is true when it was taken back before Due.
	Fate      providers.Fate
	Cancelled bool

	object int // the index of the message object it came in
}

// Reply is an HTTP answer.
type Reply struct {
	// Status is the HTTP status; 0 is 200.
	Status int
	// Type is the Content-Type; empty is "text/plain; charset=utf-8".
	Type   string
	Header http.Header
	Body   []byte
}

// JSON returns a Reply with a JSON body.
func JSON(status int, body string) Reply {
	return Reply{Status: status, Type: "application/json", Body: []byte(body)}
}

// Ask is what one request asks for.
type Ask struct {
	// Send is true when the request asks for messages to be sent, whether or not it keeps the rules.
	Send bool
	// N is the number of the send, from 1; set by the frame before Answer, 0 for other operations.
	N int64
	// Record is true when texts, senders and references are wanted in Messages; when false a Dialect may leave them out.
	Record bool
	// Messages are the recipients, in the request's order.
	Messages []Message
	// Objects is for the Dialect's own use between Read and Answer, such as a number of message objects.
	Objects int

	book      *Gateway
	violation string
	reply     *Reply
	sorted    []sms.MSISDN
}

// Violate says which rule the request breaks, and how the gateway answers that. Nothing is taken. The first one counts.
func (a *Ask) Violate(why string, r Reply) {
	if a.violation == "" {
		a.violation, a.reply = why, &r
	}
}

// Violated reports whether Violate was called.
func (a *Ask) Violated() bool { return a.violation != "" }

// Say answers a request that asks for no messages.
func (a *Ask) Say(r Reply) { a.reply = &r }

// Find returns the messages taken under an ID, as far as they are kept, and stored for those who ask.
func (a *Ask) Find(id string) []Message { return a.book.find(id) }

// Cancel takes back the messages taken under an ID. known is false when there are none, and done when it is too late.
func (a *Ask) Cancel(id string) (known, done bool) { return a.book.cancel(id) }

// Taken returns the messages taken so far, as far as they are kept.
func (a *Ask) Taken() []Message { return a.book.Messages() }

// Inbox returns what handsets wrote, the oldest first.
func (a *Ask) Inbox() []MO { return a.book.inbox() }

// Add appends a message.
func (a *Ask) Add(m Message) { a.Messages = append(a.Messages, m) }

// Duplicate returns a number that is in the messages from index start on more than once, and false when there is none.
func (a *Ask) Duplicate(start int) (sms.MSISDN, bool) {
	a.sorted = a.sorted[:0]
	for i := start; i < len(a.Messages); i++ {
		a.sorted = append(a.sorted, a.Messages[i].To)
	}
	if !slices.IsSorted(a.sorted) {
		slices.Sort(a.sorted)
	}
	for i := 1; i < len(a.sorted); i++ {
		if a.sorted[i] == a.sorted[i-1] {
			return a.sorted[i], true
		}
	}
	return 0, false
}

// RefusedAny returns the index of the first refused message, or -1.
func (a *Ask) RefusedAny() int {
	return slices.IndexFunc(a.Messages, func(m Message) bool { return m.Refused })
}

// RefuseAll marks every message as refused.
func (a *Ask) RefuseAll() {
	for i := range a.Messages {
		a.Messages[i].Refused = true
	}
}

func (a *Ask) reset() {
	clear(a.Messages)
	*a = Ask{Messages: a.Messages[:0], sorted: a.sorted[:0], book: a.book}
}

// ParseNumber reads an MSISDN as a strict gateway does: 7 to 15 digits, no "+", no leading zero.
func ParseNumber[T ~string | ~[]byte](s T) (sms.MSISDN, bool) {
	if len(s) < 7 || len(s) > 15 || s[0] == '0' {
		return 0, false
	}
	var n uint64
	for i := range len(s) {
		c := s[i]
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	return sms.MSISDN(n), true
}
