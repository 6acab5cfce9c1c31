package gateway

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/volleysms/volley/sms"
)

// Messaging is the dialect of GatewayAPI.com's Messaging API: POST /mobile/single and /mobile/multi, and the events it
// pushes to ReportPlan.Webhook. A refused number spoils the whole call: the answer is 422 and says which message it is.
//
// Source: the published OpenAPI document of the Messaging API.
type Messaging struct {
	// Token is the API token; empty is GatewayAPIToken.
	Token string
	// WebhookSecret signs what is pushed; empty is GatewayAPIWebhookSecret.
	WebhookSecret string
	// MaxBody is the longest request body, in bytes; 0 is 1 MiB.
	MaxBody int
}

const (
	messagingMaxMessages = 1_000
	messagingMaxText     = 39_015 // characters
	messagingMaxLabel    = 128
	messagingMaxExpiry   = 5 * 24 * time.Hour
)

var (
	_ Pusher        = Messaging{}
	_ InboundPusher = Messaging{}
)

// messagingPauses are made up within what is known: it is repeated for up to 24 hours with growing pauses.
var messagingPauses = []time.Duration{
	10 * time.Second, time.Minute, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 6 * time.Hour, 15 * time.Hour,
}

// Provider returns "gatewayapi".
func (d Messaging) Provider() string { return "gatewayapi" }

// Account returns the token, the webhook's secret, and which API it is.
func (d Messaging) Account() map[string]string {
	return map[string]string{"provider": d.Provider(), "api": "messaging", "token": d.token(), "webhook_secret": d.secret()}
}

func (d Messaging) token() string { return GatewayAPI{Token: d.Token}.token() }

func (d Messaging) secret() string { return GatewayAPI{WebhookSecret: d.WebhookSecret}.secret() }

// Denied returns 403. Missing credentials are answered with 401.
func (d Messaging) Denied() Reply { return JSON(http.StatusForbidden, `{"detail":"Forbidden"}`) }

// Read checks a request.
func (d Messaging) Read(r *http.Request, body []byte, ask *Ask) {
	single := r.URL.Path == "/mobile/single" && r.Method == http.MethodPost
	multi := r.URL.Path == "/mobile/multi" && r.Method == http.MethodPost
	ask.Send = multi || single && strings.TrimSpace(string(body)) != "{}"
	switch auth := r.Header.Get("Authorization"); {
	case auth == "":
		ask.Violate("no credentials", JSON(http.StatusUnauthorized, `{"detail":"Not authenticated"}`))
		return
	case auth != "Token "+d.token():
		ask.Violate("credentials", d.Denied())
		return
	}
	maxBody := d.MaxBody
	if maxBody == 0 {
		maxBody = 1 << 20
	}
	switch {
	case !single && !multi:
		ask.Violate(r.Method+" "+r.URL.Path, JSON(http.StatusNotFound, `{"detail":"Not Found"}`))
	case !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json"):
		ask.Violate("Content-Type "+r.Header.Get("Content-Type"), JSON(http.StatusUnsupportedMediaType, `{}`))
	case len(body) > maxBody:
		ask.Violate("body of "+strconv.Itoa(len(body))+" bytes", JSON(http.StatusRequestEntityTooLarge, `{}`))
	case !utf8.Valid(body):
		messagingInvalid(ask, []any{"body"}, "not UTF-8")
	case !ask.Send: // nobody is to get anything: it asks whether the token is good
		ask.Say(messagingError([]any{"body", "recipient"}, "Field required", "missing"))
	default:
		d.readBody(body, multi, ask)
	}
}

// messagingMulti marks, in Ask.Objects, that the answer has the form of /mobile/multi.
const messagingMulti = 1

func (d Messaging) readBody(body []byte, multi bool, ask *Ask) {
	s := &scanner{b: body}
	if multi {
		ask.Objects = messagingMulti
		s.object(func(key []byte) {
			if string(key) != "messages" {
				messagingInvalid(ask, []any{"body", string(key)}, "unknown key")
				s.skip()
				return
			}
			s.array(func() { d.readMessage(s, ask, []any{"body", "messages", len(ask.Messages)}) })
		})
	} else {
		d.readMessage(s, ask, []any{"body"})
	}
	switch {
	case ask.Violated():
	case !s.end():
		messagingInvalid(ask, []any{"body"}, "JSON decode error")
	case len(ask.Messages) == 0 || len(ask.Messages) > messagingMaxMessages:
		messagingInvalid(ask, []any{"body", "messages"}, strconv.Itoa(len(ask.Messages))+" messages")
	}
}

func (d Messaging) readMessage(s *scanner, ask *Ask, loc []any) {
	var sender, text, reference, expiration string
	var to sms.MSISDN
	seen := map[string]bool{}
	asked := map[string]string{}
	s.object(func(k []byte) {
		key := string(k)
		if seen[key] {
			messagingInvalid(ask, at(loc, key), "key twice")
		}
		seen[key] = true
		switch key {
		case "sender":
			sender = string(s.str())
		case "message":
			text = string(s.str())
		case "recipient":
			to, _ = ParseNumber(s.number())
		case "reference":
			reference = string(s.str())
		case "expiration":
			expiration = string(s.str())
			asked[key] = expiration
		case "priority", "label":
			asked[key] = string(s.str())
		default:
			messagingInvalid(ask, at(loc, key), "unknown key")
			s.skip()
		}
	})
	if s.bad {
		return
	}
	segments, gsm7 := Segments(text)
	n := utf8.RuneCountInString(sender)
	for field, bad := range map[string]bool{
		"recipient":  to == 0,
		"sender":     n < 3 || n > 18 || !validSender(sender),
		"message":    text == "" || utf8.RuneCountInString(text) > messagingMaxText || segments > gatewayAPIMaxSegments,
		"reference":  seen["reference"] && (reference == "" || len(reference) > gatewayAPIMaxReference || !ascii(reference)),
		"priority":   seen["priority"] && asked["priority"] != "normal" && asked["priority"] != "urgent",
		"label":      seen["label"] && (asked["label"] == "" || utf8.RuneCountInString(asked["label"]) > messagingMaxLabel),
		"expiration": seen["expiration"] && !isoDuration(expiration, messagingMaxExpiry),
	} {
		if bad {
			messagingInvalid(ask, at(loc, field), field)
		}
	}
	m := Message{To: to}
	if ask.Record {
		m.From, m.Text, m.Reference, m.Asked = sender, text, reference, asked
		if !gsm7 {
			m.Encoding = sms.UCS2
		}
	}
	ask.Add(m)
}

// isoDuration reports whether s is a duration such as P3DT4H33M17S, above zero and at most longest.
func isoDuration(s string, longest time.Duration) bool {
	rest, ok := strings.CutPrefix(s, "P")
	date, clock, timed := strings.Cut(rest, "T")
	if !ok || rest == "" || timed && clock == "" {
		return false
	}
	var total time.Duration
	for part, units := range map[string]map[byte]time.Duration{
		date:        {'D': 24 * time.Hour},
		"T" + clock: {'H': time.Hour, 'M': time.Minute, 'S': time.Second},
	} {
		part = strings.TrimPrefix(part, "T")
		for part != "" {
			i := strings.IndexFunc(part, func(r rune) bool { return r < '0' || r > '9' })
			if i < 1 {
				return false
			}
			n, err := strconv.Atoi(part[:i])
			unit := units[part[i]]
			if err != nil || unit == 0 || n > 1_000_000 {
				return false
			}
			total += time.Duration(n) * unit
			part = part[i+1:]
		}
	}
	return total > 0 && total <= longest
}

// Answer accepts the whole call, each message under an ID of its own, or none of it.
func (d Messaging) Answer(ask *Ask, buf []byte) Reply {
	if i := ask.RefusedAny(); i >= 0 {
		ask.RefuseAll()
		loc := []any{"body", "recipient"}
		if ask.Objects == messagingMulti {
			loc = []any{"body", "messages", i, "recipient"}
		}
		return messagingError(loc, "Recipient is not allowed", "value_error")
	}
	if ask.Objects == messagingMulti {
		buf = append(buf, `{"responses":[`...)
	}
	for k := range ask.Messages {
		// Answers are matched by their recipient: the order is not the request's.
		i := len(ask.Messages) - 1 - k
		m := &ask.Messages[i]
		m.ID = fmt.Sprintf("01SIM%010X%011X", ask.N, i)
		if k > 0 {
			buf = append(buf, ',')
		}
		buf = append(append(buf, `{"msg_id":"`...), m.ID...)
		buf = strconv.AppendUint(append(buf, `","recipient":`...), uint64(m.To), 10)
		buf = append(buf, `,"reference":`...)
		if m.Reference == "" {
			buf = append(buf, `null}`...)
		} else {
			buf = append(strconv.AppendQuote(buf, m.Reference), '}')
		}
	}
	if ask.Objects == messagingMulti {
		buf = append(buf, "]}"...)
	}
	return Reply{Status: http.StatusAccepted, Type: "application/json", Body: buf}
}

// Push returns the status event. A forged one is signed with another secret, or not at all, each for half of the numbers.
func (d Messaging) Push(m *Message, e Event) []PushRequest {
	if e.Webhook == "" {
		return nil
	}
	status, code, why := gatewayAPIStatus(m, e)
	switch status { // words that the Messaging API does not have
	case "BUFFERED":
		status = "ENROUTE"
	case "SKIPPED":
		status = "REJECTED"
	}
	event := map[string]any{
		"msg_id": m.ID, "recipient": uint64(m.To), "reference": nil, "status": status,
		"status_at": e.At.UTC().Format("2006-01-02T15:04:05.000000-07:00"), "error": nil,
	}
	if m.Reference != "" {
		event["reference"] = m.Reference
	}
	if code != "" {
		event["error"] = map[string]string{"hex_code": code, "details": why}
	}
	secret := d.secret()
	if e.Forged {
		secret = ""
		if m.To%2 == 0 {
			secret = "another-secret"
		}
	}
	return []PushRequest{d.request(e.Webhook, fmt.Sprintf("%016x", mix(uint64(m.To)^uint64(e.Fate))), "message.status.sms", event, e.At, secret)}
}

// PushInbound returns the event of what a handset wrote.
func (d Messaging) PushInbound(mo MO, webhook string) PushRequest {
	return d.request(webhook, mo.ID, "user-message.text.sms", map[string]any{
		"msg_id": mo.ID, "sender": uint64(mo.From), "sent_at": mo.At.UTC().Format(time.RFC3339Nano),
		"content": map[string]any{"message": mo.Text, "encoding": nil, "header": nil},
	}, mo.At, d.secret())
}

func (d Messaging) request(to, id, kind string, event map[string]any, at time.Time, secret string) PushRequest {
	body, err := json.Marshal(map[string]any{
		"event_id": id, "timestamp": at.UTC().Format(time.RFC3339Nano), "event_type": kind, "event": event,
	})
	if err != nil {
		panic(err) // of strings and numbers
	}
	r := PushRequest{Method: http.MethodPost, URL: to, Header: http.Header{"Content-Type": {"application/json"}}, Body: body}
	if secret != "" {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write(body)
		r.Header.Set("Signature", "v1="+hex.EncodeToString(mac.Sum(nil)))
	}
	return r
}

// Acked reports whether a status is from 200 to 299.
func (d Messaging) Acked(status int, _ []byte) bool { return status/100 == 2 }

// Pauses grow from ten seconds, and are 24 hours together.
func (d Messaging) Pauses() []time.Duration { return messagingPauses }

// at is a place below loc.
func at(loc []any, key string) []any { return append(slices.Clone(loc), key) }

// messagingInvalid is a violation that is answered with 422.
func messagingInvalid(ask *Ask, loc []any, why string) {
	ask.Violate(fmt.Sprint(why, " at ", loc), messagingError(loc, "Invalid: "+why, "value_error"))
}

func messagingError(loc []any, message, kind string) Reply {
	body, err := json.Marshal(map[string]any{"detail": []map[string]any{{"loc": loc, "msg": message, "type": kind}}})
	if err != nil {
		panic(err) // of strings and numbers
	}
	return JSON(http.StatusUnprocessableEntity, string(body))
}
