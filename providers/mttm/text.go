package mttm

import (
	"fmt"

	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/sms"
)

// maxFromBytes is the longest sender, in bytes. The gateway takes a message with a longer one, and drops it. Source: fact
// sheet section 9.
const maxFromBytes = 20

// What a segment holds, alone and joined: UTF-16 units and octets. Source: 3GPP TS 23.040 section 9.2.3.24.1.
const (
	unitsAlone, unitsJoined   = 70, 67
	octetsAlone, octetsJoined = 140, 134
)

// texts says which texts the gateway can be given: it would send an empty one as it is, and cut off a long one, and in both
// cases say success.
type texts struct{ maxSegments int }

// refuse says why a call can't be made at all, and "" when it can.
func (l texts) refuse(c *providers.Call) string {
	switch {
	case len(c.Tags) > 0:
		return "the gateway merges no fields"
	case len(c.From) > maxFromBytes:
		return fmt.Sprintf("the sender has %d bytes; at most %d are allowed", len(c.From), maxFromBytes)
	case c.Segments > l.maxSegments && (c.Binary != nil || oneText(c)):
		return l.tooLong(c.Segments)
	case c.Binary == nil:
		return ""
	case len(c.Binary.UDH) > 0:
		return "a binary message with a user data header cannot be sent"
	case len(c.Binary.Payload) == 0:
		return "the binary message is empty"
	}
	if segments := joined(len(c.Binary.Payload), octetsAlone, octetsJoined); segments > l.maxSegments {
		return l.tooLong(segments)
	}
	return ""
}

// refuseTexts returns the results of a call of which a text can't be sent, and nil when all can.
func (l texts) refuseTexts(c *providers.Call, how coding) []providers.Result {
	if how == codingBinary {
		return nil
	}
	if oneText(c) {
		if why := l.refuseText(c.Text, how); why != "" {
			return fail(len(c.Recipients), providers.Invalid, why)
		}
		return nil
	}
	var results []providers.Result
	for i := range c.Recipients {
		why := l.refuseText(textFor(c, i), how)
		if why == "" {
			continue
		}
		if results == nil {
			results = fail(len(c.Recipients), providers.Again, "another text of the call cannot be sent")
		}
		results[i] = fail(1, providers.Invalid, why)[0]
	}
	return results
}

func (l texts) refuseText(text string, how coding) string {
	if text == "" {
		return "the text is empty"
	}
	segments := 0
	if how == codingUCS2 {
		units := 0
		for _, r := range text {
			units++
			if r > 0xFFFF {
				units++
			}
		}
		segments = joined(units, unitsAlone, unitsJoined)
	} else {
		segments = sms.Measure(text).Segments
	}
	if segments > l.maxSegments {
		return l.tooLong(segments)
	}
	return ""
}

func (l texts) tooLong(segments int) string {
	return fmt.Sprintf("the message needs %d segments; at most %d are allowed", segments, l.maxSegments)
}

// joined returns how many segments that many units make.
func joined(units, alone, each int) int {
	if units <= alone {
		return 1
	}
	return (units + each - 1) / each
}

// codingFor returns how the call's texts are written. A character that GSM-7 lacks makes it UCS-2, whatever the call's
// Encoding: the gateway would turn it into "?".
func codingFor(c *providers.Call) coding {
	switch {
	case c.Binary != nil:
		return codingBinary
	case c.Encoding == sms.UCS2:
		return codingUCS2
	case oneText(c):
		if !sms.IsGSM7(c.Text) {
			return codingUCS2
		}
		return codingGSM
	}
	for i := range c.Recipients {
		if !sms.IsGSM7(textFor(c, i)) {
			return codingUCS2
		}
	}
	return codingGSM
}

// oneText reports whether every recipient gets the call's text, or its Binary.
func oneText(c *providers.Call) bool {
	for i := range c.Recipients {
		if c.Recipients[i].Text != "" {
			return false
		}
	}
	return true
}

// textFor returns what recipient i gets.
func textFor(c *providers.Call, i int) string {
	if own := c.Recipients[i].Text; own != "" {
		return own
	}
	return c.Text
}
