package config

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"gopkg.in/yaml.v3"

	httpapi "github.com/volleysms/volley/providers/http"
)

// httpReader reads what an account of provider http says about its gateway, and remembers where each thing stands, so that
// what the adapter finds wrong is told with its line.
type httpReader struct {
	*reader
	root    string // such as accounts.mine
	nodes   map[string]entry
	secrets []string
}

// http reads the keys request, answer, check and reports of an account, and looks at the whole.
func (r *reader) http(s *section, a Account) *httpapi.Options {
	h := &httpReader{reader: r, root: s.path, nodes: map[string]entry{}}
	for k, e := range s.entries {
		h.nodes[k] = e
	}
	o := &httpapi.Options{
		BaseURL: a.BaseURL, Username: a.Username, Password: a.Password.Reveal(),
		MaxRecipients: a.MaxRecipients, MaxSegments: a.MaxSegments, MaxConns: a.Concurrency,
	}
	h.request(h.below(s, "", "request", "method", "path", "query", "headers", "json", "form", "each"), &o.Request)
	in := h.below(s, "", "answer", "success", "id", "code", "detail", "each", "classify")
	o.Answer = httpapi.Answer{
		Success: h.success(in, "answer", true), ID: h.text(in, "id"), Code: h.text(in, "code"), Detail: h.text(in, "detail"),
		Classify: h.rules(in, "answer", true),
	}
	each := h.below(in, "answer", "each", "list", "to", "id", "code", "detail", "success", "classify")
	o.Answer.Each = httpapi.Each{
		List: h.text(each, "list"), To: h.text(each, "to"), ID: h.text(each, "id"), Code: h.text(each, "code"),
		Detail: h.text(each, "detail"), Success: h.success(each, "answer.each", false), Classify: h.rules(each, "answer.each", false),
	}
	c := h.below(s, "", "check", "path", "balance")
	o.Check = httpapi.Check{Path: h.text(c, "path"), Balance: h.text(c, "balance")}
	h.reports(h.below(s, "", "reports", "list", "status", "to", "id", "reference", "code", "detail", "at", "delivered", "undelivered",
		"taken", "signature", "ack"), &o.Reports)
	o.Secrets = h.secrets
	if slices.ContainsFunc(r.problems, func(p *problem) bool { return p.path == h.root || strings.HasPrefix(p.path, h.root+".") }) {
		return o // the adapter would tell the same again
	}
	for _, p := range o.Problems() {
		h.tell(p)
	}
	return o
}

// tell tells a problem of the adapter where what it is about stands, or what that is within.
func (h *httpReader) tell(p *httpapi.Problem) {
	key := p.Key
	e, ok := h.nodes[key]
	for !ok && key != "" {
		key = key[:max(0, strings.LastIndexAny(key, ".["))]
		e, ok = h.nodes[key]
	}
	line := e.line
	if ok && p.Line > 0 {
		n := resolve(e.value)
		line = n.Line + p.Line - 1
		if n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
			line++
		}
	}
	shown := p.Key
	if name := shown[strings.LastIndexByte(shown, '.')+1:]; ok && key != shown && !nameOK(name) {
		shown = key
	}
	h.problem(line, under(h.root, shown), "%s", p.Text)
}

// below opens a section within another whose key is parent; one that is left out has no entries.
func (h *httpReader) below(s *section, parent, key string, keys ...string) *section {
	n, line := s.child(key)
	path := under(s.path, key)
	if n == nil {
		return &section{reader: h.reader, path: path, line: line}
	}
	return h.open(n, line, under(parent, key), key, keys)
}

func (h *httpReader) open(n *yaml.Node, line int, key, owner string, keys []string) *section {
	out := h.section(n, line, under(h.root, key), owner, keys)
	for k, e := range out.entries {
		h.nodes[under(key, k)] = e
	}
	return out
}

func (h *httpReader) request(s *section, out *httpapi.Request) {
	out.Method = h.text(s, "method")
	out.Path, out.JSON, out.Each = h.template(s, "path"), h.template(s, "json"), h.template(s, "each")
	out.Query, out.Form, out.Headers = h.pairs(s, "query", false), h.pairs(s, "form", false), h.pairs(s, "headers", true)
}

func (h *httpReader) reports(s *section, out *httpapi.Reports) {
	*out = httpapi.Reports{
		List: h.text(s, "list"), Status: h.text(s, "status"), To: h.text(s, "to"), ID: h.text(s, "id"),
		Reference: h.text(s, "reference"), Code: h.text(s, "code"), Detail: h.text(s, "detail"), At: h.text(s, "at"),
		Delivered: h.words(s, "delivered"), Undelivered: h.words(s, "undelivered"), Taken: h.words(s, "taken"), Ack: h.text(s, "ack"),
	}
	sig := h.below(s, "reports", "signature", "header", "secret", "secret"+fileSuffix)
	out.Signature = httpapi.Signature{Header: h.text(sig, "header"), Secret: sig.secret("secret").Reveal()}
}

func (h *httpReader) success(s *section, parent string, status bool) httpapi.Success {
	keys := []string{"path", "equals"}
	if status {
		keys = append(keys, "status")
	}
	in := h.below(s, parent, "success", keys...)
	return httpapi.Success{Status: h.statuses(in), Path: h.text(in, "path"), Equals: h.words(in, "equals")}
}

func (h *httpReader) rules(s *section, parent string, status bool) (out []httpapi.Rule) {
	n, line := s.child("classify")
	if n == nil {
		return nil
	}
	list := resolve(n)
	if list.Kind != yaml.SequenceNode {
		h.problem(line, under(s.path, "classify"), "must be a list of rules, such as - {status: 503, kind: unavailable}")
		return nil
	}
	keys := []string{"path", "equals", "not", "kind"}
	if status {
		keys = append(keys, "status")
	}
	for i, item := range list.Content {
		key := under(parent, "classify") + "[" + strconv.Itoa(i) + "]"
		h.nodes[key] = entry{key, item.Line, item}
		in := h.open(item, item.Line, key, "a rule", keys)
		out = append(out, httpapi.Rule{
			Status: h.statuses(in), Path: h.text(in, "path"), Equals: h.words(in, "equals"), Not: h.words(in, "not"), Kind: h.text(in, "kind"),
		})
	}
	return out
}

// text returns a key's text, which has no variables: paths and words are no secrets, and $ begins a path.
func (h *httpReader) text(s *section, key string) string {
	e, given := s.entries[key]
	if !given {
		return ""
	}
	return h.plain(e.value, e.line, under(s.path, key))
}

func (h *httpReader) plain(n *yaml.Node, line int, path string) string {
	n = resolve(n)
	switch {
	case n.Kind != yaml.ScalarNode:
		h.problem(line, path, "must be a single value")
	case isNull(n):
	case strings.ContainsFunc(n.Value, unicode.IsControl):
		h.problem(line, path, "%v", errControl)
	case variable.MatchString(n.Value):
		h.problem(line, path, "has a ${VAR}, which may stand in request alone")
	default:
		return n.Value
	}
	return ""
}

// words returns a value or a list of values.
func (h *httpReader) words(s *section, key string) (out []string) {
	n, line := s.child(key)
	if n == nil {
		return nil
	}
	path := under(s.path, key)
	items := []*yaml.Node{n}
	if list := resolve(n); list.Kind == yaml.SequenceNode {
		items = list.Content
	}
	for _, item := range items {
		if word := h.plain(item, line, path); word != "" {
			out = append(out, word)
		}
	}
	if len(out) == 0 {
		h.problem(line, path, "is empty")
	}
	return out
}

func (h *httpReader) statuses(s *section) (out []int) {
	for _, word := range h.words(s, "status") {
		n, err := strconv.Atoi(word)
		if err != nil || n < 100 || n > 599 {
			s.complain("status", "must be HTTP statuses such as 200 or [200, 202]")
			return nil
		}
		out = append(out, n)
	}
	return out
}

var variableInBraces = regexp.MustCompile(`\{\{[^}]*\$\{`)

// template returns a key's template, with ${VAR} replaced. Unlike other values it may have line breaks.
func (h *httpReader) template(s *section, key string) string {
	e, given := s.entries[key]
	if !given {
		return ""
	}
	return h.templateText(e, under(s.path, key))
}

func (h *httpReader) templateText(e entry, path string) string {
	n := resolve(e.value)
	if n.Kind != yaml.ScalarNode {
		h.problem(e.line, path, "must be a single text")
		return ""
	}
	if variableInBraces.MatchString(n.Value) {
		h.problem(e.line, path, "has a ${VAR} between {{ and }}; it may stand outside alone")
		return ""
	}
	var values []string
	text, _, err := expand(n.Value, func(name string) (string, bool) {
		v, ok := h.getenv(name)
		values = append(values, v)
		return v, ok
	})
	switch {
	case err != nil:
		h.problem(e.line, path, "%v", err)
	case slices.ContainsFunc(values, func(v string) bool { return strings.Contains(v, "{{") || strings.ContainsFunc(v, unicode.IsControl) }):
		h.problem(e.line, path, "takes a variable from the environment that has {{ or a control character in it")
	case strings.ContainsFunc(text, func(c rune) bool { return unicode.IsControl(c) && c != '\n' && c != '\t' }):
		h.problem(e.line, path, "has a control character in it")
	default:
		h.secrets = append(h.secrets, values...)
		return text
	}
	return ""
}

// maxPairs bounds the fields of a form, query or header.
const maxPairs = 100

// pairs returns the templates of a mapping by their names. A header's value may be in a file, as NAME_file says.
func (h *httpReader) pairs(s *section, key string, headers bool) map[string]string {
	n, line := s.child(key)
	if n == nil {
		return nil
	}
	path := under(s.path, key)
	m := resolve(n)
	if m.Kind != yaml.MappingNode || len(m.Content) > 2*maxPairs {
		h.problem(line, path, "must have names and values below it, %d at most", maxPairs)
		return nil
	}
	out := map[string]string{}
	files := &section{reader: h.reader, path: path, line: line, entries: map[string]entry{}}
	for i := 0; i+1 < len(m.Content); i += 2 {
		k := m.Content[i]
		name := k.Value
		_, twice := files.entries[name]
		if k.Kind != yaml.ScalarNode || name == "" || len(name) > 64 || twice ||
			strings.ContainsFunc(name, func(c rune) bool { return unicode.IsControl(c) || c == '$' || c == '{' }) {
			h.problem(k.Line, path, "has a name that is empty, given twice, or of more than 64 characters, or that has $, { or a control character in it")
			continue
		}
		e := entry{name, k.Line, m.Content[i+1]}
		files.entries[name] = e
		header, isFile := strings.CutSuffix(name, fileSuffix)
		switch at := path; {
		case headers && isFile && nameOK(name):
			h.nodes["request."+key+"."+header] = e
		default:
			if h.nodes["request."+key+"."+name] = e; nameOK(name) {
				at = under(path, name)
			}
			out[name] = h.templateText(e, at)
		}
	}
	for name := range files.entries {
		if header, isFile := strings.CutSuffix(name, fileSuffix); headers && isFile && nameOK(name) {
			v := files.secret(header).Reveal()
			if strings.Contains(v, "{{") {
				files.complain(name, "names a file that has {{ in it")
				v = ""
			}
			out[header] = v
			h.secrets = append(h.secrets, v)
		}
	}
	return out
}
