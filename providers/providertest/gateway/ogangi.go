package gateway

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"html"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/volleysms/volley/sms"
)

// The account that the simulated Ogangi platform has unless told otherwise.
const (
	OgangiInstanceID = "43"
	OgangiCarrier    = "Movistar"
	OgangiPublicKey  = "example-public-key"
	OgangiPrivateKey = "example-private-key" //nolint:gosec // made up for the simulation
)

// Ogangi is the dialect of the Ogangi campaign manager: every operation a signed address. A refused number gets the status
// BLACKLISTED in sendSMS's answer; sendMT, PINs and fired messages have no word for it but ERROR.
//
// A PIN is a send whose text ends in the PIN, and a fired message one in which the campaign answers "You wrote: TEXT".
type Ogangi struct {
	// InstanceID, PublicKey and PrivateKey are the account; empty is OgangiInstanceID and so on.
	InstanceID, PublicKey, PrivateKey string
	// Carrier is the name of the one operator there is; empty is OgangiCarrier. sendMT takes "null" or any number.
	Carrier string
	// Prefix is the path before /rest/api, such as "/mmc".
	Prefix string
	// Padded wants Base64 with "=" at its end, and refuses it without.
	Padded bool
	// SignDecoded wants the signature over the parameters without their escapes.
	SignDecoded bool
	// Post wants every operation as a POST.
	Post bool
	// Base64Numbers wants the numbers of PINs and fired messages in Base64, and PlainFireText the text of the latter without it.
	Base64Numbers, PlainFireText bool
	// FirstPage is the number of the first page of inbound messages, 0 or 1; with 1, page 0 is an ERROR.
	FirstPage int
	// Settle is how long a message takes until getMessage tells its final state; 0 is at once.
	Settle time.Duration
	// Rootless leaves out the <response> around answers, as in the platform's document.
	Rootless bool
}

// ogangiMaxURL is where the platform's server stops reading an address, in bytes.
const ogangiMaxURL = 8_000

// Provider returns "ogangi".
func (d Ogangi) Provider() string { return "ogangi" }

// Account returns the instance, the operator and the keys.
func (d Ogangi) Account() map[string]string {
	d = d.withDefaults()
	return map[string]string{
		"provider": d.Provider(), "instance_id": d.InstanceID, "carrier": d.Carrier,
		"public_key": d.PublicKey, "private_key": d.PrivateKey,
	}
}

func (d Ogangi) withDefaults() Ogangi {
	for _, f := range []struct {
		p *string
		v string
	}{
		{&d.InstanceID, OgangiInstanceID},
		{&d.Carrier, OgangiCarrier},
		{&d.PublicKey, OgangiPublicKey},
		{&d.PrivateKey, OgangiPrivateKey},
	} {
		if *f.p == "" {
			*f.p = f.v
		}
	}
	return d
}

// Denied returns 200 BAD_SIGNATURE.
func (d Ogangi) Denied() Reply {
	return d.say(nil, "sendSMS", "BAD_SIGNATURE", "Invalid signature, access denied", "")
}

// ogangiOp is an operation by the first segments of its path, with how many parameters it has.
type ogangiOp struct {
	path     string
	min, max int
	send     bool
	read     func(d Ogangi, p []string, ask *Ask)
}

var ogangiOps = []ogangiOp{
	{"tools/sendSMS/", 5, 5, true, Ogangi.readSMS},
	{"sendMT/", 5, 6, true, Ogangi.readMT}, // the sixth are flags
	{"tools/sendSMSPinMobileNumberConfirm/", 6, 6, true, Ogangi.readPIN},
	{"fireMessage/", 3, 3, true, Ogangi.readFire},
	{"tools/getMOMessages/", 4, 4, false, Ogangi.readMO},
	{"tools/getMessage/", 2, 2, false, Ogangi.readMessage},
}

// Read checks a request.
func (d Ogangi) Read(r *http.Request, body []byte, ask *Ask) {
	d = d.withDefaults()
	target := r.URL.EscapedPath() // as it came, which is what is signed
	rest, ok := strings.CutPrefix(target, d.Prefix+"/rest/api/")
	for _, op := range ogangiOps {
		path, its := strings.CutPrefix(rest, op.path)
		if !ok || !its {
			continue
		}
		segments := strings.Split(path, "/")
		if len(segments) == 3 && op.path == "fireMessage/" {
			d.readFireJSON(r, body, path, segments, ask)
			return
		}
		method := http.MethodGet
		if d.Post {
			method = http.MethodPost
		}
		ask.Send = op.send && r.Method == method
		if d.checkRequest(r, method, body, ask); ask.Violated() {
			return
		}
		params := segments[:max(0, len(segments)-2)]
		if len(params) < op.min || len(params) > op.max {
			ask.Violate(strconv.Itoa(len(segments))+" path segments after "+op.path, Reply{Status: http.StatusNotFound})
			return
		}
		if d.checkSigned(path, segments, op.name(), ask); !ask.Violated() {
			op.read(d, params, ask)
		}
		return
	}
	ask.Violate(r.Method+" of an unknown path", Reply{Status: http.StatusNotFound})
}

// name is the operation as answers repeat it.
func (o ogangiOp) name() string {
	return strings.TrimPrefix(strings.TrimSuffix(o.path, "/"), "tools/")
}

func (d Ogangi) checkRequest(r *http.Request, method string, body []byte, ask *Ask) {
	switch {
	case r.Method != method:
		ask.Violate("method "+r.Method, Reply{Status: http.StatusMethodNotAllowed})
	case len(body) > 0 || r.TransferEncoding != nil:
		ask.Violate("a body", Reply{Status: http.StatusBadRequest})
	default:
		d.checkAddress(r, ask)
	}
}

func (d Ogangi) checkAddress(r *http.Request, ask *Ask) {
	switch {
	case len(r.Host)+len(r.RequestURI) > ogangiMaxURL:
		ask.Violate("URL of "+strconv.Itoa(len(r.RequestURI))+" bytes", Reply{Status: http.StatusRequestURITooLong})
	case r.URL.RawQuery != "" || r.URL.ForceQuery:
		ask.Violate("a query", Reply{Status: http.StatusBadRequest})
	}
}

// checkSigned refuses what is not of this account, or signed wrongly.
func (d Ogangi) checkSigned(path string, segments []string, op string, ask *Ask) {
	d.checkSegments(segments, ask)
	switch {
	case ask.Violated():
	case !d.signed(path, segments):
		ask.Violate("signature", d.Denied())
	case segments[0] != d.InstanceID:
		ask.Violate("instance", d.failure(op))
	}
}

// checkSegments refuses what a server's router would take apart or drop.
func (d Ogangi) checkSegments(segments []string, ask *Ask) {
	for _, s := range segments {
		if s == "" || s == "." || s == ".." || strings.Contains(strings.ToUpper(s), "%2F") {
			ask.Violate("an empty or unsafe path segment", Reply{Status: http.StatusNotFound})
		}
	}
}

// signed reports whether the last two segments are the public key and the signature of those before them.
func (d Ogangi) signed(path string, segments []string) bool {
	key, signature := segments[len(segments)-2], segments[len(segments)-1]
	params := strings.TrimSuffix(path, "/"+key+"/"+signature)
	if d.SignDecoded {
		params, _ = url.PathUnescape(params) // it came in a URL, so it can be
	}
	mac := hmac.New(sha256.New, []byte(d.PrivateKey))
	_, _ = mac.Write([]byte(params))
	return key == d.PublicKey && signature == hex.EncodeToString(mac.Sum(nil))
}

// readSMS reads instance, carrier, sender, number in Base64, text in Base64.
func (d Ogangi) readSMS(p []string, ask *Ask) {
	number, ok := d.decode(p[3])
	if !ok {
		ask.Violate("the number is not in the Base64 of this platform", d.failure("sendSMS"))
		return
	}
	m := Message{From: p[2]}
	d.read(&m, "sendSMS", number, p[4], ask)
	bad := func(why, status string) {
		ask.Violate(why, d.say(nil, "sendSMS", "OK", "Completed", d.list(&m, status)))
	}
	switch {
	case ask.Violated():
	case p[1] != escaped(d.Carrier):
		bad("carrier", "BAD_CARRIER/FROM")
	case !allDigits(p[2]):
		bad("sender", "BAD_FROM")
	case m.To == 0:
		bad("number", "BAD_TO")
	default:
		ask.Add(m)
	}
}

// readMT reads instance, sender, carrier, number in digits, text in Base64.
func (d Ogangi) readMT(p []string, ask *Ask) {
	m := Message{From: p[1]}
	d.read(&m, "sendMT", p[3], p[4], ask)
	switch {
	case ask.Violated():
	case p[2] != "null" && !allDigits(p[2]):
		ask.Violate("carrier", d.failure("sendMT"))
	case !allDigits(p[1]):
		ask.Violate("sender", d.failure("sendMT"))
	case m.To == 0:
		ask.Violate("number", d.failure("sendMT"))
	default:
		ask.Objects = ogangiMT
		ask.Add(m)
	}
}

// read fills the number, 0 when it is none, and the text.
func (d Ogangi) read(m *Message, method, number, text string, ask *Ask) {
	if to, ok := ParseNumber(number); ok {
		m.To = to
	}
	decoded, ok := d.decode(text)
	if !ok || decoded == "" || !utf8.ValidString(decoded) {
		ask.Violate("the text is not UTF-8 in the Base64 of this platform", d.failure(method))
		return
	}
	m.Text = decoded
	if _, gsm7 := Septets(decoded); !gsm7 {
		m.Encoding = sms.UCS2
	}
}

// decode reads URL-safe Base64 and returns false when the padding is not as this platform wants it.
func (d Ogangi) decode(s string) (string, bool) {
	enc := base64.RawURLEncoding
	if d.Padded {
		enc = base64.URLEncoding
	}
	b, err := enc.Strict().DecodeString(s)
	return string(b), err == nil
}

// What Ask.Objects says of a send: the operation.
const (
	ogangiSMS = iota
	ogangiMT
	ogangiPIN
	ogangiFire
	ogangiFireJSON
)

// Answer accepts or refuses the one message.
func (d Ogangi) Answer(ask *Ask, buf []byte) Reply {
	d = d.withDefaults()
	m := &ask.Messages[0]
	op := [...]string{"sendSMS", "sendMT", "sendSMSPinMobileNumberConfirm", "activateCampaign", "fireMessage"}[ask.Objects]
	if ask.Objects != ogangiSMS && m.Refused {
		return d.failure(op)
	}
	result := ""
	switch ask.Objects {
	case ogangiSMS:
		status := "SENT_TO_CARRIER"
		if m.Refused {
			status = "BLACKLISTED"
		}
		m.ID = strconv.FormatInt(-8_174_720_000_000_000_000-ask.N, 10)
		result = d.list(m, status)
	case ogangiPIN:
		pin := ogangiNewPIN(ask.N, m.Asked["length"])
		m.Text += " " + pin
		result = "<PinSMSConfirmation> <pin>" + pin + "</pin> </PinSMSConfirmation>"
	case ogangiFireJSON:
		result = "<mo> <instanceId>" + d.InstanceID + "</instanceId> <mobileNumber>" + m.To.String() + "</mobileNumber> <text>" +
			html.EscapeString(m.Asked["text"]) + "</text> </mo>"
	}
	return d.say(buf, op, "OK", "Completed", result)
}

// list returns the list with one message.
func (d Ogangi) list(m *Message, status string) string {
	return "<messages> " + d.message(m, status) + " </messages>"
}

// message returns one message, without its text.
func (d Ogangi) message(m *Message, status string) string {
	words := strings.ToLower(strings.ReplaceAll(status, "_", " "))
	return "<message> <id>" + m.ID + "</id> <carrier>" + d.withDefaults().Carrier + "</carrier> <from>" + m.From +
		"</from> <to>" + m.To.String() + "</to> <status>" + status + "</status> <statusDescription>" + words +
		"</statusDescription> <encoding>UTF-8</encoding> </message>"
}

// failure is the platform's one word for everything that went wrong on its side or in the request.
func (d Ogangi) failure(method string) Reply {
	return d.say(nil, method, "ERROR", "Internal error, please report this to support@example.invalid", "")
}

// say builds an answer in b; an empty result is left out.
func (d Ogangi) say(b []byte, method, status, description, result string) Reply {
	if !d.Rootless {
		b = append(b, "<response>"...)
	}
	for _, part := range [...]string{"<input>", method, "</input> <status>", status, "</status> <description>", description, "</description>"} {
		b = append(b, part...)
	}
	if result != "" {
		b = append(b, " <result> "...)
		b = append(b, result...)
		b = append(b, " </result>"...)
	}
	if !d.Rootless {
		b = append(b, "</response>"...)
	}
	return Reply{Status: http.StatusOK, Type: "text/xml;charset=UTF-8", Body: b}
}

// escaped returns s with every byte outside the unreserved characters of RFC 3986 as %XX.
func escaped(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if c < utf8.RuneSelf && (allDigits(string(c)) || 'a' <= c|0x20 && c|0x20 <= 'z' || strings.IndexByte("-._~", c) >= 0) {
			b.WriteByte(c)
		} else {
			b.WriteString("%" + strings.ToUpper(hex.EncodeToString([]byte{c})))
		}
	}
	return b.String()
}

// allDigits reports whether s is one digit or more and nothing else.
func allDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
