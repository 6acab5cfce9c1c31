package gateway

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/volleysms/volley/sms"
)

// The token that the simulated GatewayAPI accepts, and the secret that it signs pushes with, unless told otherwise.
const (
	GatewayAPIToken         = "example-token-not-a-real-one"          //nolint:gosec // made up for the simulation
	GatewayAPIWebhookSecret = "example-webhook-secret-not-a-real-one" //nolint:gosec // made up for the simulation
)

// GatewayAPI is the dialect of GatewayAPI.com's REST API: POST /rest/mtsms, GET and DELETE /rest/mtsms/{id}, GET /rest/me
// and /rest/mosms, and what it pushes. One refused number spoils the whole call: the answer is 403 0x0215 and names it.
type GatewayAPI struct { //nolint:revive // the vendor's name
	// Token is the API token; empty is GatewayAPIToken.
	Token string
	// WebhookSecret signs what is pushed; empty is GatewayAPIWebhookSecret.
	WebhookSecret string
	// Unsigned pushes without a signature, as to a webhook without a secret.
	Unsigned bool
	// MaxBody is the longest request body, in bytes; 0 is 1 MiB.
	MaxBody int
}

const (
	gatewayAPIMaxRecipients = 10_000
	gatewayAPIMaxObjects    = 100
	gatewayAPIMaxReference  = 64
	gatewayAPIMaxSegments   = 255
	incident                = "00000000-0000-4000-8000-00000000cafe"
)

// Provider returns "gatewayapi".
func (d GatewayAPI) Provider() string { return "gatewayapi" }

// Account returns the token and the webhook's secret.
func (d GatewayAPI) Account() map[string]string {
	return map[string]string{"provider": d.Provider(), "token": d.token(), "webhook_secret": d.secret()}
}

func (d GatewayAPI) token() string {
	if d.Token == "" {
		return GatewayAPIToken
	}
	return d.Token
}

// Denied returns 401 0x0229.
func (d GatewayAPI) Denied() Reply {
	return gatewayAPIError(http.StatusUnauthorized, "0x0229", "Invalid token")
}

// Read checks a request.
func (d GatewayAPI) Read(r *http.Request, body []byte, ask *Ask) {
	ask.Send = r.URL.Path == "/rest/mtsms" && r.Method == http.MethodPost
	if r.URL.Path == "/api/prices/list/sms/json" && r.Method == http.MethodGet { // of which anybody may ask
		ask.Say(JSON(http.StatusOK, gatewayAPIPrices))
		return
	}
	user, pass, _ := r.BasicAuth()
	if r.Header.Get("Authorization") != "Token "+d.token() && (user != d.token() || pass != "") {
		ask.Violate("credentials", d.Denied())
		return
	}
	maxBody := d.MaxBody
	if maxBody == 0 {
		maxBody = 1 << 20
	}
	switch {
	case d.readOther(r, body, ask):
	case !ask.Send:
		ask.Violate(r.Method+" "+r.URL.Path, JSON(http.StatusNotFound, `{"message":"Not found"}`))
	case r.URL.RawQuery != "":
		ask.Violate("a query", gatewayAPIError(http.StatusBadRequest, "0x0220", "Unexpected query"))
	case !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json"):
		ask.Violate("Content-Type "+r.Header.Get("Content-Type"), JSON(http.StatusUnsupportedMediaType, `{}`))
	case len(body) > maxBody:
		ask.Violate("body of "+strconv.Itoa(len(body))+" bytes", JSON(http.StatusRequestEntityTooLarge, `{}`))
	case !utf8.Valid(body):
		ask.Violate("body is not UTF-8", gatewayAPIError(http.StatusBadRequest, "0x0220", "Not UTF-8"))
	default:
		d.readBody(body, ask)
	}
}

func (d GatewayAPI) readBody(body []byte, ask *Ask) {
	s := &scanner{b: body}
	if s.peek() == '[' {
		s.array(func() { d.readMessage(s, ask) })
	} else {
		d.readMessage(s, ask)
	}
	switch {
	case ask.Violated():
	case !s.end():
		ask.Violate("JSON", gatewayAPIError(http.StatusBadRequest, "0x0220", "Cannot parse JSON"))
	case ask.Objects == 0 || ask.Objects > gatewayAPIMaxObjects:
		invalid(ask, "0x0300", strconv.Itoa(ask.Objects)+" message objects")
	}
}

// gatewayAPIMessage is one message object as it is read.
type gatewayAPIMessage struct {
	object                               int // its index in the request
	start                                int // the index of its first recipient among the request's
	message, sender, reference, encoding string
	payload, udh                         []byte
	hasPayload                           bool
	tags                                 []string
	values                               [][]string // by recipient; nil when none has any
	callback                             string
	due                                  time.Time
	asked                                map[string]string // the other fields, as they were written
}

func (d GatewayAPI) readMessage(s *scanner, ask *Ask) {
	m := gatewayAPIMessage{object: ask.Objects, start: len(ask.Messages)}
	ask.Objects++
	var seen []string
	s.object(func(k []byte) {
		key := string(k)
		for _, other := range seen {
			if other == key {
				invalid(ask, "0x0300", "key "+key+" twice")
			}
		}
		seen = append(seen, key)
		switch key {
		case "message":
			m.message = string(s.str())
		case "sender":
			m.sender = string(s.str())
		case "userref":
			m.reference = string(s.str())
		case "encoding":
			m.encoding = string(s.str())
		case "payload":
			m.hasPayload, m.payload = true, base64Field(s, ask, key)
		case "udh":
			m.udh = base64Field(s, ask, key)
		case "tags":
			s.array(func() { m.tags = append(m.tags, string(s.str())) })
		case "recipients":
			s.array(func() { readRecipient(s, ask, &m) })
		case "callback_url":
			if m.callback = string(s.str()); !strings.HasPrefix(m.callback, "https://") && !strings.HasPrefix(m.callback, "http://") {
				invalid(ask, "0x0300", "callback_url")
			}
		case "class", "priority", "label", "destaddr", "extra_details":
			m.ask(key, s.str())
		case "sendtime", "validity_period", "max_parts":
			m.ask(key, s.number())
		default:
			invalid(ask, "0x0300", "unknown key "+key)
			s.skip()
		}
	})
	if s.bad || ask.Violated() {
		return
	}
	m.check(ask)
	m.checkWishes(ask)
	for i := m.start; i < len(ask.Messages) && !ask.Violated(); i++ {
		m.fill(ask, &ask.Messages[i], i-m.start)
	}
}

func base64Field(s *scanner, ask *Ask, key string) []byte {
	b, err := base64.StdEncoding.DecodeString(string(s.str()))
	if err != nil {
		invalid(ask, "0x0300", key+" is not base64")
	}
	return b
}

func readRecipient(s *scanner, ask *Ask, m *gatewayAPIMessage) {
	var to sms.MSISDN
	var ok bool
	var values []string
	s.object(func(k []byte) {
		switch string(k) {
		case "msisdn":
			if s.peek() == '"' {
				to, ok = ParseNumber(s.str())
			} else {
				to, ok = ParseNumber(s.number())
			}
		case "tagvalues":
			s.array(func() { values = append(values, string(s.str())) })
		default:
			invalid(ask, "0x0300", "unknown key "+string(k)+" of a recipient")
			s.skip()
		}
	})
	if s.bad {
		return
	}
	if !ok {
		invalid(ask, "0x0308", "msisdn")
	}
	ask.Add(Message{To: to, object: m.object})
	if values != nil || m.values != nil {
		for len(m.values) < len(ask.Messages)-m.start-1 {
			m.values = append(m.values, nil)
		}
		m.values = append(m.values, values)
	}
}

// check looks at what all recipients of the object have in common.
func (m *gatewayAPIMessage) check(ask *Ask) {
	n := len(ask.Messages) - m.start
	segments, gsm7 := Segments(m.message)
	switch {
	case n == 0 || n > gatewayAPIMaxRecipients:
		invalid(ask, "0x0309", strconv.Itoa(n)+" recipients")
	case m.hasPayload && (m.message != "" || m.tags != nil):
		invalid(ask, "0x0300", "payload beside message or tags")
	case !m.hasPayload && (m.message == "" || m.udh != nil):
		invalid(ask, "0x0300", "no message")
	case m.encoding != "" && m.encoding != "UTF8" && m.encoding != "UCS2":
		invalid(ask, "0x0300", "encoding "+m.encoding)
	case m.encoding != "UCS2" && !gsm7:
		invalid(ask, "0x0300", "characters that GSM-7 does not have, sent as UTF8")
	case segments > gatewayAPIMaxSegments:
		invalid(ask, "0x0300", "too long")
	case !validSender(m.sender):
		invalid(ask, "0x0300", "sender")
	case len(m.reference) > gatewayAPIMaxReference || !ascii(m.reference):
		invalid(ask, "0x0300", "userref")
	}
	for _, tag := range m.tags {
		if tag == "" {
			invalid(ask, "0x0300", "empty tag")
		}
	}
	if to, twice := ask.Duplicate(m.start); twice {
		ask.Violate("a number twice", JSON(http.StatusUnprocessableEntity, fmt.Sprintf(
			`{"code":"0x0310","incident_uuid":"%s","message":"A message contains the same recipient more than once. MSISDNs %%1 is duplicated","variables":["%s"]}`,
			incident, to)))
	}
}

// fill writes what recipient i of the object gets into msg.
func (m *gatewayAPIMessage) fill(ask *Ask, msg *Message, i int) {
	var values []string
	if m.values != nil {
		values = m.values[i]
	}
	if len(values) != len(m.tags) {
		invalid(ask, "0x0300", "tagvalues do not match tags")
		return
	}
	if !ask.Record {
		return
	}
	msg.From, msg.Reference, msg.Text = m.sender, m.reference, m.message
	msg.Due, msg.Asked = m.due, m.asked
	if m.callback != "" {
		msg.Callback = &Callback{URL: m.callback}
	}
	for t, tag := range m.tags {
		msg.Text = strings.ReplaceAll(msg.Text, tag, values[t])
	}
	if m.encoding == "UCS2" {
		msg.Encoding = sms.UCS2
	} else if _, gsm7 := Septets(msg.Text); !gsm7 {
		invalid(ask, "0x0300", "characters that GSM-7 does not have in tagvalues, sent as UTF8")
	}
	if m.hasPayload {
		msg.Encoding, msg.Binary = sms.Data, &sms.Binary{UDH: m.udh, Payload: m.payload}
	}
}

func validSender(s string) bool {
	if strings.Trim(s, "0123456789") == "" {
		return len(s) <= 15
	}
	return utf8.RuneCountInString(s) <= 11
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// Answer accepts the whole call under one ID for each message object, or none of it.
func (d GatewayAPI) Answer(ask *Ask, buf []byte) Reply {
	if i := ask.RefusedAny(); i >= 0 {
		to := ask.Messages[i].To
		ask.RefuseAll()
		return JSON(http.StatusForbidden, fmt.Sprintf(
			`{"code":"0x0215","incident_uuid":"%s","message":"MSISDN %%1 is blacklisted","variables":["%s"]}`, incident, to))
	}
	const firstID = 421_000_000
	id := firstID + ask.N*gatewayAPIMaxObjects
	if ask.Record {
		for i := range ask.Messages {
			ask.Messages[i].ID = strconv.FormatInt(id+int64(ask.Messages[i].object), 10)
		}
	}
	buf = append(buf, `{"ids":[`...)
	for i := range ask.Objects {
		if i > 0 {
			buf = append(buf, ',')
		}
		buf = strconv.AppendInt(buf, id+int64(i), 10)
	}
	buf = append(buf, `],"usage":{"countries":{"DK":`...)
	buf = strconv.AppendInt(buf, int64(len(ask.Messages)), 10)
	buf = append(buf, `},"currency":"DKK","total_cost":0.30}}`...)
	return Reply{Status: http.StatusOK, Type: "application/json", Body: buf}
}

// invalid is a violation that is answered with 422.
func invalid(ask *Ask, code, why string) {
	ask.Violate(why, gatewayAPIError(http.StatusUnprocessableEntity, code, "Validation: "+strconv.Quote(why)))
}

func gatewayAPIError(status int, code, message string) Reply {
	return JSON(status, fmt.Sprintf(`{"code":%q,"incident_uuid":%q,"message":%q}`, code, incident, message))
}
