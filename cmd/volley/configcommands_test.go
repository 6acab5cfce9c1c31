package main

import (
	"strings"
	"testing"

	"github.com/volleysms/volley/internal/config"
)

func TestConfigCheck(t *testing.T) {
	c := newCLI(t)
	var got configChecked
	c.must("config", "check", "--json").json(&got)
	if len(got.Accounts) != 4 || len(got.Routes) != 1 || got.Config != c.file {
		t.Errorf("%+v", got)
	}
	if a := c.must("config", "check"); !strings.Contains(a.stdout, "is right: 4 accounts (gatewayapi, mgage, mttm, ogangi), 1 route.") {
		t.Errorf("%q", a.stdout)
	}
	c.file = c.write("bad.yaml", "redis: {url: redis://127.0.0.1/0}\naccounts: {dk: {provider: gatewayapi, tokn: x, rate: -1/s}}\n")
	a := c.run("config", "check")
	if a.code != exitInvalid || !strings.Contains(a.stderr, "tokn") || !strings.Contains(a.stderr, "rate") {
		t.Errorf("exit status %d and %q", a.code, a.stderr)
	}
	c.untouched()
}

func TestConfigShow(t *testing.T) {
	c := newCLI(t)
	t.Setenv("A_TOKEN", "example-token-nobody-may-see")
	t.Setenv("A_ZONE", "America/Caracas")
	c.file = c.write("shown.yaml", `redis: {url: "redis://volley:example-redis-password@127.0.0.1:6379/0"}
accounts:
  dk: {provider: gatewayapi, token: "${A_TOKEN}", timeout: 12s}
  own:
    provider: http
    base_url: http://127.0.0.1:1
    request: {path: /send, headers: {Authorization: "Bearer example-plain-secret"}, json: '{"to":{{json .To}},"text":{{json .Text}},"key":"${A_TOKEN}"}'}
    answer: {id: $.id}
  og: {provider: ogangi, base_url: "http://127.0.0.1:2", instance_id: "1", public_key: p, private_key: "${A_TOKEN}", timezone: "${A_ZONE}"}
routes: {default: [dk, og]}
`)
	a := c.must("config", "show")
	for _, secret := range []string{"nobody-may-see", "example-redis-password", "example-plain-secret"} {
		if strings.Contains(a.stdout, secret) {
			t.Errorf("it shows %s:\n%s", secret, a.stdout)
		}
	}
	var all []config.Setting
	c.must("config", "show", "--json").json(&all)
	got := map[string]config.Setting{}
	for _, s := range all {
		got[s.Key] = s
	}
	for key, want := range map[string]config.Setting{
		"accounts.dk.timeout":     {Value: "12s", Source: c.file + ":3"},
		"accounts.dk.token":       {Value: "[secret]", Source: c.file + ":3 ${A_TOKEN}"},
		"accounts.dk.concurrency": {Value: "10", Source: "default"},
		"accounts.og.timezone":    {Value: "America/Caracas", Source: c.file + ":9 ${A_ZONE}"},
		"routes.default[1]":       {Value: "og", Source: c.file + ":10"},
		"redis.url":               {Value: "redis://volley:secret@127.0.0.1:6379/0", Source: c.file + ":1"},
		"retry.max_attempts":      {Value: "8", Source: "default"},
	} {
		want.Key = key
		if got[key] != want {
			t.Errorf("%s: %+v, want %+v", key, got[key], want)
		}
	}
	var some []config.Setting
	c.must("config", "show", "accounts.dk", "--json").json(&some)
	for _, s := range some {
		if !strings.HasPrefix(s.Key, "accounts.dk.") {
			t.Errorf("%s is not below accounts.dk", s.Key)
		}
	}
	if a := c.run("config", "show", "nothing"); a.code != exitInvalid || !strings.Contains(a.stderr, "lists all keys") {
		t.Errorf("exit status %d and %q", a.code, a.stderr)
	}
}
