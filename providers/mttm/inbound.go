package mttm

import (
	"encoding/hex"
	"net/url"
	"strings"
	"unicode/utf16"

	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/sms"
)

// What bounds an inbound message: a text of 255 segments has less.
const (
	maxInboundText = 32 << 10
	maxAddress     = 40
)

// isInbound reports whether fields are those of an inbound message, which a report has not.
func isInbound(fields url.Values) bool {
	return fields.Has("origin-connector") || fields.Has("from") && (fields.Has("content") || fields.Has("binary"))
}

// readInbound reads what a handset wrote, as the gateway's HTTP connector passes it on: id, from, to, content and, with the same
// octets in hex, binary; beside them coding, where it is not the network's own alphabet. Source: fact sheet section 7.
func readInbound(fields url.Values) (providers.Inbound, error) {
	m := providers.Inbound{ID: fields.Get("id"), To: strings.ToValidUTF8(fields.Get("to"), "\uFFFD")}
	from, err := sms.ParseMSISDN(fields.Get("from"))
	switch {
	case err != nil:
		return m, malformed("from is not a number")
	case !isID(m.ID):
		return m, malformed("id is not an identifier")
	case len(m.To) > maxAddress:
		return m, malformed("to has more than %d bytes", maxAddress)
	case !fields.Has("content") && !fields.Has("binary"):
		return m, malformed("content, the text, is missing")
	case len(fields.Get("content")) > maxInboundText || len(fields.Get("binary")) > 2*maxInboundText:
		return m, malformed("the text has more than %d bytes", maxInboundText)
	}
	m.From = from
	m.Text, err = inboundText(fields.Get("coding"), fields.Get("content"), fields.Get("binary"))
	return m, err
}

// The codings of which the octets are read; in all others content has the text. Source: 3GPP TS 23.038 and fact sheet section 2.
const (
	inboundLatin1 = "3"
	inboundUCS2   = "8"
)

// inboundText returns the text of an inbound message. Where the octets of another alphabet come without binary, somebody on
// the way has made a text of them.
func inboundText(coding, content, binary string) (string, error) {
	octets, err := hex.DecodeString(binary)
	switch {
	case err != nil:
		return "", malformed("binary is not hex")
	case coding == inboundUCS2 && len(octets) > 0 && len(octets)%2 == 0:
		units := make([]uint16, len(octets)/2)
		for i := range units {
			units[i] = uint16(octets[2*i])<<8 | uint16(octets[2*i+1])
		}
		return string(utf16.Decode(units)), nil
	case coding == inboundLatin1 && len(octets) > 0:
		text := make([]rune, len(octets))
		for i, o := range octets {
			text[i] = rune(o)
		}
		return string(text), nil
	case content == "":
		content = string(octets)
	}
	return strings.ToValidUTF8(content, "\uFFFD"), nil
}
