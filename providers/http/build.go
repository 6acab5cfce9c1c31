package httpapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/volleysms/volley/internal/httpc"
	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/sms"
)

// builder makes an Adapter's parts and collects what is wrong with them.
type builder struct{ problems []*Problem }

func (b *builder) complain(key, format string, args ...any) {
	b.problems = append(b.problems, &Problem{Key: key, Text: fmt.Sprintf(format, args...)})
}

// build makes an adapter of o. It is good for use when there are no problems.
func build(o Options) (*Adapter, []*Problem) {
	var b builder
	if o.MaxRecipients == 0 {
		o.MaxRecipients = 1
	}
	if o.MaxSegments == 0 {
		o.MaxSegments = defaultSegments
	}
	o.BaseURL = strings.TrimRight(o.BaseURL, "/")
	b.account(&o)
	r := b.request(&o)
	a := &Adapter{
		opts: o, request: r, reading: b.answer(&o.Answer), reports: b.reports(&o, r), balance: b.check(&o.Check),
		client: httpc.New(httpc.Options{Provider: Name, MaxConns: o.MaxConns}), secrets: credentials(&o), now: time.Now,
	}
	if len(b.problems) == 0 {
		b.samples(&o, r)
	}
	if len(b.problems) == 0 {
		a.limits = o.measure(r)
		if room := a.limits.Bytes - a.limits.BaseBytes - a.limits.RecipientBytes; room < minRoom {
			b.complain("request", "leaves no room for a text in %d bytes", a.limits.Bytes)
		}
	}
	return a, b.problems
}

// minRoom is what must be left for a text, in bytes.
const minRoom = 200

func (b *builder) account(o *Options) {
	u, err := url.Parse(o.BaseURL)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		b.complain("base_url", "must be an address such as https://sms.example.com")
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		b.complain("base_url", "must have no user, ? or #")
	}
	if (o.Username == "") != (o.Password == "") {
		b.complain("username", "and password are given together, for Basic authentication")
	}
	if o.Username != "" && slices.ContainsFunc(slices.Collect(maps.Keys(o.Request.Headers)), isAuthorization) {
		b.complain("username", "is given beside an Authorization header; leave one of them out")
	}
	if o.MaxRecipients < 1 || o.MaxRecipients > maxRecipients {
		b.complain("max_recipients", "must be from 1 to %d", maxRecipients)
		o.MaxRecipients = 1
	}
	if o.MaxSegments < 1 || o.MaxSegments > sms.MaxSegments {
		b.complain("max_segments", "must be from 1 to %d", sms.MaxSegments)
	}
	if o.MaxConns < 0 {
		b.complain("max_conns", "must not be negative")
	}
}

func isAuthorization(name string) bool { return strings.EqualFold(name, "Authorization") }

func (b *builder) request(o *Options) *request {
	r := &request{method: o.Request.Method, base: o.BaseURL}
	switch r.method {
	case "":
		r.method = "POST"
	case "GET":
		if o.Request.JSON != "" || len(o.Request.Form) > 0 {
			b.complain("request.method", "is GET, which has no body: use query in place of json and form, or POST")
		}
	case "POST":
	default:
		b.complain("request.method", "must be GET or POST")
	}
	if o.Request.JSON != "" && len(o.Request.Form) > 0 {
		b.complain("request.form", "is given beside json; leave one of them out")
	}
	switch {
	case !strings.HasPrefix(o.Request.Path, "/"):
		b.complain("request.path", "must begin with /, such as /v1/messages")
	case strings.ContainsAny(outside(o.Request.Path), "?# "):
		b.complain("request.path", "must have no ?, # or blank; what comes after ? goes to query")
	}
	r.path = b.template("request.path", o.Request.Path, true)
	r.json = b.template("request.json", o.Request.JSON, false)
	r.each = b.template("request.each", o.Request.Each, false)
	r.query = b.templates("request.query", o.Request.Query)
	r.form = b.templates("request.form", o.Request.Form)
	r.headers = b.templates("request.headers", o.Request.Headers)
	for _, h := range r.headers {
		b.header("request.headers."+h.name, h)
	}
	if len(b.problems) > 0 {
		return r
	}
	b.whatIsSent(o, r)
	return r
}

// outside returns what of a template is not between braces.
func outside(src string) string {
	var b strings.Builder
	for src != "" {
		before, after, _ := strings.Cut(src, "{{")
		b.WriteString(before)
		_, src, _ = strings.Cut(after, "}}")
	}
	return b.String()
}

// template compiles what may be left out.
func (b *builder) template(key, src string, inPath bool) *text {
	if src == "" {
		return nil
	}
	t, problem := compile(src, inPath)
	if problem != nil {
		problem.Key = key
		b.problems = append(b.problems, problem)
	}
	return t
}

func (b *builder) templates(key string, sources map[string]string) []pair {
	compiled := map[string]*text{}
	for _, name := range slices.Sorted(maps.Keys(sources)) {
		if t := b.template(key+"."+name, sources[name], false); t != nil {
			compiled[name] = t
		}
	}
	return pairs(compiled)
}

// reserved are the headers that the client writes itself.
var reserved = []string{
	"host", "content-length", "transfer-encoding", "connection", "accept-encoding", "expect", "te", "trailer", "upgrade", "keep-alive",
	"proxy-connection",
}

func (b *builder) header(key string, h pair) {
	switch {
	case strings.ContainsFunc(h.name, func(c rune) bool {
		return c <= ' ' || c > '~' || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, c)
	}):
		b.complain("request.headers", "has a name with a character that no header has")
	case slices.Contains(reserved, strings.ToLower(h.name)):
		b.complain(key, "is written by the HTTP client; leave it out")
	case h.value.uses["Text"] || h.value.uses["Each"] || h.value.uses["Payload"]:
		b.complain(key, "must not have the message in it; put that into json, form or query")
	}
}

// whatIsSent looks at whether the recipients and the text are in the request, and once each.
func (b *builder) whatIsSent(o *Options, r *request) {
	body := r.all()
	body = slices.DeleteFunc(body, func(t *text) bool { return t == r.each })
	uses := func(field string) bool {
		return slices.ContainsFunc(body, func(t *text) bool { return t.uses[field] })
	}
	several := o.MaxRecipients > 1
	switch {
	case r.each != nil && r.each.uses["Each"]:
		b.complain("request.each", "must not have {{.Each}}; it is one recipient of it")
	case r.each != nil && !uses("Each"):
		b.complain("request.each", "is used nowhere: write {{.Each}} where the recipients stand")
	case r.each == nil && uses("Each"):
		b.complain("request.each", "is missing: {{.Each}} is every recipient written as it says, with commas between")
	case r.each == nil && several:
		b.complain("request.each", "is missing: with max_recipients above 1, it says how one recipient is written, and {{.Each}} is where they stand")
	case several && (uses("To") || uses("Carrier")):
		b.complain("request", "has {{.To}} or {{.Carrier}} outside each, where there is more than one")
	case r.each == nil && !uses("To"), r.each != nil && !r.each.uses["To"]:
		b.complain("request", "has the recipient nowhere: write {{.To}}")
	case !r.uses("Text"):
		b.complain("request", "has the text nowhere: write {{.Text}}, or {{json .Text}} in json")
	}
	texts := 0
	for _, t := range r.all() {
		texts += t.texts
	}
	if texts > 1 {
		b.complain("request", "has the text more than once")
	}
	for _, p := range append(r.query, pair{"path", r.path}) {
		r.inURL = r.inURL || p.value.uses["Each"] || p.value.uses["Text"] || p.value.uses["Payload"]
	}
	r.binary = r.uses("Payload")
}

// nasty is a text that shows what isn't escaped.
const nasty = "\"quoted\" \\ back\nline\t{é} [€] <😀> & 100 %"

// samples writes sample calls, and tells what isn't right with what comes out.
func (b *builder) samples(o *Options, r *request) {
	for _, n := range []int{1, min(2, o.MaxRecipients)} {
		for _, c := range sampleCalls(n) {
			c.Text = nasty
			if !b.sample(r, c) {
				return
			}
			if r.binary {
				c.Text, c.Encoding = "", sms.Data
				c.Binary = &sms.Binary{UDH: []byte{5, 0, 3, 1, 1, 1}, Payload: []byte("\x00\xff\"\\")}
				if !b.sample(r, c) {
					return
				}
			}
		}
	}
}

// sample reports whether c can be written.
func (b *builder) sample(r *request, c providers.Call) bool {
	w, err := r.write(&c)
	switch {
	case err == nil:
		if u, err := url.Parse(w.url); err != nil || u.Host == "" {
			b.complain("request.path", "makes no valid address once it is filled in")
			return false
		}
		return true
	case errors.Is(err, errJSON):
		p := &Problem{Key: "request.json", Text: "is not JSON once it is filled in with a text that has quotes: write {{json .Text}}, with no quotes around, for what is text, and see that commas are right"}
		var syntax *json.SyntaxError
		if errors.As(json.Unmarshal([]byte(w.body), new(any)), &syntax) {
			p.Line = 1 + strings.Count(w.body[:min(int(syntax.Offset), len(w.body))], "\n")
		}
		b.problems = append(b.problems, p)
	case errors.Is(err, errHeader):
		b.complain("request.headers", "%v", err)
	default:
		b.complain("request", "can't be filled in: %v", err)
	}
	return false
}

// place reads a place that may be left out.
func (b *builder) place(key, s string) place {
	p, err := parsePlace(s)
	if err != nil {
		b.complain(key, "%v", err)
	}
	return p
}

// inElement reads a place within an element of an array, which has no text of its own.
func (b *builder) inElement(key, s string) place {
	p := b.place(key, s)
	if p.expr != nil {
		b.complain(key, "must be a path such as $.id within an element of the list")
	}
	return p
}

func (b *builder) check(c *Check) place {
	if c.Path == "" {
		if c.Balance != "" {
			b.complain("check.path", "is missing: it is what is asked for the balance")
		}
		return place{}
	}
	if !strings.HasPrefix(c.Path, "/") || strings.ContainsAny(c.Path, "# ") {
		b.complain("check.path", "must begin with /, and have no # or blank")
	}
	return b.place("check.balance", c.Balance)
}

func (b *builder) answer(a *Answer) *reading {
	r := &reading{
		statuses: a.Success.Status,
		whole:    b.verdict("answer", a.ID, a.Code, a.Detail, a.Success, a.Classify, b.place, true),
	}
	if r.statuses == nil {
		r.statuses = []int{200, 201, 202}
	}
	for _, s := range r.statuses {
		if s < 200 || s > 299 {
			b.complain("answer.success.status", "must be from 200 to 299; what other statuses mean goes to classify")
			break
		}
	}
	e := &a.Each
	if e.List == "" {
		if e.To+e.ID+e.Code+e.Detail+e.Success.Path != "" || e.Classify != nil {
			b.complain("answer.each.list", "is missing: it is the path of the array of results")
		}
		if a.ID+a.Success.Path == "" {
			b.complain("answer", "says not what a clear yes looks like: name the place of the id, or a success.path and what it equals; any page has status 200")
		}
		return r
	}
	list := b.inElement("answer.each.list", e.List)
	r.list = &list
	r.to = b.inElement("answer.each.to", e.To)
	r.each = b.verdict("answer.each", e.ID, e.Code, e.Detail, e.Success, e.Classify, b.inElement, false)
	if e.Success.Status != nil {
		b.complain("answer.each.success.status", "is the answer's, not a recipient's; give answer.success.status")
	}
	if e.ID+e.Success.Path == "" {
		b.complain("answer.each", "says not what a clear yes looks like: name the place of the id, or a success.path and what it equals")
	}
	return r
}

// ruleKinds are the kinds that a rule may give; split is not for one recipient of many.
var ruleKinds = []providers.Kind{
	providers.Unknown, providers.Invalid, providers.Rejected, providers.Config, providers.Throttled, providers.Unavailable, providers.Split,
}

func (b *builder) verdict(key, id, code, detail string, s Success, rules []Rule, at func(key, s string) place, whole bool) verdict {
	v := verdict{
		id: at(key+".id", id), code: at(key+".code", code), detail: at(key+".detail", detail),
		path: at(key+".success.path", s.Path), equals: s.Equals,
	}
	if (s.Path == "") != (len(s.Equals) == 0) {
		b.complain(key+".success", "needs path and equals together")
	}
	var names []string
	for _, k := range ruleKinds {
		if whole || k != providers.Split {
			names = append(names, k.String())
		}
	}
	for i, r := range rules {
		key := fmt.Sprintf("%s.classify[%d]", key, i)
		one := rule{statuses: r.Status, path: at(key+".path", r.Path), equals: r.Equals, not: r.Not}
		k := slices.Index(names, r.Kind)
		switch {
		case k < 0:
			b.complain(key+".kind", "must be one of %s", strings.Join(names, ", "))
		case len(r.Status) == 0 && r.Path == "":
			b.complain(key, "needs a status or a path, or both")
		case r.Path == "" && len(r.Equals)+len(r.Not) > 0:
			b.complain(key, "has equals or not without a path")
		case !whole && len(r.Status) > 0:
			b.complain(key+".status", "is the answer's, not a recipient's; such a rule goes to answer.classify")
		default:
			one.kind = ruleKinds[k]
		}
		v.rules = append(v.rules, one)
	}
	return v
}

func (b *builder) reports(o *Options, r *request) *reportReading {
	s := &o.Reports
	asked := r.uses("ReportURL")
	if !s.set() {
		if s.List+s.To+s.ID+s.Reference+s.Code+s.Detail+s.At+s.Ack+s.Signature.Header+s.Signature.Secret != "" ||
			len(s.Delivered)+len(s.Undelivered)+len(s.Taken) > 0 || asked {
			b.complain("reports.status", "is missing: it is the place of the status word in what the gateway pushes")
		}
		return nil
	}
	at := b.place
	rr := &reportReading{ack: s.Ack, header: s.Signature.Header, key: []byte(s.Signature.Secret), secrets: credentials(o), fates: map[string]providers.Fate{}}
	if s.List != "" {
		at = b.inElement
		list := b.inElement("reports.list", s.List)
		rr.list = &list
	}
	rr.status, rr.to, rr.id = at("reports.status", s.Status), at("reports.to", s.To), at("reports.id", s.ID)
	rr.reference, rr.code = at("reports.reference", s.Reference), at("reports.code", s.Code)
	rr.detail, rr.at = at("reports.detail", s.Detail), at("reports.at", s.At)
	if len(s.Delivered) == 0 {
		b.complain("reports.delivered", "is missing: it lists the status words that say that the handset has the message")
	}
	for _, f := range []struct {
		key   string
		words []string
		fate  providers.Fate
	}{{"delivered", s.Delivered, providers.Delivered}, {"undelivered", s.Undelivered, providers.Undelivered}, {"taken", s.Taken, providers.Taken}} {
		for _, w := range f.words {
			w = strings.ToLower(w)
			if _, twice := rr.fates[w]; twice {
				b.complain("reports."+f.key, "has a word that is in another list, or twice")
			}
			rr.fates[w] = f.fate
		}
	}
	signed := s.Signature.Header != "" && s.Signature.Secret != ""
	if !signed && s.Signature.Header+s.Signature.Secret != "" {
		b.complain("reports.signature", "needs header and secret together")
	}
	if !asked && (!signed || s.To == "" || s.Reference == "") {
		b.complain("reports", "can be matched to nobody: hand the gateway {{.ReportURL}} in the request; or give signature, to and reference for what it pushes to a fixed address")
	}
	return rr
}
