// Package httpapi sends through any gateway with an HTTP interface that can be described in Options: how a request is
// written, and what in an answer says that the messages were taken. It is provider "http" of the configuration.
package httpapi

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/volleysms/volley/internal/httpc"
	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/sms"
)

// Name is the provider's name in settings, errors and logs.
const Name = "http"

const (
	// bodyBudget and urlBudget bound what holds the recipients and texts, in bytes. Servers commonly take 8,000 bytes of URL.
	bodyBudget = 1 << 20
	urlBudget  = 4000
	// maxRecipients is the most that Options may ask for in one call.
	maxRecipients = 10_000
	// defaultSegments is the most segments of a text unless Options say otherwise.
	defaultSegments = 10
)

// Adapter sends through one account. Safe for concurrent use.
type Adapter struct {
	opts    Options
	limits  providers.Limits
	request *request
	reading *reading
	reports *reportReading
	balance place
	client  *httpc.Client
	secrets []string
	now     func() time.Time
}

var _ providers.Adapter = (*Adapter)(nil)

// New returns an adapter, or all that is wrong with o as errors of type Problem. It makes no connection. The adapter is a
// providers.Checker when o has a Check, and a providers.Receiver when it has Reports.
func New(o Options) (providers.Adapter, error) {
	a, problems := build(o)
	if len(problems) > 0 {
		return nil, joined(problems)
	}
	switch check, receive := o.Check.Path != "", o.Reports.set(); {
	case check && receive:
		return struct {
			*Adapter
			checker
			receiver
		}{a, checker{a}, receiver{a.reports}}, nil
	case check:
		return struct {
			*Adapter
			checker
		}{a, checker{a}}, nil
	case receive:
		return struct {
			*Adapter
			receiver
		}{a, receiver{a.reports}}, nil
	}
	return a, nil
}

// Limits returns what one call may hold, measured by what the templates make of sample calls.
func (a *Adapter) Limits() providers.Limits { return a.limits }

// Send makes one request. A call that comes out longer than the budget is not made: Split, or Invalid for one recipient.
func (a *Adapter) Send(ctx context.Context, c providers.Call) []providers.Result {
	n := len(c.Recipients)
	if n == 0 {
		return nil
	}
	if n > a.opts.MaxRecipients {
		return providers.Fail(n, fail(providers.Split, "", "more recipients than max_recipients"))
	}
	if c.Binary != nil && !a.request.binary {
		return providers.Fail(n, fail(providers.Invalid, "", "binary messages can't be sent: the request has no {{.Payload}}"))
	}
	if len(c.Tags) > 0 {
		return providers.Fail(n, fail(providers.Invalid, "", "the gateway merges no fields"))
	}
	w, err := a.request.write(&c)
	if err == nil && w.size() > a.limits.Bytes {
		err = errLong
	}
	if err != nil {
		return providers.Fail(n, unwritable(err, n))
	}
	req, err := a.newRequest(ctx, w)
	if err != nil {
		return providers.Fail(n, &providers.Error{Kind: providers.Config, Provider: Name, Detail: "the request's path makes no valid address"})
	}
	resp, failed := a.client.Do(ctx, req)
	if failed != nil {
		return providers.Fail(n, failed)
	}
	return a.reading.results(resp, &c, a.redactor(&c), a.now())
}

// unwritable classifies what kept a request from being written; nothing was sent.
func unwritable(err error, n int) *providers.Error {
	switch {
	case err == errLong && n > 1: //nolint:errorlint // the error is ours and is not wrapped
		return fail(providers.Split, "", err.Error())
	case err == errLong, err == errHeader: //nolint:errorlint // the same
		return fail(providers.Invalid, "", err.Error())
	}
	return fail(providers.Config, "", err.Error())
}

// newRequest returns a request that nothing repeats.
func (a *Adapter) newRequest(ctx context.Context, w written) (*http.Request, error) {
	var req *http.Request
	var err error
	// net/http repeats a request without a body when it is a GET or has an Idempotency-Key; NewGET's body, which is empty and
	// not known to be, keeps it from that.
	if a.request.method == http.MethodPost && (w.body != "" || !slices.ContainsFunc(w.headers, header.invitesRepetition)) {
		req, err = httpc.NewPOST(ctx, w.url, w.contentType, []byte(w.body))
	} else if req, err = httpc.NewGET(ctx, w.url); err == nil {
		req.Method = a.request.method
	}
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json, */*;q=0.5")
	for _, h := range w.headers {
		req.Header.Set(h.name, h.value)
	}
	a.login(req)
	return req, nil
}

func (a *Adapter) login(req *http.Request) {
	if a.opts.Username != "" {
		req.SetBasicAuth(a.opts.Username, a.opts.Password)
	}
}

func fail(k providers.Kind, code, detail string) *providers.Error {
	return &providers.Error{Kind: k, Provider: Name, Code: code, Detail: detail}
}

// credentials returns what o sends to prove who it is, in every form that it is sent in.
func credentials(o *Options) []string {
	out := slices.Clone(o.Secrets)
	out = append(out, o.Reports.Signature.Secret)
	if o.Username != "" {
		out = append(out, o.Username, o.Password, base64.StdEncoding.EncodeToString([]byte(o.Username+":"+o.Password)))
	}
	for _, v := range o.Request.Headers {
		out = append(out, v)
		words := strings.Fields(v)
		if len(words) < 2 {
			continue
		}
		out = append(out, words[1:]...)
		if plain, err := base64.StdEncoding.DecodeString(words[1]); err == nil && strings.EqualFold(words[0], "basic") {
			user, password, _ := strings.Cut(string(plain), ":")
			out = append(out, user, password)
		}
	}
	// What a query or form always holds may be a key of the account; short words such as a type are not.
	const minKey = 8
	for _, pairs := range []map[string]string{o.Request.Query, o.Request.Form} {
		for _, v := range pairs {
			if len(v) >= minKey && !strings.Contains(v, "{{") {
				out = append(out, v)
			}
		}
	}
	out = slices.DeleteFunc(out, func(s string) bool { return s == "" || strings.Contains(s, "{{") })
	for _, s := range slices.Clone(out) {
		if e := url.QueryEscape(s); e != s {
			out = append(out, e)
		}
	}
	// The longest first, so that none is left in part because a shorter one is within it.
	slices.SortFunc(out, func(a, b string) int { return len(b) - len(a) })
	return slices.Compact(out)
}

// texts says how many different texts one call may carry.
func (o *Options) texts(each *text) providers.Texts {
	if o.MaxRecipients == 1 || each != nil && each.uses["Text"] {
		return providers.ManyTexts
	}
	return providers.OneText
}

// sampleCalls returns calls of n recipients without a text: one with the longest of everything, and one with the least.
func sampleCalls(n int) []providers.Call {
	const longest = 999_999_999_999_999
	loud := providers.Call{
		Reference: strings.Repeat("r", 64), From: sms.SenderID(strings.Repeat("&", 15)), Encoding: sms.UCS2, Segments: 255,
		Options: providers.Options{
			Flash: true, Priority: providers.Urgent, Validity: 72 * time.Hour, Label: strings.Repeat(`"`, 64),
			At: time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC),
		},
		ReportTo: func(int) string {
			address := "https://sms.example.com" + strings.Repeat("/reports-reports-rep", 19)
			return address[:providers.MaxReportTo]
		},
	}
	quiet := providers.Call{Encoding: sms.GSM7, Segments: 1}
	for i := range n {
		loud.Recipients = append(loud.Recipients, providers.Recipient{To: longest - sms.MSISDN(i), Carrier: strings.Repeat("é", 20)})
		quiet.Recipients = append(quiet.Recipients, providers.Recipient{To: longest - sms.MSISDN(i)})
	}
	return []providers.Call{loud, quiet}
}

// measure returns the limits that follow from what the templates make of sample calls.
func (o *Options) measure(r *request) providers.Limits {
	l := providers.Limits{
		Recipients: o.MaxRecipients, Texts: o.texts(r.each), Segments: o.MaxSegments, Bytes: bodyBudget, TextGrowth: r.growth(),
	}
	if r.inURL {
		l.Bytes = urlBudget
	}
	size := func(c providers.Call) int {
		w, _ := r.write(&c)
		return w.size()
	}
	two := sampleCalls(2)
	for i, one := range sampleCalls(1) {
		alone := size(one)
		if r.each != nil {
			l.RecipientBytes = max(l.RecipientBytes, size(two[i])-alone)
		}
		l.BaseBytes = max(l.BaseBytes, alone)
	}
	if r.each == nil { // the recipient's number is within what was measured
		l.RecipientBytes = 1
	}
	l.BaseBytes -= l.RecipientBytes
	return l
}
