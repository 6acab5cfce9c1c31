package gateway

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"
)

// ogangiMaxPIN is the longest PIN the platform makes.
const ogangiMaxPIN = 20

// ogangiNewPIN returns the PIN of send n, another one for each.
func ogangiNewPIN(n int64, length string) string {
	digits, _ := strconv.Atoi(length)
	var b strings.Builder
	for x := mix(uint64(n)); b.Len() < digits; x = mix(x) {
		b.WriteByte('0' + byte(x%10))
	}
	return b.String()
}

// readPIN reads instance, carrier, sender, number, text in Base64, length.
func (d Ogangi) readPIN(p []string, ask *Ask) {
	const op = "sendSMSPinMobileNumberConfirm"
	m := Message{From: p[2], Asked: map[string]string{"length": p[5]}}
	d.read(&m, op, d.plain(p[3]), p[4], ask)
	length, err := strconv.Atoi(p[5])
	switch {
	case ask.Violated():
	case p[1] != escaped(d.Carrier):
		ask.Violate("carrier", d.failure(op))
	case !allDigits(p[2]):
		ask.Violate("sender", d.failure(op))
	case m.To == 0:
		ask.Violate("number", d.failure(op))
	case err != nil || length < 1 || length > ogangiMaxPIN || strconv.Itoa(length) != p[5]:
		ask.Violate("length", d.failure(op))
	default:
		ask.Objects = ogangiPIN
		ask.Add(m)
	}
}

// plain returns the number of a PIN or a fired message in digits; "" when it is not written as this platform wants it.
func (d Ogangi) plain(number string) string {
	if !d.Base64Numbers {
		return number
	}
	decoded, _ := d.decode(number)
	return decoded
}

// readFire reads instance, number, text.
func (d Ogangi) readFire(p []string, ask *Ask) {
	text, ok := d.decode(p[2])
	if d.PlainFireText {
		plain, err := url.PathUnescape(p[2])
		text, ok = plain, err == nil && p[2] == escaped(plain)
	}
	if !ok {
		ask.Violate("the text is not written as this platform wants it", d.failure("fireMessage"))
		return
	}
	d.fire(d.plain(p[1]), "", text, ogangiFire, ask)
}

// readFireJSON reads the POST, of which the instance alone is signed.
func (d Ogangi) readFireJSON(r *http.Request, body []byte, path string, segments []string, ask *Ask) {
	ask.Send = r.Method == http.MethodPost
	d.checkAddress(r, ask)
	d.checkSigned(path, segments, "fireMessage", ask)
	var doc struct {
		Event struct {
			List map[string]string `json:"fld-val-list"`
		} `json:"event"`
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	err := dec.Decode(&doc)
	if _, more := dec.Token(); more != io.EOF { //nolint:errorlint // Token returns it as it is
		err = io.ErrUnexpectedEOF
	}
	list := doc.Event.List
	switch {
	case ask.Violated():
	case r.Method != http.MethodPost:
		ask.Violate("method "+r.Method, Reply{Status: http.StatusMethodNotAllowed})
	case r.Header.Get("Content-Type") != "application/json":
		ask.Violate("content type", Reply{Status: http.StatusUnsupportedMediaType})
	case err != nil || len(list) != 3 || !utf8.Valid(body):
		ask.Violate("the body is not the descriptor of a message", d.failure("fireMessage"))
	case !allDigits(list["sender_id_id"]):
		ask.Violate("sender_id_id", d.failure("fireMessage"))
	default:
		d.fire(list["recipient_address"], list["sender_id_id"], list["keyword_value"], ogangiFireJSON, ask)
	}
}

// fire takes a message of a handset, which the campaign answers.
func (d Ogangi) fire(number, code, text string, op int, ask *Ask) {
	to, ok := ParseNumber(number)
	switch {
	case !ok:
		ask.Violate("number", d.failure("fireMessage"))
	case text == "" || !utf8.ValidString(text):
		ask.Violate("text", d.failure("fireMessage"))
	default:
		ask.Objects = op
		ask.Add(Message{To: to, From: code, Text: "You wrote: " + text, Asked: map[string]string{"text": text}})
	}
}
