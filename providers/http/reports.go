package httpapi

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"mime"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/volleysms/volley/providers"
)

// reportReading is how pushes are read.
type reportReading struct {
	list                                        *place
	status, to, id, reference, code, detail, at place
	fates                                       map[string]providers.Fate
	header                                      string
	key                                         []byte
	ack                                         string
	secrets                                     []string
}

// receiver reads pushes by Options.Reports.
type receiver struct{ r *reportReading }

var _ providers.Receiver = receiver{}

// Ack returns Options.Reports.Ack.
func (r receiver) Ack() string { return r.r.ack }

// Receive reads a push of JSON, a form, or a query.
func (r receiver) Receive(p providers.Push) (providers.Pushed, error) {
	if len(p.Body) > providers.MaxPush {
		return providers.Pushed{}, fmt.Errorf("%w: longer than %d bytes", providers.ErrMalformed, providers.MaxPush)
	}
	proven := len(r.r.key) > 0
	if proven && !r.r.signed(p) {
		return providers.Pushed{}, providers.ErrForged
	}
	s, err := content(p)
	if err != nil {
		return providers.Pushed{}, err
	}
	sources := []source{s}
	if r.r.list != nil {
		list, ok := r.r.list.elements(s)
		if !ok {
			return providers.Pushed{}, fmt.Errorf("%w: there is no list where reports.list is", providers.ErrMalformed)
		}
		sources = nil
		for _, element := range list {
			sources = append(sources, source{doc: element})
		}
	}
	out := providers.Pushed{Proven: proven}
	for _, s := range sources {
		report, err := r.r.read(s)
		if err != nil {
			return providers.Pushed{}, err
		}
		out.Reports = append(out.Reports, report)
	}
	return out, nil
}

// signed reports whether the header holds the body's HMAC. A push without a body proves nothing.
func (r *reportReading) signed(p providers.Push) bool {
	given := strings.TrimPrefix(p.Header.Get(r.header), "sha256=")
	got, err := hex.DecodeString(given)
	if err != nil {
		got, err = base64.StdEncoding.DecodeString(given)
	}
	mac := hmac.New(sha256.New, r.key)
	_, _ = mac.Write(p.Body)
	return err == nil && len(p.Body) > 0 && hmac.Equal(got, mac.Sum(nil))
}

// content takes a push apart. Fields of a form or query become those of an object; of a field that is given twice the first
// counts.
func content(p providers.Push) (source, error) {
	s := source{text: p.Body}
	kind, _, _ := mime.ParseMediaType(p.Header.Get("Content-Type"))
	form := p.Query
	switch body := strings.TrimSpace(string(p.Body)); {
	case body == "":
		s.text = []byte(p.Query.Encode())
	case strings.HasSuffix(kind, "json") || body[0] == '{' || body[0] == '[':
		if s.doc = decode(p.Body); s.doc == nil {
			return s, fmt.Errorf("%w: the body is not JSON", providers.ErrMalformed)
		}
		return s, nil
	case kind == "application/x-www-form-urlencoded" || kind == "":
		var err error
		if form, err = url.ParseQuery(body); err != nil {
			return s, fmt.Errorf("%w: the body is no form", providers.ErrMalformed)
		}
	}
	doc := make(map[string]any, len(form))
	for name, values := range form {
		if len(values) > 0 {
			doc[name] = values[0]
		}
	}
	s.doc = doc
	return s, nil
}

// read reads one report.
func (r *reportReading) read(s source) (providers.Report, error) {
	red := redactor(r.secrets)
	word := strings.TrimSpace(r.status.find(s))
	if word == "" {
		return providers.Report{}, fmt.Errorf("%w: there is no status where reports.status is", providers.ErrMalformed)
	}
	out := providers.Report{
		Fate: r.fates[strings.ToLower(word)], To: number(r.to.find(s)), ID: red.id(r.id.find(s)),
		Code: red.code(word), Detail: red.detail(r.detail.find(s)), At: moment(r.at.find(s)),
	}
	if ref := red.id(r.reference.find(s)); len(ref) <= maxReference {
		out.Reference = ref
	}
	if code := red.code(r.code.find(s)); code != "" && out.Fate != providers.Pending {
		out.Code = code
	}
	return out, nil
}

// moment reads a time: RFC 3339, seconds or milliseconds since 1970, or a date and a time in UTC; zero when it is none.
func moment(s string) time.Time {
	const seconds, milliseconds = 10, 13 // digits, from 2001 to 2286
	if n, err := strconv.ParseInt(s, 10, 64); err == nil && n > 0 {
		switch len(s) {
		case seconds:
			return time.Unix(n, 0).UTC()
		case milliseconds:
			return time.UnixMilli(n).UTC()
		}
		return time.Time{}
	}
	for _, layout := range []string{time.RFC3339Nano, time.DateTime, "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}
