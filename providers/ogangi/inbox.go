package ogangi

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/sms"
)

// InboundMessage is a message from a handset as the platform shows it. It has no identifier. Any field may be empty.
type InboundMessage struct {
	// From is the handset, and To the code or number that it wrote to. The vendor's table says the contrary, and its sample this.
	From, To, Text string
	// Keyword is the expression that the platform matched the text with, and Carrier the operator.
	Keyword, Carrier string
	Encoding         string
	// SendDate is when it was sent, such as "2014-10-13 10:30:51.922", in a time zone that the platform does not name.
	SendDate string
}

// At returns SendDate as a time in loc; the zero time when it can't be read.
func (m InboundMessage) At(loc *time.Location) time.Time {
	for _, layout := range [...]string{"2006-01-02 15:04:05", "2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05Z0700"} {
		if t, err := time.ParseInLocation(layout, m.SendDate, loc); err == nil {
			return t
		}
	}
	return time.Time{}
}

// ID tells a repetition of the message from another: a hash of handset, code, time and text, since the platform gives none.
func (m InboundMessage) ID() string { return hashID(m.From, m.To, m.SendDate, m.Text) }

// hashID returns 32 hex digits that stand for the parts.
func hashID(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		_, _ = fmt.Fprintf(h, "%d:%s;", len(p), p) // a hash never fails
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// Inbound returns the message as the worker's contract has it, and false when it names no handset. loc is as in At.
func (m InboundMessage) Inbound(loc *time.Location) (providers.Inbound, bool) {
	in := providers.Inbound{ID: m.ID(), To: m.To, Text: m.Text, Keyword: m.Keyword, Carrier: m.Carrier, At: m.At(loc)}
	var err error
	if in.From, err = sms.ParseMSISDN(m.From); err != nil {
		in.To = m.From // a short code: the platform has them the other way round
		in.From, err = sms.ParseMSISDN(m.To)
	}
	return in, err == nil
}

// Order is the order of inbound messages by time.
type Order string

// The orders.
const (
	OldestFirst Order = "asc"
	NewestFirst Order = "desc"
)

// Filter narrows inbound messages. The zero Filter takes all; of several fields all have to fit, and of the values of one
// field any.
type Filter struct {
	From, To, Carrier []string
	// Keyword is a Java regular expression; it may have no slash, for which "\x2F" stands.
	Keyword string
	// Order is the platform's own when empty.
	Order Order
}

// refuse says why a filter can't be written, and "" when it can.
func (f Filter) refuse() string {
	all := slices.Concat(f.From, f.To, f.Carrier)
	switch {
	case slices.Contains(all, ""):
		return "a value of the filter is empty"
	case strings.Contains(strings.Join(all, "")+f.Keyword, "/"):
		return `the filter has a slash, which an address would be taken apart at; in a keyword write \x2F for it`
	case f.Order != "" && f.Order != OldestFirst && f.Order != NewestFirst:
		return "the order is asc or desc"
	}
	return ""
}

// append appends the filter as it stands in an address: raw "&", "=" and ",", and the values escaped.
func (f Filter) append(b []byte) []byte {
	start := len(b)
	field := func(name string, values ...string) {
		for i, v := range values {
			switch {
			case i > 0:
				b = append(b, ',')
			case len(b) > start:
				b = append(append(b, '&'), name...)
			default:
				b = append(b, name...)
			}
			if i == 0 {
				b = append(b, '=')
			}
			b = appendEscaped(b, v)
		}
	}
	if f.Order != "" {
		field("order", string(f.Order))
	}
	field("from", f.From...)
	field("to", f.To...)
	field("carrier", f.Carrier...)
	if f.Keyword != "" {
		field("keyword", f.Keyword)
	}
	return b
}

// Inbox is one page of inbound messages.
type Inbox struct {
	// Records is how many there are on all pages, as the platform says; 0 when it does not.
	Records  int
	Messages []InboundMessage
}

// maxPerPage bounds a page. The platform documents no bound.
const maxPerPage = 1000

// MOMessages returns one page of the inbound messages. Whether the first page is 0 or 1 is not documented: a platform that
// begins with 1 may answer page 0 with nothing, with an error or with page 1. perPage is 1 to 1,000.
//
// Asking changes nothing, so that an uncertain answer is Unavailable and may be repeated.
func (c *Client) MOMessages(ctx context.Context, page, perPage int, f Filter) (Inbox, error) {
	in, err := c.moMessages(ctx, page, perPage, f)
	return in, asError(err)
}

func (c *Client) moMessages(ctx context.Context, page, perPage int, f Filter) (Inbox, *providers.Error) {
	why := f.refuse()
	switch {
	case why != "":
	case page < 0:
		why = "the page is negative"
	case perPage < 1 || perPage > maxPerPage:
		why = fmt.Sprintf("a page has 1 to %d messages", maxPerPage)
	}
	if why != "" {
		return Inbox{}, invalid(why)
	}
	filter := f.append(nil)
	if len(filter) == 0 {
		filter = []byte(c.opts.EmptyFilter)
	}
	a, err := c.look(ctx, OpGetMOMessages, strconv.AppendInt(nil, int64(page), 10), strconv.AppendInt(nil, int64(perPage), 10), filter)
	if err != nil {
		return Inbox{}, err
	}
	return Inbox{Records: a.records, Messages: a.inbound}, nil
}
