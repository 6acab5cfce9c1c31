package gateway

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/volleysms/volley/sms"
)

// The credentials that the simulated MTTM gateway accepts unless told otherwise.
const (
	MTTMUsername = "example-user"
	MTTMPassword = "example-password" //nolint:gosec // made up for the simulation
)

// MTTM is the dialect of the Message To The Moon gateway: POST /secure/send and /secure/sendbatch, GET /secure/balance and
// /ping. A refused number has no route in send's answer. In sendbatch's it is counted like any other and not taken: the real
// gateway tells of it in a call-back, if at all.
type MTTM struct {
	// Username and Password are the account; empty is MTTMUsername and MTTMPassword.
	Username, Password string
	// Documented answers as the document shows it: the sentence with its closing quote, and a page's footer behind the JSON.
	// Without it the quote is missing, as on the real gateway's REST layer.
	Documented bool
	// Credit is the balance; empty is "ND", without end.
	Credit string
}

const (
	mttmMaxBatch  = 1_000 // beyond it the real gateway gets slow, and cuts the connection in the end
	mttmMaxTo     = 20
	mttmMaxFrom   = 20
	mttmMaxParts  = 5
	mttmMaxName   = 16
	mttmPageFoot  = "\nMessage To The Moon 2019\nV 1.0\n"
	mttmBatchMark = 1 // Ask.Objects of a sendbatch
)

// Provider returns "mttm".
func (d MTTM) Provider() string { return "mttm" }

// Account returns the user name and the password.
func (d MTTM) Account() map[string]string {
	d = d.withDefaults()
	return map[string]string{"provider": d.Provider(), "username": d.Username, "password": d.Password}
}

func (d MTTM) withDefaults() MTTM {
	for p, v := range map[*string]string{&d.Username: MTTMUsername, &d.Password: MTTMPassword, &d.Credit: "ND"} {
		if *p == "" {
			*p = v
		}
	}
	return d
}

// Denied returns send's 403. sendbatch answers wrong credentials with 412, and both answer missing ones with 401.
func (d MTTM) Denied() Reply {
	return d.inner(http.StatusForbidden, "Authentication failure for username:"+d.withDefaults().Username)
}

// Read checks a request.
func (d MTTM) Read(r *http.Request, body []byte, ask *Ask) {
	d = d.withDefaults()
	op := r.Method + " " + r.URL.Path
	batch := op == "POST /secure/sendbatch"
	ask.Send = batch || op == "POST /secure/send"
	if batch {
		ask.Objects = mttmBatchMark
	}
	if op == "GET /ping" {
		ask.Say(JSON(http.StatusOK, `{"data": "Jasmin/PONG"}`))
		return
	}
	if accept := r.Header.Get("Accept"); accept != "" && !strings.Contains(accept, "json") && !strings.Contains(accept, "*/*") {
		ask.Violate("Accept "+accept, Reply{Status: http.StatusUnsupportedMediaType, Type: "text/xml", Body: []byte("<error/>")})
		return
	}
	if d.authenticate(r, batch, ask); ask.Violated() {
		return
	}
	switch {
	case op == "GET /secure/balance":
		ask.Say(JSON(http.StatusOK, fmt.Sprintf(`{"data": {"balance": %s, "sms_count": "ND"}}`, mttmAmount(d.Credit))))
	case !ask.Send:
		ask.Violate(op, d.own(http.StatusNotFound, "404 Not Found", ""))
	case r.URL.RawQuery != "":
		ask.Violate("a query", d.own(http.StatusBadRequest, "400 Bad Request", ""))
	case r.ContentLength < 0 || r.TransferEncoding != nil:
		ask.Violate("no Content-Length", d.own(http.StatusInternalServerError, "500 Internal Server Error", ""))
	case !utf8.Valid(body):
		ask.Violate("body is not UTF-8", d.own(http.StatusPreconditionFailed, "Cannot parse JSON data", ""))
	case batch:
		d.readBatch(body, ask)
	default:
		d.readSend(body, ask)
	}
}

func mttmAmount(s string) string {
	if _, err := strconv.ParseFloat(s, 64); err == nil {
		return s
	}
	return strconv.Quote(s)
}

func (d MTTM) authenticate(r *http.Request, batch bool, ask *Ask) {
	header := r.Header.Get("Authorization")
	token, basic := strings.CutPrefix(header, "Basic ")
	switch {
	case header == "":
		ask.Violate("no credentials", d.own(http.StatusUnauthorized, "Authentication required", ""))
		return
	case !basic || token == "":
		ask.Violate("malformed credentials", d.own(http.StatusUnauthorized, "Invalid token: Basic", ""))
		return
	}
	pair, err := base64.StdEncoding.DecodeString(token)
	if user, password, _ := strings.Cut(string(pair), ":"); err != nil || strings.Contains(password, ":") {
		ask.Violate("credentials that cannot be read", d.own(http.StatusInternalServerError, "500 Internal Server Error", ""))
	} else if user != d.Username || password != d.Password {
		switch {
		case batch:
			ask.Violate("credentials", d.own(http.StatusPreconditionFailed, "Authentication failed", "Authentication failed for user: "+user))
		case len(user) > mttmMaxName:
			ask.Violate("user name too long", d.inner(http.StatusBadRequest, "Argument [username] has an invalid value: ["+user+"]."))
		case len(password) > mttmMaxName:
			ask.Violate("password too long", d.inner(http.StatusBadRequest, "Argument [password] has an invalid value: ["+password+"]."))
		default:
			ask.Violate("credentials", d.Denied())
		}
	}
}

// inner is an answer of the inner API, relayed with its closing quote lost.
func (d MTTM) inner(status int, text string) Reply {
	return JSON(status, `{"message": `+strconv.Quote(`Error "`+text)+`}`)
}

// own is an answer of the REST layer itself.
func (d MTTM) own(status int, title, description string) Reply {
	if description == "" {
		return JSON(status, `{"title": `+strconv.Quote(title)+`}`)
	}
	return JSON(status, `{"title": `+strconv.Quote(title)+`, "description": `+strconv.Quote(description)+`}`)
}

// mttmFields are the fields of one message. A field that stands in a batch's globals counts for each entry without it.
type mttmFields struct {
	to              []string
	from            string
	content, hex    string
	hasText, hasHex bool
	coding          int
	unknown         string // the first key that is none
}

func (d MTTM) readSend(body []byte, ask *Ask) {
	s := &scanner{b: body}
	f := mttmFields{}
	f.read(s)
	if !s.end() {
		ask.Violate("JSON", d.own(http.StatusPreconditionFailed, "Cannot parse JSON data", "Got unparseable json data"))
		return
	}
	d.add(&f, ask, d.inner)
	if len(ask.Messages) > 1 {
		ask.Violate("more than one number", d.success(nil, d.id(0))) // only the first would be sent
	}
}

func (d MTTM) readBatch(body []byte, ask *Ask) {
	s := &scanner{b: body}
	var globals mttmFields
	var entries []mttmFields
	s.object(func(key []byte) {
		switch string(key) {
		case "globals":
			globals.read(s)
		case "messages":
			s.array(func() {
				var f mttmFields
				f.coding = -1
				f.read(s)
				entries = append(entries, f)
			})
		case "batch_config":
			s.object(func([]byte) { s.str() })
		default:
			ask.Violate("unknown key "+string(key), d.own(http.StatusInternalServerError, "500 Internal Server Error", ""))
			s.skip()
		}
	})
	if !s.end() {
		ask.Violate("JSON", d.own(http.StatusPreconditionFailed, "Cannot parse JSON data", "Got unparseable json data"))
		return
	}
	// What is wrong with an entry the gateway finds only after it has answered 200.
	later := func(int, string) Reply { return d.queued(nil, 0, len(entries)) }
	for i := range entries {
		f := &entries[i]
		f.inherit(&globals)
		d.add(f, ask, later)
	}
	switch n := len(ask.Messages); {
	case ask.Violated():
	case n == 0:
		ask.Violate("an empty batch", d.queued(nil, 0, 0))
	case n > mttmMaxBatch:
		ask.Violate("batch of "+strconv.Itoa(n), d.own(http.StatusRequestEntityTooLarge, "413 Request Entity Too Large", ""))
	}
	if _, twice := ask.Duplicate(0); twice {
		ask.Violate("a number twice", later(0, ""))
	}
}

// read fills f with an object's fields. "-" and "_" are the same in a key.
func (f *mttmFields) read(s *scanner) {
	s.object(func(k []byte) {
		switch key := strings.ReplaceAll(string(k), "_", "-"); key {
		case "to":
			if s.peek() == '[' {
				s.array(func() { f.to = append(f.to, s.scalar()) })
			} else {
				f.to = append(f.to, s.scalar())
			}
		case "from":
			f.from = string(s.str())
		case "content":
			f.content, f.hasText = string(s.str()), true
		case "hex-content":
			f.hex, f.hasHex = string(s.str()), true
		case "coding":
			n, err := strconv.Atoi(s.scalar())
			if err != nil {
				n = 99
			}
			f.coding = n
		case "dlr", "dlr-url", "dlr-level", "dlr-method", "priority", "validity-period", "sdt", "tags":
			s.scalar()
		default:
			if f.unknown == "" {
				f.unknown = key
			}
			s.skip()
		}
	})
}

// scalar reads a string or a number.
func (s *scanner) scalar() string {
	if s.peek() == '"' {
		return string(s.str())
	}
	return string(s.number())
}

func (f *mttmFields) inherit(g *mttmFields) {
	if f.to == nil {
		f.to = g.to
	}
	if f.from == "" {
		f.from = g.from
	}
	if f.coding < 0 {
		f.coding = g.coding
	}
	if f.unknown == "" {
		f.unknown = g.unknown
	}
	if !f.hasText && g.hasText {
		f.content, f.hasText = g.content, true
	}
	if !f.hasHex && g.hasHex {
		f.hex, f.hasHex = g.hex, true
	}
}

// add checks one message's fields and appends a message for each number; refuse words an error of the inner API.
func (d MTTM) add(f *mttmFields, ask *Ask, refuse func(int, string) Reply) {
	bad := func(why, text string) { ask.Violate(why, refuse(http.StatusBadRequest, text)) }
	silent := func(why string) { ask.Violate(why, d.silently(ask)) }
	switch {
	case f.unknown != "":
		bad("unknown key "+f.unknown, "Argument ["+f.unknown+"] is unknown.")
	case len(f.to) == 0:
		bad("no number", "Mandatory argument [to] is not found.")
	case f.hasText == f.hasHex:
		bad("not exactly one of content and hex_content", "content and hex-content cannot be used both in same request.")
	case f.coding < 0 || f.coding > 14 || f.coding == 11 || f.coding == 12:
		bad("coding", "Argument [coding] has an invalid value: ["+strconv.Itoa(f.coding)+"].")
	case f.content == "" && f.hex == "":
		silent("empty content")
	case len(f.from) > mttmMaxFrom:
		silent("sender of " + strconv.Itoa(len(f.from)) + " bytes")
	}
	if ask.Violated() {
		return
	}
	m, ok := f.message(ask.Record)
	if !ok {
		bad("hex_content", "Argument [hex-content] has an invalid value.")
		return
	}
	for _, to := range f.to {
		number := strings.TrimPrefix(to, "+")
		if m.To, ok = ParseNumber(number); !ok && (number == "" || !allDigits(number)) {
			bad("number", "Argument [to] has an invalid value: ["+to+"].")
			return
		} else if !ok || len(to) > mttmMaxTo {
			silent("a number that is none")
			return
		}
		ask.Add(m)
	}
}

// silently answers as if all was well: the gateway finds out later, and tells nobody.
func (d MTTM) silently(ask *Ask) Reply {
	if ask.Objects == mttmBatchMark {
		return d.queued(nil, 0, len(ask.Messages)+1)
	}
	return d.success(nil, d.id(0))
}

// message returns what the handset gets, and false for hex that is none.
func (f *mttmFields) message(record bool) (Message, bool) {
	m := Message{From: f.from}
	octets := []byte(f.content)
	if f.hasHex {
		var err error
		if octets, err = hex.DecodeString(f.hex); err != nil {
			return m, false
		}
	}
	switch f.coding {
	case 0, 1:
		if record {
			m.Text = mttmGSM(string(octets))
		}
	case 8:
		m.Encoding = sms.UCS2
		if len(octets) > 2*70 {
			octets = octets[:min(len(octets), 2*67*mttmMaxParts)]
		}
		units := make([]uint16, len(octets)/2)
		for i := range units {
			units[i] = uint16(octets[2*i])<<8 | uint16(octets[2*i+1])
		}
		m.Text = string(utf16.Decode(units))
	case 2, 4:
		m.Encoding = sms.Data
		if len(octets) > 140 {
			octets = octets[:min(len(octets), 134*mttmMaxParts)]
		}
		m.Binary = &sms.Binary{Payload: octets}
	default:
		m.Text = string(octets)
	}
	return m, true
}

// mttmGSM returns text as it arrives: what GSM-7 doesn't have as "?", and what is beyond the fifth segment cut off.
func mttmGSM(text string) string {
	var b strings.Builder
	room := 160
	if n, ok := Septets(text); !ok || n > room {
		room = 153 * mttmMaxParts
	}
	for _, r := range text {
		n, ok := Septets(string(r))
		if !ok {
			r, n = '?', 1
		}
		if room -= n; room < 0 {
			break
		}
		b.WriteRune(r)
	}
	return b.String()
}

// Answer accepts the call; a send to a refused number finds no route.
func (d MTTM) Answer(ask *Ask, buf []byte) Reply {
	if ask.Objects != mttmBatchMark && ask.Messages[0].Refused {
		return d.inner(http.StatusPreconditionFailed, "No route found")
	}
	id := d.id(ask.N)
	if ask.Record {
		for i := range ask.Messages {
			ask.Messages[i].ID = id
		}
	}
	if ask.Objects == mttmBatchMark {
		return d.queued(buf, ask.N, len(ask.Messages))
	}
	return d.success(buf, id)
}

// id returns the identifier of send n, in the form of a UUID.
func (d MTTM) id(n int64) string {
	const zeros = "000000000000"
	s := strconv.FormatInt(n, 16)
	return "00000000-cafe-4000-8000-" + zeros[:max(0, len(zeros)-len(s))] + s
}

func (d MTTM) success(b []byte, id string) Reply {
	b = append(b, `{"data": "Success \"`...)
	b = append(b, id...)
	if d.Documented {
		b = append(b, `\"`...)
	}
	b = append(b, `"}`...)
	return d.reply(b)
}

func (d MTTM) queued(b []byte, n int64, count int) Reply {
	b = append(b, `{"data": {"batchId": "`...)
	b = append(b, d.id(n)...)
	b = append(b, `", "messageCount": `...)
	b = strconv.AppendInt(b, int64(count), 10)
	b = append(b, "}}"...)
	return d.reply(b)
}

func (d MTTM) reply(b []byte) Reply {
	if d.Documented {
		b = append(b, mttmPageFoot...)
	}
	return Reply{Status: http.StatusOK, Type: "application/json", Body: b}
}
