package config_test

import (
	"testing"
	"time"

	"github.com/volleysms/volley/internal/config"
)

func TestParse_Reports(t *testing.T) {
	c := mustParse(t, minimal+`callbacks: {secret: the-secret-of-today, previous_secret: that-of-yesterday, public_url: "http://127.0.0.1:8080"}
reports: {give_up: 24h, poll: 0}
inbound: {poll: 30s, hook: "http://10.0.0.1/sms", secret: another-long-secret, allow_private: true}
`, env())
	if got, want := c.Reports, (config.Reports{GiveUp: 24 * time.Hour}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if c.Callbacks.PreviousSecret.Reveal() != "that-of-yesterday" || c.Callbacks.PublicURL != "http://127.0.0.1:8080" {
		t.Errorf("got %+v", c.Callbacks)
	}
	want := config.Inbound{Poll: 30 * time.Second, Hook: "http://10.0.0.1/sms", Secret: config.NewSecret("another-long-secret"), AllowPrivate: true}
	if c.Inbound != want {
		t.Errorf("got %+v, want %+v", c.Inbound, want)
	}
}

func TestParse_ReportsRefused(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"ASecretThatIsGuessed", "callbacks: {secret: short}", "volley.yaml:3: callbacks.secret: is shorter than 16 bytes; make one by: openssl rand -hex 32"},
		{"APublicURLThatIsRead", "callbacks: {secret: an-example-secret, public_url: 'http://sms.example.com'}", "volley.yaml:3: callbacks.public_url: must begin with https://: whoever reads an address on the way can forge reports"},
		{"AHookWithoutASecret", "inbound: {hook: 'https://app.example.com/sms'}", "volley.yaml:3: inbound.secret: is missing; give it, or a file that has it as secret_file"},
		{"AHookThatIsRead", "inbound: {hook: 'http://app.example.com/sms', secret: an-example-secret}", "volley.yaml:3: inbound.hook: must begin with https://, unless allow_private is true"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := config.Parse("volley.yaml", []byte(minimal+tt.in), env())
			if err == nil || err.Error() != tt.want {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}
