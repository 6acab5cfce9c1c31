// Package mttm is the adapter for the Message To The Moon SMS gateway, a Jasmin gateway's REST API.
//
// It sends with one of two operations. send takes one recipient and says whether it was queued, or why not. sendbatch takes
// many, each with a text of its own if need be, and says only that the batch was queued: a number the gateway can't serve, or
// missing credit, is not in the answer.
package mttm

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/volleysms/volley/internal/httpc"
	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/sms"
)

const provider = "mttm"

// DefaultBaseURL is the gateway's address, from its document.
const DefaultBaseURL = "https://sms.mttmwholesale.com:8081"

// The operations that send.
const (
	send      = "send"
	sendBatch = "sendbatch"
)

// What Options are when they are zero, and how far they go. A batch of 1,000 is answered in about 2 s, while a very large one
// has its connection cut half-way; a text of more segments than the gateway allows is cut off silently. Source: fact sheet
// sections 2 and 9.
const (
	defaultRecipients = 500
	maxRecipients     = 1000
	defaultSegments   = 5
	defaultBodyBytes  = 1 << 20
	minBodyBytes      = 3000
)

// Options of an Adapter.
type Options struct {
	// BaseURL is the address of the REST API, without "/secure"; empty is DefaultBaseURL. http or https.
	BaseURL string
	// Username and Password log in. Required. Neither may hold a ":", which the gateway can't read; most gateways of its kind
	// take 16 characters of each.
	Username, Password string
	// Operation is "send" or "sendbatch"; empty is "send".
	Operation string
	// MaxRecipients bounds a sendbatch; 0 is 500, and 1,000 the most.
	MaxRecipients int
	// MaxSegments is the most segments of a text that the gateway doesn't cut off; 0 is 5.
	MaxSegments int
	// MaxBodyBytes bounds a request; 0 is 1 MiB. The gateway's own limit is not documented.
	MaxBodyBytes int
	// Tags steer the gateway's routing: letters, digits and "-", separated by commas. Empty is none.
	Tags string
	// ScheduleFormat is how a sendbatch is told Call.Options.At: "relative", in seconds from now, or "absolute", in the
	// local time of the gateway's server, which is not documented. Empty is relative.
	ScheduleFormat string
	// ScheduleZone is the time zone of the gateway's server, such as "Europe/Amsterdam"; for ScheduleFormat absolute, which
	// needs it.
	ScheduleZone string
	// MaxConns bounds open connections; 0 is 64.
	MaxConns int
	// Transport replaces the network, for tests. It must be nil in production.
	Transport http.RoundTripper
}

// Adapter sends through one account. Safe for concurrent use.
type Adapter struct {
	pushes
	texts
	client     *httpc.Client
	base       string
	url        string      // of the operation
	header     http.Header // of every request; never changed
	batch      bool
	recipients int
	maxBody    int
	tags       string
	schedule   schedule
	now        func() time.Time
}

var (
	_ providers.Adapter  = (*Adapter)(nil)
	_ providers.Checker  = (*Adapter)(nil)
	_ providers.Receiver = (*Adapter)(nil)
)

// New returns an Adapter, or an error that says which option to change.
func New(o Options) (*Adapter, error) {
	if o.BaseURL == "" {
		o.BaseURL = DefaultBaseURL
	}
	if o.Operation == "" {
		o.Operation = send
	}
	if o.MaxRecipients == 0 {
		o.MaxRecipients = defaultRecipients
	}
	if o.MaxSegments == 0 {
		o.MaxSegments = defaultSegments
	}
	if o.MaxBodyBytes == 0 {
		o.MaxBodyBytes = defaultBodyBytes
	}
	base, err := o.validate()
	if err != nil {
		return nil, fmt.Errorf("mttm: %w", err)
	}
	when, err := newSchedule(o.ScheduleFormat, o.ScheduleZone)
	if err != nil {
		return nil, fmt.Errorf("mttm: %w", err)
	}
	token := base64.StdEncoding.EncodeToString([]byte(o.Username + ":" + o.Password))
	a := &Adapter{
		texts:      texts{o.MaxSegments},
		client:     httpc.New(httpc.Options{Provider: provider, MaxConns: o.MaxConns, Transport: o.Transport}),
		base:       base,
		url:        base + "/secure/" + o.Operation,
		header:     http.Header{"Authorization": {"Basic " + token}, "Accept": {"application/json"}},
		recipients: 1,
		maxBody:    o.MaxBodyBytes,
		tags:       o.Tags,
		schedule:   when,
		now:        time.Now,
	}
	if o.Operation == sendBatch {
		a.batch, a.recipients = true, o.MaxRecipients
	}
	return a, nil
}

// validate returns the base URL in the form it is used in.
func (o Options) validate() (string, error) {
	switch {
	case o.Username == "" || o.Password == "":
		return "", errNoLogin
	case strings.Contains(o.Username, ":") || strings.Contains(o.Password, ":"):
		return "", errors.New("username or password has a \":\", which the gateway cannot read: ask MTTM for another")
	case o.Operation != send && o.Operation != sendBatch:
		return "", fmt.Errorf("operation %q is not known: use send or sendbatch", o.Operation)
	case o.MaxRecipients < 1 || o.MaxRecipients > maxRecipients:
		return "", fmt.Errorf("max recipients is %d: use 1 to %d", o.MaxRecipients, maxRecipients)
	case o.MaxBodyBytes < minBodyBytes:
		return "", fmt.Errorf("max body of %d bytes leaves no room for a text: allow %d or more", o.MaxBodyBytes, minBodyBytes)
	}
	return validate(o.BaseURL, o.MaxSegments, o.Tags)
}

var errNoLogin = errors.New("username or password is missing")

// validate looks at what both APIs' options have, and returns the base URL without a slash at its end.
func validate(baseURL string, maxSegments int, tags string) (string, error) {
	u, err := url.Parse(baseURL)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return "", errors.New("base URL is not an http or https address")
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return "", errors.New("base URL has a user, a query or a fragment: leave only host, port and path")
	case maxSegments < 1 || maxSegments > sms.MaxSegments:
		return "", fmt.Errorf("max segments is %d: use 1 to %d", maxSegments, sms.MaxSegments)
	}
	if err := validTags(tags); err != nil {
		return "", err
	}
	return strings.TrimRight(u.String(), "/"), nil
}

// Limits returns one recipient a call for send, and MaxRecipients for sendbatch.
func (a *Adapter) Limits() providers.Limits {
	l := providers.Limits{
		Recipients:     a.recipients,
		Texts:          providers.ManyTexts,
		Segments:       a.maxSegments,
		Bytes:          a.maxBody,
		BaseBytes:      len(sendFrame) + maxFromBytes + len(a.tags),
		RecipientBytes: maxToDigits + providers.MaxReportTo,
		TextGrowth:     providers.Hex16,
		Schedules:      true,
	}
	if a.batch {
		l.BaseBytes = len(batchFrame) + maxFromBytes + len(a.tags) + 2*providers.MaxReportTo
		l.RecipientBytes += len(entryFrame)
	}
	return l
}

// Send makes one POST. Where some texts of a call are empty or too long, which the gateway would send as they are or cut,
// nothing is sent: those are Invalid and the others Again. A Binary can't have a UDH, for which the gateway has no field.
//
// Of the call's Options, Priority (Urgent), Validity in whole minutes, and At reach the gateway: At as schedule_at of a
// sendbatch, and as the carrier's delivery time (sdt) of a send. There is no field for Flash and Label; they are ignored.
func (a *Adapter) Send(ctx context.Context, c providers.Call) []providers.Result {
	n := len(c.Recipients)
	if n == 0 {
		return nil
	}
	if n > a.recipients {
		return fail(n, providers.Split, fmt.Sprintf("at most %d recipients a call", a.recipients))
	}
	if why := a.refuse(&c); why != "" {
		return fail(n, providers.Invalid, why)
	}
	how := codingFor(&c)
	if results := a.refuseTexts(&c, how); results != nil {
		return results
	}
	body := a.body(&c, how)
	if len(body) > a.maxBody {
		if n > 1 {
			return fail(n, providers.Split, "the request is too large")
		}
		return fail(n, providers.Invalid, "the text is too long for a request")
	}
	return a.post(ctx, body, n)
}

func (a *Adapter) body(c *providers.Call, how coding) []byte {
	now := a.now()
	w := wishesOf(c, a.tags, now)
	b := make([]byte, 0, a.size(c))
	if !a.batch {
		return appendSend(b, c, how, &w)
	}
	if w.sdt != "" {
		w.sdt, w.batchAt = "", a.schedule.at(c.Options.At, now)
	}
	return appendBatch(b, c, how, &w)
}

func (a *Adapter) post(ctx context.Context, body []byte, n int) []providers.Result {
	req, err := httpc.NewPOST(ctx, a.url, "application/json", body)
	if err != nil {
		return fail(n, providers.Config, badAddress)
	}
	for k, v := range a.header {
		req.Header[k] = v
	}
	resp, failure := a.client.Do(ctx, req)
	if failure != nil {
		return providers.Fail(n, failure)
	}
	if resp.Status != http.StatusOK {
		return providers.Fail(n, classify(resp, a.batch, n, a.now()))
	}
	return accepted(resp.Body, a.batch, n)
}

const badAddress = "the base URL makes no valid address"

// size returns about how many bytes the body will have.
func (a *Adapter) size(c *providers.Call) int {
	text := len(c.Text)
	for i := range c.Recipients {
		text += len(c.Recipients[i].Text)
	}
	if c.Encoding != sms.GSM7 || c.Binary != nil {
		text *= utf8.UTFMax
	}
	l := a.Limits()
	if c.ReportTo == nil {
		l.RecipientBytes -= providers.MaxReportTo
	}
	return l.BaseBytes + text + len(c.Recipients)*l.RecipientBytes
}

func fail(n int, k providers.Kind, why string) []providers.Result {
	return providers.Fail(n, &providers.Error{Kind: k, Provider: provider, Detail: why})
}
