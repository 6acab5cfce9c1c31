package httpapi

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/volleysms/volley/internal/httpc"
	"github.com/volleysms/volley/internal/redact"
	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/sms"
)

// reading is how answers are read.
type reading struct {
	statuses []int
	whole    verdict
	// list is where the recipients' own results are, nil when there are none; to and each are within its elements.
	list *place
	to   place
	each verdict
}

// verdict is how an answer, or a recipient's part of it, is judged.
type verdict struct {
	id, code, detail, path place
	equals                 []string
	rules                  []rule
}

type rule struct {
	statuses    []int
	path        place
	equals, not []string
	kind        providers.Kind
}

func (r *rule) fits(status int, s source) bool {
	if len(r.statuses) > 0 && !slices.Contains(r.statuses, status) {
		return false
	}
	if !r.path.named() {
		return true
	}
	got := r.path.find(s)
	return got != "" && !slices.Contains(r.not, got) && (len(r.equals) == 0 || slices.Contains(r.equals, got))
}

// statusKind says what an HTTP status means where no rule says more. What may have been taken is unknown: 503 too, since
// proxies say it of a gateway that has the request already, and 408, 409 and 425, which tell of another request as well.
// What comes from a wrong address or login suspends the account, and rejects nobody.
func statusKind(status int) providers.Kind {
	switch status {
	case http.StatusUnauthorized, http.StatusPaymentRequired, http.StatusForbidden, http.StatusNotFound,
		http.StatusMethodNotAllowed, http.StatusProxyAuthRequired, http.StatusUnsupportedMediaType, http.StatusGone:
		return providers.Config
	case http.StatusRequestEntityTooLarge:
		return providers.Split
	case http.StatusTooManyRequests:
		return providers.Throttled
	case http.StatusRequestTimeout, http.StatusConflict, http.StatusTooEarly:
		return providers.Unknown
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		return providers.Invalid
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

// redactor makes a gateway's wording fit to be kept.
type redactor []string

// redactor returns one that knows the account's secrets and c's texts and addresses for reports.
func (a *Adapter) redactor(c *providers.Call) redactor {
	out := redactor{c.Text}
	for i := range c.Recipients {
		if t := c.Recipients[i].Text; t != "" {
			out = append(out, t)
		}
	}
	return append(out, a.secrets...)
}

// The longest code, identifier and reference kept, in bytes. A longer identifier is none.
const (
	maxCode      = 64
	maxID        = 128
	maxReference = 64
)

func (r redactor) detail(s string) string { return redact.Detail(s, r...) }

func (r redactor) code(s string) string {
	s = redact.Detail(s, r...)
	for len(s) > maxCode {
		cut := maxCode
		for cut > 0 && s[cut]&0xc0 == 0x80 {
			cut--
		}
		s = s[:cut]
	}
	return s
}

// id returns s when it is an identifier: visible ASCII, of bounded length, and no secret.
func (r redactor) id(s string) string {
	if len(s) > maxID || strings.ContainsFunc(s, func(c rune) bool { return c <= ' ' || c > '~' }) {
		return ""
	}
	const minSecret = 4
	if slices.ContainsFunc(r, func(secret string) bool { return len(secret) >= minSecret && strings.Contains(s, secret) }) {
		return ""
	}
	return s
}

// results reads the answer to c.
func (r *reading) results(resp *httpc.Response, c *providers.Call, red redactor, now time.Time) []providers.Result {
	n := len(c.Recipients)
	s := source{text: resp.Body}
	if !resp.Cut {
		s.doc = decode(resp.Body)
	}
	taken := slices.Contains(r.statuses, resp.Status)
	kind, ruled := r.whole.rule(resp.Status, s)
	switch {
	case ruled || !taken:
		if !ruled {
			kind = statusKind(resp.Status)
		}
		e := r.whole.failure(kind, s, red)
		if e.Code == "" {
			e.Code = strconv.Itoa(resp.Status)
		}
		if e.Detail == "" && !taken {
			e.Detail = http.StatusText(resp.Status)
			if !ruled {
				e.Detail = httpc.StatusText(resp.Status)
			}
		}
		e.RetryAfter = httpc.RetryAfter(resp.Header, now)
		return providers.Fail(n, e)
	case resp.Cut:
		return providers.Fail(n, fail(providers.Unknown, strconv.Itoa(resp.Status), "the answer is too long to be read"))
	case r.list == nil:
		return providers.All(n, r.whole.result(s, red))
	case r.whole.path.named() && !r.whole.saysYes(s):
		return providers.Fail(n, r.whole.unclear(s, red))
	}
	return r.own(s, c, red)
}

// own reads the recipients' own results. A recipient whose result is not there, or there twice, is unknown.
func (r *reading) own(s source, c *providers.Call, red redactor) []providers.Result {
	n := len(c.Recipients)
	missing := fail(providers.Unknown, "", "the answer has no result for this recipient")
	list, ok := r.list.elements(s)
	if !ok || !r.to.named() && len(list) != n {
		return providers.Fail(n, fail(providers.Unknown, "", "the answer has no list with a result for each recipient"))
	}
	out := providers.Fail(n, missing)
	if !r.to.named() {
		for i, element := range list {
			out[i] = r.each.result(source{doc: element}, red)
		}
		return out
	}
	index := make(map[sms.MSISDN]int, n)
	for i := range c.Recipients {
		index[c.Recipients[i].To] = i
	}
	seen := make([]bool, n)
	for _, element := range list {
		s := source{doc: element}
		i, ok := index[number(r.to.find(s))]
		switch {
		case !ok:
		case seen[i]:
			out[i] = providers.Fail(1, fail(providers.Unknown, "", "the answer has more than one result for this recipient"))[0]
		default:
			seen[i], out[i] = true, r.each.result(s, red)
		}
	}
	return out
}

// number reads a number as gateways write it: digits, with + or 00 before them; 0 when it isn't one.
func number(s string) sms.MSISDN {
	s = strings.TrimPrefix(strings.TrimPrefix(s, "+"), "00")
	if s == "" || len(s) > 15 || s[0] == '0' || strings.Trim(s, "0123456789") != "" {
		return 0
	}
	n, _ := strconv.ParseUint(s, 10, 64)
	return sms.MSISDN(n)
}

// rule returns the kind of the first rule that fits.
func (v *verdict) rule(status int, s source) (providers.Kind, bool) {
	for i := range v.rules {
		if v.rules[i].fits(status, s) {
			return v.rules[i].kind, true
		}
	}
	return providers.Unknown, false
}

func (v *verdict) saysYes(s source) bool { return slices.Contains(v.equals, v.path.find(s)) }

// result judges an answer of a good status, or an element of it.
func (v *verdict) result(s source, red redactor) providers.Result {
	if kind, ruled := v.rule(0, s); ruled {
		return providers.Fail(1, v.failure(kind, s, red))[0]
	}
	id := red.id(v.id.find(s))
	if v.path.named() && !v.saysYes(s) || v.id.named() && id == "" {
		return providers.Fail(1, v.unclear(s, red))[0]
	}
	return providers.Result{ID: id, Code: red.code(v.code.find(s)), Detail: red.detail(v.detail.find(s))}
}

func (v *verdict) failure(k providers.Kind, s source, red redactor) *providers.Error {
	return fail(k, red.code(v.code.find(s)), red.detail(v.detail.find(s)))
}

// unclear is what is neither a clear yes nor named by a rule.
func (v *verdict) unclear(s source, red redactor) *providers.Error {
	e := v.failure(providers.Unknown, s, red)
	if e.Detail == "" {
		e.Detail = "the answer is no clear yes"
	}
	return e
}
