package mttm

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/sms"
)

// pushes reads what the gateway pushes: reports on one message (DLR), a batch's progress, and what handsets wrote. Both APIs
// push the same.
type pushes struct{}

// What bounds a push: a report has some 400 bytes.
const (
	maxPush       = 128 << 10
	maxStatus     = 40 // of the status word
	maxStatusText = 16 << 10
)

// Ack is what the gateway wants to read, and nothing else: any other answer makes it push the same again, three times in all,
// 30 s apart, and then never more. Source: fact sheet section 6.
func (pushes) Ack() string { return "ACK/Jasmin" }

// Receive reads a DLR or an inbound message, a POST with a form or a GET, or a batch's progress, a GET. Nothing in them proves
// who made them. A DLR does not name its recipient; its address does. A batch's progress names it, except on old releases of
// the gateway.
//
// Nothing is kept of the gateway's sentences but the phrases that this package knows: they may hold the account's user name
// and password, and the text. At stays zero, since the zone of the gateway's dates is not documented.
func (pushes) Receive(p providers.Push) (providers.Pushed, error) {
	fields := p.Query
	switch {
	case p.Method == http.MethodPost && len(p.Body) > maxPush:
		return providers.Pushed{}, malformed("the body has more than %d bytes", maxPush)
	case p.Method == http.MethodPost && len(p.Body) > 0:
		fields, _ = url.ParseQuery(string(p.Body)) // a pair that can't be read is left out: it may be one that nobody needs
	case p.Method != http.MethodPost && p.Method != http.MethodGet:
		return providers.Pushed{}, malformed("it is neither a GET nor a POST")
	}
	var r providers.Report
	var err error
	switch {
	case fields.Has("message_status"):
		r, err = readDLR(fields)
	case fields.Has("batchId"):
		r, err = readProgress(fields)
	case isInbound(fields):
		m, err := readInbound(fields)
		if err != nil {
			return providers.Pushed{}, err
		}
		return providers.Pushed{Inbound: []providers.Inbound{m}}, nil
	default:
		err = malformed("it has neither message_status nor batchId, and is no inbound message")
	}
	if err != nil {
		return providers.Pushed{}, err
	}
	return providers.Pushed{Reports: []providers.Report{r}}, nil
}

func malformed(format string, args ...any) error {
	return fmt.Errorf("mttm: %w: %s", providers.ErrMalformed, fmt.Sprintf(format, args...))
}

// readDLR reads a report on one message.
func readDLR(fields url.Values) (providers.Report, error) {
	r := providers.Report{ID: fields.Get("id"), Code: fields.Get("message_status")}
	switch {
	case !isID(r.Code) || len(r.Code) > maxStatus:
		return providers.Report{}, malformed("message_status is not a word")
	case r.ID != "" && !isID(r.ID):
		return providers.Report{}, malformed("id is not an identifier")
	}
	r.Fate = fateOf(r.Code, fields.Get("level"))
	if e := fields.Get("err"); isErrorCode(e) {
		r.Detail = "error " + e
	}
	return r, nil
}

// networkLevel is the level of what the network says of a submission. The other level is what becomes of it at the handset.
const networkLevel = "1"

// fates are the states of a message and the answers to its submission that say anything. Source: fact sheet section 6; the
// states are those of SMPP 3.4 appendix B.
var fates = map[string]providers.Fate{
	"ESME_ROK": providers.Taken,
	// The gateway submits these again by itself, and says nothing more when that succeeds.
	"ESME_RSYSERR":    providers.Unclear,
	"ESME_RTHROTTLED": providers.Unclear,
	"ESME_RMSGQFUL":   providers.Unclear,
	"ESME_RINVSCHED":  providers.Unclear,

	"ENROUTE": providers.Taken,
	"ACCEPTD": providers.Taken,
	"DELIVRD": providers.Delivered,
	"UNDELIV": providers.Undelivered,
	"REJECTD": providers.Undelivered,
	"EXPIRED": providers.Undelivered,
	"DELETED": providers.Undelivered,
}

// fateOf returns what a status word says at a level. A word that is not known says nothing, but every other answer to a
// submission refuses it; and no handset has said anything when the network has only just answered.
func fateOf(status, level string) providers.Fate {
	const answer = "ESME_"
	status = strings.ToUpper(status)
	isAnswer := strings.HasPrefix(status, answer)
	if level == networkLevel && !isAnswer {
		return providers.Pending
	}
	if f, known := fates[status]; known {
		return f
	}
	if isAnswer {
		return providers.Undelivered
	}
	return providers.Pending
}

// isErrorCode reports whether s is the network's code of what went wrong, which is beside the state of a message.
func isErrorCode(s string) bool {
	const longest = 8
	return isID(s) && len(s) <= longest && s != notDefined && strings.Trim(s, "0") != ""
}

// readProgress reads what a batch says of one number.
func readProgress(fields url.Values) (providers.Report, error) {
	text := fields.Get("statusText")
	r := providers.Report{Code: fields.Get("status")}
	switch {
	case !isID(fields.Get("batchId")):
		return providers.Report{}, malformed("batchId is not an identifier")
	case len(text) > maxStatusText:
		return providers.Report{}, malformed("statusText has more than %d bytes", maxStatusText)
	case r.Code != "0" && r.Code != "1":
		return providers.Report{}, malformed("status is neither 0 nor 1")
	}
	if to := fields.Get("to"); to != "" {
		n, err := sms.ParseMSISDN(to)
		if err != nil {
			return providers.Report{}, malformed("to is not a number")
		}
		r.To = n
	}
	if r.Code == "1" {
		if id, ok := successID(text); ok {
			r.Fate, r.ID = providers.Taken, id
		}
		return r, nil
	}
	r.Fate, r.Detail = refusal(text)
	return r, nil
}

// refusal returns what a batch's worker says went wrong: for good, since it does not try again, where the gateway said no;
// and nothing where the message may have gone out. Source: fact sheet sections 5 and 6.
func refusal(text string) (providers.Fate, string) {
	const answered, failure, unknown = "httpapi error:", "error", "unknown error"
	said := strings.ToLower(strings.Trim(text, "\" \t\r\n"))
	if strings.HasPrefix(said, unknown) {
		return providers.Pending, unknown
	}
	if rest, ok := strings.CutPrefix(said, answered); ok {
		said = strings.TrimLeft(rest, "\" ")
	}
	if !strings.HasPrefix(said, failure) && !strings.HasPrefix(said, connectionError) {
		return providers.Pending, "" // not in the form of the inner API, so that any phrase in it may be somebody's text
	}
	k, detail, ok := verdict(anyStatus, said)
	if !ok || k == providers.Unknown {
		return providers.Pending, detail
	}
	return providers.Undelivered, detail
}
