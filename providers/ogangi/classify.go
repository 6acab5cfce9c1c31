package ogangi

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/volleysms/volley/internal/httpc"
	"github.com/volleysms/volley/internal/redact"
	"github.com/volleysms/volley/providers"
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

// read returns an answer with status 200, and what it says to the call as a whole. secrets are kept out of the error.
func (c *Client) read(body []byte, secrets []string) (answer, *providers.Error) {
	a, err := parseAnswer(body)
	var failure *providers.Error
	switch status := normal(a.status); {
	case status == callBadSignature:
		failure = c.fail(providers.Config, a.status, a.description, secrets)
	case err != nil:
		failure = c.fail(providers.Unknown, a.status, "", nil)
	case status == callError:
		failure = c.fail(c.opts.ErrorKind, a.status, a.description, secrets)
	case status != callOK:
		failure = c.fail(providers.Unknown, a.status, a.description, secrets)
	default:
		return a, nil
	}
	failure.Err = err
	return a, failure
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

// knownWord returns a status word that is in the vendor's lists, and "" for any other.
func knownWord(s string) string {
	w := normal(s)
	if _, ok := verdicts[w]; ok || w == callOK || w == callError || w == callBadSignature {
		return s
	}
	return ""
}

// refusal returns what an answer with another status than 200 says: the call as a whole. Its body is not repeated, since an
// error page may show the address, which holds the text and is good for sending again. Source: fact sheet section 4.
func refusal(r *httpc.Response, now time.Time) *providers.Error {
	e := &providers.Error{Kind: statusKind(r.Status), Provider: provider, Code: strconv.Itoa(r.Status), Detail: httpc.StatusText(r.Status)}
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
