package gatewayapi

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/volleysms/volley/internal/httpc"
	"github.com/volleysms/volley/internal/redact"
	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/sms"
)

// taken is the answer for one message.
type taken struct {
	ID        json.RawMessage `json:"msg_id"`
	Recipient msisdn          `json:"recipient"`
}

// detail is one thing that is wrong with a request, with the way to it: body, messages, an index, a field.
type detail struct {
	Loc  []any  `json:"loc"`
	Msg  string `json:"msg"`
	Type string `json:"type"`
}

// messagingResults reads the answer to a send of c. An error answer accepts nothing of the call.
func messagingResults(resp *httpc.Response, c providers.Call, secrets []string) []providers.Result {
	n := len(c.Recipients)
	if resp.Status/100 == 2 {
		return takenResults(resp, c)
	}
	details := readDetails(resp)
	e := messagingRefusal(resp, details, secrets)
	bad := spoilers(details, n)
	if len(bad) == 0 || len(bad) == n || resp.Status != http.StatusUnprocessableEntity {
		return providers.Fail(n, e)
	}
	rest := *e
	rest.Kind = providers.Again
	out := providers.Fail(n, &rest)
	for i, own := range bad {
		spoiler := messagingRefusal(resp, []detail{own}, secrets)
		out[i] = providers.Fail(1, spoiler)[0]
	}
	return out
}

// takenResults reads a yes. Its entries are matched by their recipient: the order is nobody's promise. A recipient that is
// not among them, or whose identifier can't be read, may have been taken.
func takenResults(resp *httpc.Response, c providers.Call) []providers.Result {
	ids, ok := parseTaken(resp.Body)
	status := strconv.Itoa(resp.Status)
	if !ok {
		return providers.Fail(len(c.Recipients), fail(providers.Unknown, status, "the answer cannot be read"))
	}
	out := make([]providers.Result, len(c.Recipients))
	for i := range c.Recipients {
		if id := ids[c.Recipients[i].To]; id != "" {
			out[i] = providers.Result{ID: id}
		} else {
			out[i] = providers.Fail(1, fail(providers.Unknown, status, "the answer does not name this recipient"))[0]
		}
	}
	return out
}

// parseTaken returns the identifiers in an answer by recipient. It has the form of one message, or of several: the vendor's
// own sample of the second is the first.
func parseTaken(body []byte) (ids map[sms.MSISDN]string, ok bool) {
	var answer struct {
		taken
		Responses []taken `json:"responses"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, false
	}
	ids = map[sms.MSISDN]string{}
	for _, t := range append(answer.Responses, answer.taken) {
		to := sms.MSISDN(t.Recipient)
		if id := plainID(t.ID); to != 0 && id != "" && ids[to] == "" {
			ids[to] = id
		}
	}
	return ids, len(ids) > 0
}

// readDetails reads an error answer as far as it can be read. Where it is one sentence and no list, that is its one entry.
func readDetails(resp *httpc.Response) []detail {
	var answer struct {
		Detail json.RawMessage `json:"detail"`
	}
	if err := json.Unmarshal(resp.Body, &answer); err != nil {
		return nil
	}
	var list []detail
	if json.Unmarshal(answer.Detail, &list) == nil {
		return list
	}
	var sentence string
	if json.Unmarshal(answer.Detail, &sentence) == nil && sentence != "" {
		return []detail{{Msg: sentence}}
	}
	return nil
}

// spoilers are the recipients that the details name, by index, with the first thing that is wrong with each.
func spoilers(details []detail, n int) map[int]detail {
	out := map[int]detail{}
	for _, d := range details {
		if len(d.Loc) < 3 || d.Loc[1] != "messages" {
			return nil // something is wrong with the request as a whole
		}
		i, isNumber := d.Loc[2].(float64)
		if !isNumber || i < 0 || int(i) >= n {
			return nil
		}
		if _, known := out[int(i)]; !known {
			out[int(i)] = d
		}
	}
	return out
}

// messagingRefusal returns the error for the call as a whole. The gateway has no codes of its own; the kind of the first
// thing that is wrong with the request stands for one.
func messagingRefusal(resp *httpc.Response, details []detail, secrets []string) *providers.Error {
	e := &providers.Error{
		Kind: statusKind(resp.Status), Provider: Name, Code: strconv.Itoa(resp.Status),
		RetryAfter: httpc.RetryAfter(resp.Header, time.Now()), Detail: httpc.StatusText(resp.Status),
	}
	if len(details) == 0 {
		return e
	}
	first := details[0]
	if kind := plainID(json.RawMessage(first.Type)); kind != "" && redact.Detail(kind, secrets...) == kind {
		e.Code = kind
	}
	said := first.Msg
	if field := fieldOf(first.Loc); field != "" {
		said = field + ": " + said
	}
	if said = redact.Detail(said, secrets...); said != "" {
		e.Detail = said
	}
	return e
}

// fieldOf is the field that a detail is about.
func fieldOf(loc []any) string {
	if len(loc) == 0 {
		return ""
	}
	s, _ := loc[len(loc)-1].(string)
	return s
}
