package gateway

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/volleysms/volley/providers"
)

var _ Pusher = Plain{}

// PlainWebhookSecret signs what the plain gateway's JSON door pushes.
const PlainWebhookSecret = "example-plain-hook-secret" //nolint:gosec // made up for the simulation

// Push tells e as the door tells it that m came through: JSON with a list, signed, or a GET, which nothing proves.
func (d Plain) Push(m *Message, e Event) []PushRequest {
	to := e.Webhook
	if m.Callback != nil && m.Callback.URL != "" {
		to = m.Callback.URL
	}
	switch {
	case to == "":
		return nil
	case m.object == plainFormDoor:
		if e.Forged {
			to = Tampered(to)
		}
		word := map[providers.Fate]string{providers.Taken: "ENROUTE", providers.Delivered: "DELIVRD", providers.Undelivered: "UNDELIV"}[e.Fate]
		q := url.Values{"id": {m.ID}, "msisdn": {m.To.String()}, "state": {word}, "ts": {strconv.FormatInt(e.At.Unix(), 10)}}
		if e.Fate == providers.Undelivered {
			q.Set("err", "27")
		}
		return []PushRequest{{Method: http.MethodGet, URL: to + "?" + q.Encode()}}
	}
	word := map[providers.Fate]string{providers.Taken: "sent", providers.Delivered: "delivered", providers.Undelivered: "failed"}[e.Fate]
	report := map[string]any{"id": m.ID, "to": m.To.String(), "status": word, "at": e.At.UTC().Format(time.RFC3339), "reference": m.Reference}
	if e.Fate == providers.Undelivered {
		report["reason"] = "absent subscriber"
	}
	secret := PlainWebhookSecret
	if e.Forged {
		secret = "another-secret"
	}
	return []PushRequest{plainSigned(to, map[string]any{"reports": []any{report}}, secret)}
}

// Word returns a push of the JSON door with a status word of the caller's choice.
func (Plain) Word(word string) PushRequest {
	return plainSigned("https://sms.example.com/r/1", map[string]any{"reports": []any{map[string]any{"id": "p-1-0", "status": word}}}, PlainWebhookSecret)
}

// plainSigned returns a POST of v, signed.
func plainSigned(to string, v any, secret string) PushRequest {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // of strings
	}
	mac := hmac.New(sha256.New, []byte(secret))
	_, _ = mac.Write(body)
	return PushRequest{Method: http.MethodPost, URL: to, Body: body, Header: http.Header{
		"Content-Type": {"application/json"}, "X-Signature": {"sha256=" + hex.EncodeToString(mac.Sum(nil))},
	}}
}

// Acked reports whether a status is 200.
func (Plain) Acked(status int, _ []byte) bool { return status == http.StatusOK }

// Pauses are one of a minute.
func (Plain) Pauses() []time.Duration { return []time.Duration{time.Minute} }
