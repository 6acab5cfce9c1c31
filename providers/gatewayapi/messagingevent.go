package gatewayapi

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/sms"
)

// event is what the Messaging API pushes.
type event struct {
	ID    json.RawMessage `json:"event_id"`
	Type  string          `json:"event_type"`
	Event json.RawMessage `json:"event"`
}

// statusEvent is the event of a message's state.
type statusEvent struct {
	ID        json.RawMessage `json:"msg_id"`
	Recipient msisdn          `json:"recipient"`
	Reference text            `json:"reference"`
	Status    text            `json:"status"`
	At        isoTime         `json:"status_at"`
	Error     struct {
		Code    text `json:"hex_code"`
		Details text `json:"details"`
	} `json:"error"`
}

// userEvent is the event of what a handset wrote. Its content is a text, or an object that has one.
type userEvent struct {
	ID      json.RawMessage `json:"msg_id"`
	Sender  msisdn          `json:"sender"`
	Content json.RawMessage `json:"content"`
	At      isoTime         `json:"sent_at"`
}

// Receive reads an event: a message's state, or a text that a handset wrote. Events of other types are nothing to Volley,
// and in order.
func (m *Messaging) Receive(p providers.Push) (providers.Pushed, error) {
	if p.Method != http.MethodPost {
		return providers.Pushed{}, fmt.Errorf("%w: %.10q is not how GatewayAPI pushes", providers.ErrMalformed, p.Method)
	}
	proven := m.opts.WebhookSecret != ""
	if proven && !signedBy(m.opts.WebhookSecret, p.Header.Values("Signature"), p.Body) {
		return providers.Pushed{}, fmt.Errorf("%w: the body is not signed with HMAC-SHA-256 and the webhook secret", providers.ErrForged)
	}
	out, err := parseEvent(p.Body)
	out.Proven = proven
	return out, err
}

// Ack returns an empty body: the status is all that counts.
func (m *Messaging) Ack() string { return "" }

// signedBy reports whether one of the signatures, written v1=HEX and apart by commas, is that of body.
func signedBy(secret string, signatures []string, body []byte) bool {
	const maxSignatures = 8
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	want := mac.Sum(nil)
	list := strings.SplitN(strings.Join(signatures, ","), ",", maxSignatures+1)
	for _, s := range list[:min(len(list), maxSignatures)] {
		digits, v1 := strings.CutPrefix(strings.TrimSpace(s), "v1=")
		if got, err := hex.DecodeString(digits); v1 && err == nil && hmac.Equal(got, want) {
			return true
		}
	}
	return false
}

// parseEvent reads an event.
func parseEvent(body []byte) (providers.Pushed, error) {
	var e event
	if err := json.Unmarshal(body, &e); err != nil || e.Type == "" {
		return providers.Pushed{}, fmt.Errorf("%w: it is no event of GatewayAPI", providers.ErrMalformed)
	}
	switch {
	case strings.HasPrefix(e.Type, "message.status."):
		var s statusEvent
		if err := json.Unmarshal(e.Event, &s); err != nil || s.Status == "" {
			return providers.Pushed{}, fmt.Errorf("%w: the event has no status", providers.ErrMalformed)
		}
		return providers.Pushed{Reports: []providers.Report{newReport(
			plainID(s.ID), reference(s.Reference), s.Recipient, s.Status, s.Error.Code, s.Error.Details, unixTime(s.At),
		)}}, nil
	case strings.HasPrefix(e.Type, "user-message.text."):
		var u userEvent
		if err := json.Unmarshal(e.Event, &u); err != nil || u.Sender == 0 {
			return providers.Pushed{}, fmt.Errorf("%w: the message is of nobody", providers.ErrMalformed)
		}
		in := providers.Inbound{ID: plainID(u.ID), From: sms.MSISDN(u.Sender), Text: contentText(u.Content), At: time.Time(u.At)}
		if in.ID == "" {
			in.ID = hashOf(in)
		}
		return providers.Pushed{Inbound: []providers.Inbound{in}}, nil
	}
	return providers.Pushed{}, nil
}

func contentText(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	var object struct {
		Message string `json:"message"`
	}
	_ = json.Unmarshal(raw, &object)
	return object.Message
}
