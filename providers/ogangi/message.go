package ogangi

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/volleysms/volley/internal/redact"
	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/sms"
)

// Message is a message as the platform shows it. Any field may be empty.
type Message struct {
	// ID is the platform's identifier: a signed number or a UUID.
	ID string
	// Carrier, From, To and Text are what it was sent with.
	Carrier, From, To, Text string
	// Status is the platform's word, such as "SENT_TO_CARRIER", and Description what it says about it.
	Status, Description string
	Encoding            string
	// Date is when the message was made; zero when the platform names no time that can be read.
	Date time.Time
	// Timezone is the platform's own, such as "America/Caracas".
	Timezone string
	ClientID string
	// What getMessage alone shows: Type is such as "SMS", BlastID the campaign's, and Subject, AppName and Platform are of
	// messages of other types.
	Type, BlastID, Subject, AppName, Platform string
}

// Fate says what the status means for the handset. A word that is not known means nothing.
func (m Message) Fate() providers.Fate {
	v := verdicts[normal(m.Status)]
	switch {
	case v.delivered:
		return providers.Delivered
	case v.taken:
		return providers.Taken
	case v.kind == providers.Unknown || v.kind == providers.Unavailable:
		return providers.Pending
	}
	return providers.Undelivered
}

// SMS is a message for SendSMS. All fields are required.
type SMS struct {
	// Carrier is the operator's name, as the platform writes it.
	Carrier string
	// From is a code or number in digits.
	From sms.SenderID
	To   sms.MSISDN
	Text string
}

// SendSMS sends a message and returns what the platform made of it. It names the operator, and is what to choose when the
// status matters: Client.Message asks for it later by the ID.
//
// The error says as well when the platform took the call and refused the message; the Message is returned with it.
func (c *Client) SendSMS(ctx context.Context, m SMS) (Message, error) {
	got, err := c.sendSMS(ctx, m)
	return got, asError(err)
}

func (c *Client) sendSMS(ctx context.Context, m SMS) (Message, *providers.Error) {
	if m.Carrier == "" {
		return Message{}, invalid("sendSMS needs the operator's name: name the recipient's carrier, or the account's")
	}
	if why := refuse(m.From, m.To, m.Carrier, m.Text); why != "" {
		return Message{}, invalid(why)
	}
	text, number := c.base64(m.Text), c.base64(m.To.String())
	a, err := c.call(ctx, OpSendSMS, nil, []string{m.Text, string(text), string(number)},
		appendEscaped(nil, m.Carrier), []byte(m.From), number, text)
	if err != nil {
		return Message{}, err
	}
	return c.sent(a, m.To, true, m.Text, string(text), string(number))
}

// MT is a message for SendMT.
type MT struct {
	// From is a code or number in digits. Required, as are To and Text.
	From sms.SenderID
	// Carrier is the operator's number at the platform; empty lets the platform choose.
	Carrier string
	To      sms.MSISDN
	Text    string
	// Flags are for a backend job of the platform, whose operator tells what they mean; letters, digits and . _ ~ - only.
	// Empty leaves them out.
	Flags string
}

// SendMT sends a message. The platform says that it took the call, no more: it gives no ID to ask for later, and the
// Message is zero unless the platform shows one all the same.
func (c *Client) SendMT(ctx context.Context, m MT) (Message, error) {
	got, err := c.sendMT(ctx, m)
	return got, asError(err)
}

func (c *Client) sendMT(ctx context.Context, m MT) (Message, *providers.Error) {
	if m.Carrier == "" {
		m.Carrier = "null"
	}
	why := refuse(m.From, m.To, m.Carrier, m.Text)
	if why == "" && !isPathSafe(m.Flags) {
		why = "flags may hold letters, digits and . _ ~ - only"
	}
	if why != "" {
		return Message{}, invalid(why)
	}
	text := c.base64(m.Text)
	params := [][]byte{[]byte(m.From), appendEscaped(nil, m.Carrier), m.To.Append(nil), text}
	if m.Flags != "" {
		params = append(params, []byte(m.Flags))
	}
	a, err := c.call(ctx, OpSendMT, nil, []string{m.Text, string(text)}, params...)
	if err != nil {
		return Message{}, err
	}
	return c.sent(a, m.To, false, m.Text, string(text))
}

// refuse says why a message can't be sent, and "" when it can.
func refuse(from sms.SenderID, to sms.MSISDN, carrier, text string) string {
	switch {
	case !from.Numeric():
		return "the sender must be a code or number in digits"
	case !to.Valid():
		return "the number is not an MSISDN of 7 to 15 digits"
	case isDots(carrier):
		return "the carrier is \".\" or \"..\", which cannot stand in an address"
	case text == "":
		return "the text is empty"
	}
	return ""
}

// sent returns the message that an answer shows for that number, and what its status says. must says whether there has to
// be one.
func (c *Client) sent(a answer, to sms.MSISDN, must bool, secrets ...string) (Message, *providers.Error) {
	mine := a.about(to)
	if len(mine) == 0 {
		if len(a.messages) == 0 && !must {
			return Message{}, nil
		}
		return Message{}, c.fail(providers.Unknown, a.status, "the answer names no message to this number", secrets)
	}
	first := verdicts[normal(mine[0].Status)]
	for _, m := range mine[1:] {
		v := verdicts[normal(m.Status)]
		if v.taken != first.taken || v.kind != first.kind {
			return Message{}, c.fail(providers.Unknown, m.Status, "the answer's messages differ in status", secrets)
		}
		if first.delivered && !v.delivered {
			mine[0].Status, first = m.Status, v // as good as the least of them
		}
	}
	if !first.taken {
		return mine[0], c.fail(first.kind, mine[0].Status, mine[0].Description, secrets)
	}
	return mine[0], nil
}

// about returns the messages to that number; one that is alone is about it whatever number it names.
func (a *answer) about(to sms.MSISDN) []Message {
	if len(a.messages) == 1 {
		return a.messages
	}
	var mine []Message
	for _, m := range a.messages {
		if strings.TrimPrefix(m.To, "+") == to.String() {
			mine = append(mine, m)
		}
	}
	return mine
}

// Message asks what became of a message that SendSMS returned the ID of. A message that the platform shows nothing of is
// the zero Message, without an error, also when it answers 404. Asking sends nothing, so that an uncertain answer is Unavailable and may be repeated.
func (c *Client) Message(ctx context.Context, id string) (Message, error) {
	if id == "" || isDots(id) || len(id) > maxID {
		return Message{}, invalid("the message ID is empty, too long or made of dots")
	}
	a, err := c.look(ctx, OpGetMessage, appendEscaped(nil, id))
	switch {
	case err != nil && err.Code == strconv.Itoa(http.StatusNotFound):
		return Message{}, nil
	case err != nil:
		return Message{}, err
	}
	for _, m := range a.messages {
		if m.ID == id || m.ID == "" && len(a.messages) == 1 {
			return m, nil
		}
	}
	if len(a.messages) > 0 {
		return Message{}, c.fail(providers.Unavailable, a.status, "the answer is about another message", nil)
	}
	return Message{}, nil
}

// maxID bounds an identifier, in bytes.
const maxID = providers.MaxDetail

// fail returns an error with the gateway's wording, in which no key and none of the secrets is.
func (c *Client) fail(k providers.Kind, code, detail string, secrets []string) *providers.Error {
	return &providers.Error{Kind: k, Provider: provider, Code: word(code), Detail: c.detail(detail, secrets...)}
}

// detail returns the gateway's wording without the keys and the secrets.
func (c *Client) detail(s string, secrets ...string) string {
	return redact.Detail(s, append(c.secrets[:len(c.secrets):len(c.secrets)], secrets...)...)
}
