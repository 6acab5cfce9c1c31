package gateway

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/volleysms/volley/sms"
)

// Kind is a way to misbehave.
type Kind string

// The kinds of faults. Of several that hit one request and decide its answer, the first counts; Latency and Refuse go
// together with any.
const (
	// Latency answers later by Delay. What is taken is taken at once, so a caller that gives up has sent it.
	Latency Kind = "latency"
	// Status answers with the HTTP status Fault.Status, and a Retry-After of Delay when that is not zero.
	Status Kind = "status"
	// CutBefore cuts the connection and takes nothing.
	CutBefore Kind = "cut-before"
	// CutAfter takes the messages and cuts the connection.
	CutAfter Kind = "cut-after"
	// Refuse refuses the numbers that end in Suffix, in the gateway's own manner.
	Refuse Kind = "refuse"
	// Garbage takes the messages and answers 200 with a page that is no answer.
	Garbage Kind = "garbage"
	// Slow takes the messages and answers one byte at a time, with a pause of Delay, or 10 ms, after each.
	Slow Kind = "slow"
	// Huge takes the messages and answers 200 with 10 MiB of nonsense.
	Huge Kind = "huge"
	// Redirect takes nothing and answers 307, naming the request's own address.
	Redirect Kind = "redirect"
	// Auth takes nothing and answers as to wrong credentials.
	Auth Kind = "auth"
)

// Fault is one way to misbehave, as data. The zero value is none; use ParseFault or a literal with a Kind.
type Fault struct {
	// Provider limits the fault to the gateway of that name; empty is every gateway.
	Provider string
	Kind     Kind
	// Status is the HTTP status of a Status fault, 400 to 599.
	Status int
	// After makes a Status fault take the messages before it answers.
	After bool
	// Delay is the time of Latency and Slow, and the Retry-After of Status, in whole seconds.
	Delay time.Duration
	// Suffix is the end of the numbers that Refuse refuses, in digits: a whole number is an end too.
	Suffix string
	// When says which sends are hit.
	When When
}

// When chooses sends by their number, counted from 1 over the gateway's life. The zero value is all of them; operations
// other than sends are hit by that one alone. At most one of From, Every and Share is set.
type When struct {
	// From and To are the first and the last send hit; To 0 is no end.
	From, To int64
	// Every hits each send whose number it divides.
	Every int64
	// Share hits that part of the sends, chosen by Options.Seed; above 0, at most 1.
	Share float64
}

// ParseFault reads a fault as `volley simulate --fault` takes it:
//
//	[provider/]what[:argument][when]
//
//	what                 503, or any status from 400 to 599; nothing is taken
//	                     503-after: the same, but the messages are taken
//	                     429:3s: with Retry-After, in whole seconds
//	                     latency:50ms      answers later
//	                     cut-before        cuts the connection, takes nothing
//	                     cut-after         takes the messages, then cuts the connection
//	                     refuse:9901       refuses numbers that end so
//	                     garbage           200 and an unreadable answer
//	                     slow, slow:1s     the answer byte by byte
//	                     huge              200 and 10 MiB
//	                     redirect          307
//	                     auth              wrong credentials
//	when                 @2 the second send, @1-5 the first five, @3- from the third on,
//	                     %10 every tenth, ~0.01 one in a hundred; nothing: every request
//
// Examples: "503@2", "429:3s@1-5", "cut-after%10", "mttm/refuse:9901", "latency:50ms~0.1".
func ParseFault(s string) (Fault, error) {
	f, err := parseFault(s)
	if err != nil {
		return Fault{}, fmt.Errorf("fault %q: %w", s, err)
	}
	return f, nil
}

func parseFault(s string) (f Fault, err error) {
	rest := s
	if provider, after, ok := strings.Cut(s, "/"); ok {
		if provider == "" || strings.ContainsFunc(provider, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') }) {
			return f, errors.New("the provider before \"/\" is a name in small letters")
		}
		f.Provider, rest = provider, after
	}
	if i := strings.IndexAny(rest, "@%~"); i >= 0 {
		if f.When, err = parseWhen(rest[i], rest[i+1:]); err != nil {
			return f, err
		}
		rest = rest[:i]
	}
	what, arg, hasArg := strings.Cut(rest, ":")

	switch f.Kind = Kind(what); f.Kind {
	case Latency:
		f.Delay, err = parseDelay(arg)
		return f, err
	case Slow:
		if hasArg {
			f.Delay, err = parseDelay(arg)
		}
		return f, err
	case Refuse:
		if f.Suffix = arg; arg == "" || len(arg) > 15 || strings.Trim(arg, "0123456789") != "" {
			return f, errors.New("refuse needs the last digits of the numbers, as in refuse:9901")
		}
		return f, nil
	case CutBefore, CutAfter, Garbage, Huge, Redirect, Auth:
		if hasArg {
			return f, fmt.Errorf("%s takes no argument", what)
		}
		return f, nil
	}

	digits, after := strings.CutSuffix(what, "-after")
	f.Kind, f.After = Status, after
	if f.Status, err = strconv.Atoi(digits); err != nil || f.Status < 400 || f.Status > 599 || len(digits) != 3 {
		return f, errors.New("want a status from 400 to 599, latency, cut-before, cut-after, refuse, garbage, slow, huge, redirect or auth")
	}
	if hasArg {
		if f.Delay, err = parseDelay(arg); err == nil && f.Delay%time.Second != 0 {
			err = errors.New("a status is followed by whole seconds, as in 429:3s")
		}
	}
	return f, err
}

func parseDelay(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 {
		return 0, errors.New("want a time such as 50ms or 3s after \":\"")
	}
	return d, nil
}

func parseWhen(sign byte, s string) (w When, err error) {
	switch sign {
	case '%':
		if w.Every, err = parseCount(s); err != nil {
			return w, errors.New("want a number after \"%\", as in %10")
		}
	case '~':
		if w.Share, err = strconv.ParseFloat(s, 64); err != nil || !(w.Share > 0 && w.Share <= 1) {
			return w, errors.New("want a share above 0 and up to 1 after \"~\", as in ~0.01")
		}
	default:
		from, to, span := strings.Cut(s, "-")
		w.From, err = parseCount(from)
		if w.To = w.From; err == nil && span {
			if w.To = 0; to != "" {
				w.To, err = parseCount(to)
			}
		}
		if err != nil || (w.To != 0 && w.To < w.From) {
			return w, errors.New("want the numbers of sends after \"@\", as in @2, @1-5 or @3-")
		}
	}
	return w, nil
}

func parseCount(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err == nil && n < 1 {
		err = strconv.ErrRange
	}
	return n, err
}

// String returns the form that ParseFault reads.
func (f Fault) String() string {
	var b strings.Builder
	if f.Provider != "" {
		b.WriteString(f.Provider + "/")
	}
	if f.Kind == Status {
		b.WriteString(strconv.Itoa(f.Status))
		if f.After {
			b.WriteString("-after")
		}
	} else {
		b.WriteString(string(f.Kind))
	}
	if f.Delay > 0 {
		b.WriteString(":" + f.Delay.String())
	}
	if f.Suffix != "" {
		b.WriteString(":" + f.Suffix)
	}
	b.WriteString(f.When.String())
	return b.String()
}

// String returns the form that ParseFault reads, such as "@1-5"; empty for the zero value.
func (w When) String() string {
	switch {
	case w.Every > 0:
		return "%" + strconv.FormatInt(w.Every, 10)
	case w.Share > 0:
		return "~" + strconv.FormatFloat(w.Share, 'g', -1, 64)
	case w.From == 0:
		return ""
	case w.To == w.From:
		return fmt.Sprintf("@%d", w.From)
	case w.To == 0:
		return fmt.Sprintf("@%d-", w.From)
	default:
		return fmt.Sprintf("@%d-%d", w.From, w.To)
	}
}

// hits reports whether the fault applies to send n; 0 is another operation.
func (f *Fault) hits(n int64, seed uint64) bool {
	w := f.When
	switch {
	case w == When{}:
		return true
	case n == 0:
		return false
	case w.Every > 0:
		return n%w.Every == 0
	case w.Share > 0:
		return float64(mix(seed+uint64(n))>>11)/(1<<53) < w.Share
	default:
		return n >= w.From && (w.To == 0 || n <= w.To)
	}
}

// takes reports whether the gateway takes the messages before it misbehaves.
func (f *Fault) takes() bool {
	switch f.Kind {
	case CutAfter, Garbage, Slow, Huge, Latency, Refuse:
		return true
	case Status:
		return f.After
	default:
		return false
	}
}

// refuses reports whether to ends in the fault's digits.
func (f *Fault) refuses(to sms.MSISDN) bool {
	n := uint64(to)
	for i := len(f.Suffix) - 1; i >= 0; i-- {
		if n == 0 || byte('0'+n%10) != f.Suffix[i] {
			return false
		}
		n /= 10
	}
	return f.Suffix != ""
}

// mix spreads x over all bits: the output function of the SplitMix64 generator.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
