package gateway

import (
	"net/http"
	"time"

	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/sms"
)

// ReportPlan says what becomes of the messages that a Gateway takes, and how it tells. The zero value decides and tells
// nothing.
//
// Every share is a part of the numbers, 0 to 1. Which numbers it means is a pure function of the number, so a test knows
// beforehand what a Gateway will decide and tell: see Fate and Tells.
type ReportPlan struct {
	// On makes the Gateway decide every message's fate, and push it to where the request wanted it.
	On bool
	// Undelivered is the share that ends undelivered; the others are delivered.
	Undelivered float64
	// Silent is the share of which nothing is pushed. Who asks is told.
	Silent float64
	// Transient is the share of which a state that is not final (providers.Taken) is pushed too, before the final one.
	Transient float64
	// Disorder is the share whose states come in the wrong order: the final one first. It means nothing without Transient.
	Disorder float64
	// Twice is the share of which everything is pushed twice.
	Twice float64
	// Forged is the share before whose first push somebody else pushes the opposite of what was decided, without the proof.
	Forged float64
	// Late is the share that is pushed later by LateBy.
	Late   float64
	LateBy time.Duration
	// Delay is the time from taking a message to its first push.
	Delay time.Duration
	// Stored is the time from taking a message until a gateway that can be asked knows it.
	Stored time.Duration
	// Pause stands in for every pause before a push is repeated; 0 is the gateway's own pauses, of minutes to hours.
	Pause time.Duration
	// Workers is how many pushes may be under way; 0 is 16.
	Workers int
	// Webhook gets the reports on messages that came with no address of their own, where the gateway has a setting for
	// that; and what handsets write. Empty is nowhere.
	Webhook string
}

const defaultPushers = 16

// The salts keep the shares independent of each other.
const (
	saltUndelivered = iota + 1
	saltSilent
	saltTransient
	saltDisorder
	saltTwice
	saltForged
	saltLate
)

func chosen(to sms.MSISDN, share float64, salt uint64) bool {
	return float64(mix(mix(uint64(to))^salt)>>11)/(1<<53) < share
}

// Fate is the final fate of what is sent to a number: Delivered or Undelivered, and Pending when the plan is not On.
func (p ReportPlan) Fate(to sms.MSISDN) providers.Fate {
	switch {
	case !p.On:
		return providers.Pending
	case chosen(to, p.Undelivered, saltUndelivered):
		return providers.Undelivered
	default:
		return providers.Delivered
	}
}

// Tells reports whether the fate of what is sent to a number is pushed.
func (p ReportPlan) Tells(to sms.MSISDN) bool { return p.On && !chosen(to, p.Silent, saltSilent) }

// events are what is pushed about a number, in order.
func (p ReportPlan) events(to sms.MSISDN) []Event {
	if !p.Tells(to) {
		return nil
	}
	final := Event{Fate: p.Fate(to)}
	out := []Event{final}
	if chosen(to, p.Transient, saltTransient) {
		out = []Event{{Fate: providers.Taken}, final}
		if chosen(to, p.Disorder, saltDisorder) {
			out[0], out[1] = out[1], out[0]
		}
	}
	if chosen(to, p.Twice, saltTwice) {
		out = append(out, out...)
	}
	if chosen(to, p.Forged, saltForged) {
		out = append([]Event{{Fate: opposite(final.Fate), Forged: true}}, out...)
	}
	return out
}

// wait is the time from taking a message for a number to the first push.
func (p ReportPlan) wait(to sms.MSISDN) time.Duration {
	if chosen(to, p.Late, saltLate) {
		return p.Delay + p.LateBy
	}
	return p.Delay
}

func opposite(f providers.Fate) providers.Fate {
	if f == providers.Delivered {
		return providers.Undelivered
	}
	return providers.Delivered
}

// Callback is where and how a request wants to be told what becomes of its messages. A Dialect fills what its protocol
// has; the messages of one request may share it.
type Callback struct {
	// URL gets the reports; empty is nowhere.
	URL string
	// Method is GET or POST; empty is the protocol's own.
	Method string
	// Level is how much is told, where the protocol has levels (MTTM's dlr-level).
	Level int
	// Progress and Errors get what a batch tells of each of its messages once it is worked off (MTTM's callback_url and
	// errback_url); empty is nowhere.
	Progress, Errors string
}

// Event is what happened to a message.
type Event struct {
	// Fate is Taken, Delivered or Undelivered.
	Fate providers.Fate
	// Forged asks for the push of somebody who wants to be believed and has no proof: with a signature of another secret,
	// or to an address that is not quite the right one (see Tampered).
	Forged bool
	// Cancelled is true when the message was taken back; Fate is Undelivered.
	Cancelled bool
	// At is when it happened.
	At time.Time
	// Webhook is ReportPlan.Webhook.
	Webhook string
}

// PushRequest is a request that a gateway makes.
type PushRequest struct {
	Method, URL string
	Header      http.Header
	Body        []byte
	// Once is true when the gateway does not look at the answer and never repeats the request.
	Once bool
}

// Pusher is implemented by Dialects whose gateway pushes reports. Its methods are safe for concurrent use.
type Pusher interface {
	// Push returns the requests by which the gateway tells e about m, in order; none when it tells no such thing, or when
	// nobody wants to know.
	Push(m *Message, e Event) []PushRequest
	// Acked reports whether an answer keeps the gateway from pushing the same again.
	Acked(status int, body []byte) bool
	// Pauses are the gateway's own pauses before each repetition; when they are used up it gives up.
	Pauses() []time.Duration
}

// InboundPusher is implemented by Pushers whose gateway also pushes what handsets write.
type InboundPusher interface {
	// PushInbound returns the request by which the gateway passes mo on to the webhook.
	PushInbound(mo MO, webhook string) PushRequest
}

// MO is what a handset wrote.
type MO struct {
	ID   string
	From sms.MSISDN
	// To is the code or number written to.
	To, Text string
	At       time.Time
}

// PushStats counts what a Gateway pushed.
type PushStats struct {
	// Reports are the genuine requests that were to be made, each counted once; Acked those that were acknowledged, and
	// Dropped those given up.
	Reports, Acked, Dropped int64
	// Repeated are attempts beyond the first.
	Repeated int64
	// Forged are the forged requests made, and Believed those of them that were acknowledged.
	Forged, Believed int64
}

// Tampered returns an address that differs from u in the last character of its path, as a forger would guess it.
func Tampered(u string) string {
	if u == "" {
		return u
	}
	last := byte('A')
	if u[len(u)-1] == last {
		last = 'B'
	}
	return u[:len(u)-1] + string(last)
}
