package gateway

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// The credentials that the simulated MTTM gateway accepts unless told otherwise.
const (
	MTTMUsername = "example-user"
	MTTMPassword = "example-password" //nolint:gosec // made up for the simulation
)

// MTTM is the dialect of the Message To The Moon gateway's REST API: POST /secure/send and /secure/sendbatch, GET
// /secure/balance, /secure/rate and /ping. A refused number has no route in send's answer. In sendbatch's it is counted like
// any other and not taken: the gateway finds out later, and tells the batch's errback_url when Options.Reports are on.
type MTTM struct {
	mttmPushes

	// Username and Password are the account; empty is MTTMUsername and MTTMPassword.
	Username, Password string
	// Documented answers as the document shows it: the sentence with its closing quote, and a page's footer behind the JSON.
	// Without it the quote is missing, as on the real gateway's REST layer.
	Documented bool
	// Credit is the balance; empty is "ND", without end.
	Credit string
	// Price is what a segment costs, as rate says it; empty is "0.0".
	Price string
	// Zone is the server's time zone, in which a batch's schedule_at is read; nil is UTC.
	Zone *time.Location
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
	for p, v := range map[*string]string{&d.Username: MTTMUsername, &d.Password: MTTMPassword, &d.Credit: "ND", &d.Price: "0.0"} {
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
	case op == "GET /secure/rate":
		d.rate(r.URL.Query(), ask)
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

func (d MTTM) readSend(body []byte, ask *Ask) {
	s := &scanner{b: body}
	f := newMTTMFields()
	f.read(s)
	if !s.end() {
		ask.Violate("JSON", d.own(http.StatusPreconditionFailed, "Cannot parse JSON data", "Got unparseable json data"))
		return
	}
	f.add(ask, mttmAnswers{refuse: d.inner, silent: d.success(nil, d.id(0))})
	if len(ask.Messages) > 1 {
		ask.Violate("more than one number", d.success(nil, d.id(0))) // only the first would be sent
	}
}

func (d MTTM) readBatch(body []byte, ask *Ask) {
	s := &scanner{b: body}
	globals := newMTTMFields()
	var entries []mttmFields
	var config mttmConfig
	s.object(func(key []byte) {
		switch string(key) {
		case "globals":
			globals.read(s)
		case "messages":
			s.array(func() {
				f := newMTTMFields()
				f.read(s)
				entries = append(entries, f)
			})
		case "batch_config":
			config.read(s)
		default:
			ask.Violate("unknown key "+string(key), d.own(http.StatusInternalServerError, "500 Internal Server Error", ""))
			s.skip()
		}
	})
	if !s.end() {
		ask.Violate("JSON", d.own(http.StatusPreconditionFailed, "Cannot parse JSON data", "Got unparseable json data"))
		return
	}
	due := config.check(d, ask, time.Now())
	// What is wrong with an entry the gateway finds only after it has answered 200.
	later := d.queued(nil, 0, len(entries), "")
	for i := range entries {
		f := &entries[i]
		f.inherit(&globals)
		f.add(ask, mttmAnswers{func(int, string) Reply { return later }, later})
	}
	for i := range ask.Messages {
		m := &ask.Messages[i]
		m.object = mttmBatchMark
		if due.After(m.Due) {
			m.Due = due
		}
		m.Callback, m.Asked = config.callback(m.Callback), config.asked(m.Asked)
	}
	switch n := len(ask.Messages); {
	case ask.Violated():
	case n == 0:
		ask.Violate("an empty batch", later)
	case n > mttmMaxBatch:
		ask.Violate("batch of "+strconv.Itoa(n), d.own(http.StatusRequestEntityTooLarge, "413 Request Entity Too Large", ""))
	}
	if _, twice := ask.Duplicate(0); twice {
		ask.Violate("a number twice", later)
	}
}

// rate answers what a message would cost.
func (d MTTM) rate(query url.Values, ask *Ask) {
	f := newMTTMFields()
	for key := range query {
		f.set(strings.ReplaceAll(key, "_", "-"), query.Get(key))
	}
	if !f.hasText && !f.hasHex { // neither is needed
		f.content, f.hasText = "x", true
	}
	f.add(ask, mttmAnswers{refuse: d.inner, silent: d.inner(http.StatusBadRequest, "Argument [content] has an invalid value: [].")})
	if ask.Violated() {
		return
	}
	ask.Messages = ask.Messages[:0]
	segments, _ := Segments(f.content)
	if f.hasHex {
		const alone, joined = 4 * 70, 4 * 67 // of UTF-16 in hex
		segments = 1
		if len(f.hex) > alone {
			segments = (len(f.hex) + joined - 1) / joined
		}
	}
	ask.Say(JSON(http.StatusOK, fmt.Sprintf(`{"data": {"unit_rate": %s, "submit_sm_count": %d}}`, mttmAmount(d.Price), segments)))
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
	if ask.Objects != mttmBatchMark {
		return d.success(buf, id)
	}
	d.tellRefused(ask)
	return d.queued(buf, ask.N, len(ask.Messages), mttmScheduled(&ask.Messages[0], time.Now()))
}

// mttmScheduled is how a batch's answer says when it will go out: a wait as it was asked for, and a time as a wait; empty when
// that is at once.
func mttmScheduled(m *Message, now time.Time) string {
	at := m.Asked["schedule_at"]
	if at == "" || strings.HasSuffix(at, "s") {
		return at
	}
	return strconv.FormatFloat(m.Due.Sub(now).Seconds(), 'f', 6, 64) + "s"
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

func (d MTTM) queued(b []byte, n int64, count int, scheduled string) Reply {
	b = append(b, `{"data": {"batchId": "`...)
	b = append(b, d.id(n)...)
	b = append(b, `", "messageCount": `...)
	b = strconv.AppendInt(b, int64(count), 10)
	if scheduled != "" {
		b = append(b, `, "scheduled": "`...)
		b = append(b, scheduled...)
		b = append(b, '"')
	}
	b = append(b, "}}"...)
	return d.reply(b)
}

func (d MTTM) reply(b []byte) Reply {
	if d.Documented {
		b = append(b, mttmPageFoot...)
	}
	return Reply{Status: http.StatusOK, Type: "application/json", Body: b}
}
