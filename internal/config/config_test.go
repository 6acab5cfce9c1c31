package config_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/volleysms/volley/internal/config"
)

// env is an environment that has no other variables.
func env(pairs ...string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1], true
			}
		}
		return "", false
	}
}

func mustParse(t *testing.T, text string, getenv func(string) (string, bool)) *config.Config {
	t.Helper()
	c, err := config.Parse("volley.yaml", []byte(text), getenv)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const full = `
redis:
  url: redis://127.0.0.1:6379/0
accounts:
  acoustic:
    provider: mgage
    base_url: https://communicatepro.mgage.com
    username: ${MGAGE_USERNAME}
    password: ${MGAGE_PASSWORD}
    program_id: "12345"
    concurrency: 8
    rate: 50/s
    timeout: 10s
  dk:
    provider: gatewayapi
    token: ${GATEWAYAPI_TOKEN}
    webhook_secret: ${GATEWAYAPI_WEBHOOK_SECRET}
    max_recipients: 500
  moon:
    provider: mttm
    base_url: https://sms.mttmwholesale.com:8081
    username: ${MTTM_USERNAME}
    password: ${MTTM_PASSWORD}
  og:
    provider: ogangi
    base_url: https://example.invalid/mmc/
    instance_id: 43
    carrier: "Movistar"
    public_key: ${OGANGI_PUBLIC_KEY}
    private_key: ${OGANGI_PRIVATE_KEY}
    operation: sendSMS
routes:
  default: [dk, moon]
retry: { max_attempts: 5, initial: 2s, max: 20m, inline: 0s }
callbacks: { listen: "127.0.0.1:8081", public_url: https://sms.example.com/in/, secret: ${VOLLEY_CALLBACK_SECRET} }
admin: { listen: "127.0.0.1:9464" }
`

func TestParse_EverythingSet(t *testing.T) {
	got := mustParse(t, full, env(
		"MGAGE_USERNAME", "mgage-user", "MGAGE_PASSWORD", "mgage-pass", "GATEWAYAPI_TOKEN", "gw-token",
		"GATEWAYAPI_WEBHOOK_SECRET", "gw-hook", "MTTM_USERNAME", "mttm-user", "MTTM_PASSWORD", "mttm-pass",
		"OGANGI_PUBLIC_KEY", "og-public", "OGANGI_PRIVATE_KEY", "og-private", "VOLLEY_CALLBACK_SECRET", "the-callbacks-secret",
	))
	want := &config.Config{
		Redis: config.Redis{URL: config.NewSecret("redis://127.0.0.1:6379/0")},
		Accounts: []config.Account{
			{
				Name: "acoustic", Provider: config.Mgage, BaseURL: "https://communicatepro.mgage.com",
				Username: "mgage-user", Password: config.NewSecret("mgage-pass"), ProgramID: "12345",
				Concurrency: 8, Rate: config.Rate{N: 50, Per: time.Second}, Timeout: 10 * time.Second,
			},
			{
				Name: "dk", Provider: config.GatewayAPI, Token: config.NewSecret("gw-token"),
				WebhookSecret: config.NewSecret("gw-hook"), MaxRecipients: 500, Concurrency: 10, Timeout: 30 * time.Second,
			},
			{
				Name: "moon", Provider: config.MTTM, BaseURL: "https://sms.mttmwholesale.com:8081",
				Username: "mttm-user", Password: config.NewSecret("mttm-pass"), Concurrency: 10, Timeout: 30 * time.Second,
			},
			{
				Name: "og", Provider: config.Ogangi, BaseURL: "https://example.invalid/mmc", InstanceID: "43",
				Carrier: "Movistar", PublicKey: "og-public", PrivateKey: config.NewSecret("og-private"), Operation: "sendSMS",
				Concurrency: 8, Timeout: 30 * time.Second,
			},
		},
		Routes:    map[string][]config.Branch{"default": {{Use: []string{"dk", "moon"}}}},
		Retry:     config.Retry{MaxAttempts: 5, Initial: 2 * time.Second, Max: 20 * time.Minute},
		Reports:   config.Reports{GiveUp: 72 * time.Hour, Poll: time.Minute},
		Retention: config.Retention{Redis: 30 * 24 * time.Hour},
		Scheduler: config.Scheduler{Files: "."},
		Callbacks: config.Callbacks{
			Listen: "127.0.0.1:8081", PublicURL: "https://sms.example.com/in", Secret: config.NewSecret("the-callbacks-secret"),
		},
		Admin: config.Admin{Listen: "127.0.0.1:9464"},
		UI:    config.UI{Listen: "127.0.0.1:8090", Session: 12 * time.Hour},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("\n got %+v\nwant %+v", got, want)
	}
	for i, a := range got.Accounts {
		if !reflect.DeepEqual(a, want.Accounts[i]) {
			t.Errorf("account %s: a value that is not shown differs", a.Name)
		}
	}
}

func TestParse_Sample(t *testing.T) {
	c, err := config.Load("../../examples/volley.yaml")
	if err == nil {
		t.Fatalf("got %+v without the variables it takes from the environment", c)
	}
	data, err := os.ReadFile("../../examples/volley.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c, err = config.Parse("volley.yaml", data, func(string) (string, bool) { return "x-of-16-letters-", true })
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Accounts) != 4 {
		t.Errorf("got %d accounts, want 4", len(c.Accounts))
	}
}

const minimal = "redis: {url: redis://127.0.0.1}\naccounts: {dk: {provider: gatewayapi, token: t}}\n"

func TestParse_Defaults(t *testing.T) {
	got := mustParse(t, minimal, env())
	want := &config.Config{
		Redis: config.Redis{URL: config.NewSecret("redis://127.0.0.1")},
		Accounts: []config.Account{{
			Name: "dk", Provider: config.GatewayAPI, Token: config.NewSecret("t"), Concurrency: 10, Timeout: 30 * time.Second,
		}},
		Routes:    map[string][]config.Branch{},
		Retry:     config.Retry{MaxAttempts: 8, Initial: time.Second, Max: 10 * time.Minute, Inline: 20 * time.Second},
		Reports:   config.Reports{GiveUp: 72 * time.Hour, Poll: time.Minute},
		Retention: config.Retention{Redis: 30 * 24 * time.Hour},
		Scheduler: config.Scheduler{Files: "."},
		UI:        config.UI{Listen: "127.0.0.1:8090", Session: 12 * time.Hour},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("\n got %+v\nwant %+v", got, want)
	}

	t.Run("sections that are left empty count as left out", func(t *testing.T) {
		got := mustParse(t, minimal+"routes:\nretry:\ncallbacks:\nreports:\ninbound:\nadmin: {}\n", env())
		if !reflect.DeepEqual(got, want) {
			t.Errorf("\n got %+v\nwant %+v", got, want)
		}
	})
	t.Run("calls in flight depend on the provider", func(t *testing.T) {
		c := mustParse(t, `
redis: {url: redis-cluster://127.0.0.1}
accounts:
  a: {provider: mgage, username: u, password: p, program_id: 1}
  b: {provider: ogangi, base_url: "http://127.0.0.1:1", instance_id: 1, public_key: k, private_key: k}
  c: {provider: gatewayapi, token: t}
  d: {provider: mttm, username: u, password: p}
`, env())
		for i, want := range []int{4, 8, 10, 10} {
			if got := c.Accounts[i]; got.Concurrency != want {
				t.Errorf("%s: got %d, want %d", got.Provider, got.Concurrency, want)
			}
		}
	})
	t.Run("callbacks listen on port 8080", func(t *testing.T) {
		c := mustParse(t, minimal+"callbacks: {secret: an-example-secret}", env())
		if c.Callbacks.Listen != ":8080" || c.Callbacks.PublicURL != "" {
			t.Errorf("got %+v", c.Callbacks)
		}
	})
}

func TestParse_Environment(t *testing.T) {
	token := func(t *testing.T, value string, getenv func(string) (string, bool)) string {
		t.Helper()
		c := mustParse(t, "redis: {url: redis://h}\naccounts:\n  dk:\n    provider: gatewayapi\n    token: "+value+"\n", getenv)
		return c.Accounts[0].Token.Reveal()
	}
	tests := []struct{ name, value, want string }{
		{"a variable", "${T}", "secret"},
		{"a variable within a value", `"a${T}b${T}c"`, "asecretbsecretc"},
		{"a value that looks like YAML", "${Y}", "x: {y: [z]} # no"},
		{"a value that looks like a variable", "${V}", "${T}"},
		{"a dollar sign alone", "a$T$", "a$T$"},
		{"an escaped variable", "$${T}", "${T}"},
		{"a number keeps its zeros", "0012", "0012"},
		{"a boolean is a word", "yes", "yes"},
		{"an alias", "&a ${T}", "secret"},
		{"quoted braces", `"{${T}}"`, "{secret}"},
		{"characters of private use", "\uE000T\uE001${T}\uE002", "\uE000T\uE001secret\uE002"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := token(t, tt.value, env("T", "secret", "Y", "x: {y: [z]} # no", "V", "${T}")); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	t.Run("numbers, rates and names too", func(t *testing.T) {
		c := mustParse(t, `
redis: {url: redis://h}
accounts:
  dk: {provider: ${P}, token: t, concurrency: ${N}, rate: ${R}, timeout: ${N}s}
routes: {r: [${A}]}`, env("P", "gatewayapi", "N", "7", "R", "90/m", "A", "dk"))
		a := c.Accounts[0]
		if a.Concurrency != 7 || a.Rate.PerSecond() != 1.5 || a.Timeout != 7*time.Second || c.Routes["r"][0].Use[0] != "dk" {
			t.Errorf("got %+v, %v", a, c.Routes)
		}
	})
}

func TestParse_SecretFile(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{
		"token": "file-token\r\n", "empty": "\n", "lines": "a\nb\n", "large": strings.Repeat("x", 1<<17), "url": "rediss://h",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	parse := func(account string) (*config.Config, error) {
		text := "redis: {url_file: " + filepath.Join(dir, "url") + "}\naccounts: {dk: {provider: gatewayapi, " + account + "}}\n"
		return config.Parse(filepath.Join(dir, "volley.yaml"), []byte(text), env("DIR", dir))
	}
	for _, path := range []string{"token", "${DIR}/token"} {
		t.Run("read from "+path, func(t *testing.T) {
			c, err := parse(`token_file: "` + path + `"`)
			if err != nil {
				t.Fatal(err)
			}
			if got := c.Accounts[0].Token.Reveal(); got != "file-token" {
				t.Errorf("got %q, want %q", got, "file-token")
			}
			if got := c.Redis.URL.Reveal(); got != "rediss://h" {
				t.Errorf("got %q, want %q", got, "rediss://h")
			}
		})
	}
	for account, want := range map[string]string{
		"token_file: hunter2":         "token_file: file can't be read: no such file or directory",
		"token_file: .":               "token_file: file can't be read: is a directory",
		"token_file: empty":           "token_file: file is empty",
		"token_file: ''":              "token_file: is empty",
		"token_file: lines":           "token_file: file has a line break or another control character in it",
		"token_file: large":           "token_file: file has more than 65536 bytes",
		"token: t, token_file: token": "token_file: is given beside token; leave one of them out",
	} {
		t.Run("refused: "+account, func(t *testing.T) {
			_, err := parse(account)
			if err == nil || !strings.HasSuffix(err.Error(), "volley.yaml:2: accounts.dk."+want) {
				t.Errorf("got %v, want accounts.dk.%s", err, want)
			}
		})
	}
}

// Each text has hunter2 where a secret is, or could be by mistake.
func TestParse_Refused(t *testing.T) {
	const redis = "redis: {url: redis://h}\n"
	const dk = redis + "accounts:\n  dk:\n    provider: gatewayapi\n    token: hunter2\n"
	const gatewayapiTakes = "gatewayapi takes provider, concurrency, rate, recipients, segments, in_flight, timeout, on_unknown, quiet, shards, price, stop_words, start_words, stop_list, token, token_file, base_url, webhook_secret, webhook_secret_file, max_recipients, max_bytes, api, auth, class, urgent_class, require_signature"
	const providers = "mgage, ogangi, gatewayapi, mttm, http"
	const duration = "must be a time from 1s to 10m, with its unit, such as 500ms, 10s or 2m"
	const rate = "must be a number of calls above zero and the time they are for: 50/s, 3000/m or 100000/h"
	const listen = `must be a host and a port, such as "127.0.0.1:9464", or ":8080" for all addresses of the machine`
	tests := []struct {
		name string
		text string
		want []string
	}{
		{"an empty file", "", []string{"volley.yaml: is empty; it needs redis and accounts"}},
		{"a file of comments", "# hi\n---\n", []string{"volley.yaml: is empty; it needs redis and accounts"}},
		{"a file that is not UTF-8", "redis: \xff", []string{"volley.yaml: is not UTF-8; save it in that encoding"}},
		{"a file that is too long", "#" + strings.Repeat("x", 1<<20), []string{"volley.yaml: has more than 1048576 bytes"}},
		{"a file that is not YAML", "redis:\n  url: [hunter2\n", []string{"volley.yaml:1: is not YAML, here or on the next line: did not find expected ',' or ']'"}},
		{
			"a secret that begins with an asterisk", dk + "    webhook_secret: *hunter2\n",
			[]string{"volley.yaml: is not YAML: a value begins with *, which has a meaning in YAML; put it in quotes"},
		},
		{"two documents", minimal + "---\nx: 1\n", []string{"volley.yaml: has more than one YAML document; take out the line ---"}},
		{"a broken second document", minimal + "---\nx: [\n", []string{"volley.yaml:4: is not YAML, here or on the next line: did not find expected node content"}},
		{
			"a list instead of sections", "- redis", []string{
				"volley.yaml: redis.url: is missing; give it, or a file that has it as url_file",
				"volley.yaml: accounts: is missing; name at least one, with its provider below it",
				"volley.yaml:1: must have keys and values below it",
			},
		},
		{
			"sections that are missing or unknown", "rediss: {}\n", []string{
				"volley.yaml: redis.url: is missing; give it, or a file that has it as url_file",
				"volley.yaml: accounts: is missing; name at least one, with its provider below it",
				"volley.yaml:1: rediss: unknown key; did you mean redis? the file takes redis, accounts, routes, retry, callbacks, reports, inbound, scheduler, outcomes, retention, hooks, quiet, admin, ui, tracing, log",
			},
		},
		{"no account", redis + "accounts: {}\n", []string{"volley.yaml:2: accounts: has none; name at least one, with its provider below it"}},
		{
			"a Redis address with another scheme", "redis: {url: 'http://:hunter2@h'}\naccounts: {dk: {provider: gatewayapi, token: t}}", []string{
				"volley.yaml:1: redis.url: must begin with redis://, rediss://, redis-sentinel:// or redis-cluster://",
			},
		},
		{"a misspelt key", redis + "accounts:\n  dk:\n    provider: gatewayapi\n    tokn: hunter2\n", []string{
			"volley.yaml:3: accounts.dk.token: is missing; give it, or a file that has it as token_file",
			"volley.yaml:5: accounts.dk.tokn: unknown key; did you mean token? " + gatewayapiTakes,
		}},
		{"a key of another provider", dk + "    program_id: hunter2\n", []string{
			"volley.yaml:6: accounts.dk.program_id: unknown key; " + gatewayapiTakes,
		}},
		{"a key that is given twice", dk + "    token: hunter2\n", []string{
			"volley.yaml:6: accounts.dk.token: is given twice, on line 5 before",
		}},
		{"a key that is not a name", dk + "    hunter2 hunter2: x\n    <<: {a: b}\n    [a]: b\n", []string{
			"volley.yaml:6: accounts.dk: has a key that is not a name: 1 to 64 letters, digits, - and _",
			"volley.yaml:7: accounts.dk: has a key that is not a name: 1 to 64 letters, digits, - and _",
			"volley.yaml:8: accounts.dk: has a key that is not a name: 1 to 64 letters, digits, - and _",
		}},
		{"an account name that is not one", redis + "accounts:\n  d k: {provider: mttm}\n", []string{
			"volley.yaml:3: accounts: has a key that is not a name: 1 to 64 letters, digits, - and _",
		}},
		{"an account without keys", redis + "accounts:\n  dk:\n  dl: hunter2\n", []string{
			"volley.yaml:3: accounts.dk: must have keys and values below it, such as provider: gatewayapi",
			"volley.yaml:4: accounts.dl: must have keys and values below it, such as provider: gatewayapi",
		}},
		{"a provider that is missing, misspelt or hidden", redis + `accounts:
  a: {token: hunter2}
  b: {provider: mgag}
  c: {provider: acme}
  d: {provider: "${SECRET}"}
  e: {provider: [mttm]}
  f: {provider: }
`, []string{
			"volley.yaml:3: accounts.a.provider: is missing; it is one of " + providers,
			"volley.yaml:4: accounts.b.provider: mgag is unknown; did you mean mgage? it is one of " + providers,
			"volley.yaml:5: accounts.c.provider: acme is unknown; it is one of " + providers,
			"volley.yaml:6: accounts.d.provider: must be one of " + providers,
			"volley.yaml:7: accounts.e.provider: must be a single value",
			"volley.yaml:8: accounts.f.provider: must be one of " + providers,
		}},
		{"what each provider requires", redis + `accounts:
  a: {provider: mgage}
  b: {provider: ogangi}
  c: {provider: gatewayapi}
  d: {provider: mttm}
`, []string{
			"volley.yaml:3: accounts.a.username: is missing",
			"volley.yaml:3: accounts.a.password: is missing; give it, or a file that has it as password_file",
			"volley.yaml:3: accounts.a.program_id: is missing",
			"volley.yaml:4: accounts.b.base_url: is missing",
			"volley.yaml:4: accounts.b.instance_id: is missing",
			"volley.yaml:4: accounts.b.public_key: is missing",
			"volley.yaml:4: accounts.b.private_key: is missing; give it, or a file that has it as private_key_file",
			"volley.yaml:5: accounts.c.token: is missing; give it, or a file that has it as token_file",
			"volley.yaml:6: accounts.d.username: is missing",
			"volley.yaml:6: accounts.d.password: is missing; give it, or a file that has it as password_file",
		}},
		{"required values that are empty", redis + "accounts:\n  a: {provider: mttm, username: , password: ''}\n  b: {provider: gatewayapi, token: \"${EMPTY}\"}\n", []string{
			"volley.yaml:3: accounts.a.username: is empty",
			"volley.yaml:3: accounts.a.password: is empty",
			"volley.yaml:4: accounts.b.token: is empty",
		}},
		{"variables that are not set, or no variables", dk + "    webhook_secret: ${NOT_SET}\n    base_url: ${hunter2-x}\n    rate: ${hunter2\n    timeout: ${hunter2${SECRET}\n", []string{
			"volley.yaml:6: accounts.dk.webhook_secret: ${NOT_SET} is not set in the environment",
			"volley.yaml:7: accounts.dk.base_url: has a ${ that is not followed by the name of a variable and }; write $${ for the characters themselves",
			"volley.yaml:8: accounts.dk.rate: has a ${ that is not followed by the name of a variable and }; write $${ for the characters themselves",
			"volley.yaml:9: accounts.dk.timeout: has a ${ that is not followed by the name of a variable and }; write $${ for the characters themselves",
		}},
		{"a line break in a secret", redis + "accounts:\n  dk: {provider: gatewayapi, token: \"${LINE}\"}\n", []string{
			"volley.yaml:3: accounts.dk.token: has a line break or another control character in it",
		}},
		{"a list for a value", redis + "accounts:\n  dk: {provider: gatewayapi, token: [hunter2]}\n", []string{
			"volley.yaml:3: accounts.dk.token: must be a single value",
		}},
		{"numbers out of their range", redis + `accounts:
  a: {provider: gatewayapi, token: t, concurrency: 0, max_recipients: 10001, timeout: 10, rate: 0/s}
  b: {provider: gatewayapi, token: t, concurrency: 1001, max_recipients: many, timeout: 11m, rate: -1/s}
  c: {provider: gatewayapi, token: t, concurrency: 1.5, timeout: "${SECRET}", rate: "${SECRET}"}
`, []string{
			"volley.yaml:3: accounts.a.max_recipients: must be a whole number from 1 to 10000",
			"volley.yaml:3: accounts.a.concurrency: must be a whole number from 1 to 1000",
			"volley.yaml:3: accounts.a.rate: " + rate,
			"volley.yaml:3: accounts.a.timeout: " + duration,
			"volley.yaml:4: accounts.b.max_recipients: must be a whole number from 1 to 10000",
			"volley.yaml:4: accounts.b.concurrency: must be a whole number from 1 to 1000",
			"volley.yaml:4: accounts.b.rate: " + rate,
			"volley.yaml:4: accounts.b.timeout: " + duration,
			"volley.yaml:5: accounts.c.concurrency: must be a whole number from 1 to 1000",
			"volley.yaml:5: accounts.c.rate: " + rate,
			"volley.yaml:5: accounts.c.timeout: " + duration,
		}},
		{"addresses that are none", redis + `accounts:
  a: {provider: gatewayapi, token: t, base_url: "sms.example.com"}
  b: {provider: gatewayapi, token: t, base_url: "https://user:hunter2@h"}
  c: {provider: gatewayapi, token: t, base_url: "https://h/?token=hunter2"}
  d: {provider: gatewayapi, token: t, base_url: "https://:80"}
  e: {provider: gatewayapi, token: t, base_url: "https://%zz"}
callbacks: {secret: an-example-secret, listen: "8080", public_url: "ftp://h"}
admin: {listen: "localhost:http"}
`, []string{
			"volley.yaml:3: accounts.a.base_url: must be an address such as https://sms.example.com",
			"volley.yaml:4: accounts.b.base_url: must have no user name and password in it; there are keys for them",
			"volley.yaml:5: accounts.c.base_url: must end with the path, without ? or #",
			"volley.yaml:6: accounts.d.base_url: must be an address such as https://sms.example.com",
			"volley.yaml:7: accounts.e.base_url: must be an address such as https://sms.example.com",
			"volley.yaml:8: callbacks.listen: " + listen,
			"volley.yaml:8: callbacks.public_url: must be an address such as https://sms.example.com",
			"volley.yaml:9: admin.listen: " + listen,
		}},
		{"an operation that is none", redis + "accounts:\n  og: {provider: ogangi, base_url: https://h, instance_id: 1, public_key: k, private_key: hunter2, operation: sendsms}\n", []string{
			"volley.yaml:3: accounts.og.operation: must be one of sendSMS, sendMT",
		}},
		{"routes", dk + `routes:
  dk: [dk]
  a: []
  b: dk
  c: [dk, dl, dk]
  d: ["${SECRET}", "hunter2 hunter2", [dk]]
  e e: [dk]
`, []string{
			"volley.yaml:7: routes.dk: has the name of an account; choose another, so that it is clear which is meant",
			"volley.yaml:8: routes.a: must be a list of accounts, such as [dk], or of prefixes, such as [{prefix: \"45\", use: [dk]}]",
			"volley.yaml:9: routes.b: must be a list of accounts, such as [dk], or of prefixes, such as [{prefix: \"45\", use: [dk]}]",
			"volley.yaml:10: routes.c: there is no account dl; did you mean dk? there are dk",
			"volley.yaml:10: routes.c: has account dk twice",
			"volley.yaml:11: routes.d: names an account that is not there; there are dk",
			"volley.yaml:11: routes.d: names an account that is not there; there are dk",
			"volley.yaml:11: routes.d: must be a single value",
			"volley.yaml:12: routes: has a key that is not a name: 1 to 64 letters, digits, - and _",
		}},
		{"retry", dk + "retry: {max_attempts: 101, initial: 0s, max: 25h, inline: -1s, jitter: 1}\n", []string{
			"volley.yaml:6: retry.jitter: unknown key; retry takes max_attempts, initial, max, inline",
			"volley.yaml:6: retry.max_attempts: must be a whole number from 1 to 100",
			"volley.yaml:6: retry.initial: must be a time from 1ms to 1h, with its unit, such as 500ms, 10s or 2m",
			"volley.yaml:6: retry.max: must be a time from 1ms to 24h, with its unit, such as 500ms, 10s or 2m",
			"volley.yaml:6: retry.inline: must be a time from 0s to 1h, with its unit, such as 500ms, 10s or 2m",
		}},
		{"a longest pause below the first", dk + "retry: {initial: 1h}\n", []string{
			"volley.yaml:6: retry.max: is 10m, shorter than the first pause of 1h",
		}},
		{"callbacks without a secret", dk + "callbacks: {listen: ':1'}\n", []string{
			"volley.yaml:6: callbacks.secret: is missing; give it, or a file that has it as secret_file",
		}},
		{"a word for a section", dk + "admin: ':9464'\n", []string{"volley.yaml:6: admin: must have keys and values below it"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := config.Parse("volley.yaml", []byte(tt.text), env("SECRET", "hunter2", "EMPTY", "", "LINE", "hunter2\n"))
			if err == nil {
				t.Fatalf("got %+v, want an error", c)
			}
			if c != nil {
				t.Error("got a configuration beside the error")
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("a secret is shown: %v", err)
			}
			got := strings.Split(err.Error(), "\n")
			if !slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(tt.want))) {
				t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(tt.want, "\n\t"))
			}
		})
	}
	t.Run("problems stand in the order of their lines", func(t *testing.T) {
		_, err := config.Parse("v.yaml", []byte("admin: {listen: x}\nretry: {max: x}\nredis: {url: x}\n"), env())
		var lines []string
		for line := range strings.SplitSeq(err.Error(), "\n") {
			lines = append(lines, line[:len("v.yaml:1")])
		}
		if want := []string{"v.yaml: ", "v.yaml:1", "v.yaml:2", "v.yaml:3"}; !slices.Equal(lines, want) {
			t.Errorf("got %v, want %v", lines, want)
		}
	})
}

func TestLoad(t *testing.T) {
	t.Run("a file that is not there", func(t *testing.T) {
		_, err := config.Load("no-such.yaml")
		if !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("got %v, want fs.ErrNotExist", err)
		}
		want := "no-such.yaml: file does not exist; name a configuration file with --config FILE, or run `volley dev`, which needs none"
		if err.Error() != want {
			t.Errorf("got %q, want %q", err, want)
		}
	})
	t.Run("a folder", func(t *testing.T) {
		dir := t.TempDir()
		if _, err := config.Load(dir); err == nil || err.Error() != dir+": can't be read: is a directory" {
			t.Errorf("got %v", err)
		}
	})
	t.Run("variables come from the process", func(t *testing.T) {
		t.Setenv("VOLLEY_TEST_TOKEN", "from-process")
		file := filepath.Join(t.TempDir(), "volley.yaml")
		text := strings.Replace(minimal, "token: t", `token: "${VOLLEY_TEST_TOKEN}"`, 1)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := config.Load(file)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Accounts[0].Token.Reveal(); got != "from-process" {
			t.Errorf("got %q", got)
		}
	})
}

func TestParse_Branches(t *testing.T) {
	c := mustParse(t, minimal+`
routes:
  plain: [dk]
  eu: [{prefix: "45", use: [dk]}, {prefix: "+4670", use: [dk]}, {use: [dk]}]
`, env())
	want := map[string][]config.Branch{
		"plain": {{Use: []string{"dk"}}},
		"eu":    {{"45", []string{"dk"}}, {"4670", []string{"dk"}}, {"", []string{"dk"}}},
	}
	if !reflect.DeepEqual(c.Routes, want) {
		t.Errorf("got %+v, want %+v", c.Routes, want)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(full))
	f.Add([]byte(minimal))
	f.Add([]byte("a: &a\n  b: *a\naccounts: *a\n"))
	f.Add([]byte("accounts: {dk: {<<: {provider: mttm}, ? [x] : y}}\nroutes: {r: [dk, *x]}"))
	f.Add([]byte("redis: !!binary aGk=\naccounts: !x {}\n--- ...\n"))
	f.Add([]byte("accounts: {d: {provider: ${X}, timeout: ${X}, token_file: ${X}}}\nroutes: {r: [${X}]}\nadmin: {listen: ${X}}"))
	const secret = "hunter2-in-the-environment"
	f.Fuzz(func(t *testing.T, data []byte) {
		if strings.Contains(string(data), "_file") {
			return // which files there are is not part of the input
		}
		c, err := config.Parse("volley.yaml", data, func(string) (string, bool) { return secret, true })
		if (c == nil) == (err == nil) {
			t.Fatalf("got %v and %v", c, err)
		}
		if err != nil {
			for line := range strings.SplitSeq(err.Error(), "\n") {
				if strings.Contains(line, secret) {
					t.Errorf("a secret is shown: %s", line)
				}
				if !strings.HasPrefix(line, "volley.yaml:") || strings.ContainsFunc(line, unicode.IsControl) {
					t.Errorf("not a line with the file's name: %q", line)
				}
			}
			return
		}
		if c.Redis.URL.IsZero() || len(c.Accounts) == 0 {
			t.Error("neither Redis nor accounts nor an error")
		}
		for _, a := range c.Accounts {
			if a.Concurrency < 1 || a.Timeout < time.Second || a.Rate.N < 0 {
				t.Errorf("account out of range: %+v", a)
			}
		}
		for name, route := range c.Routes {
			if len(route) == 0 || slices.ContainsFunc(route, func(b config.Branch) bool { return len(b.Use) == 0 }) {
				t.Errorf("route %q has no account: %+v", name, route)
			}
		}
	})
}
