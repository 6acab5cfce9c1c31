package gateway

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

var (
	_ Pusher        = GatewayAPI{}
	_ InboundPusher = GatewayAPI{}
)

// gatewayAPIPauses are the vendor's. Source: the webhook page of its documentation.
var gatewayAPIPauses = []time.Duration{
	time.Minute, 2 * time.Minute, 6 * time.Minute, 24 * time.Minute, 2 * time.Hour, 12 * time.Hour,
}

func (d GatewayAPI) secret() string {
	if d.WebhookSecret == "" {
		return GatewayAPIWebhookSecret
	}
	return d.WebhookSecret
}

// Push returns the status webhook. A forged one goes to the right address with a signature of another secret, or to an
// almost right one without a signature, each for half of the numbers.
func (d GatewayAPI) Push(m *Message, e Event) []PushRequest {
	to := e.Webhook
	if m.Callback != nil && m.Callback.URL != "" {
		to = m.Callback.URL
	}
	if to == "" {
		return nil
	}
	status, code, why := gatewayAPIStatus(m, e)
	id, _ := strconv.ParseInt(m.ID, 10, 64)
	fields := map[string]any{
		"id": id, "msisdn": uint64(m.To), "time": e.At.Unix(), "status": status, "error": nil, "code": nil, "userref": nil,
		"country_code": "DK", "country_prefix": 45,
	}
	if m.Reference != "" {
		fields["userref"] = m.Reference
	}
	if code != "" {
		fields["code"], fields["error"] = code, why
	}
	secret := d.secret()
	if e.Forged {
		if m.To%2 == 0 {
			return []PushRequest{d.request(Tampered(to), fields, "")}
		}
		secret = "another-secret"
	} else if d.Unsigned {
		secret = ""
	}
	return []PushRequest{d.request(to, fields, secret)}
}

// PushInbound returns the webhook of what a handset wrote.
func (d GatewayAPI) PushInbound(mo MO, webhook string) PushRequest {
	id, _ := strconv.ParseInt(mo.ID, 10, 64)
	receiver, _ := strconv.ParseInt(mo.To, 10, 64)
	secret := d.secret()
	if d.Unsigned {
		secret = ""
	}
	return d.request(webhook, map[string]any{
		"id": id, "msisdn": uint64(mo.From), "receiver": receiver, "message": mo.Text, "senttime": mo.At.Unix(), "webhook_label": "example",
	}, secret)
}

// request returns a POST of fields, signed with secret unless that is empty.
func (d GatewayAPI) request(to string, fields map[string]any, secret string) PushRequest {
	body, err := json.Marshal(fields)
	if err != nil {
		panic(err) // of strings and numbers
	}
	r := PushRequest{Method: http.MethodPost, URL: to, Header: http.Header{"Content-Type": {"application/json"}}, Body: body}
	if secret != "" {
		fields["callback_url"], fields["api"] = to, 4
		claims, err := json.Marshal(fields)
		if err != nil {
			panic(err) // of strings and numbers
		}
		r.Header.Set("X-Gwapi-Signature", SignJWT(`{"typ":"JWT","alg":"HS256"}`, claims, secret))
	}
	return r
}

// SignJWT returns a JSON web token of a header and claims, signed by HMAC-SHA-256 whatever the header says.
func SignJWT(header string, claims []byte, secret string) string {
	signed := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString(claims)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(signed))
	return signed + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// Acked reports whether a status is below 300.
func (d GatewayAPI) Acked(status int, _ []byte) bool { return status/100 == 2 }

// Pauses are one minute to twelve hours, six of them.
func (d GatewayAPI) Pauses() []time.Duration { return gatewayAPIPauses }
