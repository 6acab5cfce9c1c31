package enqueue

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/internal/window"
	"github.com/volleysms/volley/sms"
)

// Window is a time of the week, in a zone or in each recipient's own.
type Window = window.Window

// ParseWindow reads a window: days, if not every day, the times of day, and the zone, if not each recipient's own.
//
//	mon-sat 09:00-20:00
//	09:00-20:00 Europe/Copenhagen
//	fri,sat 22:00-04:00 recipient
func ParseWindow(s string) (*Window, error) {
	w, err := window.Parse(s)
	if err != nil {
		return nil, err
	}
	return &w, nil
}

// Past says what becomes of a time that has passed when the job is enqueued.
type Past = window.Past

// What becomes of it; the zero value is RefusePast.
const (
	// RefusePast refuses the job; or the recipient, where the time is a recipient's own.
	RefusePast = window.RefusePast
	// SendPast sends at once.
	SendPast = window.SendPast
)

// TimeZoneField is the field that has the names of the recipients' time zones, unless Job.ZoneField names another.
const TimeZoneField = "tz"

// checkTimes validates what the job says about time, and writes it into its spec.
func (j *Job) checkTimes(spec *ledger.Spec) []error {
	var errs []error
	bad := func(field, format string, args ...any) { errs = append(errs, invalid(field, format, args...)) }
	var t ledger.TimeRules
	switch j.Past {
	case "", RefusePast:
	case SendPast:
		t.SendPast = true
	default:
		bad("past", "is send or refuse")
	}
	if j.MaxLate < 0 || j.MaxLate > MaxAhead {
		bad("maxlate", "is 0 to two years")
	}
	t.MaxLate = j.MaxLate.Milliseconds()
	if !j.NotAfter.IsZero() {
		t.NotAfter = j.NotAfter.UnixMilli()
		if !j.At.IsZero() && !j.At.Before(j.NotAfter) {
			bad("notafter", "is not after the time at which sending starts")
		}
	}
	if j.Window != nil {
		if err := j.Window.Validate(); err != nil {
			bad("window", "%s", err)
		}
		t.Window = j.Window.String()
	}
	if j.Zone != "" {
		if _, err := window.Load(j.Zone); err != nil {
			bad("zone", "%s", err)
		}
		t.Zone = j.Zone
	}
	if j.AtLocal != "" {
		w, err := window.ParseWall(j.AtLocal)
		switch {
		case err != nil:
			bad("atlocal", "%s", err)
		case !j.At.IsZero() || j.Delay != 0 || j.AtField != "":
			bad("atlocal", "can't be given together with another time")
		case time.Until(w.First()) > MaxAhead:
			bad("atlocal", "is more than two years ahead")
		default:
			t.Local = w.String()
			spec.At = w.First().UnixMilli() // before that it is there nowhere
		}
	}
	if j.AtField != "" && (!j.At.IsZero() || j.Delay != 0) {
		bad("atfield", "can't be given together with a time for all")
	}
	for _, f := range [][2]string{{"atfield", j.AtField}, {"zonefield", j.ZoneField}} {
		if f[1] != "" && !slices.Contains(j.Fields, f[1]) {
			bad(f[0], "the recipients have no field %q", f[1])
		}
	}
	if i := slices.IndexFunc(j.Fields, func(f string) bool { return strings.HasPrefix(f, "@") }); i >= 0 {
		bad("fields", "the name %q begins with @, which is for what is not personal", j.Fields[i])
	}
	if t != (ledger.TimeRules{}) {
		spec.Time = &t
	}
	return errs
}

// hasPassed refuses a job whose time is over, unless it asked to be sent then.
func (j *Job) hasPassed(now time.Time) error {
	if !j.NotAfter.IsZero() && !j.NotAfter.After(now) {
		return invalid("notafter", "%s has passed", j.NotAfter.Format(time.RFC3339))
	}
	if j.Past == SendPast {
		return nil
	}
	if !j.At.IsZero() && j.At.Before(now) {
		return invalid("at", "%s has passed", j.At.Format(time.RFC3339))
	}
	if w, err := window.ParseWall(j.AtLocal); err == nil && w.Last().Before(now) {
		return invalid("atlocal", "%s has passed everywhere", j.AtLocal)
	}
	return nil
}

// rowTimes turns what recipients say about their own time into fields that the worker reads. A nil one changes nothing.
type rowTimes struct {
	job      *Job
	at, zone int   // positions in Job.Fields, -1 for none
	keep     []int // positions of the other fields that are kept
	values   []string
}

// newRowTimes returns the fields of the job as they are stored.
func newRowTimes(j *Job) (*rowTimes, []string) {
	t := &rowTimes{job: j, at: -1, zone: slices.Index(j.Fields, cmp.Or(j.ZoneField, TimeZoneField))}
	if j.AtField != "" {
		t.at = slices.Index(j.Fields, j.AtField)
	}
	if t.at < 0 && t.zone < 0 {
		return nil, j.Fields
	}
	var asked []string
	if text, err := sms.ParseTemplate(j.Text); err == nil {
		asked = text.Fields()
	}
	var fields []string
	for i, f := range j.Fields {
		if i != t.at && i != t.zone || slices.Contains(asked, f) {
			t.keep, fields = append(t.keep, i), append(fields, f)
		}
	}
	if t.at >= 0 {
		fields = append(fields, ledger.FieldDue)
	}
	if t.zone >= 0 {
		fields = append(fields, ledger.FieldZone)
	}
	return t, fields
}

// place returns the recipient's values as they are stored and when the recipient is due, or why the recipient is refused.
// The values are used up before the next call.
func (t *rowTimes) place(values []string, created time.Time) (stored []string, due int64, reason string) {
	if t == nil {
		return values, 0, ""
	}
	t.values = t.values[:0]
	for _, i := range t.keep {
		t.values = append(t.values, values[i])
	}
	zone := ""
	if t.zone >= 0 {
		zone = strings.TrimSpace(values[t.zone])
		if zone != "" {
			if _, err := window.ZonesOf(zone); err != nil {
				return nil, 0, fmt.Sprintf("its field %q: %s", t.job.Fields[t.zone], err)
			}
		}
	}
	if t.at >= 0 {
		at, reason := t.moment(strings.TrimSpace(values[t.at]), zone)
		switch {
		case reason != "":
		case at.Before(created) && t.job.Past == SendPast:
			at = created
		case at.Before(created):
			reason = "its time has passed"
		case at.Sub(created) > MaxAhead:
			reason = "its time is more than two years ahead"
		case !t.job.NotAfter.IsZero() && !at.Before(t.job.NotAfter):
			reason = "its time is after the end for the whole job"
		}
		if reason != "" {
			return nil, 0, fmt.Sprintf("its field %q: %s", t.job.AtField, reason)
		}
		due = at.Unix()
		t.values = append(t.values, ledger.PackDue(at))
	}
	if t.zone >= 0 {
		t.values = append(t.values, zone)
	}
	return t.values, due, ""
}

// moment reads a recipient's own time: RFC 3339, or a date and a time of day in a zone.
func (t *rowTimes) moment(s, zone string) (at time.Time, reason string) {
	if s == "" {
		return at, "there is no time"
	}
	if at, err := time.Parse(time.RFC3339, s); err == nil {
		return at, ""
	}
	w, err := window.ParseWall(s)
	if err != nil {
		return at, "it is no time: write 2027-12-24T09:00:00+01:00, or 2027-12-24 09:00 with a time zone beside it"
	}
	z, err := window.ZonesOf(cmp.Or(zone, t.job.Zone))
	if err != nil {
		return at, "it has no time zone: give the recipient one, or the job"
	}
	return z.In(w), ""
}

// The most recipients, and bytes of them, that are put in order of their times before they go into batches.
const (
	maxSorted      = 1 << 18
	maxSortedBytes = 64 << 20
)

// sorter gathers recipients that have times of their own, so that those of a batch are due at about the same time.
type sorter struct {
	list  []timed
	bytes int
}

type timed struct {
	due int64
	via int
	rec ledger.Recipient
}

// bytes is how long what the recipient brings is.
func (t *timed) bytes() int {
	n := len(t.rec.Ref)
	for _, v := range t.rec.Values {
		n += len(v)
	}
	return n
}

// add keeps a copy of the recipient. It reports whether what has gathered takes all the room there is.
func (s *sorter) add(via int, due int64, r ledger.Recipient) (full bool) {
	r.Ref = strings.Clone(r.Ref)
	values := make([]string, len(r.Values))
	for i, v := range r.Values {
		values[i] = strings.Clone(v)
		s.bytes += len(v)
	}
	r.Values = values
	s.bytes += len(r.Ref) + 128
	s.list = append(s.list, timed{due, via, r})
	return s.bytes >= maxSortedBytes
}

// spill writes what has gathered into batches, those due first into the first, and in the order of rows within each.
func (w *writer) spill(ctx context.Context) error {
	s := &w.sorted
	order := make([]int32, len(s.list)) // moves less than the recipients themselves
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(i, j int32) int {
		a, b := &s.list[i], &s.list[j]
		return cmp.Or(cmp.Compare(a.via, b.via), cmp.Compare(a.due, b.due), cmp.Compare(i, j))
	})
	for len(order) > 0 {
		n, size, most := 0, 0, w.most(w.n-int64(len(order))+1)
		first := &s.list[order[0]]
		for n < len(order) && n < most && s.list[order[n]].via == first.via && size < maxBatchBytes {
			size += s.list[order[n]].bytes()
			n++
		}
		batch := order[:n]
		order = order[n:]
		slices.Sort(batch)
		b := w.building(first.via)
		for _, i := range batch {
			b.Add(s.list[i].rec)
		}
		if err := w.closeBatch(ctx, b); err != nil {
			return err
		}
	}
	clear(s.list)
	s.list, s.bytes = s.list[:0], 0
	return nil
}
