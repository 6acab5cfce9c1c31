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
	minBodyBytes      = 1000
)

// maxFromBytes is the longest sender, in bytes. The gateway takes a message with a longer one, and drops it. Source: fact
// sheet section 9.
const maxFromBytes = 20

// What a segment holds, alone and joined: UTF-16 units and octets. Source: 3GPP TS 23.040 section 9.2.3.24.1.
const (
	unitsAlone, unitsJoined   = 70, 67
	octetsAlone, octetsJoined = 140, 134
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
	// MaxConns bounds open connections; 0 is 64.
	MaxConns int
	// Transport replaces the network, for tests. It must be nil in production.
	Transport http.RoundTripper
}

// Adapter sends through one account. Safe for concurrent use.
type Adapter struct {
	client      *httpc.Client
	url         string // of the operation
	balanceURL  string
	header      http.Header // of every request; never changed
	batch       bool
	recipients  int
	maxSegments int
	maxBody     int
	now         func() time.Time
}

var (
	_ providers.Adapter = (*Adapter)(nil)
	_ providers.Checker = (*Adapter)(nil)
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
	token := base64.StdEncoding.EncodeToString([]byte(o.Username + ":" + o.Password))
	a := &Adapter{
		client:      httpc.New(httpc.Options{Provider: provider, MaxConns: o.MaxConns, Transport: o.Transport}),
		url:         base + "/secure/" + o.Operation,
		balanceURL:  base + "/secure/balance",
		header:      http.Header{"Authorization": {"Basic " + token}, "Accept": {"application/json"}},
		recipients:  1,
		maxSegments: o.MaxSegments,
		maxBody:     o.MaxBodyBytes,
		now:         time.Now,
	}
	if o.Operation == sendBatch {
		a.batch, a.recipients = true, o.MaxRecipients
	}
	return a, nil
}

// validate returns the base URL in the form it is used in.
func (o Options) validate() (string, error) {
	u, err := url.Parse(o.BaseURL)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return "", errors.New("base URL is not an http or https address")
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return "", errors.New("base URL has a user, a query or a fragment: leave only host, port and path")
	case o.Username == "" || o.Password == "":
		return "", errors.New("username or password is missing")
	case strings.Contains(o.Username, ":") || strings.Contains(o.Password, ":"):
		return "", errors.New("username or password has a \":\", which the gateway cannot read: ask MTTM for another")
	case o.Operation != send && o.Operation != sendBatch:
		return "", fmt.Errorf("operation %q is not known: use send or sendbatch", o.Operation)
	case o.MaxRecipients < 1 || o.MaxRecipients > maxRecipients:
		return "", fmt.Errorf("max recipients is %d: use 1 to %d", o.MaxRecipients, maxRecipients)
	case o.MaxSegments < 1 || o.MaxSegments > sms.MaxSegments:
		return "", fmt.Errorf("max segments is %d: use 1 to %d", o.MaxSegments, sms.MaxSegments)
	case o.MaxBodyBytes < minBodyBytes:
		return "", fmt.Errorf("max body of %d bytes leaves no room for a text: allow %d or more", o.MaxBodyBytes, minBodyBytes)
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
		BaseBytes:      len(sendFrame) + maxFromBytes,
		RecipientBytes: maxToDigits,
		TextGrowth:     providers.Hex16,
	}
	if a.batch {
		l.BaseBytes = len(batchFrame) + maxFromBytes
		l.RecipientBytes = len(entryFrame) + maxToDigits
	}
	return l
}

// Send makes one POST. Where some texts of a call are empty or too long, which the gateway would send as they are or cut,
// nothing is sent: those are Invalid and the others Again. A Binary can't have a UDH, for which the gateway has no field.
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
	body := make([]byte, 0, a.size(&c))
	if a.batch {
		body = appendBatch(body, &c, how)
	} else {
		body = appendSend(body, &c, how)
	}
	if len(body) > a.maxBody {
		if n > 1 {
			return fail(n, providers.Split, "the request is too large")
		}
		return fail(n, providers.Invalid, "the text is too long for a request")
	}
	return a.post(ctx, body, n)
}

func (a *Adapter) post(ctx context.Context, body []byte, n int) []providers.Result {
	req, err := httpc.NewPOST(ctx, a.url, "application/json", body)
	if err != nil {
		return fail(n, providers.Config, "the base URL makes no valid address")
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

// refuse says why a call can't be made at all, and "" when it can.
func (a *Adapter) refuse(c *providers.Call) string {
	switch {
	case len(c.Tags) > 0:
		return "the gateway merges no fields"
	case len(c.From) > maxFromBytes:
		return fmt.Sprintf("the sender has %d bytes; at most %d are allowed", len(c.From), maxFromBytes)
	case c.Segments > a.maxSegments && (c.Binary != nil || oneText(c)):
		return a.tooLong(c.Segments)
	case c.Binary == nil:
		return ""
	case len(c.Binary.UDH) > 0:
		return "a binary message with a user data header cannot be sent"
	case len(c.Binary.Payload) == 0:
		return "the binary message is empty"
	}
	if segments := joined(len(c.Binary.Payload), octetsAlone, octetsJoined); segments > a.maxSegments {
		return a.tooLong(segments)
	}
	return ""
}

// refuseTexts returns the results of a call of which a text can't be sent, and nil when all can.
func (a *Adapter) refuseTexts(c *providers.Call, how coding) []providers.Result {
	if how == codingBinary {
		return nil
	}
	if oneText(c) {
		if why := a.refuseText(c.Text, how); why != "" {
			return fail(len(c.Recipients), providers.Invalid, why)
		}
		return nil
	}
	var results []providers.Result
	for i := range c.Recipients {
		why := a.refuseText(textFor(c, i), how)
		if why == "" {
			continue
		}
		if results == nil {
			results = fail(len(c.Recipients), providers.Again, "another text of the call cannot be sent")
		}
		results[i] = fail(1, providers.Invalid, why)[0]
	}
	return results
}

func (a *Adapter) refuseText(text string, how coding) string {
	if text == "" {
		return "the text is empty"
	}
	segments := 0
	if how == codingUCS2 {
		units := 0
		for _, r := range text {
			units++
			if r > 0xFFFF {
				units++
			}
		}
		segments = joined(units, unitsAlone, unitsJoined)
	} else {
		segments = sms.Measure(text).Segments
	}
	if segments > a.maxSegments {
		return a.tooLong(segments)
	}
	return ""
}

func (a *Adapter) tooLong(segments int) string {
	return fmt.Sprintf("the message needs %d segments; at most %d are allowed", segments, a.maxSegments)
}

// joined returns how many segments that many units make.
func joined(units, alone, each int) int {
	if units <= alone {
		return 1
	}
	return (units + each - 1) / each
}

// codingFor returns how the call's texts are written. A character that GSM-7 lacks makes it UCS-2, whatever the call's
// Encoding: the gateway would turn it into "?".
func codingFor(c *providers.Call) coding {
	switch {
	case c.Binary != nil:
		return codingBinary
	case c.Encoding == sms.UCS2:
		return codingUCS2
	case oneText(c):
		if !sms.IsGSM7(c.Text) {
			return codingUCS2
		}
		return codingGSM
	}
	for i := range c.Recipients {
		if !sms.IsGSM7(textFor(c, i)) {
			return codingUCS2
		}
	}
	return codingGSM
}

// oneText reports whether every recipient gets the call's text, or its Binary.
func oneText(c *providers.Call) bool {
	for i := range c.Recipients {
		if c.Recipients[i].Text != "" {
			return false
		}
	}
	return true
}

// textFor returns what recipient i gets.
func textFor(c *providers.Call, i int) string {
	if own := c.Recipients[i].Text; own != "" {
		return own
	}
	return c.Text
}

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
	return l.BaseBytes + text + len(c.Recipients)*l.RecipientBytes
}

func fail(n int, k providers.Kind, why string) []providers.Result {
	return providers.Fail(n, &providers.Error{Kind: k, Provider: provider, Detail: why})
}
