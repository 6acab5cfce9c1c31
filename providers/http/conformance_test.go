package httpapi_test

import (
	"maps"
	"net/url"
	"testing"

	"github.com/volleysms/volley/providers"
	httpapi "github.com/volleysms/volley/providers/http"
	"github.com/volleysms/volley/providers/providertest"
	"github.com/volleysms/volley/providers/providertest/gateway"
)

// busy is what the plain gateway's document says of 503.
var busy = httpapi.Rule{Status: []int{503}, Kind: "unavailable"}

// jsonDoor describes POST /v1/messages.
func jsonDoor(token string) httpapi.Options {
	return httpapi.Options{
		MaxRecipients: 100,
		Request: httpapi.Request{
			Path:    "/v1/messages",
			Headers: map[string]string{"Authorization": "Bearer " + token},
			JSON: `{
  "from": {{json .From}},
  "reference": {{json .Reference}},
  "unicode": {{.Unicode}},
  {{if .ReportURL}}"report_url": {{json .ReportURL}},{{end}}
  {{if .Binary}}"payload": {{json (hex .Payload)}}, "udh": {{json (hex .UDH)}},{{end}}
  "messages": [{{.Each}}]
}`,
			Each: `{"to": "{{.To}}"{{if not .Binary}}, "text": {{json .Text}}{{end}}}`,
		},
		Answer: httpapi.Answer{
			Code: "$.error.code", Detail: "$.error.message",
			Each: httpapi.Each{
				List: "$.messages", To: "$.to", ID: "$.id", Code: "$.code", Detail: "$.reason",
				Success:  httpapi.Success{Path: "$.status", Equals: []string{"queued"}},
				Classify: []httpapi.Rule{{Path: "$.status", Equals: []string{"refused"}, Kind: "rejected"}},
			},
			Classify: []httpapi.Rule{busy},
		},
		Check: httpapi.Check{Path: "/v1/account", Balance: "$.balance"},
		Reports: httpapi.Reports{
			List: "$.reports", Status: "$.status", To: "$.to", ID: "$.id", Detail: "$.reason", At: "$.at", Ack: `{"ok":true}`,
			Reference: "$.reference", Delivered: []string{"delivered"}, Undelivered: []string{"failed", "expired"}, Taken: []string{"sent"},
			Signature: httpapi.Signature{Header: "X-Signature", Secret: gateway.PlainWebhookSecret},
		},
	}
}

// formDoor describes /send, by POST or GET.
func formDoor(method, key string) httpapi.Options {
	pairs := map[string]string{
		"key": key, "from": "{{.From}}", "to": "{{.To}}", "text": "{{.Text}}", "ref": "{{.Reference}}",
		"coding": "{{if .Unicode}}8{{end}}", "dlr_url": "{{.ReportURL}}",
	}
	o := httpapi.Options{
		Request: httpapi.Request{Method: method, Path: "/send"},
		Answer: httpapi.Answer{
			ID: `/^OK: (\S+)\s*$/`, Code: `/^ERR (\d+)/`, Detail: `/^ERR \d+: (.*)/`,
			Classify: []httpapi.Rule{
				busy,
				{Path: `/^ERR (\d+)/`, Equals: []string{"1"}, Kind: "config"},
				{Status: []int{200}, Path: `/^ERR (\d+)/`, Equals: []string{"12"}, Kind: "rejected"},
			},
		},
		Reports: httpapi.Reports{
			Status: "$.state", To: "$.msisdn", ID: "$.id", Code: "$.err", At: "$.ts", Ack: "ok",
			Delivered: []string{"DELIVRD"}, Undelivered: []string{"UNDELIV", "EXPIRED"}, Taken: []string{"ENROUTE"},
		},
	}
	if method == "GET" {
		o.Request.Query = pairs
	} else {
		o.Request.Form = pairs
	}
	return o
}

func mustNew(t testing.TB, o httpapi.Options) providers.Adapter {
	t.Helper()
	a, err := httpapi.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// formWord returns a push of the form door.
func formWord(word string) gateway.PushRequest {
	return gateway.PushRequest{Method: "GET", URL: "https://sms.example.com/r/1?" + url.Values{"state": {word}, "id": {"p-1-0"}}.Encode()}
}

// cases are how many cases of the suite have something to look at; docs/providers.md says so too.
var cases = map[string]int{"JSON": 50, "Form": 48, "Query": 48}

func TestConformance(t *testing.T) {
	noWord := map[string]string{"ThrottledInItsOwnWords": "the plain gateway says it by HTTP 429 alone"}
	noCheck := maps.Clone(noWord)
	noCheck["Check"] = "this door of the plain gateway has no operation but sending"
	tests := []struct {
		name     string
		options  func(credential string) httpapi.Options
		rejected gateway.Reply
		word     func(string) gateway.PushRequest
		secrets  []string
		none     map[string]string
	}{
		{
			"JSON", jsonDoor, gateway.JSON(400, `{"error":{"code":"request","message":"bad request"}}`),
			gateway.Plain{}.Word,
			[]string{gateway.PlainToken, gateway.PlainWebhookSecret},
			noWord,
		},
		{
			"Form", func(key string) httpapi.Options { return formDoor("POST", key) },
			gateway.Reply{Body: []byte("ERR 12: number is blocked")},
			formWord,
			[]string{gateway.PlainToken},
			noCheck,
		},
		{
			"Query", func(key string) httpapi.Options { return formDoor("GET", key) },
			gateway.Reply{Body: []byte("ERR 12: number is blocked")},
			formWord,
			[]string{gateway.PlainToken},
			noCheck,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			build := func(t testing.TB, baseURL, credential string) providers.Adapter {
				t.Helper()
				o := tt.options(credential)
				o.BaseURL = baseURL
				return mustNew(t, o)
			}
			providertest.Run(t, providertest.Harness{
				Dialect:  gateway.Plain{},
				New:      func(t testing.TB, baseURL string) providers.Adapter { return build(t, baseURL, gateway.PlainToken) },
				Wrong:    func(t testing.TB, baseURL string) providers.Adapter { return build(t, baseURL, "example-wrong-token") },
				Secrets:  tt.secrets,
				Rejected: tt.rejected,
				Word:     tt.word,
				Cases:    cases[tt.name],
				None:     tt.none,
			})
		})
	}
}
