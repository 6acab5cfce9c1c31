package httpapi_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/volleysms/volley/internal/httpc"
	"github.com/volleysms/volley/providers"
	httpapi "github.com/volleysms/volley/providers/http"
	"github.com/volleysms/volley/providers/providertest"
	"github.com/volleysms/volley/providers/providertest/gateway"
	"github.com/volleysms/volley/sms"
)

// one is the least that an account needs.
func one(baseURL string) httpapi.Options {
	return httpapi.Options{
		BaseURL: baseURL,
		Request: httpapi.Request{Path: "/send", JSON: `{"to": "{{.To}}", "text": {{json .Text}}}`},
		Answer:  httpapi.Answer{ID: "$.id"},
	}
}

func callTo(n int) providers.Call {
	c := providers.Call{Reference: "r-1", From: "Acme", Text: "See you at noon", Segments: 1}
	for i := range n {
		c.Recipients = append(c.Recipients, providers.Recipient{To: 4512340990 + sms.MSISDN(i)})
	}
	return c
}

// answering returns a server that always answers the same.
func answering(t *testing.T, status int, header, body string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if name, value, ok := strings.Cut(header, ": "); ok {
			w.Header().Set(name, value)
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// outcome shows a result in short: "accepted ID" or "kind code detail".
func outcome(r providers.Result) string {
	if r.Err == nil {
		return strings.TrimSpace("accepted " + r.ID)
	}
	return strings.TrimSpace(fmt.Sprintf("%v %s %s", providers.KindOf(r.Err), r.Code, r.Detail))
}

func TestSend_Answers(t *testing.T) {
	success := func(o *httpapi.Options) {
		o.Answer.Success = httpapi.Success{Status: []int{200}, Path: "$.status", Equals: []string{"ok", "0"}}
	}
	rules := func(o *httpapi.Options) {
		o.Answer.Code, o.Answer.Detail = "$.error.code", "$.error.text"
		o.Answer.Classify = []httpapi.Rule{
			{Status: []int{503}, Kind: "unavailable"},
			{Status: []int{200}, Path: "$.error.code", Equals: []string{"12"}, Kind: "rejected"},
			{Path: "$.error.code", Equals: []string{"7", "busy"}, Kind: "throttled"},
			{Status: []int{200}, Path: "$.error.code", Not: []string{"0"}, Kind: "invalid"},
		}
	}
	tests := []struct {
		name   string
		change func(*httpapi.Options)
		status int
		body   string
		want   string
	}{
		{"an id", nil, 200, `{"id":"a-1"}`, "accepted a-1"},
		{"an id that is a number", nil, 201, `{"id":12345678901234567890}`, "accepted 12345678901234567890"},
		{"202", nil, 202, `{"id":"a-1"}`, "accepted a-1"},
		{"no id", nil, 200, `{}`, "unknown  the answer is no clear yes"},
		{"an id that is null", nil, 200, `{"id":null}`, "unknown  the answer is no clear yes"},
		{"an id that is an object", nil, 200, `{"id":{"a":1}}`, "unknown  the answer is no clear yes"},
		{"an id with a blank", nil, 200, `{"id":"a b"}`, "unknown  the answer is no clear yes"},
		{"an id that is too long", nil, 200, `{"id":"` + strings.Repeat("a", 129) + `"}`, "unknown  the answer is no clear yes"},
		{"JSON and more behind it", nil, 200, `{"id":"a-1"} and so on`, "unknown  the answer is no clear yes"},
		{"a status that is not in the list", nil, 203, `{"id":"a-1"}`, "unknown 203 Non-Authoritative Information"},
		{"a word that says yes", success, 200, `{"status":"ok","id":"a-1"}`, "accepted a-1"},
		{"a number that says yes", success, 200, `{"status":0,"id":"a-1"}`, "accepted a-1"},
		{"a word that says something else", success, 200, `{"status":"queued","id":"a-1"}`, "unknown  the answer is no clear yes"},
		{"a yes under a status that is not in the list", success, 201, `{"status":"ok","id":"a-1"}`, "unknown 201 Created"},
		{"a rule on a code", rules, 200, `{"error":{"code":12,"text":"number blocked"}}`, "rejected 12 number blocked"},
		{"a rule goes before a yes", rules, 200, `{"id":"a-1","error":{"code":"12"}}`, "rejected 12"},
		{"a rule without a status", rules, 400, `{"error":{"code":"busy"}}`, "throttled busy Bad Request"},
		{"a rule on what a code is not", rules, 200, `{"id":"a-1","error":{"code":"99"}}`, "invalid 99"},
		{"a rule on what a code is not, which it is", rules, 200, `{"id":"a-1","error":{"code":"0"}}`, "accepted a-1"},
		{"a rule on a status", rules, 503, "", "unavailable 503 Service Unavailable"},
		{"503 without a rule", nil, 503, "", "unknown 503 Service Unavailable"},
		{"500", nil, 500, "", "unknown 500 Internal Server Error"},
		{"408", nil, 408, "", "unknown 408 Request Timeout"},
		{"409", nil, 409, "", "unknown 409 Conflict"},
		{"400", nil, 400, `{"id":"a-1"}`, "invalid 400 Bad Request"},
		{"401", nil, 401, "", "config 401 Unauthorized"},
		{"403", nil, 403, "", "config 403 Forbidden"},
		{"404", nil, 404, "", "config 404 Not Found: the base URL may be wrong"},
		{"413", nil, 413, "", "split 413 Request Entity Too Large"},
		{"418", nil, 418, "", "rejected 418 I'm a teapot"},
		{"429", nil, 429, "", "throttled 429 Too Many Requests"},
		{"302", nil, 302, "", "config 302 Found, which is not followed: the base URL may be wrong"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := one(answering(t, tt.status, "", tt.body))
			if tt.change != nil {
				tt.change(&o)
			}
			if got := outcome(mustNew(t, o).Send(t.Context(), callTo(1))[0]); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestSend_EachRecipientsOwnResult(t *testing.T) {
	many := func(change func(*httpapi.Each)) func(url string) httpapi.Options {
		return func(url string) httpapi.Options {
			o := httpapi.Options{
				BaseURL: url, MaxRecipients: 10,
				Request: httpapi.Request{Path: "/send", JSON: `{"to": [{{.Each}}], "text": {{json .Text}}}`, Each: `"{{.To}}"`},
				Answer: httpapi.Answer{Each: httpapi.Each{
					List: "$.r", To: "$.to", ID: "$.id", Code: "$.code",
					Classify: []httpapi.Rule{{Path: "$.code", Equals: []string{"12"}, Kind: "rejected"}},
				}},
			}
			if change != nil {
				change(&o.Answer.Each)
			}
			return o
		}
	}
	byOrder := func(e *httpapi.Each) { e.To = "" }
	const missing, twice = "unknown  the answer has no result for this recipient", "unknown  the answer has more than one result for this recipient"
	const noList = "unknown  the answer has no list with a result for each recipient"
	tests := []struct {
		name    string
		options func(string) httpapi.Options
		body    string
		want    [3]string
	}{
		{"in another order", many(nil), `{"r":[{"to":4512340992,"id":"c"},{"to":"+4512340990","id":"a"},{"to":"004512340991","id":"b"}]}`, [3]string{"accepted a", "accepted b", "accepted c"}},
		{"one refused", many(nil), `{"r":[{"to":"4512340990","id":"a"},{"to":"4512340991","code":12},{"to":"4512340992","id":"c"}]}`, [3]string{"accepted a", "rejected 12", "accepted c"}},
		{"one missing", many(nil), `{"r":[{"to":"4512340990","id":"a"},{"to":"4512340992","id":"c"}]}`, [3]string{"accepted a", missing, "accepted c"}},
		{"one twice", many(nil), `{"r":[{"to":"4512340990","id":"a"},{"to":"4512340990","code":12},{"to":"4512340992","id":"c"}]}`, [3]string{twice, missing, "accepted c"}},
		{"a stranger", many(nil), `{"r":[{"to":"4500000000","id":"x"}, 7, null, []]}`, [3]string{missing, missing, missing}},
		{"no list", many(nil), `{"id":"a"}`, [3]string{noList, noList, noList}},
		{"by the order", many(byOrder), `{"r":[{"id":"a"},{"code":12},{"id":"c"}]}`, [3]string{"accepted a", "rejected 12", "accepted c"}},
		{"by the order, one too few", many(byOrder), `{"r":[{"id":"a"},{"id":"c"}]}`, [3]string{noList, noList, noList}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := mustNew(t, tt.options(answering(t, 200, "", tt.body)))
			var got [3]string
			for i, r := range a.Send(t.Context(), callTo(3)) {
				got[i] = outcome(r)
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestSend_ARequestWithoutABodyIsMadeOnce guards against net/http, which repeats a GET, and what has an Idempotency-Key and
// no body, when a reused connection dies.
func TestSend_ARequestWithoutABodyIsMadeOnce(t *testing.T) {
	for name, tt := range map[string]struct {
		method  string
		headers map[string]string
		length  int64
	}{
		"GET":                         {method: "GET"},
		"GETWithAnIdempotencyKey":     {method: "GET", headers: map[string]string{"Idempotency-Key": "{{.Reference}}"}},
		"POST":                        {method: "POST"},
		"POSTWithAnIdempotencyKey":    {method: "POST", headers: map[string]string{"idempotency-key": "{{.Reference}}"}, length: -1},
		"POSTWithTheOtherKindOfAKey":  {method: "POST", headers: map[string]string{"X-Idempotency-Key": "1"}, length: -1},
		"POSTWithAKeyThatIsLeftEmpty": {method: "POST", headers: map[string]string{"Idempotency-Key": "{{.Label}}"}},
	} {
		t.Run(name, func(t *testing.T) {
			var requests atomic.Int64
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if requests.Add(1) > 1 {
					panic(http.ErrAbortHandler)
				}
				if r.ContentLength != tt.length || r.Method != tt.method {
					t.Errorf("got a %s with %d bytes, want a %s with %d", r.Method, r.ContentLength, tt.method, tt.length)
				}
				_, _ = w.Write([]byte(`{"id":"a-1"}`))
			}))
			defer s.Close()
			o := one(s.URL)
			o.Request = httpapi.Request{
				Method: tt.method, Path: "/send", Query: map[string]string{"to": "{{.To}}", "text": "{{.Text}}"}, Headers: tt.headers,
			}
			a := mustNew(t, o)
			for _, want := range []string{"accepted a-1", "unknown"} {
				if got := outcome(a.Send(t.Context(), callTo(1))[0]); got != want {
					t.Errorf("got %q, want %q", got, want)
				}
			}
			if got := requests.Load(); got != 2 {
				t.Errorf("the gateway saw %d requests, want 2", got)
			}
		})
	}
}

func TestSend_RequestsAreWrittenAsDescribed(t *testing.T) {
	g := gateway.New(gateway.Plain{}, gateway.Options{})
	if err := g.Start(""); err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	call := callTo(1)
	call.Text = "a b&c=d \"é€\" {{.From}} ${X}"
	call.ReportTo = func(int) string { return "https://sms.example.com/r/1" }
	for i, o := range []httpapi.Options{jsonDoor(gateway.PlainToken), formDoor("POST", gateway.PlainToken), formDoor("GET", gateway.PlainToken)} {
		o.BaseURL = g.URL() + "/"
		if got := mustNew(t, o).Send(t.Context(), call)[0]; got.Err != nil {
			t.Error(got.Err)
		}
		name := []string{"json", "form", "query"}[i]
		r := g.Requests()[i]
		r.Body = []byte(strings.ReplaceAll(string(r.Body), gateway.PlainToken, "***"))
		r.URL = strings.ReplaceAll(r.URL, gateway.PlainToken, "***")
		providertest.Golden(t, "testdata/request_"+name+".txt", r)
	}
}

func TestCheck_RequestIsWrittenAsDescribed(t *testing.T) {
	g := gateway.New(gateway.Plain{}, gateway.Options{})
	if err := g.Start(""); err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	o := jsonDoor(gateway.PlainToken)
	o.BaseURL = g.URL()
	info, err := mustNew(t, o).(providers.Checker).Check(t.Context())
	if err != nil || !info.LoginProven || info.Balance == "" {
		t.Errorf("got %+v, %v", info, err)
	}
	providertest.Golden(t, "testdata/request_check.txt", g.Requests()[0])
}

func TestSend_RefusesWithoutARequest(t *testing.T) {
	binary := callTo(1)
	binary.Text, binary.Binary, binary.Encoding = "", &sms.Binary{Payload: []byte{1}}, sms.Data
	long := callTo(1)
	long.Text = strings.Repeat("é", 1_000) // six bytes each
	tags := callTo(1)
	tags.Tags = []string{"%1%"}
	header := callTo(1)
	header.Options.Label = "a\nb"
	tests := map[string]struct {
		options httpapi.Options
		call    providers.Call
		want    string
	}{
		"binary without a payload": {one("http://127.0.0.1:1"), binary, "invalid  binary messages can't be sent: the request has no {{.Payload}}"},
		"too long for a URL":       {formDoor("GET", "k"), long, "invalid  the request is too long"},
		"tags":                     {one("http://127.0.0.1:1"), tags, "invalid  the gateway merges no fields"},
		"too many recipients":      {one("http://127.0.0.1:1"), callTo(2), "split  more recipients than max_recipients"},
		"a line break in a header": {func() httpapi.Options {
			o := one("http://127.0.0.1:1")
			o.Request.Headers = map[string]string{"X-Label": "{{.Label}}"}
			return o
		}(), header, "invalid  a header would hold a line break or another control character"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if tt.options.BaseURL == "" {
				tt.options.BaseURL = "http://127.0.0.1:1"
			}
			if got := outcome(mustNew(t, tt.options).Send(t.Context(), tt.call)[0]); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestLimits_EveryCallWithinThemKeepsTheBudget(t *testing.T) {
	doors := map[string]httpapi.Options{"JSON": jsonDoor("k"), "Form": formDoor("POST", "k"), "Query": formDoor("GET", "k")}
	for name, o := range doors {
		t.Run(name, func(t *testing.T) {
			var largest atomic.Int64
			s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				largest.Store(max(r.ContentLength, int64(len(r.Host)+len("https://")+len(r.URL.RequestURI()))))
			}))
			defer s.Close()
			o.BaseURL = s.URL
			a := mustNew(t, o)
			l := a.Limits()
			rapid.Check(t, func(t *rapid.T) {
				c := callTo(rapid.IntRange(1, l.Recipients).Draw(t, "n"))
				for i := range c.Recipients {
					c.Recipients[i].To += 999_990_000_000_000
				}
				c.Options.Flash = rapid.Bool().Draw(t, "flash")
				if rapid.Bool().Draw(t, "reports") {
					c.ReportTo = func(int) string { return "https://sms.example.com/" + strings.Repeat("a", 300) }
				}
				part := rapid.SampledFrom([]string{"a", "é", "€", "\"", "\n", "😀", "%"}).Draw(t, "part")
				c.Encoding = sms.UCS2
				growth := map[string]int{"a": 1, "é": 2, "€": 3, "\"": 2, "\n": 2, "😀": 4, "%": 1}[part]
				if l.TextGrowth == providers.Percent {
					growth = 3 * len(part)
					if part == "a" {
						growth = 1
					}
				}
				room := min((l.Bytes-l.BaseBytes)/len(c.Recipients)-l.RecipientBytes, 5000)
				c.Text = strings.Repeat(part, max(1, room/growth))
				largest.Store(0)
				a.Send(t.Context(), c)
				if got := largest.Load(); got == 0 || got > int64(l.Bytes) {
					t.Fatalf("%d recipients, text of %d bytes: %d bytes of %d", len(c.Recipients), len(c.Text), got, l.Bytes)
				}
			})
		})
	}
}

func TestSend_RetryAfter(t *testing.T) {
	o := one(answering(t, 503, "Retry-After: 7", ""))
	o.Answer.Classify = []httpapi.Rule{{Status: []int{503}, Kind: "unavailable"}}
	var e *providers.Error
	if e, _ = mustNew(t, o).Send(t.Context(), callTo(1))[0].Err.(*providers.Error); e == nil || e.RetryAfter != 7*time.Second { //nolint:errorlint // as it comes
		t.Errorf("got %+v", e)
	}
}

func TestSend_AnAnswerThatIsCutIsUnknown(t *testing.T) {
	body := `{"id":"a-1"}` + strings.Repeat(" ", httpc.MaxBody)
	o := one(answering(t, 200, "", body))
	o.Answer.ID = `/"id":"([^"]+)"/`
	if got := outcome(mustNew(t, o).Send(t.Context(), callTo(1))[0]); !strings.HasPrefix(got, "unknown 200") {
		t.Errorf("got %q", got)
	}
}
