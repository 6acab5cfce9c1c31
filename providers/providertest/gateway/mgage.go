package gateway

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/volleysms/volley/sms"
)

// The credentials that the simulated mGage gateway accepts unless told otherwise.
const (
	MGageUsername  = "example-mgage-user"
	MGagePassword  = "example-mgage-password" //nolint:gosec // made up for the simulation
	MGageProgramID = "108140"
)

// MGage is the dialect of the mGage Gateway API: POST /api/gateway with everything in the query. A refused number gets
// status 1 in its own block; when all of a request are refused the answer is 111 for the whole. POST /api/externalMO is a
// send to the originator, of what the program answers: "You wrote: MESSAGE".
//
// The vendor's document does not show what an answer looks like, so there are three forms to choose from.
type MGage struct {
	// Username, Password and ProgramID are the account; empty is MGageUsername, MGagePassword, MGageProgramID.
	Username, Password, ProgramID string
	// Form is how answers are written: "xml", "json" or "lines"; empty is "xml".
	Form string
}

const (
	mgageMaxNumbers = 250
	mgageMaxURL     = 8_000
	mgageShort      = 160
)

// Provider returns "mgage".
func (d MGage) Provider() string { return "mgage" }

// Account returns the user name, the password and the program.
func (d MGage) Account() map[string]string {
	d = d.withDefaults()
	return map[string]string{"provider": d.Provider(), "username": d.Username, "password": d.Password, "program_id": d.ProgramID}
}

func (d MGage) withDefaults() MGage {
	for p, v := range map[*string]string{&d.Username: MGageUsername, &d.Password: MGagePassword, &d.ProgramID: MGageProgramID} {
		if *p == "" {
			*p = v
		}
	}
	return d
}

// Denied returns 401.
func (d MGage) Denied() Reply {
	return Reply{
		Status: http.StatusUnauthorized, Type: "text/html", Body: []byte("<html><body>401 Unauthorized</body></html>"),
		Header: http.Header{"Www-Authenticate": {`Basic realm="gateway"`}},
	}
}

// Read checks a request.
func (d MGage) Read(r *http.Request, body []byte, ask *Ask) {
	d = d.withDefaults()
	webMO := r.URL.Path == "/api/externalMO"
	ask.Send = (r.URL.Path == "/api/gateway" || webMO) && r.Method == http.MethodPost
	user, pass, _ := r.BasicAuth()
	switch {
	case user != d.Username || pass != d.Password:
		ask.Violate("credentials", d.Denied())
	case !ask.Send:
		ask.Violate(r.Method+" "+r.URL.Path, Reply{Status: http.StatusNotFound})
	case len(body) > 0 || r.ContentLength != 0 || r.TransferEncoding != nil:
		ask.Violate("a body", Reply{Status: http.StatusBadRequest})
	case len(r.Host)+len(r.URL.RequestURI()) > mgageMaxURL:
		ask.Violate("URL of "+strconv.Itoa(len(r.URL.RequestURI()))+" bytes", Reply{Status: http.StatusRequestURITooLong})
	case webMO:
		if q, ok := d.parameters(r.URL.RawQuery, mgageMOParams, ask); ok {
			d.readMO(q, ask)
		}
	default:
		if q, ok := d.parameters(r.URL.RawQuery, mgageParams, ask); ok {
			d.readQuery(q, ask)
		}
	}
}

// mgageParams are the names a request may have, each once.
var mgageParams = []string{"allow_long_messages", "message", "message_billed", "message_type", "numbers", "program_id", "spoof_from"}

// parameters reads the query; ok is false when it breaks a rule.
func (d MGage) parameters(raw string, known []string, ask *Ask) (q url.Values, ok bool) {
	bad := func(why string) { ask.Violate(why, Reply{Status: http.StatusBadRequest}) }
	if strings.ContainsAny(raw, "+,;") {
		bad("a blank, comma or semicolon that is not written as %20, %2C or %3B")
		return nil, false
	}
	q, err := url.ParseQuery(raw)
	if err != nil {
		bad("the query cannot be read")
		return nil, false
	}
	for name, values := range q {
		switch {
		case !slices.Contains(known, name):
			bad("unknown parameter " + strconv.Quote(name))
		case len(values) > 1:
			bad("parameter " + name + " twice")
		case !utf8.ValidString(values[0]):
			bad(name + " is not UTF-8")
		}
	}
	return q, !ask.Violated()
}

func (d MGage) readQuery(q url.Values, ask *Ask) {
	if !d.isCheck(q) {
		d.check(q, ask)
	} else {
		ask.Send = false
		ask.Say(d.whole(108, "Message must not be empty."))
	}
	for i := range ask.Messages {
		m := &ask.Messages[i]
		m.From, m.Text = q.Get("spoof_from"), q.Get("message")
		if _, gsm7 := Septets(m.Text); !gsm7 {
			m.Encoding = sms.UCS2
		}
	}
}

// isCheck reports whether a request can send nothing: it has neither a text nor a number.
func (d MGage) isCheck(q url.Values) bool { return q.Get("message") == "" && q.Get("numbers") == "" }

func (d MGage) check(q url.Values, ask *Ask) {
	fail := func(code int, text string) { ask.Violate(text, d.whole(code, text)) }
	text, long := q.Get("message"), q.Get("allow_long_messages")
	septets, _ := Septets(text)
	segments, _ := Segments(text)
	switch {
	case q.Get("message_type") != "sms":
		fail(104, "Invalid message type")
	case q.Get("message_billed") != "no":
		fail(106, "Message billed not set correctly")
	case q.Has("allow_long_messages") && long != "yes" && long != "no":
		fail(114, "Parameter allow_long_messages not set correctly")
	case text == "":
		fail(108, "Message must not be empty.")
	case long != "yes" && (utf8.RuneCountInString(text) > mgageShort || septets > mgageShort || segments > 1):
		fail(107, fmt.Sprintf("Too many characters in message – should be < 160, found %d.", utf8.RuneCountInString(text)))
	case q.Get("spoof_from") == "":
		fail(201, "Spoof must be set when sending unbilled messages.")
	case q.Get("program_id") != d.ProgramID:
		ask.Violate("program_id", Reply{Status: http.StatusForbidden})
	case q.Get("numbers") == "":
		fail(109, "You must specify at least one recipient.")
	}
	n := 0
	for number := range strings.SplitSeq(q.Get("numbers"), ",") {
		to, ok := ParseNumber(number)
		if !ok {
			fail(111, "No valid numbers to send to!")
			return
		}
		ask.Add(Message{To: to})
		n++
	}
	if n > mgageMaxNumbers {
		fail(112, fmt.Sprintf("Too many numbers in request – max. %d, received: %d.", mgageMaxNumbers, n))
	}
	if _, twice := ask.Duplicate(0); twice {
		fail(113, "Number found twice in request – please only supply each number once per request!")
	}
}

// Answer writes one block for each number.
func (d MGage) Answer(ask *Ask, buf []byte) Reply {
	accepted := 0
	for i := range ask.Messages {
		if !ask.Messages[i].Refused {
			accepted++
		}
	}
	if accepted == 0 {
		return d.whole(111, "No valid numbers to send to!")
	}
	contentType := d.open(&buf)
	for i := range ask.Messages {
		m := &ask.Messages[i]
		if m.Refused {
			buf = d.block(buf, i, m.To, 1, "Send failed. Please contact support.")
		} else {
			buf = d.block(buf, i, m.To, 0, "Request accepted onto the platform.")
		}
	}
	d.shut(&buf)
	return Reply{Status: http.StatusOK, Type: contentType, Body: buf}
}

// whole returns an answer for the whole request: one block without a number.
func (d MGage) whole(code int, text string) Reply {
	var buf []byte
	contentType := d.open(&buf)
	buf = d.block(buf, 0, 0, code, text)
	d.shut(&buf)
	return Reply{Status: http.StatusOK, Type: contentType, Body: buf}
}

func (d MGage) open(buf *[]byte) (contentType string) {
	switch d.Form {
	case "json":
		*buf = append(*buf, `{"recipients":[`...)
		return "application/json"
	case "lines":
		return "text/plain"
	default:
		*buf = append(*buf, "<response>"...)
		return "text/xml"
	}
}

func (d MGage) shut(buf *[]byte) {
	switch d.Form {
	case "json":
		*buf = append(*buf, "]}"...)
	case "lines":
	default:
		*buf = append(*buf, "</response>"...)
	}
}

// block appends the block of number to, or one without a number when to is 0.
func (d MGage) block(b []byte, i int, to sms.MSISDN, code int, text string) []byte {
	number := func(before, after string) {
		if to != 0 {
			b = append(b, before...)
			b = strconv.AppendUint(b, uint64(to), 10)
			b = append(b, after...)
		}
	}
	switch d.Form {
	case "json":
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '{')
		number(`"number":"`, `",`)
		b = append(b, `"status":`...)
		b = strconv.AppendInt(b, int64(code), 10)
		b = append(b, `,"statusText":`...)
		b = strconv.AppendQuote(b, text)
		return append(b, '}')
	case "lines":
		number("", ": ")
		b = strconv.AppendInt(b, int64(code), 10)
		b = append(b, ": "...)
		b = append(b, text...)
		return append(b, '\n')
	default:
		b = append(b, "<recipient>"...)
		number("<number>", "</number>")
		b = append(b, "<status>"...)
		b = strconv.AppendInt(b, int64(code), 10)
		b = append(b, "</status><message>"...)
		b = append(b, strings.ReplaceAll(text, "<", "&lt;")...)
		return append(b, "</message></recipient>"...)
	}
}
