package mttm

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/volleysms/volley/internal/httpc"
	"github.com/volleysms/volley/providers"
)

// rule is what a status and a phrase in the gateway's words mean. The phrase is in lower case, and all that is kept of the
// words: they may hold the account's user name and password, the number and the text.
type rule struct {
	status int
	phrase string
	kind   providers.Kind
}

// rules are tried in order. Source: fact sheet section 4.
var rules = []rule{
	{http.StatusBadRequest, "destination_address filter mismatch", providers.Invalid},
	{http.StatusBadRequest, "content filter mismatch", providers.Rejected},
	{http.StatusBadRequest, "short_message filter mismatch", providers.Rejected},
	{http.StatusBadRequest, "priority filter mismatch", providers.Rejected}, // a job's own wish: others can still be sent
	{http.StatusBadRequest, "validity_period filter mismatch", providers.Rejected},
	{http.StatusBadRequest, "setting priority not authorized", providers.Rejected},
	{http.StatusBadRequest, "setting validity period not authorized", providers.Rejected},
	{http.StatusBadRequest, "setting schedule delivery time not authorized", providers.Rejected},
	{http.StatusBadRequest, "value filter failed", providers.Config}, // the sender: the account may not set it
	{http.StatusBadRequest, unauthorized, providers.Config},
	{http.StatusBadRequest, "mandatory argument", providers.Rejected},

	{http.StatusForbidden, "throughput exceeded", providers.Throttled},
	{http.StatusForbidden, "cannot charge submit_sm", providers.Config}, // no credit
	{http.StatusForbidden, "authentication failure", providers.Config},
	{http.StatusForbidden, unauthorized, providers.Config},

	{http.StatusPreconditionFailed, "failover route has no bound connectors", providers.Unavailable},
	{http.StatusPreconditionFailed, "no route found", providers.Rejected},
	{http.StatusPreconditionFailed, "authentication failed", providers.Config},
	{http.StatusPreconditionFailed, "cannot parse json data", providers.Rejected},
	{http.StatusPreconditionFailed, "cannot schedule batch in past date", providers.Rejected},
	{http.StatusPreconditionFailed, "cannot parse scheduled_at value", providers.Rejected},

	{http.StatusInternalServerError, "cannot send submit_sm", providers.Unavailable},
	{http.StatusInternalServerError, "httpapi unknown error", providers.Unknown},
	{http.StatusInternalServerError, "unknown error", providers.Unknown},

	{http.StatusServiceUnavailable, "interception script", providers.Unavailable},
	{http.StatusServiceUnavailable, "interceptorpb not", providers.Unavailable},
}

// unauthorized is said of what the account may not do, after its login was taken.
const unauthorized = "authorization failed"

// anyStatus is for words that come without a status.
const anyStatus = 0

const (
	connectionError = "httpapi connection error"
	refused         = connectionError + ": connection refused"
	interception    = "interception specific error code"
)

// sendURL finds the inner request, whose text could say anything.
var sendURL = regexp.MustCompile(`\S*/send\?\S*`)

// argument finds the sentence about one argument, which is written with brackets around the name or without.
var argument = regexp.MustCompile(`argument \[?([a-z_-]{1,20})\]? (has an invalid value|is unknown)`)

// intercepted finds the code of an operator's own rule.
var intercepted = regexp.MustCompile(interception + ` (\d{3})\b`)

// verdict returns what words mean that came under a status, or anyStatus, and the part of them that may be kept. ok is false
// when they are not in the table.
func verdict(status int, said string) (k providers.Kind, detail string, ok bool) {
	is := func(s int) bool { return status == s || status == anyStatus }
	said = strings.ToLower(said)
	if strings.Contains(said, interception) {
		if m := intercepted.FindStringSubmatch(said); status == anyStatus && m != nil {
			status, _ = strconv.Atoi(m[1])
		}
		if status/100 == 4 {
			return providers.Rejected, interception, true
		}
		return statusKind(status, 1), interception, true
	}
	if is(http.StatusInternalServerError) && strings.Contains(said, connectionError) {
		why := sendURL.ReplaceAllString(said, "")
		if strings.Contains(why, "connection refused") || strings.Contains(why, "newconnectionerror") {
			return providers.Unavailable, refused, true
		}
		return providers.Unknown, connectionError, true
	}
	if is(http.StatusBadRequest) {
		if m := argument.FindStringSubmatch(said); m != nil {
			return argumentKind(m[1], m[2]), "argument " + m[1] + " " + m[2], true
		}
	}
	for _, r := range rules {
		if is(r.status) && strings.Contains(said, r.phrase) {
			return r.kind, r.phrase, true
		}
	}
	return providers.Unknown, "", false
}

// classify returns what an answer other than 200 says. recipients is how many the call had, batch whether it was a sendbatch.
func classify(r *httpc.Response, batch bool, recipients int, now time.Time) *providers.Error {
	e := &providers.Error{Provider: provider, Code: strconv.Itoa(r.Status), Kind: statusKind(r.Status, recipients), Detail: httpc.StatusText(r.Status)}
	a := parseAnswer(r.Body)
	said := a.title
	if strings.Contains(strings.ToLower(said), connectionError) {
		said += " " + a.description // elsewhere it says nothing beyond the title
	}
	if k, detail, ok := verdict(r.Status, said); ok {
		e.Kind, e.Detail = k, detail
	}
	if batch && r.Status == http.StatusInternalServerError && e.Detail != refused {
		e.Kind = providers.Unknown // the entries before the one that failed are queued
	}
	if e.Kind == providers.Throttled || e.Kind == providers.Unavailable {
		e.RetryAfter = httpc.RetryAfter(r.Header, now)
	}
	return e
}

// argumentKind says whose fault a refused argument is.
func argumentKind(name, what string) providers.Kind {
	switch {
	case name == "username" || name == "password":
		return providers.Config // over 16 characters
	case name == "to" && what == "has an invalid value":
		return providers.Invalid
	}
	return providers.Rejected
}

// statusKind is what a status means by itself.
func statusKind(status, recipients int) providers.Kind {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusProxyAuthRequired:
		return providers.Config
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusUnsupportedMediaType:
		return providers.Config // not the gateway's address, or something between changes headers
	case http.StatusRequestEntityTooLarge, http.StatusRequestURITooLong:
		if recipients > 1 {
			return providers.Split
		}
		return providers.Invalid
	case http.StatusTooManyRequests:
		return providers.Throttled
	case http.StatusRequestTimeout, http.StatusServiceUnavailable:
		return providers.Unavailable
	}
	switch status / 100 {
	case 3:
		return providers.Config // a redirect isn't followed: it would take the credentials elsewhere
	case 4:
		return providers.Rejected
	}
	return providers.Unknown
}

// accepted returns the results of an answer with status 200. Anything else than the expected sentence or count is Unknown: a
// batch with a lower count was taken in part, and nothing says which.
func accepted(body []byte, batch bool, recipients int) []providers.Result {
	if id, ok := plainID(body); ok && !batch {
		return providers.All(recipients, providers.Result{ID: id, Code: "200"})
	}
	a := parseAnswer(body)
	e := unreadable(a.success)
	if batch {
		if isID(a.batchID) && a.count == recipients {
			return providers.All(recipients, providers.Result{ID: a.batchID, Code: "200"})
		}
		if isID(a.batchID) && a.count >= 0 {
			e.Detail = "the answer counts " + strconv.Itoa(a.count) + " messages of " + strconv.Itoa(recipients)
		}
	} else if id, ok := successID(a.success); ok {
		return providers.All(recipients, providers.Result{ID: id, Code: "200"})
	}
	return providers.Fail(recipients, e)
}

// unreadable is the error for a sentence with status 200 that is not the expected one.
func unreadable(sentence string) *providers.Error {
	why := "the answer cannot be read"
	if strings.HasPrefix(strings.ToLower(strings.TrimSpace(sentence)), "success") {
		why = "the answer names no message ID"
	}
	return &providers.Error{Kind: providers.Unknown, Provider: provider, Code: "200", Detail: why}
}
