package ogangi

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/volleysms/volley/internal/httpc"
	"github.com/volleysms/volley/internal/redact"
	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/sms"
)

// The status words of a call. Source: fact sheet section 3.
const (
	callOK           = "OK"
	callBadSignature = "BAD_SIGNATURE"
	callError        = "ERROR"
)

// verdict is what a message's status word means.
type verdict struct {
	taken     bool
	delivered bool
	kind      providers.Kind // when not taken
}

// verdicts are the status words of a message. The list is open: a word that isn't in it is Unknown. Source: fact sheet
// section 4.
var verdicts = map[string]verdict{
	"SENT_TO_CARRIER":       {taken: true},
	"SENT":                  {taken: true},
	"SENDING":               {taken: true},
	"PENDING":               {taken: true},
	"DELIVERED_TO_CARRIER":  {taken: true},
	"SENT_TO_DEVICE":        {taken: true},
	"ACCEPTD":               {taken: true},
	"BUFFRED":               {taken: true},
	"QUEUE":                 {taken: true},
	"DEQUEUED":              {taken: true},
	"ENROUTE":               {taken: true},
	"INCOMPLETE":            {taken: true},
	"CARRIER_GATEWAY_ERROR": {taken: true}, // the platform tries again by itself

	"DELIVERED_TO_DEVICE": {taken: true, delivered: true},
	"DELIVRD":             {taken: true, delivered: true},
	"READ":                {taken: true, delivered: true},

	"BAD_TO":            {kind: providers.Invalid},
	"BAD_ADDRESS":       {kind: providers.Invalid},
	"BAD_ENCODING":      {kind: providers.Invalid},
	"SEGMENTS_EXCEEDED": {kind: providers.Invalid},

	"UNREACHABLE":      {kind: providers.Rejected},
	"BLACKLISTED":      {kind: providers.Rejected},
	"INVALID_ROUTING":  {kind: providers.Rejected},
	"BAD_CARRIER/FROM": {kind: providers.Rejected}, // also a number of another operator than the account's carrier
	"BAD_FROM":         {kind: providers.Rejected},
	"CODE_NOT_ALLOWED": {kind: providers.Rejected},
	"BAD_TIMEZONE":     {kind: providers.Rejected},
	"NOT_SENT":         {kind: providers.Rejected},
	"EXPIRED":          {kind: providers.Rejected},
	"EXHAUSTED":        {kind: providers.Rejected},
	"UNDELIVERED":      {kind: providers.Rejected},
	"UNDELIV":          {kind: providers.Rejected},
	"REJECTD":          {kind: providers.Rejected},
	"DELETED":          {kind: providers.Rejected},

	"NOT_ENOUGH_FUNDS": {kind: providers.Config},
	"INTERNAL_ERROR":   {kind: providers.Unavailable}, // the vendor tells the customer to send again
}

// normal returns a status word as it stands in verdicts: the vendor writes "BAD ADDRESS" and "BAD_TO" alike.
func normal(word string) string {
	return underscores.Replace(strings.ToUpper(strings.TrimSpace(word)))
}

var underscores = strings.NewReplacer(" ", "_", "-", "_")

// outcome returns what an answer with status 200 says about the call's one recipient. secrets are kept out of its wording.
func (a *Adapter) outcome(body []byte, to sms.MSISDN, secrets []string) providers.Result {
	ans, err := parseAnswer(body)
	fail := func(k providers.Kind, code, detail string) providers.Result {
		code, detail = word(code), redact.Detail(detail, secrets...)
		return providers.Result{Code: code, Detail: detail, Err: &providers.Error{
			Kind: k, Provider: provider, Code: code, Detail: detail, Err: err,
		}}
	}
	switch status := normal(ans.status); {
	case status == callBadSignature:
		return fail(providers.Config, ans.status, ans.description)
	case err != nil:
		return fail(providers.Unknown, ans.status, "")
	case status == callError:
		return fail(a.errorKind, ans.status, ans.description)
	case status != callOK:
		return fail(providers.Unknown, ans.status, ans.description)
	}

	mine := ans.about(to)
	if len(mine) == 0 {
		if len(ans.messages) == 0 && a.operation == sendMT {
			return providers.Result{Code: word(ans.status)}
		}
		return fail(providers.Unknown, ans.status, "the answer names no message to this number")
	}
	first := verdicts[normal(mine[0].status)]
	for _, m := range mine[1:] {
		v := verdicts[normal(m.status)]
		if v.taken != first.taken || v.kind != first.kind {
			return fail(providers.Unknown, m.status, "the answer's messages differ in status")
		}
		first.delivered = first.delivered && v.delivered
	}
	if !first.taken {
		r := fail(first.kind, mine[0].status, mine[0].description)
		r.ID = redact.Cap(mine[0].id)
		return r
	}
	return providers.Result{
		ID: redact.Cap(mine[0].id), Code: word(mine[0].status), Delivered: first.delivered,
		Detail: redact.Detail(mine[0].description, secrets...),
	}
}

// about returns the messages to that number; one that is alone is about it whatever number it names.
func (a *answer) about(to sms.MSISDN) []message {
	if len(a.messages) == 1 {
		return a.messages
	}
	var mine []message
	for _, m := range a.messages {
		if strings.TrimPrefix(m.to, "+") == to.String() {
			mine = append(mine, m)
		}
	}
	return mine
}

// maxWord bounds a status word that is kept, in bytes.
const maxWord = 40

// word returns a status word fit to be kept as a code.
func word(s string) string {
	s = redact.Detail(s)
	if len(s) > maxWord {
		return ""
	}
	return s
}

// refusal returns what an answer with another status than 200 says: the call as a whole. Its body is not repeated, since an
// error page may show the address, which holds the text and is good for sending again. Source: fact sheet section 4.
func refusal(r *httpc.Response, now time.Time) *providers.Error {
	e := &providers.Error{Kind: statusKind(r.Status), Provider: provider, Code: strconv.Itoa(r.Status), Detail: http.StatusText(r.Status)}
	if ans, _ := parseAnswer(r.Body); normal(ans.status) == callBadSignature {
		e.Kind, e.Detail = providers.Config, callBadSignature
	}
	if e.Kind == providers.Throttled || e.Kind == providers.Unavailable {
		e.RetryAfter = httpc.RetryAfter(r.Header, now)
	}
	return e
}

func statusKind(status int) providers.Kind {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusProxyAuthRequired:
		return providers.Config
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		return providers.Config // not the gateway's address
	case http.StatusRequestURITooLong:
		return providers.Invalid
	case http.StatusTooManyRequests:
		return providers.Throttled
	case http.StatusRequestTimeout, http.StatusServiceUnavailable:
		return providers.Unavailable
	}
	switch status / 100 {
	case 3:
		return providers.Config // a redirect isn't followed: that would send again
	case 4:
		return providers.Rejected
	}
	return providers.Unknown
}
