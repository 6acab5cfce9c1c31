package gateway

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/volleysms/volley/sms"
)

// PlainToken is the credential that the plain gateway accepts.
const PlainToken = "example-plain-token" //nolint:gosec // made up for the simulation

// plainFormDoor marks what came by /send.
const plainFormDoor = 1

// plainMost is the most recipients of one JSON call.
const plainMost = 100

// Plain is the dialect of a gateway that is no vendor's: what the http adapter is shown with. It has two doors.
//
// POST /v1/messages takes JSON with up to 100 messages and a Bearer token, and answers 202 with a result for each, which it
// names by the number and not by the order. GET /v1/account tells the balance.
//
// POST or GET /send takes a form or query with one message and the key, and answers "OK: ID" or "ERR CODE: WORDS" in text.
//
// Both answer 503 when busy; nothing is taken then.
type Plain struct{}

// Provider returns "http".
func (Plain) Provider() string { return "http" }

// Account returns the token.
func (d Plain) Account() map[string]string {
	return map[string]string{"provider": d.Provider(), "token": PlainToken}
}

// Denied returns 401 in the words of the JSON door.
func (Plain) Denied() Reply { return plainError(http.StatusUnauthorized, "login", "unknown token") }

func plainError(status int, code, message string) Reply {
	return JSON(status, fmt.Sprintf(`{"error":{"code":%q,"message":%q}}`, code, message))
}

// Read checks a request.
func (d Plain) Read(r *http.Request, body []byte, ask *Ask) {
	switch {
	case r.URL.Path == "/send":
		ask.Send = true
		d.readForm(r, body, ask)
	case r.URL.Path == "/v1/messages" && r.Method == http.MethodPost:
		ask.Send = true
		d.readJSON(r, body, ask)
	case r.Header.Get("Authorization") != "Bearer "+PlainToken:
		ask.Violate("credentials", d.Denied())
	case r.URL.Path == "/v1/account" && r.Method == http.MethodGet:
		ask.Say(JSON(http.StatusOK, `{"balance":"12.50 EUR"}`))
	default:
		ask.Violate(r.Method+" "+r.URL.Path, plainError(http.StatusNotFound, "path", "not found"))
	}
}

func (d Plain) readJSON(r *http.Request, body []byte, ask *Ask) {
	switch {
	case r.Header.Get("Authorization") != "Bearer "+PlainToken:
		ask.Violate("credentials", d.Denied())
		return
	case r.Header.Get("Content-Type") != "application/json":
		ask.Violate("Content-Type "+r.Header.Get("Content-Type"), plainError(http.StatusUnsupportedMediaType, "type", "send JSON"))
		return
	case r.URL.RawQuery != "" || !utf8.Valid(body):
		ask.Violate("a query, or no UTF-8", plainError(http.StatusBadRequest, "request", "bad request"))
		return
	}
	var from, reference string
	var callback *Callback
	var unicode bool
	var binary *sms.Binary
	s := &scanner{b: body}
	s.object(func(k []byte) {
		switch string(k) {
		case "from":
			from = string(s.str())
		case "reference":
			reference = string(s.str())
		case "report_url":
			callback = plainCallback(ask, string(s.str()))
		case "unicode":
			unicode = s.peek() == 't'
			s.skip()
		case "payload":
			binary = binaryOr(binary)
			binary.Payload = plainHex(ask, s.str())
		case "udh":
			binary = binaryOr(binary)
			binary.UDH = plainHex(ask, s.str())
		case "messages":
			s.array(func() { plainMessage(s, ask) })
		default:
			plainBad(ask, "unknown key "+string(k))
			s.skip()
		}
	})
	switch n := len(ask.Messages); {
	case !s.end():
		plainBad(ask, "no JSON")
	case n == 0 || n > plainMost:
		plainBad(ask, strconv.Itoa(n)+" messages")
	case !validSender(from) || len(reference) > 64:
		plainBad(ask, "from or reference")
	}
	if _, twice := ask.Duplicate(0); twice {
		plainBad(ask, "a number twice")
	}
	for i := range ask.Messages {
		m := &ask.Messages[i]
		m.From, m.Reference, m.Binary, m.Callback = from, reference, binary, callback
		plainText(ask, m, unicode)
	}
}

func binaryOr(b *sms.Binary) *sms.Binary {
	if b == nil {
		return new(sms.Binary)
	}
	return b
}

func plainBad(ask *Ask, why string) {
	ask.Violate(why, plainError(http.StatusBadRequest, "request", "bad request"))
}

// plainCallback returns where reports go.
func plainCallback(ask *Ask, to string) *Callback {
	if u, err := url.Parse(to); err != nil || u.Host == "" {
		plainBad(ask, "the address for reports")
	}
	return &Callback{URL: to}
}

func plainHex(ask *Ask, s []byte) []byte {
	b := make([]byte, hex.DecodedLen(len(s)))
	if _, err := hex.Decode(b, s); err != nil {
		plainBad(ask, "no hex")
	}
	return b
}

func plainMessage(s *scanner, ask *Ask) {
	var m Message
	var ok bool
	s.object(func(k []byte) {
		switch string(k) {
		case "to":
			m.To, ok = ParseNumber(s.str())
		case "text":
			m.Text = string(s.str())
		default:
			plainBad(ask, "unknown key "+string(k)+" of a message")
			s.skip()
		}
	})
	if !s.bad && !ok {
		plainBad(ask, "to")
	}
	ask.Add(m)
}

// plainText looks at whether a text fits how it is to be sent.
func plainText(ask *Ask, m *Message, unicode bool) {
	_, gsm7 := Septets(m.Text)
	switch {
	case m.Binary != nil:
		if m.Encoding = sms.Data; m.Text != "" || len(m.Binary.Payload) == 0 {
			plainBad(ask, "a text beside a payload, or an empty payload")
		}
	case m.Text == "":
		plainBad(ask, "no text")
	case unicode:
		m.Encoding = sms.UCS2
	case !gsm7:
		plainBad(ask, "characters that GSM-7 does not have, without unicode")
	}
}

func (d Plain) readForm(r *http.Request, body []byte, ask *Ask) {
	ask.Objects = plainFormDoor
	refuse := func(why string) {
		ask.Violate(why, Reply{Status: http.StatusBadRequest, Body: []byte("ERR 2: bad request")})
	}
	form, err := r.URL.Query(), error(nil)
	switch {
	case r.Method == http.MethodPost:
		if r.URL.RawQuery != "" || r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" {
			refuse("a query, or no form")
			return
		}
		form, err = url.ParseQuery(string(body))
	case r.Method != http.MethodGet || len(bytes.TrimSpace(body)) > 0:
		refuse(r.Method + ", or a GET with a body")
		return
	}
	if err != nil {
		refuse("no form")
		return
	}
	if form.Get("key") != PlainToken {
		ask.Violate("credentials", Reply{Status: http.StatusUnauthorized, Body: []byte("ERR 1: login")})
		return
	}
	for name, values := range form {
		if !strings.Contains(" key from to text coding ref dlr_url ", " "+name+" ") || len(values) != 1 || !utf8.ValidString(values[0]) {
			refuse("field " + name)
		}
	}
	to, ok := ParseNumber(form.Get("to"))
	m := Message{To: to, From: form.Get("from"), Text: form.Get("text"), Reference: form.Get("ref"), object: plainFormDoor}
	if !ok || !validSender(m.From) {
		refuse("to or from")
	}
	if form.Has("dlr_url") {
		m.Callback = plainCallback(ask, form.Get("dlr_url"))
	}
	if c := form.Get("coding"); c != "" && c != "8" {
		refuse("coding")
	}
	plainText(ask, &m, form.Get("coding") == "8")
	ask.Add(m)
}

// Answer gives each message a result of its own, the last one first.
func (d Plain) Answer(ask *Ask, buf []byte) Reply {
	for i := range ask.Messages {
		if m := &ask.Messages[i]; !m.Refused {
			m.ID = fmt.Sprintf("p-%d-%d", ask.N, i)
		}
	}
	if ask.Objects == plainFormDoor {
		if m := &ask.Messages[0]; !m.Refused {
			return Reply{Body: append(buf, "OK: "+m.ID+"\n"...)}
		}
		return Reply{Body: append(buf, "ERR 12: number is blocked\n"...)}
	}
	buf = append(buf, `{"messages":[`...)
	for i := len(ask.Messages) - 1; i >= 0; i-- {
		m := &ask.Messages[i]
		if m.Refused {
			buf = fmt.Appendf(buf, `{"to":"%s","status":"refused","code":12,"reason":"number is blocked"}`, m.To)
		} else {
			buf = fmt.Appendf(buf, `{"to":"%s","status":"queued","id":%q}`, m.To, m.ID)
		}
		if i > 0 {
			buf = append(buf, ',')
		}
	}
	return Reply{Status: http.StatusAccepted, Type: "application/json", Body: append(buf, `]}`...)}
}
