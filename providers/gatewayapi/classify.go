package gatewayapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/volleysms/volley/internal/httpc"
	"github.com/volleysms/volley/internal/redact"
	"github.com/volleysms/volley/providers"
)

// codes says what the gateway's own codes mean for the whole call. A code counts when the answer's status is of the
// same hundred as the one it is documented with. Source: errors.rst.
var codes = map[uint16]struct {
	status int
	kind   providers.Kind
}{
	0x0210: {401, providers.Config}, // user
	0x0211: {401, providers.Config}, // password
	0x0212: {401, providers.Config}, // address
	0x0223: {401, providers.Config}, // key
	0x0224: {401, providers.Config}, // signature
	0x0229: {401, providers.Config}, // token
	// Timestamp and nonce are OAuth's, which is not used here; a new request has new ones.
	0x0225: {401, providers.Unavailable},
	0x0226: {401, providers.Unavailable},

	0x0213: {403, providers.Config}, // address of the caller not allowed
	0x0216: {403, providers.Config}, // no credit
	0x021D: {403, providers.Config}, // SMS not enabled
	0x022A: {403, providers.Config}, // account frozen
	// Country and operator not allowed: the answer does not name the numbers that are meant.
	0x0217: {403, providers.Split},
	0x021F: {403, providers.Split},
	// Other products of the vendor.
	0x0219: {403, providers.Rejected},
	0x021A: {403, providers.Rejected},
	0x021B: {403, providers.Rejected},
	0x021C: {403, providers.Rejected},

	0x0310: {422, providers.Invalid},  // a recipient twice
	0x0218: {422, providers.Rejected}, // class
	0x0311: {422, providers.Rejected}, // priority
	0x0312: {422, providers.Rejected}, // content filter
	0x0220: {400, providers.Invalid},
	0x0221: {400, providers.Invalid},
	0x0222: {400, providers.Invalid},
	0x021E: {500, providers.Rejected}, // class not configured
}

// The codes for a blacklisted MSISDN, which Variables name. It is a refusal for good in both cases: "temporarily" means
// hours, for which a job's time and attempts are not made, and the code tells the operator which of the two it was.
const (
	codeBlacklistedForNow = 0x0214
	codeBlacklisted       = 0x0215
)

// The endings of the vendor's generic family of codes that mean "not now", with a status of 500 or more.
var notNow = map[uint16]bool{0x05: true, 0x06: true, 0x09: true}

// statusKind says what an HTTP status means where no code says more. 404, 405, 415 and redirects come from a wrong base
// URL: refusing every recipient for that would burn a campaign, so they suspend the account.
func statusKind(status int) providers.Kind {
	switch status {
	case http.StatusUnauthorized, http.StatusPaymentRequired, http.StatusForbidden,
		http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusUnsupportedMediaType, http.StatusProxyAuthRequired:
		return providers.Config
	case http.StatusRequestEntityTooLarge:
		return providers.Split
	case http.StatusTooManyRequests:
		return providers.Throttled
	case http.StatusRequestTimeout, http.StatusServiceUnavailable:
		return providers.Unavailable
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

// results reads the answer to a send of c. An error answer accepts nothing of the call.
func results(resp *httpc.Response, c providers.Call, secrets []string) []providers.Result {
	n := len(c.Recipients)
	if resp.Status/100 == 2 {
		id, err := readID(resp)
		if err != nil {
			return providers.Fail(n, err)
		}
		return providers.All(n, providers.Result{ID: id})
	}
	f, code := readFailure(resp)
	e := refusal(resp, f, code, secrets)
	if spoiler := spoiledBy(f, code, resp.Status, c); spoiler >= 0 {
		return oneSpoils(n, spoiler, e, code)
	}
	if code == codeBlacklisted || code == codeBlacklistedForNow || aboutAnMSISDN(f, code, resp.Status) {
		e.Kind = providers.Split
	}
	return providers.Fail(n, e)
}

// readID returns the message object's ID, or an Unknown error: a 2xx that cannot be read may have been accepted.
func readID(resp *httpc.Response) (string, *providers.Error) {
	var s success
	status := strconv.Itoa(resp.Status)
	if err := json.Unmarshal(resp.Body, &s); err != nil {
		return "", fail(providers.Unknown, status, "the answer cannot be read")
	}
	if len(s.IDs) != 1 {
		return "", fail(providers.Unknown, status, fmt.Sprintf("the answer has %d ids, not 1", len(s.IDs)))
	}
	id := string(bytes.Trim(s.IDs[0], `"`))
	if !plausibleID(id) {
		return "", fail(providers.Unknown, status, "the answer's id cannot be read")
	}
	return id, nil
}

// plausibleID accepts what an identifier looks like: 1 to 64 letters, digits, "_" and "-".
func plausibleID(s string) bool {
	return s != "" && len(s) <= 64 && s != "null" && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '_' && r != '-'
	})
}

// readFailure reads an error answer as far as it can be read; code is 0 when there is none.
func readFailure(resp *httpc.Response) (f failure, code uint16) {
	d := json.NewDecoder(bytes.NewReader(resp.Body))
	d.UseNumber()
	if err := d.Decode(&f); err != nil {
		return failure{}, 0
	}
	switch v := f.Code.(type) {
	case string:
		if hex, ok := strings.CutPrefix(strings.ToLower(v), "0x"); ok {
			n, _ := strconv.ParseUint(hex, 16, 16)
			code = uint16(n)
		}
	case json.Number:
		n, _ := strconv.ParseUint(v.String(), 10, 16)
		code = uint16(n)
	}
	return f, code
}

// refusal returns the error for the call as a whole.
func refusal(resp *httpc.Response, f failure, code uint16, secrets []string) *providers.Error {
	e := &providers.Error{
		Kind: statusKind(resp.Status), Provider: Name, Code: strconv.Itoa(resp.Status),
		RetryAfter: httpc.RetryAfter(resp.Header, time.Now()),
		Detail:     describe(resp, f, secrets),
	}
	if code != 0 {
		e.Code = fmt.Sprintf("0x%04X", code)
	}
	row, known := codes[code]
	switch {
	case len(f.IDs) > 0: // an error that names accepted messages is no refusal
		e.Kind = providers.Unknown
	case known && row.status/100 == resp.Status/100:
		e.Kind = row.kind
	case resp.Status >= 500 && notNow[code&0xff] && code != 0:
		e.Kind = providers.Unavailable
	}
	return e
}

// spoiledBy returns the index of the one recipient that the answer names as the reason of the refusal, or -1.
func spoiledBy(f failure, code uint16, status int, c providers.Call) int {
	if code != codeBlacklisted && code != codeBlacklistedForNow && !aboutAnMSISDN(f, code, status) {
		return -1
	}
	for _, v := range f.Variables {
		s := strings.TrimLeft(fmt.Sprint(v), "+0")
		if len(s) < 7 || len(s) > 15 {
			continue
		}
		number, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			continue
		}
		for i := range c.Recipients {
			if uint64(c.Recipients[i].To) == number {
				return i
			}
		}
	}
	return -1
}

// aboutAnMSISDN reports whether a 422 that is in no table speaks of a number.
func aboutAnMSISDN(f failure, code uint16, status int) bool {
	if status != http.StatusUnprocessableEntity || len(f.IDs) > 0 {
		return false
	}
	if _, known := codes[code]; known {
		return false
	}
	message := strings.ToLower(f.Message)
	return strings.Contains(message, "msisdn") || strings.Contains(message, "recipient") || strings.Contains(message, "phone number")
}

// oneSpoils refuses recipient i for good; the others were not taken and can go at once.
func oneSpoils(n, i int, e *providers.Error, code uint16) []providers.Result {
	bad, rest := *e, *e
	bad.Kind = providers.Invalid
	if code == codeBlacklisted || code == codeBlacklistedForNow {
		bad.Kind = providers.Rejected
	}
	bad.RetryAfter, rest.RetryAfter = 0, 0
	rest.Kind = providers.Again
	out := providers.Fail(n, &rest)
	out[i] = providers.Fail(1, &bad)[0]
	return out
}

// describe returns the gateway's words, with the incident that its support asks for.
func describe(resp *httpc.Response, f failure, secrets []string) string {
	text := f.Message
	for i := len(f.Variables) - 1; i >= 0; i-- {
		text = strings.ReplaceAll(text, "%"+strconv.Itoa(i+1), fmt.Sprint(f.Variables[i]))
	}
	if text == "" {
		text = httpc.StatusText(resp.Status)
	}
	text = redact.Detail(text, secrets...)
	if !isUUID(f.Incident) {
		return text
	}
	incident := "; incident " + f.Incident
	room := providers.MaxDetail - len(incident)
	if len(text) > room {
		for room > 0 && !utf8.RuneStart(text[room]) {
			room--
		}
		text = text[:room]
	}
	return text + incident
}

// isUUID reports whether s is a UUID in its usual form, which no number or text is.
func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		if dash != (s[i] == '-') || !dash && !strings.ContainsRune("0123456789abcdefABCDEF", rune(s[i])) {
			return false
		}
	}
	return true
}

// readBalance reads the answer of /rest/me.
func readBalance(resp *httpc.Response, secrets []string) (string, *providers.Error) {
	if resp.Status/100 != 2 {
		f, code := readFailure(resp)
		return "", refusal(resp, f, code, secrets)
	}
	var m me
	if err := json.Unmarshal(resp.Body, &m); err != nil || m.Credit == nil {
		return "", fail(providers.Unavailable, strconv.Itoa(resp.Status), "the answer cannot be read; is this GatewayAPI?")
	}
	credit, err := m.Credit.Float64()
	if err != nil {
		return "", fail(providers.Unavailable, strconv.Itoa(resp.Status), "the credit cannot be read")
	}
	return strings.TrimSpace(strconv.FormatFloat(credit, 'f', 2, 64) + " " + redact.Detail(m.Currency)), nil
}

func fail(k providers.Kind, code, detail string) *providers.Error {
	return &providers.Error{Kind: k, Provider: Name, Code: code, Detail: detail}
}
