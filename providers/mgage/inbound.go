package mgage

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"strings"

	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/sms"
)

var _ providers.Receiver = (*Adapter)(nil)

// Receive reads an inbound message that the gateway forwards: a form with device_address, the handset, inbound_address, the
// code, and message_orig or message, the text. The ID is message_id and message_subid. The gateway does not sign it: let the
// address have a secret in it, and nobody in but 208.71.240.0/21. Source: the vendor's page "Forward incoming SMS messages to
// your web server with gateway services".
func (a *Adapter) Receive(p providers.Push) (providers.Pushed, error) {
	form, err := url.ParseQuery(string(p.Body))
	if err != nil {
		return providers.Pushed{}, malformed("it is not a form")
	}
	from, err := sms.ParseMSISDN(form.Get("device_address"))
	if err != nil {
		return providers.Pushed{}, malformed("device_address is not a number")
	}
	if !form.Has("message") && !form.Has("message_orig") {
		return providers.Pushed{}, malformed("message, the text, is missing")
	}
	text := form.Get("message_orig") // as it came, before the gateway made something of it
	if text == "" {
		text = form.Get("message")
	}
	return providers.Pushed{Inbound: []providers.Inbound{{
		ID: inboundID(form), From: from, To: clean(form.Get("inbound_address")), Text: clean(text), Carrier: clean(form.Get("carrier")),
	}}}, nil
}

// Ack is empty: the gateway wants a quick 200.
func (a *Adapter) Ack() string { return "" }

// inboundID is the gateway's identifier, or a hash of all that it says when it gives none.
func inboundID(form url.Values) string {
	if id := []byte(form.Get("message_id")); plausibleID(id) {
		sub := []byte(form.Get("message_subid"))
		if !plausibleID(sub) {
			sub = []byte("0")
		}
		return string(id) + "/" + string(sub)
	}
	sum := sha256.Sum256([]byte(form.Encode()))
	return hex.EncodeToString(sum[:16])
}

func malformed(why string) error { return fmt.Errorf("%s: %w: %s", Name, providers.ErrMalformed, why) }

// clean returns s as UTF-8.
func clean(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
