package httpapi

import (
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/volleysms/volley/internal/httpc"
	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/sms"
)

func TestParsePath(t *testing.T) {
	doc := decode([]byte(`{"a":{"b":[10,{"c d":"x","é":true,"q'q":"y","":"empty"}],"n":null,"1":"one"},"big":12345678901234567890.50}`))
	tests := []struct{ path, want string }{
		{"$.a.b[0]", "10"},
		{"$['a']['b'][0]", "10"},
		{`$["a"].b[-2]`, "10"},
		{"$.a.b[1]['c d']", "x"},
		{"$.a.b[-1].é", "true"},
		{`$.a.b[1]['q\'q']`, "y"},
		{`$.a.b[1][""]`, "empty"},
		{"$.a['1']", "one"},
		{"$.big", "12345678901234567890.50"},
		{"$.a.n", ""},
		{"$.a", ""},
		{"$.a.b[2]", ""},
		{"$.a.b[-3]", ""},
		{"$.a.b.c", ""},
		{"$.a[0]", ""},
		{"$.nowhere.at.all", ""},
		{"$", ""},
	}
	for _, tt := range tests {
		t.Run(tt.path, func(t *testing.T) {
			p, err := parsePath(tt.path)
			if err != nil {
				t.Fatal(err)
			}
			if got := scalar(p.find(doc)); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestParsePath_Refuses(t *testing.T) {
	for _, path := range []string{
		"", "a", ".a", "$a", "$.", "$..a", "$.*", "$[*]", "$[", "$[]", "$[1", "$[01]", "$[+1]", "$[1.5]", "$[-0]", "$['a]", "$['a'", `$['a\n']`, "$.1a",
		"$.a b", "$.a-b", "$[?(@.a)]", "$[0:2]", "$[0,1]", "$.a ", "$[99999999999999999999]", `$['a"]`,
	} {
		if p, err := parsePath(path); err == nil {
			t.Errorf("%q: got %v, want an error", path, p)
		}
	}
}

func TestParsePlace(t *testing.T) {
	s := source{text: []byte("OK: 7f3a\nrest"), doc: map[string]any{"id": "x"}}
	for in, want := range map[string]string{
		`/^OK: (\S+)/`: "7f3a", `/(?m)^(re)st$/`: "re", `/^ERR (\d+)/`: "", "$.id": "x", "": "", `/(?:OK|KO): (.)/`: "7",
	} {
		p, err := parsePlace(in)
		if err != nil {
			t.Errorf("%q: %v", in, err)
			continue
		}
		if got := p.find(s); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
	for _, in := range []string{"id", "/", "//", "/OK/", "/(a)(b)/", "/(/", "OK: (.*)", "/(a)", "$.a..b", "/(?=a)(b)/"} {
		if p, err := parsePlace(in); err == nil {
			t.Errorf("%q: got %+v, want an error", in, p)
		}
	}
}

func TestCompile(t *testing.T) {
	f := &fields{
		To: "4512340990", Text: "a \"é\" €", From: "Acme", Unicode: true, Segments: 2, Payload: "\x00\xff", Priority: "urgent", Validity: 60,
	}
	tests := []struct{ src, want string }{
		{"", ""},
		{"  \n", "  \n"},
		{"plain } text", "plain } text"},
		{"{{.To}}", "4512340990"},
		{"{{json .Text}}", `"a \"é\" €"`},
		{"{{.Text | json}}", `"a \"é\" €"`},
		{"{{json .To}} {{json .Segments}} {{json .Unicode}}", `"4512340990" 2 true`},
		{`{{json "</a>"}}`, `"</a>"`},
		{"{{hex .Payload}} {{base64 .Payload}}", "00FF AP8="},
		{"{{.Text | utf16 | hex}}", "0061002000220" + "0E9002" + "2002020AC"},
		{"{{urlquery .Text}}", "a+%22%C3%A9%22+%E2%82%AC"},
		{"{{if .Unicode}}8{{else}}0{{end}}", "8"},
		{"{{if not .Unicode}}0{{else if .Flash}}1{{else}}2{{end}}", "2"},
		{`{{if eq .Priority "urgent"}}high{{end}}`, "high"},
		{"{{if .ReportURL}}x{{end}}", ""},
		{"a{{/* nobody sees this */}}b", "ab"},
		{"a {{- .From -}} b", "aAcmeb"},
		{"{{.Validity}}", "60"},
	}
	for _, tt := range tests {
		t.Run(tt.src, func(t *testing.T) {
			c, problem := compile(tt.src, false)
			if problem != nil {
				t.Fatal(problem)
			}
			if got, err := c.write(f, 1000); err != nil || got != tt.want {
				t.Errorf("got %q, %v, want %q", got, err, tt.want)
			}
		})
	}
	t.Run("in a path, fields are escaped", func(t *testing.T) {
		c, problem := compile("/to/{{.To}}/{{.Text}}/{{.Segments}}", true)
		if problem != nil {
			t.Fatal(problem)
		}
		if got, err := c.write(f, 1000); err != nil || got != "/to/4512340990/a%20%22%C3%A9%22%20%E2%82%AC/2" {
			t.Errorf("got %q, %v", got, err)
		}
	})
	t.Run("no longer than the limit", func(t *testing.T) {
		c, _ := compile("{{.Text}}{{.Text}}", false)
		if got, err := c.write(f, 10); err != errLong { //nolint:errorlint // it is not wrapped
			t.Errorf("got %q, %v, want errLong", got, err)
		}
	})
}

func TestCompile_Refuses(t *testing.T) {
	tests := []struct {
		src  string
		line int
		want string // in the text
	}{
		{"{{.Too}}", 1, "has no field .Too; there are To, Text"},
		{"a\nb {{.Text.Len}}", 2, "has no field .Text.Len"},
		{"{{.}}", 1, "has more than fields"},
		{"{{$x := .To}}", 1, "has a variable"},
		{"{{$.To}}", 1, "has more than fields"},
		{"{{range .Text}}x{{end}}", 1, "has more than fields"},
		{"{{with .Text}}x{{end}}", 1, "has more than fields"},
		{"\n\n{{template \"x\"}}", 3, "has more than fields"},
		{`a{{define "x"}}b{{end}}`, 1, "defines other templates"},
		{`{{block "x" .}}b{{end}}`, 1, "has more than fields"},
		{"{{printf \"%1000000000d\" 1}}", 1, `function "printf" not defined; the functions are base64, eq, hex, json`},
		{"{{html .Text}}", 1, "not defined"},
		{"{{len .Text}}", 1, "not defined"},
		{"{{call .Text}}", 1, "not defined"},
		{"{{_path .Text}}", 1, "has no function _path"},
		{"{{nil}}", 1, ""},
		{"{{.To", 1, "unclosed action"},
		{"{{if .To}}", 1, "unexpected EOF"},
		{"{{end}}", 1, "unexpected"},
		{"{{break}}", 1, ""},
		{"{{(.Text).Len}}", 1, ""},
	}
	for _, tt := range tests {
		t.Run(tt.src, func(t *testing.T) {
			c, problem := compile(tt.src, false)
			if problem == nil {
				t.Fatalf("got %+v, want a problem", c)
			}
			if problem.Line != tt.line || !strings.Contains(problem.Text, tt.want) {
				t.Errorf("got line %d: %s; want line %d: %s", problem.Line, problem.Text, tt.line, tt.want)
			}
		})
	}
}

func TestProblems(t *testing.T) {
	good := func() Options {
		return Options{
			BaseURL: "https://api.example.com",
			Request: Request{Path: "/send", JSON: `{"to":"{{.To}}","text":{{json .Text}}}`},
			Answer:  Answer{ID: "$.id"},
		}
	}
	many := func(o *Options) {
		o.MaxRecipients = 5
		o.Request.JSON, o.Request.Each = `{"to":[{{.Each}}],"text":{{json .Text}}}`, `"{{.To}}"`
	}
	tests := []struct {
		name   string
		change func(*Options)
		want   string // the beginning of the one problem; empty is none
	}{
		{"good", func(*Options) {}, ""},
		{"many", many, ""},
		{"a base URL without a host", func(o *Options) { o.BaseURL = "https://" }, "base_url: must be an address"},
		{"a base URL with a user", func(o *Options) { o.BaseURL = "https://u:p@example.com" }, "base_url: must have no user"},
		{"a user name alone", func(o *Options) { o.Username = "u" }, "username: and password are given together"},
		{"a login twice", func(o *Options) {
			o.Username, o.Password, o.Request.Headers = "u", "p", map[string]string{"authorization": "x"}
		}, "username: is given beside an Authorization header"},
		{"too many recipients", func(o *Options) { o.MaxRecipients = 10_001 }, "max_recipients: must be"},
		{"too many segments", func(o *Options) { o.MaxSegments = 256 }, "max_segments: must be"},
		{"a method", func(o *Options) { o.Request.Method = "PUT" }, "request.method: must be GET or POST"},
		{"a GET with a body", func(o *Options) { o.Request.Method = "GET" }, "request.method: is GET, which has no body"},
		{"two bodies", func(o *Options) { o.Request.Form = map[string]string{"a": "b"} }, "request.form: is given beside json"},
		{"no path", func(o *Options) { o.Request.Path = "" }, "request.path: must begin with /"},
		{"a query in the path", func(o *Options) { o.Request.Path = "/send?a=b" }, "request.path: must have no ?"},
		{"a question mark within braces", func(o *Options) { o.Request.Path = `/send/{{if eq .From "?"}}x{{end}}` }, ""},
		{"a bad escape in the path", func(o *Options) { o.Request.Path = "/%zz" }, "request.path: makes no valid address"},
		{"a header that is none", func(o *Options) { o.Request.Headers = map[string]string{"a b": "c"} }, "request.headers: has a name"},
		{"a header of the client", func(o *Options) { o.Request.Headers = map[string]string{"Content-length": "3"} }, "request.headers.Content-length: is written"},
		{"the text in a header", func(o *Options) { o.Request.Headers = map[string]string{"X": "{{.Text}}"} }, "request.headers.X: must not have the message"},
		{"a line break in a header", func(o *Options) { o.Request.Headers = map[string]string{"X": "a\nb"} }, "request.headers: a header would hold"},
		{"no recipient", func(o *Options) { o.Request.JSON = `{"text":{{json .Text}}}` }, "request: has the recipient nowhere"},
		{"no text", func(o *Options) { o.Request.JSON = `{"to":"{{.To}}"}` }, "request: has the text nowhere"},
		{"the text twice", func(o *Options) { o.Request.JSON = `{"to":"{{.To}}","a":{{json .Text}},"b":{{json .Text}}}` }, "request: has the text more than once"},
		{"one text or the other", func(o *Options) {
			o.Request.JSON = `{"to":"{{.To}}","a":{{if .Unicode}}"{{.Text|utf16|hex}}"{{else}}{{json .Text}}{{end}}}`
		}, ""},
		{"a text without json", func(o *Options) { o.Request.JSON = `{"to":"{{.To}}","text":"{{.Text}}"}` }, "request.json: is not JSON once"},
		{"a text in quotes twice", func(o *Options) { o.Request.JSON = `{"to":"{{.To}}","text":"{{json .Text}}"}` }, "request.json: is not JSON once"},
		{"JSON that is none in one case", func(o *Options) {
			o.Request.JSON = "{\"to\":\"{{.To}}\",\n\"text\":{{json .Text}}{{if .Flash}}\n\"flash\":1{{end}}}"
		}, "request.json, line 3: is not JSON once"},
		{"a function of a number", func(o *Options) { o.Request.JSON = `{"to":"{{.To}}","n":"{{hex .Segments}}","text":{{json .Text}}}` }, "request: can't be filled in"},
		{"many without each", func(o *Options) { o.MaxRecipients = 5 }, "request.each: is missing: with max_recipients"},
		{"each that is not used", func(o *Options) { o.Request.Each = `"{{.To}}"` }, "request.each: is used nowhere"},
		{"Each without each", func(o *Options) { o.Request.JSON = `{"to":[{{.Each}}],"text":{{json .Text}}}` }, "request.each: is missing: {{.Each}}"},
		{"Each within each", func(o *Options) { many(o); o.Request.Each = `"{{.Each}}"` }, "request.each: must not have"},
		{"one recipient outside each", func(o *Options) {
			many(o)
			o.Request.JSON = `{"first":"{{.To}}","to":[{{.Each}}],"text":{{json .Text}}}`
		}, "request: has {{.To}} or {{.Carrier}} outside each"},
		{"each without the number", func(o *Options) { many(o); o.Request.Each = `"x"` }, "request: has the recipient nowhere"},
		{"a request that leaves no room", func(o *Options) {
			o.Request = Request{Method: "GET", Path: "/" + strings.Repeat("a", 3900), Query: map[string]string{"to": "{{.To}}", "t": "{{.Text}}"}}
		}, "request: leaves no room"},
		{"nothing says yes", func(o *Options) { o.Answer.ID = "" }, "answer: says not what a clear yes looks like"},
		{"a place that is none", func(o *Options) { o.Answer.ID = "id" }, "answer.id: is no place"},
		{"a success that is no 2xx", func(o *Options) { o.Answer.Success.Status = []int{302} }, "answer.success.status: must be from 200"},
		{"a path without equals", func(o *Options) { o.Answer.Success.Path = "$.a" }, "answer.success: needs path and equals"},
		{"an empty rule", func(o *Options) { o.Answer.Classify = []Rule{{Kind: "rejected"}} }, "answer.classify[0]: needs a status"},
		{"a rule without a kind", func(o *Options) { o.Answer.Classify = []Rule{{Status: []int{503}}} }, "answer.classify[0].kind: must be one of"},
		{"a rule of kind again", func(o *Options) { o.Answer.Classify = []Rule{{Status: []int{503}, Kind: "again"}} }, "answer.classify[0].kind: must be one of"},
		{"a rule with equals alone", func(o *Options) {
			o.Answer.Classify = []Rule{{Status: []int{503}, Equals: []string{"a"}, Kind: "rejected"}}
		}, "answer.classify[0]: has equals or not"},
		{"each without a list", func(o *Options) { o.Answer.Each.To = "$.to" }, "answer.each.list: is missing"},
		{"each that says no yes", func(o *Options) { o.Answer.Each.List = "$.l" }, "answer.each: says not"},
		{"each with an expression", func(o *Options) { o.Answer.Each = Each{List: "$.l", ID: "/(a)/"} }, "answer.each.id: must be a path"},
		{"split of one recipient", func(o *Options) {
			o.Answer.Each = Each{List: "$.l", ID: "$.id", Classify: []Rule{{Path: "$.a", Kind: "split"}}}
		}, "answer.each.classify[0].kind: must be one of"},
		{"a status of one recipient", func(o *Options) {
			o.Answer.Each = Each{List: "$.l", ID: "$.id", Classify: []Rule{{Status: []int{200}, Path: "$.a", Kind: "rejected"}}}
		}, "answer.each.classify[0].status: is the answer's"},
		{"a balance without a check", func(o *Options) { o.Check.Balance = "$.b" }, "check.path: is missing"},
		{"a check that is no path", func(o *Options) { o.Check.Path = "me" }, "check.path: must begin with /"},
		{"a report address and no reports", func(o *Options) {
			o.Request.JSON = `{"to":"{{.To}}","text":{{json .Text}},"cb":{{json .ReportURL}}}`
		}, "reports.status: is missing"},
		{"reports that nobody is asked for", func(o *Options) { o.Reports = Reports{Status: "$.s", Delivered: []string{"a"}} }, "reports: can be matched to nobody"},
		{"reports that prove themselves", func(o *Options) {
			o.Reports = Reports{Status: "$.s", To: "$.to", Reference: "$.r", Delivered: []string{"a"}, Signature: Signature{"X-S", "secret"}}
		}, ""},
		{"half a signature", func(o *Options) {
			o.Reports = Reports{Status: "$.s", To: "$.to", Reference: "$.r", Delivered: []string{"a"}, Signature: Signature{Header: "X-S"}}
			o.Request.JSON = `{"to":"{{.To}}","text":{{json .Text}},"cb":{{json .ReportURL}}}`
		}, "reports.signature: needs header and secret"},
		{"no word for delivered", func(o *Options) {
			o.Reports = Reports{Status: "$.s"}
			o.Request.JSON = `{"to":"{{.To}}","text":{{json .Text}},"cb":{{json .ReportURL}}}`
		}, "reports.delivered: is missing"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := good()
			tt.change(&o)
			var got []string
			for _, p := range o.Problems() {
				got = append(got, p.Error())
			}
			_, err := New(o)
			if (err == nil) != (len(got) == 0) {
				t.Errorf("New says %v, Problems %q", err, got)
			}
			switch all := strings.Join(got, "\n"); {
			case tt.want == "" && all != "", tt.want != "" && !strings.HasPrefix(all, tt.want), len(got) > 1:
				t.Errorf("got %q, want %q", all, tt.want)
			}
		})
	}
}

func TestReceive(t *testing.T) {
	r := receiver{&reportReading{
		status: place{path: jsonPath{{name: ptr("status")}}}, to: place{path: jsonPath{{name: ptr("to")}}}, id: place{path: jsonPath{{name: ptr("id")}}},
		at: place{path: jsonPath{{name: ptr("at")}}}, code: place{path: jsonPath{{name: ptr("err")}}},
		fates: map[string]providers.Fate{"delivrd": providers.Delivered, "undeliv": providers.Undelivered},
	}}
	moment := time.Date(2030, 3, 17, 17, 46, 40, 0, time.UTC)
	want := providers.Report{Fate: providers.Delivered, To: 4512340990, ID: "a-1", Code: "DELIVRD", At: moment}
	tests := []struct {
		name string
		push providers.Push
		want providers.Report
	}{
		{"JSON", providers.Push{Method: "POST", Body: []byte(`{"status":"DELIVRD","to":4512340990,"id":"a-1","at":1900000000}`)}, want},
		{"a time of milliseconds", providers.Push{Method: "POST", Body: []byte(`{"status":"DELIVRD","to":"+4512340990","id":"a-1","at":1900000000000}`)}, want},
		{"a time of RFC 3339", providers.Push{Method: "POST", Body: []byte(`{"status":"Delivrd","to":"004512340990","id":"a-1","at":"2030-03-17T18:46:40+01:00"}`)}, func() providers.Report { r := want; r.Code = "Delivrd"; return r }()},
		{"a form", providers.Push{Method: "POST", Body: []byte("status=DELIVRD&to=%2B4512340990&id=a-1&at=2030-03-17+17%3A46%3A40")}, want},
		{"a query", providers.Push{Method: "GET", Query: url.Values{"status": {"DELIVRD"}, "to": {"4512340990"}, "id": {"a-1"}, "at": {"1900000000"}}}, want},
		{"an error's code", providers.Push{Method: "POST", Body: []byte(`{"status":"UNDELIV","err":27}`)}, providers.Report{Fate: providers.Undelivered, Code: "27"}},
		{"a word that nobody knows", providers.Push{Method: "POST", Body: []byte(`{"status":"ODD","err":27,"to":"x","at":"yesterday"}`)}, providers.Report{Code: "ODD"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := r.Receive(tt.push)
			if err != nil || !reflect.DeepEqual(got.Reports, []providers.Report{tt.want}) {
				t.Errorf("got %+v, %v, want %+v", got.Reports, err, tt.want)
			}
		})
	}
}

func ptr(s string) *string { return &s }

func TestRedactor_KnowsWhatAnAccountSends(t *testing.T) {
	o := Options{
		Username: "example-user", Password: "example password/1", Secrets: []string{"from-the-environment"},
		Request: Request{
			Headers: map[string]string{"Authorization": "Basic ZXhhbXBsZS11c2VyMjpleGFtcGxlLXBhc3N3b3JkMg==", "X-Key": "header-key", "X-Ref": "{{.Reference}}"},
			Form:    map[string]string{"key": "form-key-1", "to": "{{.To}}", "type": "text"},
		},
	}
	said := "example-user example password/1 example+password%2F1 from-the-environment ZXhhbXBsZS11c2VyMjpleGFtcGxlLXBhc3N3b3JkMg== " +
		"example-user2 example-password2 header-key form-key-1 text"
	got := redactor(credentials(&o)).detail(said)
	if strings.ContainsAny(strings.ReplaceAll(got, "text", ""), "abcdefghijklmnopqrstuvwxyz") || !strings.HasSuffix(got, " text") {
		t.Errorf("got %q", got)
	}
}

func FuzzParsePath(f *testing.F) {
	for _, s := range []string{"$", "$.a.b[0]", `$['a\'b']["c"][-1]`, "$.é", "$[", "$..a", "$['\\"} {
		f.Add(s, []byte(`{"a":{"b":[1,"x",null,{"é":true}]}}`))
	}
	f.Fuzz(func(t *testing.T, s string, doc []byte) {
		p, err := parsePlace(s)
		if err != nil {
			return
		}
		found := p.find(source{doc: decode(doc), text: doc})
		if len(found) > len(doc)*3 {
			t.Errorf("%q finds %d bytes in %d", s, len(found), len(doc))
		}
	})
}

func FuzzCompile(f *testing.F) {
	for _, s := range []string{
		"{{.To}}", "{{json .Text}}", "{{if .Flash}}a{{else if .Unicode}}b{{end}}", "{{.Text|utf16|hex}}", "{{range .}}{{end}}", `{{define "x"}}{{end}}`,
		"{{- .From -}}", "{{/* c */}}", "{{json (hex .Text)}}", "{{eq .To .From}}", "{{not}}", "{{json}}",
	} {
		f.Add(s, "a text", false)
		f.Add(s, "\"\x00\xff", true)
	}
	f.Fuzz(func(t *testing.T, src, message string, inPath bool) {
		c, problem := compile(src, inPath)
		if problem != nil {
			if problem.Line < 1 || problem.Line > 1+strings.Count(src, "\n") || problem.Text == "" {
				t.Errorf("%q: %+v", src, problem)
			}
			return
		}
		const limit = 10_000
		out, err := c.write(&fields{To: "4512340990", Text: message, Flash: true}, limit)
		if len(out) > limit {
			t.Errorf("%q makes %d bytes", src, len(out))
		}
		if err != nil && strings.Contains(err.Error(), message) && len(message) > 20 {
			t.Errorf("the error tells the text: %v", err)
		}
	})
}

func FuzzResults(f *testing.F) {
	o := Options{
		BaseURL: "https://api.example.com", MaxRecipients: 10,
		Request: Request{Path: "/", JSON: `{"to":[{{.Each}}]}`, Each: `{"n":"{{.To}}","t":{{json .Text}}}`},
		Answer: Answer{
			Code: "$.error.code", Detail: "/message: (.*)/", Classify: []Rule{{Path: "$.error.code", Equals: []string{"1"}, Kind: "split"}},
			Each: Each{List: "$.m", To: "$.to", ID: "$.id", Code: "$.c", Detail: "$.d", Success: Success{Path: "$.s", Equals: []string{"ok"}}},
		},
	}
	a, problems := build(o)
	if len(problems) > 0 {
		f.Fatal(problems[0])
	}
	f.Add(200, []byte(`{"m":[{"to":"4512340990","id":"a","s":"ok"},{"to":4512340991,"c":12,"d":"no"}]}`))
	f.Add(400, []byte(`{"error":{"code":1}}`))
	f.Add(500, []byte("message: 4512340990"))
	c := &providers.Call{Text: "the text of the call", Recipients: []providers.Recipient{{To: 4512340990}, {To: 4512340991}, {To: sms.MSISDN(4512340992)}}}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		got := a.reading.results(&httpc.Response{Status: status, Header: http.Header{}, Body: body}, c, a.redactor(c), time.Time{})
		if len(got) != len(c.Recipients) {
			t.Fatalf("got %d results", len(got))
		}
		for _, r := range got {
			if r.Err == nil && (r.ID == "" || status < 200 || status > 202 || !json.Valid(body)) {
				t.Errorf("status %d, %q: accepted %+v", status, body, r)
			}
			shown := r.Code + r.Detail
			if strings.Contains(shown, c.Text) || strings.Contains(shown, "4512340990") || len(r.Detail) > providers.MaxDetail || len(r.Code) > maxCode || !utf8.ValidString(shown) {
				t.Errorf("shown: %q", shown)
			}
		}
	})
}

func FuzzReceive(f *testing.F) {
	o := Options{
		BaseURL: "https://api.example.com",
		Request: Request{Path: "/", Form: map[string]string{"to": "{{.To}}", "t": "{{.Text}}", "cb": "{{.ReportURL}}"}},
		Answer:  Answer{ID: "$.id"},
		Reports: Reports{Status: "$.s", To: "$.to", ID: "$.id", Reference: "$.r", Code: "$.c", Detail: "$.d", At: "$.at", Delivered: []string{"ok"}},
	}
	a, problems := build(o)
	if len(problems) > 0 {
		f.Fatal(problems[0])
	}
	f.Add("POST", "application/json", "", []byte(`{"s":"ok","to":"4512340990","id":"a","at":1900000000}`))
	f.Add("POST", "application/x-www-form-urlencoded", "", []byte("s=ok&to=%2B4512340990"))
	f.Add("GET", "", "s=ok&at=2030-01-01", []byte{})
	f.Fuzz(func(t *testing.T, method, kind, query string, body []byte) {
		q, _ := url.ParseQuery(query)
		push := providers.Push{Method: method, Query: q, Header: http.Header{"Content-Type": {kind}}, Body: body}
		got, err := receiver{a.reports}.Receive(push)
		if (err == nil) != (len(got.Reports) == 1) {
			t.Errorf("got %+v, %v", got, err)
		}
		for _, r := range got.Reports {
			if len(r.Code) > maxCode || len(r.ID) > maxID || len(r.Reference) > maxReference || len(r.Detail) > providers.MaxDetail {
				t.Errorf("too long: %+v", r)
			}
		}
	})
}
