package gatewayapi

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/volleysms/volley/internal/redact"
	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/sms"
)

// statusFields are those of a status webhook.
type statusFields struct {
	ID      json.RawMessage `json:"id"`
	MSISDN  msisdn          `json:"msisdn"`
	Time    unixTime        `json:"time"`
	Status  text            `json:"status"`
	Error   text            `json:"error"`
	Code    text            `json:"code"`
	UserRef text            `json:"userref"`
}

// inboundFields are those of an inbound message, by which it differs from a status. The list of them calls the identifier
// otherwise.
type inboundFields struct {
	ID       json.RawMessage `json:"id"`
	ListID   json.RawMessage `json:"mosms_id"`
	From     msisdn          `json:"msisdn"`
	Receiver text            `json:"receiver"`
	Message  *string         `json:"message"`
	SentTime unixTime        `json:"senttime"`
}

// Receive reads a status webhook or an inbound one: one with a receiver and a message is inbound.
//
// With a webhook secret, a signature proves the push and what counts is what was signed, not the body, which is no part of
// the signature. What is pushed again, by the gateway or by somebody who saw it, says the same again.
func (a *Adapter) Receive(p providers.Push) (providers.Pushed, error) {
	if p.Method != http.MethodPost {
		return providers.Pushed{}, fmt.Errorf("%w: %.10q is not how GatewayAPI pushes", providers.ErrMalformed, p.Method)
	}
	said, proven, err := a.verified(p)
	if err != nil {
		return providers.Pushed{}, err
	}
	out, err := parsePush(said)
	out.Proven = proven
	return out, err
}

// Ack returns an empty body: the status is all that counts.
func (a *Adapter) Ack() string { return "" }

// parsePush reads the fields of a push.
func parsePush(said []byte) (providers.Pushed, error) {
	var status statusFields
	var inbound inboundFields
	if json.Unmarshal(said, &status) != nil || json.Unmarshal(said, &inbound) != nil {
		return providers.Pushed{}, fmt.Errorf("%w: it is no JSON object of GatewayAPI", providers.ErrMalformed)
	}
	switch {
	case inbound.Message != nil && inbound.Receiver != "":
		m, ok := inbound.inbound()
		if !ok {
			return providers.Pushed{}, fmt.Errorf("%w: the inbound message is of nobody", providers.ErrMalformed)
		}
		return providers.Pushed{Inbound: []providers.Inbound{m}}, nil
	case status.Status != "":
		return providers.Pushed{Reports: []providers.Report{newReport(
			plainID(status.ID), reference(status.UserRef), status.MSISDN, status.Status, status.Code, status.Error, status.Time,
		)}}, nil
	}
	return providers.Pushed{}, fmt.Errorf("%w: it has neither a status nor a message", providers.ErrMalformed)
}

// inbound returns the message; ok is false when it is of no known sender.
func (f *inboundFields) inbound() (m providers.Inbound, ok bool) {
	if f.From == 0 || f.Message == nil {
		return m, false
	}
	m = providers.Inbound{From: sms.MSISDN(f.From), To: redact.Cap(string(f.Receiver)), Text: *f.Message, At: time.Time(f.SentTime)}
	if m.ID = plainID(f.ListID); m.ID == "" {
		m.ID = plainID(f.ID)
	}
	if m.ID == "" {
		m.ID = hashOf(m)
	}
	return m, true
}

// hashOf tells a repetition of an inbound message from a new one where the gateway gives no identifier.
func hashOf(m providers.Inbound) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d\x00%s\x00%d\x00%s", m.From, m.To, m.At.UnixMilli(), m.Text))
	return hex.EncodeToString(sum[:16])
}
