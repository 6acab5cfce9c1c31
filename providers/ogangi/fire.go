package ogangi

import (
	"context"
	"encoding/json"

	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/sms"
)

// MO is a message from a handset that the platform is to take as if it had come in.
type MO struct {
	// From is the handset. Required, as is Text.
	From sms.MSISDN
	// To is the code or number that the handset writes to. PostFireMessage needs it; FireMessage has no place for it.
	To   string
	Text string
}

// Fired is what the platform took. The fields are empty where it does not repeat them.
type Fired struct {
	InstanceID, From, Text string
}

// EventFields are the names that the fields of a PostFireMessage have at the customer; an empty one is the vendor's default.
type EventFields struct {
	// Code is the code that the message goes to: "sender_id_id".
	Code string
	// Text is the message's text: "keyword_value".
	Text string
	// Handset is whom it comes from: "recipient_address".
	Handset string
}

// firedMaybe is what an error says when the platform may have taken the message.
const firedMaybe = "the platform may have taken the message, and answer the handset with an SMS; find out before it is fired again"

// FireMessage lets the platform take a message as if the handset had sent it, by GET. The campaign that it belongs to answers
// the handset as usual, so an SMS may follow.
//
// Never repeat the call by itself after an error that is Unknown.
func (c *Client) FireMessage(ctx context.Context, m MO) (Fired, error) {
	if why := m.refuse(); why != "" {
		return Fired{}, invalid(why)
	}
	text := c.base64(m.Text)
	if c.opts.PlainFireText {
		if isDots(m.Text) {
			return Fired{}, invalid("a text of dots cannot stand in an address")
		}
		text = appendEscaped(nil, m.Text)
	}
	number := c.number(OpFireMessage, m.From)
	a, err := c.call(ctx, OpFireMessage, nil, []string{m.Text, string(text), string(number)}, number, text)
	return fired(a, err)
}

// PostFireMessage is FireMessage by POST, which also names the code that the message goes to. fields is the customer's own
// naming; its zero value is the vendor's.
func (c *Client) PostFireMessage(ctx context.Context, m MO, fields EventFields) (Fired, error) {
	why := m.refuse()
	if why == "" && m.To == "" {
		why = "the code that the message goes to is missing"
	}
	if why != "" {
		return Fired{}, invalid(why)
	}
	list := map[string]string{
		or(fields.Code, "sender_id_id"):         m.To,
		or(fields.Text, "keyword_value"):        m.Text,
		or(fields.Handset, "recipient_address"): m.From.String(),
	}
	body, err := json.Marshal(map[string]any{"event": map[string]any{"fld-val-list": list}})
	if err != nil || len(list) != 3 {
		return Fired{}, invalid("the names of the event's fields are not three different ones")
	}
	a, failure := c.call(ctx, OpFireMessage, body, []string{m.Text})
	return fired(a, failure)
}

func (m MO) refuse() string {
	switch {
	case !m.From.Valid():
		return "the number is not an MSISDN of 7 to 15 digits"
	case m.Text == "":
		return "the text is empty"
	}
	return ""
}

func fired(a answer, err *providers.Error) (Fired, error) {
	if err == nil {
		return a.fired, nil
	}
	if err.Kind == providers.Unknown {
		err.Detail = firedMaybe
	}
	return Fired{}, err
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
