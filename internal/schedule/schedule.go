package schedule

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/volleysms/volley/internal/window"
	"github.com/volleysms/volley/sms"
)

// Bounds of a schedule.
const (
	// MaxRecipients is how many recipients a schedule may hold itself. Longer lists are in a file, or asked for.
	MaxRecipients = 10_000
	// MaxNote is the length of a note in bytes.
	MaxNote = 500
	// MaxFields and MaxLabel are those of a job in enqueue, which imports this package.
	MaxFields = 32
	MaxLabel  = 64
	// MaxTimeout is the longest that an endpoint may take.
	MaxTimeout = 5 * time.Minute
	// OnTime is how late a tick may fire and be on time still, as after a restart of the schedulers. Later, the catch-up
	// policy decides.
	OnTime = time.Minute
)

// Schedule is a recurring send: when, what, and to whom.
type Schedule struct {
	// Name is 1 to 64 letters, digits, - and _.
	Name string `json:"name" yaml:"-"`

	// Cron is an expression of five fields (minute, hour, day of month, month, day of week), or @hourly, @daily, @weekly,
	// @monthly or @yearly, about the clock of Zone. A time that does not exist there, because clocks are put forward,
	// fires at the first moment after; one that exists twice fires the first time only. Cron or Every is set.
	Cron string `json:"cron,omitempty" yaml:"cron"`
	// Every is an interval of a second or more, counted from Start, or else from when the schedule was added; clocks that
	// are put forward or back do not change it.
	Every Duration `json:"every,omitempty" yaml:"every"`
	// Zone is an IANA time zone; empty is UTC.
	Zone string `json:"zone,omitempty" yaml:"zone"`
	// Start and End bound the ticks, both included; zero is no bound.
	Start time.Time `json:"start,omitzero" yaml:"-"`
	End   time.Time `json:"end,omitzero" yaml:"-"`
	// Jitter puts each tick off by up to so much, by chance, but the same in every scheduler; at most 24 h.
	Jitter Duration `json:"jitter,omitempty" yaml:"jitter"`

	// Overlap says what happens to a tick while the job before has not completed; empty is Allow.
	Overlap Overlap `json:"overlap,omitempty" yaml:"overlap"`
	// CatchUp says what happens to ticks that did not fire OnTime; empty is Last.
	CatchUp CatchUp `json:"catch_up,omitempty" yaml:"catch_up"`
	// CatchUpWithin is how old such a tick may be, to be fired still; 0 is an hour.
	CatchUpWithin Duration `json:"catch_up_within,omitempty" yaml:"catch_up_within"`
	// RetryFor is how long a tick is tried again whose recipients can't be had; 0 is an hour.
	RetryFor Duration `json:"retry_for,omitempty" yaml:"retry_for"`

	Send       Template   `json:"send" yaml:"send"`
	Recipients Recipients `json:"recipients" yaml:"recipients"`
}

// Overlap says what happens to a tick that is due while the schedule's last job has not completed.
type Overlap string

// The overlap policies.
const (
	// Allow fires the tick all the same.
	Allow Overlap = "allow"
	// Skip leaves the tick out.
	Skip Overlap = "skip"
	// Queue lets the tick wait for the job's end. For the ticks behind it the catch-up policy holds.
	Queue Overlap = "queue"
)

// CatchUp says what happens to ticks that did not fire OnTime, because no scheduler ran.
type CatchUp string

// The catch-up policies.
const (
	// None leaves them out.
	None CatchUp = "none"
	// Last fires the last of them, when it is not older than CatchUpWithin.
	Last CatchUp = "last"
	// All fires each that is not older than CatchUpWithin, in their order.
	All CatchUp = "all"
)

// Template is the job that each tick enqueues, as in enqueue.Job.
type Template struct {
	Via  string `json:"via" yaml:"via"`
	From string `json:"from,omitempty" yaml:"from"`
	// Text may have {{name}}, which stands for the recipient's value of that name, and {{name|there}}, which is "there" where
	// that is missing.
	Text string `json:"text" yaml:"text"`
	// Missing says what becomes of recipients without a value for which Text has no default; empty refuses them.
	Missing sms.MissingPolicy `json:"missing,omitempty" yaml:"missing"`
	Label   string            `json:"label,omitempty" yaml:"label"`
	// KeyPrefix stands before the idempotency keys of the jobs, which are schedule:ID:TICK, the tick in seconds since
	// 1970; may be empty.
	KeyPrefix string `json:"key_prefix,omitempty" yaml:"key_prefix"`

	// AtLocal is a time of day, "09:00": sending starts when clocks at each recipient's place show it, on the day that the
	// tick is in the schedule's zone. Empty sends at the tick.
	AtLocal string `json:"at_local,omitempty" yaml:"at_local"`
	// AtField names the value that has each recipient's own time, as enqueue.Job.AtField; can't be given with AtLocal.
	AtField string `json:"at_field,omitempty" yaml:"at_field"`
	// ZoneField names the value that has each recipient's time zone; without it, or where it is empty, the number says.
	ZoneField string `json:"zone_field,omitempty" yaml:"zone_field"`
	// Zone is where those are whose zone neither says; empty is UTC.
	Zone string `json:"zone,omitempty" yaml:"zone"`
	// Window is when sending is allowed, as enqueue.ParseWindow reads it, such as "mon-sat 09:00-20:00"; empty is always.
	Window string `json:"window,omitempty" yaml:"window"`
	// MaxLate is how long after a recipient was due it is too late to send; 0 is never.
	MaxLate Duration `json:"max_late,omitempty" yaml:"max_late"`
	// Past says what becomes of recipients' times that have passed when the tick fires; empty refuses them.
	Past window.Past `json:"past,omitempty" yaml:"past"`
}

// Recipients says to whom: exactly one of its three is set.
type Recipients struct {
	// To is a list that is kept with the schedule, of at most MaxRecipients.
	To []Recipient `json:"to,omitempty" yaml:"to"`
	// File is read by the scheduler when the tick fires.
	File *File `json:"file,omitempty" yaml:"file"`
	// Endpoint is asked by the scheduler when the tick fires.
	Endpoint *Endpoint `json:"endpoint,omitempty" yaml:"endpoint"`
}

// Recipient is one number with its values by their names.
type Recipient struct {
	To     string            `json:"to" yaml:"to"`
	Ref    string            `json:"ref,omitempty" yaml:"ref"`
	Values map[string]string `json:"values,omitempty" yaml:"values"`
}

// File is a CSV file as `volley import` takes it.
type File struct {
	// Path is below the folder that the schedulers are told of.
	Path string `json:"path" yaml:"path"`
	// ToColumn and RefColumn name columns; empty finds them by their usual names.
	ToColumn  string `json:"to_column,omitempty" yaml:"to_column"`
	RefColumn string `json:"ref_column,omitempty" yaml:"ref_column"`
	// Delimiter is the character between columns; empty is a comma.
	Delimiter string `json:"delimiter,omitempty" yaml:"delimiter"`
}

// Endpoint is an address that answers a signed POST with a list of recipients; docs/reminders.md describes both.
type Endpoint struct {
	// URL begins with https://; http:// is taken for private addresses that the schedulers allow.
	URL string `json:"url" yaml:"url"`
	// Secret names the secret, in the schedulers' settings, that signs the request; empty does not sign.
	Secret string `json:"secret,omitempty" yaml:"secret"`
	// Timeout bounds the request with its answer; 0 is 30 s, and 5 min the most.
	Timeout Duration `json:"timeout,omitempty" yaml:"timeout"`
}

// InvalidError says which part of a schedule is not acceptable, and why.
type InvalidError struct {
	// Field is the part's name as in a file of schedules, such as send.text.
	Field  string
	Reason string
}

// Error returns "cron: expected 5 fields".
func (e *InvalidError) Error() string { return e.Field + ": " + e.Reason }

// Validate checks everything that can be checked without Redis, and returns an *InvalidError or several joined.
func (s *Schedule) Validate() error {
	v := &validator{}
	v.check(nameOK(s.Name), "name", "%q is not 1 to 64 letters, digits, - and _", s.Name)
	v.when(s)
	v.check(slices.Contains([]Overlap{"", Allow, Skip, Queue}, s.Overlap), "overlap", "%q is not allow, skip or queue", s.Overlap)
	v.check(slices.Contains([]CatchUp{"", None, Last, All}, s.CatchUp), "catch_up", "%q is not none, last or all", s.CatchUp)
	v.duration("catch_up_within", s.CatchUpWithin, 366*24*time.Hour)
	v.duration("retry_for", s.RetryFor, 48*time.Hour)
	v.send(&s.Send)
	v.times(&s.Send)
	v.recipients(&s.Recipients)
	return errors.Join(v.errs...)
}

type validator struct{ errs []error }

func (v *validator) bad(field, format string, args ...any) {
	v.errs = append(v.errs, &InvalidError{field, fmt.Sprintf(format, args...)})
}

func (v *validator) check(ok bool, field, format string, args ...any) {
	if !ok {
		v.bad(field, format, args...)
	}
}

func (v *validator) duration(field string, d Duration, most time.Duration) {
	v.check(d >= 0 && time.Duration(d) <= most, field, "%s is not between 0 and %s", d, Duration(most))
}

func (v *validator) when(s *Schedule) {
	_, err := LoadZone(s.Zone)
	if err != nil {
		v.bad("zone", "%s", err)
	}
	switch {
	case s.Cron == "" && s.Every == 0:
		v.bad("cron", "is missing: give an expression such as \"0 9 * * mon-fri\", or an interval as every")
	case s.Cron != "" && s.Every != 0:
		v.bad("every", "can't be given together with cron")
	case s.Cron != "":
		c, cerr := parseCron(s.Cron)
		switch {
		case cerr != nil:
			v.bad("cron", "%s", cerr)
		case err == nil && c.Next(time.Now()).IsZero():
			v.bad("cron", "%q never comes", s.Cron)
		}
	default:
		d := time.Duration(s.Every)
		v.check(d >= time.Second && d <= 366*24*time.Hour && d%time.Second == 0, "every", "%s is not whole seconds between 1s and a year", s.Every)
	}
	for field, t := range map[string]time.Time{"start": s.Start, "end": s.End} {
		v.check(t.Nanosecond() == 0, field, "has a fraction of a second")
		v.check(t.IsZero() || t.Year() >= 2000 && t.Year() < 2200, field, "is in the year %d", t.Year())
	}
	v.check(s.End.IsZero() || s.End.After(s.Start), "end", "is not after start")
	v.duration("jitter", s.Jitter, 24*time.Hour)
}

func (v *validator) send(t *Template) {
	v.check(t.Via != "", "send.via", "must name an account or a route")
	if t.From != "" {
		if _, err := sms.ParseSenderID(t.From); err != nil {
			v.bad("send.from", "%s", err)
		}
	}
	if err := (sms.Message{Text: t.Text}).Validate(); err != nil {
		v.bad("send.text", "%s", err)
	} else if fields, err := t.Fields(); err != nil {
		v.bad("send.text", "%s", err)
	} else {
		v.check(len(fields) <= MaxFields, "send.text", "asks for %d fields, more than %d", len(fields), MaxFields)
		v.missing(t)
	}
	v.check(len(t.Label) <= MaxLabel && utf8.ValidString(t.Label), "send.label", "is not UTF-8 of at most %d bytes", MaxLabel)
	v.check(len(t.KeyPrefix) <= maxPrefix && utf8.ValidString(t.KeyPrefix), "send.key_prefix", "is not UTF-8 of at most %d bytes", maxPrefix)
}

// missing looks at the policy for missing values, and at what it asks of the text.
func (v *validator) missing(t *Template) {
	known := []sms.MissingPolicy{"", sms.RefuseMissing, sms.EmptyMissing, sms.DefaultMissing}
	v.check(slices.Contains(known, t.Missing), "send.missing", "%q is not refuse, empty or default", t.Missing)
	text, err := sms.ParseTemplate(t.Text)
	if err != nil || t.Missing != sms.DefaultMissing {
		return
	}
	for i, f := range text.Fields() {
		_, given := text.Default(i)
		v.check(given, "send.text", "has no default for the field %q, as missing: default asks for", f)
	}
}

// maxPrefix leaves room for the rest of a key.
const maxPrefix = 128

// Fields are what the text asks for, and what has recipients' times and zones.
func (t *Template) Fields() ([]string, error) {
	p, err := sms.ParseTemplate(t.Text)
	if err != nil {
		return nil, err
	}
	fields := slices.Clone(p.Fields())
	for _, f := range []string{t.AtField, t.ZoneField} {
		if f != "" && !slices.Contains(fields, f) {
			fields = append(fields, f)
		}
	}
	return fields, nil
}

func (v *validator) times(t *Template) {
	if t.AtLocal != "" {
		d, err := time.Parse("15:04", t.AtLocal)
		v.check(err == nil && d.Format("15:04") == t.AtLocal, "send.at_local", "%q is not a time of day such as 09:00", t.AtLocal)
		v.check(t.AtField == "", "send.at_field", "can't be given together with at_local")
	}
	if t.Window != "" {
		if _, err := window.Parse(t.Window); err != nil {
			v.bad("send.window", "%s", err)
		}
	}
	if _, err := LoadZone(t.Zone); err != nil {
		v.bad("send.zone", "%s", err)
	}
	v.duration("send.max_late", t.MaxLate, 366*24*time.Hour)
	v.check(slices.Contains([]window.Past{"", window.RefusePast, window.SendPast}, t.Past), "send.past", "%q is not refuse or send", t.Past)
}

func (v *validator) recipients(r *Recipients) {
	n := 0
	if r.To != nil {
		n++
		v.check(len(r.To) > 0, "recipients.to", "has nobody in it")
		v.check(len(r.To) <= MaxRecipients, "recipients.to", "has %d, more than %d: use a file or an endpoint", len(r.To), MaxRecipients)
		for i, to := range r.To[:min(len(r.To), MaxRecipients)] {
			if _, err := sms.ParseMSISDN(to.To); err != nil {
				v.bad("recipients.to", "number %d of the list: %s", i+1, err)
				break
			}
		}
	}
	if f := r.File; f != nil {
		n++
		clean := path.Clean(f.Path)
		v.check(f.Path != "" && !path.IsAbs(f.Path) && clean != ".." && !strings.HasPrefix(clean, "../") && !strings.ContainsAny(f.Path, "\\\x00"),
			"recipients.file.path", "%q is not a path below the schedulers' folder of files", f.Path)
		v.check(utf8.RuneCountInString(f.Delimiter) <= 1 || f.Delimiter == `\t`, "recipients.file.delimiter", "is not one character")
	}
	if e := r.Endpoint; e != nil {
		n++
		u, err := url.Parse(e.URL)
		switch {
		case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
			v.bad("recipients.endpoint.url", "is not like https://example.com/path")
		case u.User != nil:
			v.bad("recipients.endpoint.url", "has a password in it: name a secret instead, which signs the request")
		}
		v.check(e.Secret == "" || nameOK(e.Secret), "recipients.endpoint.secret", "is the name of a secret in the schedulers' settings: 1 to 64 letters, digits, - and _")
		v.duration("recipients.endpoint.timeout", e.Timeout, MaxTimeout)
	}
	v.check(n == 1, "recipients", "has %d of to, file and endpoint: exactly one is needed", n)
}

func nameOK(s string) bool {
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return len(s) >= 1 && len(s) <= 64
}

// filled returns s with the defaults written out.
func (s Schedule) filled() Schedule {
	fill(&s.Zone, "UTC")
	fill(&s.Overlap, Allow)
	fill(&s.CatchUp, Last)
	fill(&s.CatchUpWithin, Duration(time.Hour))
	fill(&s.RetryFor, Duration(time.Hour))
	s.Start, s.End = s.Start.UTC(), s.End.UTC()
	return s
}

func fill[T comparable](p *T, v T) {
	var zero T
	if *p == zero {
		*p = v
	}
}

// Duration is a time.Duration that is written as in "90s" or "1h30m".
type Duration time.Duration

// String returns "1h30m", not "1h30m0s".
func (d Duration) String() string {
	s := time.Duration(d).String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// MarshalText returns String.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what time.ParseDuration reads.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	if err != nil {
		return fmt.Errorf("%q is no duration: write 90s or 1h30m", b)
	}
	*d = Duration(v)
	return nil
}
