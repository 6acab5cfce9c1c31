package main

import (
	"testing"

	"github.com/volleysms/volley/internal/config"
)

// TestAdapter_TakesTheSizeOfACall: what max_bytes says is what calls are planned by.
func TestAdapter_TakesTheSizeOfACall(t *testing.T) {
	const size = 5000
	for _, file := range []string{
		"provider: mgage, username: u, password: p, program_id: '1'",
		"provider: ogangi, base_url: https://sms.example.com, instance_id: '1', public_key: a, private_key: b",
		"provider: gatewayapi, token: t, auth: basic",
		"provider: gatewayapi, token: t, api: messaging",
		"provider: mttm, username: u, password: p",
	} {
		t.Run(file, func(t *testing.T) {
			c, err := config.Parse("volley.yaml", []byte("redis: {url: redis://127.0.0.1}\naccounts: {one: {"+file+", max_bytes: 5000}}\n"),
				func(string) (string, bool) { return "", false })
			if err != nil {
				t.Fatal(err)
			}
			a, err := adapter(c.Accounts[0])
			if err != nil {
				t.Fatal(err)
			}
			if got := a.Limits().Bytes; got != size {
				t.Errorf("calls may have %d bytes", got)
			}
		})
	}
}
