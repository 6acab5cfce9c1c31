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
	{http.StatusBadRequest, "value filter failed", providers.Config}, // sender or priority: the account may not set it
	{http.StatusBadRequest, "authorization failed", providers.Config},
	{http.StatusBadRequest, "mandatory argument", providers.Rejected},

	{http.StatusForbidden, "throughput exceeded", providers.Throttled},
	{http.StatusForbidden, "cannot charge submit_sm", providers.Config}, // no credit
	{http.StatusForbidden, "authentication failure", providers.Config},
	{http.StatusForbidden, "authorization failed", providers.Config},

	{http.StatusPreconditionFailed, "failover route has no bound connectors", providers.Unavailable},
	{http.StatusPreconditionFailed, "no route found", providers.Rejected},
	{http.StatusPreconditionFailed, "authentication failed", providers.Config},
	{http.StatusPreconditionFailed, "cannot parse json data", providers.Rejected},
	{http.StatusPreconditionFailed, "cannot schedule batch in past date", providers.Rejected},
	{http.StatusPreconditionFailed, "cannot parse scheduled_at value", providers.Rejected},

	{http.StatusInternalServerError, "cannot send submit_sm", providers.Unavailable},
	{http.StatusInternalServerError, "httpapi unknown error", providers.Unknown},
	{http.StatusInternalServerError, "unknown error", providers.Unknown},
}

const (
	connectionError = "httpapi connection error"
	interception    = "interception specific error code"
)

// sendURL finds the inner request, whose text could say anything.
var sendURL = regexp.MustCompile(`\S*/send\?\S*`)

// argument finds the sentence about one argument, which is written with brackets around the name or without.
var argument = regexp.MustCompile(`argument \[?([a-z_-]{1,20})\]? (has an invalid value|is unknown)`)

// classify returns what an answer other than 200 says. recipients is how many the call had, batch whether it was a sendbatch.
func classify(r *httpc.Response, batch bool, recipients int, now time.Time) *providers.Error {
	e := &providers.Error{Provider: provider, Code: strconv.Itoa(r.Status), Kind: statusKind(r.Status, recipients), Detail: http.StatusText(r.Status)}
	a := parseAnswer(r.Body)
	said := strings.ToLower(a.title)
	switch {
	case strings.Contains(said, interception):
		e.Detail = interception
		if r.Status/100 == 4 {
			e.Kind = providers.Rejected
		}
	case r.Status == http.StatusInternalServerError && strings.Contains(said, connectionError):
		e.Kind, e.Detail = providers.Unknown, connectionError
		why := strings.ToLower(sendURL.ReplaceAllString(a.title+" "+a.description, ""))
		if strings.Contains(why, "connection refused") || strings.Contains(why, "newconnectionerror") {
			e.Kind, e.Detail = providers.Unavailable, connectionError+": connection refused"
		}
	case r.Status == http.StatusBadRequest && argument.MatchString(said):
		m := argument.FindStringSubmatch(said)
		e.Kind, e.Detail = argumentKind(m[1], m[2]), "argument "+m[1]+" "+m[2]
	default:
		for _, rule := range rules {
			if rule.status == r.Status && strings.Contains(said, rule.phrase) {
				e.Kind, e.Detail = rule.kind, rule.phrase
				break
			}
		}
	}
	if batch && r.Status == http.StatusInternalServerError && e.Detail != connectionError+": connection refused" {
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
	why := "the answer cannot be read"
	if batch {
		if isID(a.batchID) && a.count == recipients {
			return providers.All(recipients, providers.Result{ID: a.batchID, Code: "200"})
		}
		if isID(a.batchID) && a.count >= 0 {
			why = "the answer counts " + strconv.Itoa(a.count) + " messages of " + strconv.Itoa(recipients)
		}
	} else if id, ok := successID(a.success); ok {
		return providers.All(recipients, providers.Result{ID: id, Code: "200"})
	} else if a.success != "" && !ok && strings.HasPrefix(strings.ToLower(a.success), "success") {
		why = "the answer names no message ID"
	}
	return providers.Fail(recipients, &providers.Error{Kind: providers.Unknown, Provider: provider, Code: "200", Detail: why})
}
