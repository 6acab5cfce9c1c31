package report

import (
	"encoding/binary"
	"errors"
	"time"
	"unicode/utf8"

	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/sms"
)

// Entry is what one push said about recipients of one batch.
type Entry struct {
	Account string
	Target  Target
	// Received is when the push came in.
	Received time.Time
	// Reports have no Reference any more.
	Reports []providers.Report
}

// Bounds of what is kept of a gateway's words, in bytes.
const (
	maxID   = 128
	maxCode = 64
)

// An entry's bytes are: a version; account and job as strings; batch, position + 1, round + 1 and attempt; the time in
// milliseconds; and for each report fate, number, time in milliseconds (0 for none), identifier, code and detail. Version 1
// had no attempt.
const entryVersion = 2

// Errors of decodeEntry.
var (
	errNewer = errors.New("report: the entry is of a newer program")
	errEntry = errors.New("report: the entry can't be read")
)

func (e *Entry) append(b []byte) []byte {
	b = append(b, entryVersion)
	b = appendString(b, e.Account)
	b = appendString(b, e.Target.Job)
	b = binary.AppendUvarint(b, uint64(e.Target.Batch))
	b = binary.AppendUvarint(b, uint64(max(e.Target.Position, -1)+1))
	b = binary.AppendUvarint(b, uint64(max(e.Target.Round, -1)+1))
	b = binary.AppendUvarint(b, uint64(e.Target.Attempt))
	b = binary.AppendUvarint(b, uint64(e.Received.UnixMilli()))
	for i := range e.Reports {
		r := &e.Reports[i]
		b = append(b, byte(r.Fate))
		b = binary.AppendUvarint(b, uint64(r.To))
		b = binary.AppendUvarint(b, uint64(e.at(r)))
		b = appendString(b, cut(r.ID, maxID))
		b = appendString(b, cut(r.Code, maxCode))
		b = appendString(b, cut(r.Detail, providers.MaxDetail))
	}
	return b
}

// How far a gateway's clock may be from ours before its time is not believed.
const (
	maxAhead  = time.Hour
	maxBehind = 30 * 24 * time.Hour
)

// at is the time of a report in milliseconds: the gateway's, or when it came in.
func (e *Entry) at(r *providers.Report) int64 {
	if d := r.At.Sub(e.Received); r.At.IsZero() || d > maxAhead || d < -maxBehind {
		return e.Received.UnixMilli()
	}
	return r.At.UnixMilli()
}

// cut bounds a text, at the end of a character.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// decodeEntry reads what append wrote. It never panics, whatever the bytes.
func decodeEntry(b []byte) (e Entry, err error) {
	if len(b) == 0 {
		return e, errEntry
	}
	if b[0] > entryVersion {
		return e, errNewer
	}
	d := decoder{b: b[1:], bad: b[0] == 0}
	e.Account, e.Target.Job = d.string(), d.string()
	e.Target.Batch, e.Target.Position, e.Target.Round = d.int(maxBatch), d.int(maxPosition)-1, d.int(maxRound+1)-1
	if b[0] > 1 {
		e.Target.Attempt = d.int(maxAttempt)
	}
	e.Received = time.UnixMilli(int64(d.uvarint()))
	for len(d.b) > 0 && !d.bad {
		r := providers.Report{Fate: providers.Fate(d.byte()), To: sms.MSISDN(d.uvarint()), At: time.UnixMilli(int64(d.uvarint()))}
		r.ID, r.Code, r.Detail = d.string(), d.string(), d.string()
		e.Reports = append(e.Reports, r)
	}
	if d.bad {
		return e, errEntry
	}
	return e, nil
}

type decoder struct {
	b   []byte
	bad bool
}

func (d *decoder) byte() byte {
	if len(d.b) == 0 {
		d.bad = true
		return 0
	}
	c := d.b[0]
	d.b = d.b[1:]
	return c
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.bad, d.b = true, nil
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) int(most uint64) int {
	v := d.uvarint()
	if v > most {
		d.bad = true
		return 0
	}
	return int(v)
}

func (d *decoder) string() string {
	n := d.uvarint()
	if n > uint64(len(d.b)) {
		d.bad, d.b = true, nil
		return ""
	}
	s := string(d.b[:n])
	d.b = d.b[n:]
	return s
}

// states are what the fates make of an outcome; Pending makes nothing of it, and leaves its words.
var states = map[providers.Fate]ledger.State{
	providers.Pending: ledger.Queued,
	providers.Taken:   ledger.Accepted, providers.Delivered: ledger.Delivered, providers.Undelivered: ledger.Undelivered,
	providers.Unclear: ledger.Unknown,
}

// kind is what report i says: accepted, delivered, undelivered or unknown, or pending when that is nothing yet.
func (e *Entry) kind(i int) string {
	if state := states[e.Reports[i].Fate]; state != ledger.Queued {
		return state.String()
	}
	return "pending"
}

// toLedger returns report i in the ledger's words; ok is false when it says nothing.
func (e *Entry) toLedger(i int) (r ledger.Report, ok bool) {
	p := &e.Reports[i]
	state, ok := states[p.Fate]
	ok = ok && p.Says()
	return ledger.Report{
		Position: e.Target.Position, To: p.To, ID: p.ID, Round: e.Target.Round, Attempt: e.Target.Attempt, Account: e.Account, State: state,
		Note: ledger.Note{Code: p.Code, Detail: p.Detail}, At: e.at(p),
	}, ok
}
