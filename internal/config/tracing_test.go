package config

import (
	"strings"
	"testing"
)

func TestTracingAndLog(t *testing.T) {
	parse := func(extra string) (*Config, error) {
		return Parse("volley.yaml", []byte("redis: {url: redis://127.0.0.1:6379/0}\naccounts: {dk: {provider: gatewayapi, token: t}}\n"+extra), func(string) (string, bool) { return "", false })
	}
	if c, err := parse(""); err != nil || c.Tracing.OTLP != "" || c.Log.Calls {
		t.Errorf("without any: %+v, %v", c, err)
	}
	c, err := parse("tracing: {otlp: 'http://127.0.0.1:4318'}\nlog: {calls: all}\n")
	if err != nil || c.Tracing.OTLP != "http://127.0.0.1:4318" || !c.Log.Calls {
		t.Errorf("with both: %+v, %v", c, err)
	}
	for _, wrong := range []string{
		"tracing: {otlp: '127.0.0.1:4318'}", "tracing: {otlp: 'grpc://127.0.0.1:4317'}", "tracing: {otlp: 'http://me:hunter2@127.0.0.1:4318'}",
		"log: {calls: none}",
	} {
		_, err := parse(wrong)
		if err == nil || !strings.Contains(err.Error(), "must be") || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", wrong, err)
		}
	}
}
