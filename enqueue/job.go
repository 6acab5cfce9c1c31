package enqueue

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/sms"
)

// Bounds of a job. What is over them is refused at the door.
const (
	// MaxFields is how many personal fields a job may have.
	MaxFields = 32
	// MaxValue is the length of one field's value, and of its name, in bytes.
	MaxValue = 1000
	// MaxRef is the length of a recipient's Ref in bytes.
	MaxRef = 128
	// MaxKey is the length of an idempotency key in bytes.
	MaxKey = 256
	// MaxLabel is the length of a label in bytes.
	MaxLabel = 64
	// MaxAhead is how far ahead a job may be scheduled.
	MaxAhead = 2 * 366 * 24 * time.Hour
)

// Job is one message to many recipients.
type Job struct {
	// Via is the account or route to send through. Required.
	Via string
	// From is the sender ID: up to 11 alphanumeric characters or 15 digits. Empty means the account's own, where it has one.
	From string
	// Text is the text, or a template in which {{name}} stands for the recipient's field of that name, and {{name|there}} for
	// that or, where it is missing, for "there".
	Text string
	// Missing says what becomes of recipients without a value for which Text has no default; empty is RefuseMissing.
	Missing Missing
	// Binary is sent instead of Text.
	Binary *sms.Binary
	// Fields name the recipients' Values, in their order. Every field in Text must be among them.
	Fields []string
	// Recipients are who gets it; Client.EnqueueStream takes them as a stream instead.
	Recipients []Recipient
	// FirstRow is the row number of the first recipient, for lists in which others come before it, such as a file with a
	// header; 0 is 1.
	FirstRow uint64
	// OnRefused, when not nil, is told of every recipient that is left out, duplicates as well, in the order of the rows and
	// before the call returns. It is called by the goroutine that enqueues.
	OnRefused func(Refused)
	// At is when sending starts; the zero time means at once. A time that has passed is refused, unless Past is SendPast.
	At time.Time
	// Delay is the same, counted from the enqueueing. At most one of the two is set.
	Delay time.Duration
	// Key is an idempotency key: the same key with the same job gives the same receipt, and enqueues nothing twice, for
	// Options.KeyTTL; with another job it is ErrKeyConflict. Empty means none.
	Key string
	// Label groups jobs for operators; may be empty.
	Label string
	// By is who enqueues it, for the job's history; may be empty. At most MaxBy bytes.
	By string

	// AtLocal is "2027-12-24 09:00": sending starts when clocks at each recipient's place show that. Empty is none; it
	// can't be given together with another time.
	AtLocal string
	// AtField names the field that has each recipient's own time: RFC 3339, or "2027-12-24 09:00" in the recipient's zone,
	// else in Zone. A recipient whose time can't be read, or has passed, is refused. Empty is none.
	AtField string
	// ZoneField names the field that has the name of each recipient's zone; empty is TimeZoneField, where there is one. A
	// recipient whose value there is empty is where the number says.
	ZoneField string
	// Zone is where those are of whom neither their field nor their number tells it; empty is UTC.
	Zone string
	// Window is when sending is allowed; nil is always. Quiet hours of the configuration stay quiet, whatever it says.
	Window *Window
	// NotAfter is when it is too late: who could not be sent to by then is expired. The zero time is never.
	NotAfter time.Time
	// MaxLate is how long after a recipient was due it is too late; 0 is never. Who has no time of their own is due at At
	// or AtLocal, or when the job was enqueued.
	MaxLate time.Duration
	// Past says what becomes of times that have passed; empty is RefusePast.
	Past Past

	// Priority says who goes first at an account; empty is Normal.
	Priority Priority
	// OnUnknown says what becomes of those whom the gateway may have taken; empty is Hold.
	OnUnknown OnUnknown
	// Flash asks that handsets show the message at once and store it nowhere, where the gateway can ask for that.
	Flash bool
	// Validity is how long the network may try, where the gateway can tell it; 0 is as long as it does by itself.
	Validity time.Duration
	// Hook is where the application is told about the job; nil is nowhere.
	Hook *Hook
	// AtGateway hands the message over at once and leaves it to the gateway to send at the time, where it can do that.
	// Whoever is to be able to cancel leaves it false.
	AtGateway bool

	// Traceparent is the span that the job belongs to, in W3C form, "00-…-…-01": what workers and callbacks do with it is
	// then of the same trace. It is no part of the job as far as Key is concerned. Empty is none.
	Traceparent string
}

// Recipient is one phone number of a job.
type Recipient struct {
	// To is the number as people type it, with its country code.
	To string
	// Ref is the application's own name for the recipient, given back with the outcome; may be empty.
	Ref string
	// Values are the personal fields in the order of Job.Fields.
	Values []string
	// Row is the recipient's place in the list, where not every place has one; it is after that of the recipient before. 0 is
	// the next.
	Row uint64
	// Refuse is why whoever read the list refuses the recipient, which then has an outcome like those refused at the door:
	// a short sentence without the number. Empty is for the door to say.
	Refuse string
}

// Refused is a recipient that was refused at the door.
type Refused struct {
	To string `json:"to"`
	// Row is the recipient's place in what was handed over, from Job.FirstRow.
	Row uint64 `json:"row,omitempty"`
	// Reason is a short sentence without the number.
	Reason string `json:"reason"`
}

// Receipt says what was enqueued.
type Receipt struct {
	JobID string `json:"job_id"`
	// Total is Queued plus RefusedCount. Duplicates were dropped, and are in neither.
	Total  int64 `json:"total"`
	Queued int64 `json:"queued"`
	// Refused lists the first 100 of the refused recipients; all of them are in the job's outcomes.
	Refused      []Refused  `json:"refused"`
	RefusedCount int64      `json:"refused_count"`
	Duplicates   int64      `json:"duplicates"`
	Batches      int        `json:"batches"`
	State        State      `json:"state"`
	ScheduleAt   *time.Time `json:"schedule_at"`
	// Duplicate is true when the job had been enqueued before with the same key; this call changed nothing.
	Duplicate bool `json:"duplicate_of_key"`
}

// maxListed is how many refused recipients a receipt lists.
const maxListed = 100

// checked is a job that passed the door.
type checked struct {
	spec  ledger.Spec
	delay time.Duration
	key   string
	times *rowTimes
	// personal vets the recipients' values.
	personal personal
}

// check validates everything but the recipients.
func (j *Job) check() (checked, error) {
	var c checked
	var errs []error
	bad := func(err error) {
		if err != nil {
			errs = append(errs, err)
		}
	}
	if j.Via == "" {
		bad(invalid("via", "must name an account or a route"))
	}
	from := sms.SenderID("")
	if j.From != "" {
		var err error
		if from, err = sms.ParseSenderID(j.From); err != nil {
			bad(invalid("from", "%s", err))
		}
	}
	msg := sms.Message{Text: j.Text, Binary: j.Binary}
	err := msg.Validate()
	if err != nil {
		bad(invalid("text", "%s", err))
	} else if c.personal, err = j.checkFields(); err != nil {
		bad(err)
	}
	if len(j.Key) > MaxKey || !utf8.ValidString(j.Key) {
		bad(invalid("key", "must be at most %d bytes of UTF-8", MaxKey))
	}
	if len(j.Label) > MaxLabel || !utf8.ValidString(j.Label) {
		bad(invalid("label", "must be at most %d bytes of UTF-8", MaxLabel))
	}
	bad((&Ask{By: j.By}).check())
	switch {
	case !j.At.IsZero() && j.Delay != 0:
		bad(invalid("delay", "can't be given together with a time"))
	case j.Delay < 0:
		bad(invalid("delay", "must not be negative"))
	case j.Delay > MaxAhead:
		bad(invalid("delay", "is more than two years"))
	case !j.At.IsZero() && time.Until(j.At) > MaxAhead:
		bad(invalid("at", "is more than two years ahead"))
	}
	if j.Traceparent != "" && !isTraceparent(j.Traceparent) {
		bad(invalid("traceparent", "must be a W3C traceparent of version 00, such as 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"))
	}
	for _, err := range slices.Concat(j.checkTimes(&c.spec), j.checkWishes(&c.spec), j.checkHook(&c.spec)) {
		bad(err)
	}
	if len(errs) > 0 {
		return c, errors.Join(errs...)
	}
	c.spec.Via, c.spec.From, c.spec.Text, c.spec.Fields, c.spec.Label = j.Via, string(from), j.Text, j.Fields, j.Label
	c.spec.By = j.By
	if j.Binary != nil {
		c.spec.UDH, c.spec.Payload = j.Binary.UDH, j.Binary.Payload
	}
	if !j.At.IsZero() {
		c.spec.At = j.At.UnixMilli()
	}
	c.times, c.spec.Fields = newRowTimes(j)
	c.delay, c.key, c.spec.Trace = j.Delay, j.Key, j.Traceparent
	return c, nil
}

// fingerprint is of all that makes the job's content, other than its recipients.
func (c *checked) fingerprint() (ledger.Fingerprint, error) {
	spec := c.spec
	spec.By = ""                                          // who repeats a job may be another
	spec.Accounts, spec.Legs, spec.Shards = nil, nil, nil // what a route stands for may change between two equal calls
	spec.Trace = ""                                       // and they are of different traces
	b, err := json.Marshal(struct {
		ledger.Spec
		Delay time.Duration
	}{spec, c.delay})
	if err != nil {
		return ledger.Fingerprint{}, fmt.Errorf("enqueue: %w", err)
	}
	sum := sha256.Sum256(b)
	return ledger.Fingerprint(sum[:ledger.FingerprintLen]), nil
}
