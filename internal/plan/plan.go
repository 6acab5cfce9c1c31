// Package plan turns the recipients of a batch into calls that keep a gateway's limits. It does nothing but think: same
// input, same calls.
package plan

import (
	"fmt"
	"slices"

	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/sms"
)

// Item is one recipient to be sent to.
type Item struct {
	// Index is the recipient's position in its batch.
	Index int
	To    sms.MSISDN
	// Values are those of the template's fields, in the order of Template.Fields. They aren't looked at when the template
	// is literal or the message binary.
	Values []string
}

// Input is what Plan works on: one message and its recipients.
type Input struct {
	// From is copied to the calls.
	From sms.SenderID
	// Template is the text. It is nil when, and only when, Binary is set.
	Template *sms.Template
	// Binary is sent instead of a text. The calls point to it.
	Binary *sms.Binary
	// Items are in the order of the batch. Their Values are shared with the calls.
	Items []Item
	// Reference is copied to the calls.
	Reference string
	// Memory is where the calls' recipients go when one message is for all; nil takes new memory. The calls are then good until
	// it is used for another plan.
	Memory *Memory
}

// Memory is kept from one plan for the next. The zero value is empty. It is not safe for concurrent use.
type Memory struct {
	recipients []providers.Recipient
	indexes    []int
}

// take returns room for n recipients, which may hold anything.
func (m *Memory) take(n int) ([]providers.Recipient, []int) {
	if m == nil {
		return make([]providers.Recipient, n), make([]int, n)
	}
	m.recipients, m.indexes = slices.Grow(m.recipients[:0], n)[:n], slices.Grow(m.indexes[:0], n)[:n]
	return m.recipients, m.indexes
}

// Call is one request to be made.
type Call struct {
	Call providers.Call
	// Items are the recipients' Item.Index, in the order of Call.Recipients.
	Items []int
}

// Refused is a recipient that the gateway can't be asked to take.
type Refused struct {
	// Index is the recipient's Item.Index.
	Index int
	// Reason is for people. It has neither text nor number in it.
	Reason string
}

// Plan divides in.Items into calls within l. Each item is in exactly one call, or refused because its text is empty or
// can't be sent, has more segments than the gateway takes, or is alone over the byte budget.
//
// The recipients of a call are unique and their texts have one encoding, so that a text which needs UCS-2 never makes
// others UCS-2. Within a call the items are in their given order, and neighbours stay together where nothing parts them.
// A call has its text in Call.Text when all its recipients get the same; otherwise, by l.Texts, in Call.Text with Tags and
// Values, or in each Recipient.Text. A call's bytes are the sum that Limits describes, with a binary message counted as
// hex.
func Plan(in Input, l providers.Limits) ([]Call, []Refused) {
	p := &planner{in: in, limits: l}
	p.limits.Recipients = max(l.Recipients, 1)
	switch {
	case in.Binary != nil:
		// Hex is the largest of the ways that gateways take octets.
		octets := len(in.Binary.UDH) + len(in.Binary.Payload)
		p.same("", in.Binary.Size(), 2*octets)
	case in.Template.Literal():
		text := in.Template.Merge(nil)
		if err := sms.ValidateText(text); err != nil {
			p.refuse(in.Items, err.Error())
			break
		}
		size := sms.Measure(text)
		p.same(text, size, grown(text, l.TextGrowth, size.Encoding))
	default:
		p.each()
	}
	return p.calls, p.refused
}

// planner is one run of Plan.
type planner struct {
	in      Input
	limits  providers.Limits
	calls   []Call
	refused []Refused
}

// same plans a message that is the same for all. Its cost doesn't depend on the recipients, so they are only counted off.
func (p *planner) same(text string, size sms.Size, textBytes int) {
	if reason := p.tooLong(size); reason != "" {
		p.refuse(p.in.Items, reason)
		return
	}
	l := p.limits
	fixed := l.BaseBytes + textBytes
	if reason := p.tooLarge(fixed + l.RecipientBytes); reason != "" {
		p.refuse(p.in.Items, reason)
		return
	}
	perCall := l.Recipients
	if l.Bytes > 0 && l.RecipientBytes > 0 {
		perCall = min(perCall, (l.Bytes-fixed)/l.RecipientBytes)
	}

	all, positions := p.in.Memory.take(len(p.in.Items))
	for _, layer := range layers(p.in.Items, func(it *Item) sms.MSISDN { return it.To }) {
		recipients, indexes := all[:len(layer):len(layer)], positions[:len(layer):len(layer)]
		all, positions = all[len(layer):], positions[len(layer):]
		for i := range layer {
			recipients[i], indexes[i] = providers.Recipient{To: layer[i].To}, layer[i].Index
		}
		p.calls = slices.Grow(p.calls, len(layer)/perCall+1)
		for at := 0; at < len(layer); at += perCall {
			c, end := p.call(size), min(at+perCall, len(layer))
			c.Text, c.Recipients = text, recipients[at:end:end]
			p.calls = append(p.calls, Call{Call: c, Items: indexes[at:end:end]})
		}
	}
}

// call returns a call with what all calls of the plan share.
func (p *planner) call(size sms.Size) providers.Call {
	return providers.Call{
		Reference: p.in.Reference,
		From:      p.in.From,
		Binary:    p.in.Binary,
		Encoding:  size.Encoding,
		Segments:  size.Segments,
	}
}

func (p *planner) refuse(items []Item, reason string) {
	for i := range items {
		p.refused = append(p.refused, Refused{items[i].Index, reason})
	}
}

// tooLong says why a message of that size can't be sent, and "" when it can.
func (p *planner) tooLong(size sms.Size) string {
	if p.limits.Segments <= 0 || size.Segments <= p.limits.Segments {
		return ""
	}
	return fmt.Sprintf("message needs %d segments; the gateway takes at most %d", size.Segments, p.limits.Segments)
}

// fits reports whether a request of so many bytes is within the budget.
func (p *planner) fits(bytes int) bool { return p.limits.Bytes <= 0 || bytes <= p.limits.Bytes }

// tooLarge says why a request for one recipient can't be made, and "" when it can.
func (p *planner) tooLarge(bytes int) string {
	if p.fits(bytes) {
		return ""
	}
	return fmt.Sprintf("request would have %d bytes; the gateway takes at most %d", bytes, p.limits.Bytes)
}
