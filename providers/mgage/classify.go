package mgage

import (
	"net/http"
	"strconv"
	"time"

	"github.com/volleysms/volley/internal/httpc"
	"github.com/volleysms/volley/internal/redact"
	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/sms"
)

const (
	codeAccepted = 0
	// codeFailed is "send failed, contact support".
	codeFailed = 1
	// codeTooMany is "more numbers than the maximum".
	codeTooMany = 112
)

// codes says what the gateway's codes mean, in a recipient's own block as for a whole request; Options may say otherwise
// of codeFailed. Source: the vendor's
// page, "Status Codes".
var codes = map[int]providers.Kind{
	// The platform itself says that it failed. Whether a part of a long text left is not known.
	codeFailed:  providers.Rejected,
	104:         providers.Rejected, // message_type
	105:         providers.Rejected, // country
	106:         providers.Rejected, // message_billed
	107:         providers.Invalid,  // too long for allow_long_messages=no
	108:         providers.Invalid,  // no text
	109:         providers.Rejected, // no recipient
	111:         providers.Invalid,  // no valid number
	codeTooMany: providers.Split,
	113:         providers.Invalid,  // a number twice
	114:         providers.Rejected, // allow_long_messages
	201:         providers.Config,   // no sender
}

// known reports whether code is in the vendor's table.
func known(code int) bool {
	_, ok := codes[code]
	return ok || code == codeAccepted
}

// statusKind says what an HTTP status means where no code says more. A wrong host shows as a redirect, 404, 405 or 415;
// refusing every recipient for that would burn a campaign, so it suspends the account.
func statusKind(status int) providers.Kind {
	switch status {
	case http.StatusUnauthorized, http.StatusPaymentRequired, http.StatusForbidden, http.StatusProxyAuthRequired,
		http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusUnsupportedMediaType:
		return providers.Config
	case http.StatusRequestTimeout, http.StatusServiceUnavailable:
		return providers.Unavailable
	case http.StatusTooManyRequests:
		return providers.Throttled
	case http.StatusRequestEntityTooLarge, http.StatusRequestURITooLong:
		return providers.Split
	}
	switch status / 100 {
	case 3:
		return providers.Config
	case 4:
		return providers.Rejected
	default:
		return providers.Unknown
	}
}

// readsCode reports whether the body of an answer with that status may hold codes: on success, and on a refusal of the
// request that is not about login, load or size.
func readsCode(status int) bool {
	switch status / 100 {
	case 2:
		return true
	case 4:
		k := statusKind(status)
		return k == providers.Rejected || k == providers.Config && status != http.StatusUnauthorized && status != http.StatusForbidden
	default:
		return false
	}
}

// reader reads the answers to one account.
type reader struct {
	retryFailed bool // codeFailed is Unavailable
	secrets     []string
}

// results reads the answer to c.
func (r reader) results(resp *httpc.Response, c providers.Call) []providers.Result {
	n := len(c.Recipients)
	var a answer
	if readsCode(resp.Status) && !resp.Cut {
		a = readAnswer(resp.Body)
	}
	switch {
	case len(a.blocks) == 0:
		e := httpError(resp.Status, statusKind(resp.Status))
		e.RetryAfter = httpc.RetryAfter(resp.Header, time.Now())
		if resp.Status/100 == 2 {
			e.Detail = "the answer cannot be read"
		}
		return providers.Fail(n, e)
	case a.numbered:
		return r.byNumber(a, c, resp.Status)
	default:
		return providers.All(n, r.result(whole(a, n), resp.Status))
	}
}

// whole returns the one block that speaks for all n recipients: the only one, or the first of n that agree. Without such
// a block the code is -1, which is in no table.
func whole(a answer, n int) block {
	first := a.blocks[0]
	if len(a.blocks) != 1 && len(a.blocks) != n {
		first.code = -1
	}
	for _, b := range a.blocks {
		if b.code != first.code {
			first.code = -1
		}
	}
	return first
}

// byNumber matches blocks with recipients by their numbers; the order says nothing.
func (r reader) byNumber(a answer, c providers.Call, status int) []providers.Result {
	at := make(map[sms.MSISDN]int, len(a.blocks))
	for i, b := range a.blocks {
		if j, twice := at[b.number]; twice && a.blocks[j].code != b.code {
			a.blocks[j].code = -1 // contradicts itself
		} else if !twice {
			at[b.number] = i
		}
	}
	missing := providers.Fail(1, fail(providers.Unknown, strconv.Itoa(status), "the answer does not speak of this recipient"))[0]
	out := make([]providers.Result, len(c.Recipients))
	for i := range c.Recipients {
		if j, ok := at[c.Recipients[i].To]; ok {
			out[i] = r.result(a.blocks[j], status)
		} else {
			out[i] = missing
		}
	}
	return out
}

// result returns what one block says. A block that says "accepted" under a status that says "refused" proves neither.
func (r reader) result(b block, status int) providers.Result {
	code := strconv.Itoa(b.code)
	if b.code == codeAccepted && status/100 == 2 {
		return providers.Result{ID: b.id, Code: code}
	}
	kind, ok := codes[b.code]
	switch {
	case !ok:
		kind = providers.Unknown
	case b.code == codeFailed && r.retryFailed:
		kind = providers.Unavailable
	}
	if b.code < 0 {
		code = strconv.Itoa(status)
	}
	return providers.Fail(1, fail(kind, code, redact.Detail(b.text, r.secrets...)))[0]
}

// checked reads the answer to a request that can send nothing.
func checked(resp *httpc.Response, secrets []string) (providers.AccountInfo, error) {
	var a answer
	if readsCode(resp.Status) && !resp.Cut {
		a = readAnswer(resp.Body)
	}
	for _, b := range a.blocks {
		if known(b.code) {
			return providers.AccountInfo{LoginProven: true, Note: "The gateway has no balance to ask for."}, nil
		}
	}
	if resp.Status/100 == 2 || resp.Status == http.StatusBadRequest {
		return providers.AccountInfo{Note: "The gateway answered, but not in a way that proves the login."}, nil
	}
	e := httpError(resp.Status, statusKind(resp.Status))
	e.Detail = redact.Detail(e.Detail, secrets...)
	e.RetryAfter = httpc.RetryAfter(resp.Header, time.Now())
	if e.Kind == providers.Unknown {
		e.Kind = providers.Unavailable
	}
	return providers.AccountInfo{}, e
}
