package gatewayapi

import (
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/volleysms/volley/providers"
)

// What a body costs, for Limits.
const (
	messagingBaseBytes = 64
	// messagingRecipientBytes covers the keys, a sender ID, a reference, and a label in its longest writing.
	messagingRecipientBytes = 240 + 4*11 + 64 + 6*64
	// minSender is the shortest sender ID, in characters. Source: OpenAPI document, MobileMessageRequest.
	minSender = 3
)

// messagingUnfit says why a call cannot be written for the Messaging API; empty when it can.
func messagingUnfit(c providers.Call) string {
	switch {
	case c.Binary != nil:
		return "the Messaging API takes no binary messages"
	case utf8.RuneCountInString(string(c.From)) < minSender:
		return "the Messaging API needs a sender ID of 3 characters or more"
	case len(c.Tags) > 0:
		return "the Messaging API merges no fields"
	}
	for i := range c.Recipients {
		if c.Text == "" && c.Recipients[i].Text == "" {
			return "a recipient has no text"
		}
	}
	return ""
}

// appendMessages appends a message for a call of one recipient, and else an object with all of them.
func appendMessages(b []byte, c providers.Call) []byte {
	common := appendMessagingOptions(nil, c)
	if b == nil {
		n := 64
		for i := range c.Recipients {
			n += len(c.From) + len(common) + 64 + len(textOf(c, i))*9/8
		}
		b = make([]byte, 0, n)
	}
	if len(c.Recipients) == 1 {
		return appendMessage(b, c, 0, common)
	}
	b = append(b, `{"messages":[`...)
	for i := range c.Recipients {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendMessage(b, c, i, common)
	}
	return append(b, "]}"...)
}

func textOf(c providers.Call, i int) string {
	if t := c.Recipients[i].Text; t != "" {
		return t
	}
	return c.Text
}

// appendMessage appends the message to recipient i; common is what all messages of the call end with.
func appendMessage(b []byte, c providers.Call, i int, common []byte) []byte {
	b = appendString(append(b, `{"sender":`...), string(c.From))
	b = strconv.AppendUint(append(b, `,"recipient":`...), uint64(c.Recipients[i].To), 10)
	b = appendString(append(b, `,"message":`...), textOf(c, i))
	return append(append(b, common...), '}')
}

// appendMessagingOptions appends the fields that all messages of a call have in common. The reference is the call's, and no
// number of the recipient is added: a report names the recipient, which is in a call once.
func appendMessagingOptions(b []byte, c providers.Call) []byte {
	b = appendField(b, "reference", c.Reference)
	if v := c.Options.Validity; v > 0 {
		seconds := int64((min(v, maxExpiry) + time.Second - 1) / time.Second)
		b = appendField(b, "expiration", "PT"+strconv.FormatInt(seconds, 10)+"S")
	}
	if c.Options.Priority > providers.Normal {
		b = appendField(b, "priority", "urgent")
	}
	return appendField(b, "label", c.Options.Label)
}
