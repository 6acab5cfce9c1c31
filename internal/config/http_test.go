package config_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/volleysms/volley/internal/config"
	httpapi "github.com/volleysms/volley/providers/http"
)

const httpAccount = `redis: {url: redis://127.0.0.1}
accounts:
  mine:
    provider: http
    base_url: https://api.example.com/
    max_recipients: 50
    request:
      path: /v1/messages
      headers:
        Authorization: Bearer ${API_TOKEN}
        X-Client: volley
      query: {"user[id]": "${API_USER}"}
      json: |
        {"from": {{json .From}},
         "to": [{{.Each}}],
         "text": {{json .Text}}{{if .ReportURL}},
         "callback": {{json .ReportURL}}{{end}}}
      each: '"{{.To}}"'
    answer:
      success: {status: 202, path: "$.status", equals: [ok, 0]}
      code: "$.error.code"
      each: {list: "$.messages", to: "$.to", id: "$.id", success: {path: "$.state", equals: queued}, classify: [{path: "$.state", not: [queued], kind: rejected}]}
      classify:
        - {status: 503, kind: unavailable}
        - {status: [200, 202], path: "$.error.code", equals: "12", kind: invalid}
    check: {path: "/v1/me", balance: "$.balance"}
    reports:
      status: "$.status"
      to: "$.to"
      delivered: [DELIVRD]
      undelivered: [UNDELIV, EXPIRED]
      signature: {header: X-Signature, secret: "${HOOK}"}
      ack: OK
`

var httpEnv = env("API_TOKEN", "hunter2-token", "API_USER", "hunter2-user", "HOOK", "hunter2-hook")

func TestParse_HTTP(t *testing.T) {
	c := mustParse(t, httpAccount, httpEnv)
	got := c.Accounts[0].Gateway
	if got == nil || c.Accounts[0].Provider != config.HTTP {
		t.Fatalf("got %+v", c.Accounts[0])
	}
	want := httpapi.Options{
		BaseURL: "https://api.example.com", MaxRecipients: 50, MaxConns: 4,
		Request: httpapi.Request{
			Path:    "/v1/messages",
			Headers: map[string]string{"Authorization": "Bearer hunter2-token", "X-Client": "volley"},
			Query:   map[string]string{"user[id]": "hunter2-user"},
			JSON: `{"from": {{json .From}},
 "to": [{{.Each}}],
 "text": {{json .Text}}{{if .ReportURL}},
 "callback": {{json .ReportURL}}{{end}}}
`,
			Each: `"{{.To}}"`,
		},
		Answer: httpapi.Answer{
			Success: httpapi.Success{Status: []int{202}, Path: "$.status", Equals: []string{"ok", "0"}},
			Code:    "$.error.code",
			Each: httpapi.Each{
				List: "$.messages", To: "$.to", ID: "$.id",
				Success:  httpapi.Success{Path: "$.state", Equals: []string{"queued"}},
				Classify: []httpapi.Rule{{Path: "$.state", Not: []string{"queued"}, Kind: "rejected"}},
			},
			Classify: []httpapi.Rule{
				{Status: []int{503}, Kind: "unavailable"},
				{Status: []int{200, 202}, Path: "$.error.code", Equals: []string{"12"}, Kind: "invalid"},
			},
		},
		Check: httpapi.Check{Path: "/v1/me", Balance: "$.balance"},
		Reports: httpapi.Reports{
			Status: "$.status", To: "$.to", Delivered: []string{"DELIVRD"}, Undelivered: []string{"UNDELIV", "EXPIRED"},
			Signature: httpapi.Signature{Header: "X-Signature", Secret: "hunter2-hook"}, Ack: "OK",
		},
	}
	got.Secrets = nil
	a, b := reflect.ValueOf(*got), reflect.ValueOf(want)
	for i := range a.NumField() {
		if !reflect.DeepEqual(a.Field(i).Interface(), b.Field(i).Interface()) {
			t.Errorf("%s: got %#v, want %#v", a.Type().Field(i).Name, a.Field(i).Interface(), b.Field(i).Interface())
		}
	}
	if _, err := httpapi.New(*got); err != nil {
		t.Error(err)
	}
}

func TestParse_HTTPSecretsAreNotShown(t *testing.T) {
	c := mustParse(t, httpAccount, httpEnv)
	j, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	y, err := yaml.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	g := c.Accounts[0].Gateway
	for _, shown := range []string{string(j), string(y), fmt.Sprintf("%v %+v %#v", c, c, c), fmt.Sprintf("%v %+v %#v %s", g, *g, g, *g)} {
		if strings.Contains(shown, "hunter2") {
			t.Errorf("a secret is shown: %s", shown)
		}
	}
	if want := []string{"hunter2-user", "hunter2-token"}; !reflect.DeepEqual(g.Secrets, want) {
		t.Errorf("got %d secrets for the adapter to hide", len(g.Secrets))
	}
}

func TestParse_HTTPHeaderFromAFile(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "auth"), []byte("Bearer from-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(httpAccount, "Authorization: Bearer ${API_TOKEN}", "Authorization_file: auth", 1)
	c, err := config.Parse(filepath.Join(dir, "volley.yaml"), []byte(text), httpEnv)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Accounts[0].Gateway.Request.Headers["Authorization"]; got != "Bearer from-file" {
		t.Errorf("got %q", got)
	}
}

// Each text is a change to httpAccount.
func TestParse_HTTPRefused(t *testing.T) {
	tests := []struct {
		name     string
		old, new string
		want     string // the beginning of the one line
	}{
		{"an unknown key", "check: {path", "chek: {path", "volley.yaml:26: accounts.mine.chek: unknown key; did you mean check?"},
		{"an unknown key of the request", "each: '\"{{.To}}\"'", "eech: x", "volley.yaml:18: accounts.mine.request.eech: unknown key; did you mean each?"},
		{"no request", "    request:\n", "    reqest:\n", "volley.yaml:3: accounts.mine.request: is missing"},
		{"an unknown field, with its line", "{{.Each}}", "{{.Eech}}", "volley.yaml:15: accounts.mine.request.json: has no field .Eech; there are To, Text"},
		{"an unknown function, with its line", "{{json .Text}}", "{{jsn .Text}}", "volley.yaml:16: accounts.mine.request.json: function \"jsn\" not defined"},
		{"a text without json", "{{json .Text}}", "\"{{.Text}}\"", "volley.yaml:16: accounts.mine.request.json: is not JSON once it is filled in"},
		{"a comma too many", "{{json .ReportURL}}{{end}}", "{{json .ReportURL}},{{end}}", "volley.yaml:17: accounts.mine.request.json: is not JSON once it is filled in"},
		{"a template that does not end", "{{if .ReportURL}}", "{{if .ReportURL", "volley.yaml:16: accounts.mine.request.json: "},
		{"a template that is not text", "each: '\"{{.To}}\"'", "each: [x]", "volley.yaml:18: accounts.mine.request.each: must be a single text"},
		{"a template in the header's value", "X-Client: volley", "X-Client: \"{{.Text}}\"", "volley.yaml:11: accounts.mine.request.headers.X-Client: must not have the message in it"},
		{"a header of the client", "X-Client", "Host", "volley.yaml:11: accounts.mine.request.headers.Host: is written by the HTTP client"},
		{"a variable that is not set", "${API_TOKEN}", "${NO_TOKEN}", "volley.yaml:10: accounts.mine.request.headers.Authorization: ${NO_TOKEN} is not set"},
		{"a variable within braces", "{{json .Text}}", "{{json \"${API_TOKEN}\"}}", "volley.yaml:13: accounts.mine.request.json: has a ${VAR} between {{ and }}"},
		{"a variable in a path", "\"$.error.code\"\n", "${API_TOKEN}\n", "volley.yaml:21: accounts.mine.answer.code: has a ${VAR}"},
		{"no path", "\"$.error.code\"\n", "error.code\n", "volley.yaml:21: accounts.mine.answer.code: is no place"},
		{"a bad path", "list: \"$.messages\"", "list: \"$..messages\"", "volley.yaml:22: accounts.mine.answer.each.list: is no path"},
		{"a kind that is none", "kind: unavailable", "kind: maybe", "volley.yaml:24: accounts.mine.answer.classify[0].kind: must be one of unknown, invalid"},
		{"a status that is none", "status: 503", "status: 5030", "volley.yaml:24: accounts.mine.answer.classify[0].status: must be HTTP statuses"},
		{"a rule that is no mapping", "- {status: 503, kind: unavailable}", "- 503", "volley.yaml:24: accounts.mine.answer.classify[0]: must have keys and values below it"},
		{"no list of rules", "classify:\n        - {status: 503, kind: unavailable}\n        - {status: [200, 202], path: \"$.error.code\", equals: \"12\", kind: invalid}", "classify: 503", "volley.yaml:23: accounts.mine.answer.classify: must be a list of rules"},
		{"a word in two lists", "EXPIRED]", "delivrd]", "volley.yaml:31: accounts.mine.reports.undelivered: has a word that is in another list"},
		{"an address without a scheme", "https://api.example.com/", "api.example.com", "volley.yaml:5: accounts.mine.base_url: must be an address"},
		{"a name in a form that has braces", "\"user[id]\"", "\"${API_USER}\"", "volley.yaml:12: accounts.mine.request.query: has a name that"},
		{"a method", "path: /v1/messages", "path: /v1/messages\n      method: PUT", "volley.yaml:9: accounts.mine.request.method: must be GET or POST"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text := strings.Replace(httpAccount, tt.old, tt.new, 1)
			if text == httpAccount {
				t.Fatal("the change changes nothing")
			}
			c, err := config.Parse("volley.yaml", []byte(text), httpEnv)
			if err == nil {
				t.Fatalf("got %+v", c)
			}
			if !strings.Contains("\n"+err.Error(), "\n"+tt.want) {
				t.Errorf("got\n%v\nwant\n%s", err, tt.want)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("a secret is shown: %v", err)
			}
		})
	}
	t.Run("a variable that holds a template", func(t *testing.T) {
		_, err := config.Parse("volley.yaml", []byte(httpAccount), env("API_TOKEN", "hunter2{{.Text}}", "API_USER", "u", "HOOK", "h"))
		want := "volley.yaml:10: accounts.mine.request.headers.Authorization: takes a variable from the environment that has {{"
		if err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("got %v", err)
		}
	})
}

func FuzzParse_HTTP(f *testing.F) {
	f.Add(httpAccount)
	f.Add(strings.ReplaceAll(httpAccount, "{{", "{{ "))
	f.Add(strings.Replace(httpAccount, "classify:", "classify: &a [*a]\n      x:", 1))
	f.Add(strings.Replace(httpAccount, "each: '", "each: '{{define \"x\"}}{{end}}", 1))
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "_file") {
			return // which files there are is not part of the input
		}
		c, err := config.Parse("volley.yaml", []byte(text), func(string) (string, bool) { return "hunter2-in-the-environment", true })
		if err != nil {
			if strings.Contains(err.Error(), "hunter2-in-the") {
				t.Errorf("a secret is shown: %v", err)
			}
			return
		}
		for _, a := range c.Accounts {
			if a.Gateway == nil {
				continue
			}
			if _, err := httpapi.New(*a.Gateway); err != nil {
				t.Errorf("the adapter refuses what the configuration took: %v", err)
			}
		}
	})
}
