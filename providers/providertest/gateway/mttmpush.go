package gateway

import (
	"encoding/hex"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/sms"
)

// mttmPushes is how both of MTTM's APIs push: for each message a DLR of level 1, what the network says of the submission, and
// one of level 2, what became of it at the handset; and for a batch's before that its progress. Of a message that is Taken for
// a while a further one says ACCEPTD.
//
// What ends undelivered does so in one of three ways, by its number: the batch's worker can't send it and only errback_url is
// told; the network refuses it, and no level 2 follows; or the handset does not get it.
type mttmPushes struct{}

// Acked wants the one answer that the gateway is content with.
func (mttmPushes) Acked(status int, body []byte) bool {
	return status < http.StatusBadRequest && string(body) == "ACK/Jasmin"
}

// Pauses are three, of 30 s.
func (mttmPushes) Pauses() []time.Duration {
	return []time.Duration{30 * time.Second, 30 * time.Second, 30 * time.Second}
}

// PushInbound returns the call by which the gateway's HTTP connector passes on what a handset wrote.
func (mttmPushes) PushInbound(mo MO, webhook string) PushRequest {
	form := url.Values{
		"id": {mo.ID}, "from": {mo.From.String()}, "to": {mo.To}, "origin-connector": {"smsc1"}, "priority": {"0"},
		"coding": {"0"}, "content": {mo.Text}, "binary": {hex.EncodeToString([]byte(mo.Text))},
	}
	if strings.ContainsFunc(mo.Text, func(r rune) bool { return r >= utf8.RuneSelf }) {
		octets := make([]byte, 0, 2*len(mo.Text))
		for _, unit := range utf16.Encode([]rune(mo.Text)) {
			octets = append(octets, byte(unit>>8), byte(unit))
		}
		form.Set("coding", "8")
		form.Set("content", string(octets))
		form.Set("binary", hex.EncodeToString(octets))
	}
	return PushRequest{
		Method: http.MethodPost, URL: webhook,
		Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, Body: []byte(form.Encode()),
	}
}

// Push returns the calls for e.
func (mttmPushes) Push(m *Message, e Event) []PushRequest {
	c := m.Callback
	if c == nil {
		return nil
	}
	p := mttmPusher{m: m, at: e.At}
	ending := mttmEnding(m)
	switch {
	case e.Forged:
		p.forged = true
		p.handset(mttmState(e.Fate))
	case e.Fate == providers.Taken:
		if m.Fate == providers.Delivered || ending == mttmNotDelivered {
			p.handset("ACCEPTD")
		}
	case e.Fate == providers.Delivered:
		p.progress()
		p.network("ESME_ROK")
		p.handset("DELIVRD")
	case ending == mttmNotSent:
		p.failure(mttmWorkerSays(m))
	case ending == mttmNotTaken:
		p.progress()
		p.network("ESME_RINVDSTADR")
	default:
		p.progress()
		p.network("ESME_ROK")
		p.handset("UNDELIV")
	}
	return p.calls
}

// The ways in which a message ends undelivered.
const (
	mttmNotSent = iota
	mttmNotTaken
	mttmNotDelivered
)

// mttmEnding is how m ends when it ends undelivered.
func mttmEnding(m *Message) int {
	switch kind := mix(uint64(m.To)) % 4; {
	case kind == 0 && m.Callback.Errors != "":
		return mttmNotSent
	case m.Callback.Level == 1 || m.Callback.Level == 3 && kind == 1:
		return mttmNotTaken
	}
	return mttmNotDelivered
}

func mttmState(f providers.Fate) string {
	if f == providers.Delivered {
		return "DELIVRD"
	}
	return "UNDELIV"
}

// mttmWorkerSays is why a batch's worker does not send m: for some of them with everything that it knows.
func mttmWorkerSays(m *Message) string {
	if m.To%2 == 0 {
		return `HTTPAPI error: Error "No route found`
	}
	q := url.Values{"username": {MTTMUsername}, "password": {MTTMPassword}, "to": {m.To.String()}, "content": {m.Text}}
	return "HTTPAPI Connection error: HTTPConnectionPool(host='127.0.0.1', port=1401): Max retries exceeded with url: /send?" + q.Encode() +
		" (Caused by NewConnectionError('Failed to establish a new connection: [Errno 111] Connection refused'))"
}

// mttmPusher gathers the calls about one message.
type mttmPusher struct {
	m      *Message
	at     time.Time
	forged bool
	calls  []PushRequest
}

// id is the message's own identifier. That of a batch is another, and the batch's progress tells both.
func (p *mttmPusher) id() string {
	if p.m.object != mttmBatchMark {
		return p.m.ID
	}
	return mttmOwnID(p.m.Send, p.m.To)
}

// mttmOwnID returns the identifier of one message of a batch.
func mttmOwnID(send int64, to sms.MSISDN) string {
	hex := func(n uint64, digits int) string {
		s := strconv.FormatUint(n, 16)
		return strings.Repeat("0", max(0, digits-len(s))) + s
	}
	return hex(uint64(send), 8) + "-beef-4000-8000-" + hex(uint64(to), 13)[1:]
}

// network adds a DLR of level 1, where it was asked for.
func (p *mttmPusher) network(status string) {
	if level := p.m.Callback.Level; level == 1 || level == 3 {
		p.dlr(url.Values{"id": {p.id()}, "message_status": {status}, "level": {"1"}, "connector": {"c1"}})
	}
}

// handset adds a DLR of level 2, where it was asked for.
func (p *mttmPusher) handset(state string) {
	if p.m.Callback.Level < 2 {
		return
	}
	const dates = "0601021504"
	delivered, errorCode := "001", "000"
	if state != "DELIVRD" {
		delivered = "000"
	}
	if state == "UNDELIV" {
		errorCode = "027"
	}
	text := []rune(p.m.Text)
	p.dlr(url.Values{
		"id": {p.id()}, "message_status": {state}, "level": {"2"}, "connector": {"smsc1"}, "id_smsc": {"2567"},
		"sub": {"001"}, "dlvrd": {delivered}, "subdate": {p.m.At.UTC().Format(dates)}, "donedate": {p.at.UTC().Format(dates)},
		"err": {errorCode}, "text": {string(text[:min(len(text), 20)])},
	})
}

func (p *mttmPusher) dlr(fields url.Values) {
	c := p.m.Callback
	to := c.URL
	if p.forged {
		to = Tampered(to)
	}
	if to == "" {
		return
	}
	r := PushRequest{Method: c.Method, URL: to, Header: http.Header{"User-Agent": {"Jasmin gateway/1.0 DLRThrower"}}}
	if c.Method == http.MethodGet {
		r.URL = withQuery(to, fields)
	} else {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Body = []byte(fields.Encode())
	}
	p.calls = append(p.calls, r)
}

// progress adds what a batch says of a message that its worker has sent.
func (p *mttmPusher) progress() { p.batch(p.m.Callback.Progress, "1", `Success "`+p.id()+`"`) }

// failure adds what a batch says of a message that its worker can't send.
func (p *mttmPusher) failure(why string) { p.batch(p.m.Callback.Errors, "0", why) }

func (p *mttmPusher) batch(to, status, text string) {
	if to == "" {
		return
	}
	p.calls = append(p.calls, PushRequest{Method: http.MethodGet, Once: true, URL: withQuery(to, url.Values{
		"batchId": {p.m.ID}, "to": {p.m.To.String()}, "status": {status}, "statusText": {text},
	})})
}

// withQuery adds fields to those that an address has.
func withQuery(to string, fields url.Values) string {
	u, err := url.Parse(to)
	if err != nil {
		return to
	}
	q := u.Query()
	for key, values := range fields {
		q[key] = values
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// tellRefused queues what a batch says of the numbers that were refused, which no report follows.
func (mttmPushes) tellRefused(ask *Ask) {
	plan := ask.book.opts.Reports
	if !plan.On {
		return
	}
	for i := range ask.Messages {
		m := ask.Messages[i]
		if !m.Refused || m.Callback == nil || !plan.Tells(m.To) {
			continue
		}
		due := time.Now()
		if m.Due.After(due) {
			due = m.Due
		}
		p := mttmPusher{m: &m}
		p.failure(`HTTPAPI error: Error "No route found`)
		for _, r := range p.calls {
			ask.book.pushing.add(&story{due: due.Add(plan.wait(m.To)), again: &r})
		}
	}
}
