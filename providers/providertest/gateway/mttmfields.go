package gateway

import (
	"encoding/hex"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/volleysms/volley/sms"
)

// mttmFields are the fields of one message, in either API. A field that stands in a batch's globals counts for each entry
// without it.
type mttmFields struct {
	to              []string
	from            string
	content, hex    string
	hasText, hasHex bool
	coding          int // -1 is not given
	dlrURL          string
	wishes          mttmWishes
	unknown         string // the first key that is none
}

// mttmWishes are the fields that most messages of a batch have in common.
type mttmWishes struct{ dlr, level, method, priority, validity, sdt, tags string }

func newMTTMFields() mttmFields { return mttmFields{coding: -1} }

// read fills f with an object's fields. "-" and "_" are the same in a key.
func (f *mttmFields) read(s *scanner) {
	s.object(func(k []byte) {
		key := strings.ReplaceAll(string(k), "_", "-")
		if key == "to" && s.peek() == '[' {
			s.array(func() { f.to = append(f.to, s.scalar()) })
			return
		}
		f.set(key, s.scalar())
	})
}

// scalar reads a string or a number.
func (s *scanner) scalar() string {
	if s.peek() == '"' {
		return string(s.str())
	}
	return string(s.number())
}

// set sets one field.
func (f *mttmFields) set(key, value string) {
	switch key {
	case "to":
		f.to = append(f.to, value)
	case "from":
		f.from = value
	case "content":
		f.content, f.hasText = value, true
	case "hex-content":
		f.hex, f.hasHex = value, true
	case "coding":
		n, err := strconv.Atoi(value)
		if err != nil || n < 0 {
			n = 99
		}
		f.coding = n
	case "dlr-url":
		f.dlrURL = value
	default:
		if p := f.wishes.field(key); p != nil {
			*p = value
		} else if f.unknown == "" {
			f.unknown = key
		}
	}
}

func (w *mttmWishes) field(key string) *string {
	switch key {
	case "dlr":
		return &w.dlr
	case "dlr-level":
		return &w.level
	case "dlr-method":
		return &w.method
	case "priority":
		return &w.priority
	case "validity-period":
		return &w.validity
	case "sdt":
		return &w.sdt
	case "tags":
		return &w.tags
	}
	return nil
}

// mttmPatterns are what the fields may be. Source: fact sheet section 2.
var mttmPatterns = map[string]*regexp.Regexp{
	"dlr":             regexp.MustCompile(`^(yes|no)$`),
	"dlr-level":       regexp.MustCompile(`^[123]$`),
	"dlr-method":      regexp.MustCompile(`(?i)^(get|post)$`),
	"priority":        regexp.MustCompile(`^[0-3]$`),
	"validity-period": regexp.MustCompile(`^[0-9]+$`),
	"sdt":             regexp.MustCompile(`^[0-9]{15}[-+R]$`),
	"tags":            regexp.MustCompile(`^[-a-zA-Z0-9,]*$`),
}

// mttmURL is what an address that the gateway calls may be.
var mttmURL = regexp.MustCompile(`^https?://.+`)

// each calls fn for each field that is set.
func (w *mttmWishes) each(fn func(key, value string)) {
	if *w == (mttmWishes{}) {
		return
	}
	for key := range mttmPatterns {
		if v := *w.field(key); v != "" {
			fn(key, v)
		}
	}
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
	if f.dlrURL == "" {
		f.dlrURL = g.dlrURL
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
	if f.wishes == (mttmWishes{}) {
		f.wishes = g.wishes
		return
	}
	g.wishes.each(func(key, value string) {
		if p := f.wishes.field(key); *p == "" {
			*p = value
		}
	})
}

// mttmAnswers are how an API answers: a refusal in words, and what is dropped without any.
type mttmAnswers struct {
	refuse func(status int, text string) Reply
	silent Reply
}

// add checks one message's fields and appends a message for each number.
func (f *mttmFields) add(ask *Ask, a mttmAnswers) {
	bad := func(why, text string) { ask.Violate(why, a.refuse(http.StatusBadRequest, text)) }
	f.coding = max(f.coding, 0)
	switch {
	case f.unknown != "":
		bad("unknown key "+f.unknown, "Argument ["+f.unknown+"] is unknown.")
	case len(f.to) == 0:
		bad("no number", "Mandatory argument [to] is not found.")
	case f.hasText == f.hasHex:
		bad("not exactly one of content and hex_content", "content and hex-content cannot be used both in same request.")
	case f.coding > 14 || f.coding == 11 || f.coding == 12:
		bad("coding", "Argument [coding] has an invalid value: ["+strconv.Itoa(f.coding)+"].")
	case f.dlrURL != "" && !mttmURL.MatchString(f.dlrURL):
		bad("dlr-url", "Argument [dlr-url] has an invalid value: ["+f.dlrURL+"].")
	case f.content == "" && f.hex == "":
		ask.Violate("empty content", a.silent)
	case len(f.from) > mttmMaxFrom:
		ask.Violate("sender of "+strconv.Itoa(len(f.from))+" bytes", a.silent)
	}
	f.wishes.each(func(key, value string) {
		if !mttmPatterns[key].MatchString(value) {
			bad(key, "Argument ["+key+"] has an invalid value: ["+value+"].")
		}
	})
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
			ask.Violate("a number that is none", a.silent)
			return
		}
		ask.Add(m)
	}
}

// message returns what the handset gets, and false for hex that is none.
func (f *mttmFields) message(record bool) (Message, bool) {
	m := Message{From: f.from, Callback: f.callback(), Due: smppTime(f.wishes.sdt, time.Now())}
	if record && f.wishes != (mttmWishes{}) {
		m.Asked = map[string]string{}
		f.wishes.each(func(key, value string) { m.Asked[key] = value })
	}
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

// smppTime reads a time of SMPP: YYMMDDhhmmss, a tenth of a second, and by how many quarters of an hour the zone is ahead (+) or
// behind (-); with R all of it is a wait. Source: SMPP 3.4 section 7.1.1. What can't be read is at once.
func smppTime(s string, now time.Time) time.Time {
	const digits = 12
	if len(s) != digits+4 {
		return time.Time{}
	}
	if s[15] == 'R' {
		n := make([]int, digits/2)
		for i := range n {
			n[i], _ = strconv.Atoi(s[2*i : 2*i+2])
		}
		return now.AddDate(n[0], n[1], n[2]).Add(time.Duration(n[3])*time.Hour + time.Duration(n[4])*time.Minute + time.Duration(n[5])*time.Second)
	}
	t, err := time.Parse("060102150405", s[:digits])
	if err != nil {
		return time.Time{}
	}
	quarters, _ := strconv.Atoi(s[13:15])
	ahead := time.Duration(quarters) * 15 * time.Minute
	if s[15] == '-' {
		ahead = -ahead
	}
	return t.Add(-ahead)
}

// callback returns where reports go, nil for nowhere. An address asks for them by itself, and the level is 1 unless given.
func (f *mttmFields) callback() *Callback {
	if f.dlrURL == "" {
		return nil
	}
	c := &Callback{URL: f.dlrURL, Method: http.MethodPost, Level: 1}
	if f.wishes.method != "" {
		c.Method = strings.ToUpper(f.wishes.method)
	}
	if f.wishes.level != "" {
		c.Level = int(f.wishes.level[0] - '0')
	}
	return c
}

// mttmConfig is a batch's batch_config.
type mttmConfig struct {
	progress, errors, at string
	atIsNumber           bool
	unknown              string
}

func (c *mttmConfig) read(s *scanner) {
	s.object(func(k []byte) {
		switch key := string(k); key {
		case "callback_url":
			c.progress = string(s.str())
		case "errback_url":
			c.errors = string(s.str())
		case "schedule_at":
			c.atIsNumber = s.peek() != '"'
			c.at = s.scalar()
		default:
			c.unknown = key
			s.skip()
		}
	})
}

// mttmWait is a schedule_at in seconds from now.
var mttmWait = regexp.MustCompile(`^[0-9]{1,9}s$`)

// check returns when the batch goes out; the zero time is at once.
func (c *mttmConfig) check(d MTTM, ask *Ask, now time.Time) time.Time {
	crash := d.own(http.StatusInternalServerError, "500 Internal Server Error", "")
	switch {
	case c.unknown != "":
		ask.Violate("unknown key "+c.unknown+" of batch_config", crash)
	case c.progress != "" && !mttmURL.MatchString(c.progress) || c.errors != "" && !mttmURL.MatchString(c.errors):
		ask.Violate("callback_url or errback_url", crash)
	case c.at == "":
	case c.atIsNumber:
		ask.Violate("schedule_at is a number", crash)
	case mttmWait.MatchString(c.at):
		seconds, _ := strconv.Atoi(strings.TrimSuffix(c.at, "s"))
		return now.Add(time.Duration(seconds) * time.Second)
	default:
		zone := d.Zone
		if zone == nil {
			zone = time.UTC
		}
		t, err := time.ParseInLocation(time.DateTime, c.at, zone)
		switch {
		case err != nil:
			ask.Violate("schedule_at", d.own(http.StatusPreconditionFailed, "Cannot parse scheduled_at value", "Got unknown format"))
		case t.Before(now):
			ask.Violate("schedule_at in the past", d.own(http.StatusPreconditionFailed, "Cannot schedule batch in past date", "Invalid past date given"))
		}
		return t
	}
	return time.Time{}
}

// callback adds where the batch's progress goes to where a message's reports go.
func (c *mttmConfig) callback(m *Callback) *Callback {
	if c.progress == "" && c.errors == "" {
		return m
	}
	out := Callback{Progress: c.progress, Errors: c.errors}
	if m != nil {
		out.URL, out.Method, out.Level = m.URL, m.Method, m.Level
	}
	return &out
}

// asked adds the batch's schedule to what a message asks for.
func (c *mttmConfig) asked(m map[string]string) map[string]string {
	if c.at == "" {
		return m
	}
	out := map[string]string{"schedule_at": c.at}
	for key, value := range m {
		out[key] = value
	}
	return out
}
