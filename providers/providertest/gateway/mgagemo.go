package gateway

import (
	"net/http"
	"net/url"
	"regexp"
	"time"
)

var (
	_ Pusher        = MGage{}
	_ InboundPusher = MGage{}
)

// mgageMOParams are the names that a virtual MO must have, each once.
var mgageMOParams = []string{"campid", "destination", "originator", "message"}

// mgageCode is a code with or without a country before it.
var mgageCode = regexp.MustCompile(`^([A-Z]{2}-)?\d{3,15}$`)

// readMO reads a virtual MO, which the program answers.
func (d MGage) readMO(q url.Values, ask *Ask) {
	from, ok := ParseNumber(q.Get("originator"))
	switch {
	case q.Get("campid") != d.ProgramID:
		ask.Violate("campid", Reply{Status: http.StatusForbidden})
	case !mgageCode.MatchString(q.Get("destination")):
		ask.Violate("destination", Reply{Status: http.StatusBadRequest})
	case !ok:
		ask.Violate("originator", d.whole(111, "No valid numbers to send to!"))
	case q.Get("message") == "":
		ask.Violate("message", d.whole(108, "Message must not be empty."))
	default:
		ask.Add(Message{To: from, From: q.Get("destination"), Text: "You wrote: " + q.Get("message")})
	}
}

// Push returns nothing: the platform tells nothing about what it sent.
func (d MGage) Push(*Message, Event) []PushRequest { return nil }

// Acked reports whether a status is below 300.
func (d MGage) Acked(status int, _ []byte) bool { return status/100 == 2 }

// Pauses are invented: the platform documents none.
func (d MGage) Pauses() []time.Duration { return []time.Duration{time.Minute, 10 * time.Minute} }

// PushInbound returns the form by which the platform forwards what a handset wrote.
func (d MGage) PushInbound(mo MO, webhook string) PushRequest {
	form := url.Values{
		"device_address": {mo.From.String()}, "inbound_address": {mo.To}, "router": {"example"}, "carrier": {"example"}, "channel": {"sms"},
		"message_orig": {mo.Text}, "message": {mo.Text}, "message_id": {mo.ID}, "message_subid": {"0"},
		"status": {"Processing"}, "status_code": {"10"}, "a2w_mo_ref_id": {mo.ID}, "country_code": {"1"},
	}
	return PushRequest{
		Method: http.MethodPost, URL: webhook,
		Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, Body: []byte(form.Encode()),
	}
}
