package config

import (
	"strings"
	"testing"
)

// gatewayAPIFile is a file with one account that has the keys.
func gatewayAPIFile(keys string) []byte {
	return []byte("redis: {url: redis://127.0.0.1}\naccounts: {dk: {provider: gatewayapi, token: t" + keys + "}}\n")
}

func noEnv(string) (string, bool) { return "", false }

func TestParse_GatewayAPI(t *testing.T) {
	c, err := Parse("volley.yaml", gatewayAPIFile(", webhook_secret: s, require_signature: true, class: standard, urgent_class: premium"), noEnv)
	if err != nil {
		t.Fatal(err)
	}
	a := c.Accounts[0]
	if a.Class != "standard" || a.UrgentClass != "premium" || !a.RequireSignature || a.API != "" || a.WebhookSecret.Reveal() != "s" {
		t.Errorf("got %+v", a)
	}
	c, err = Parse("volley.yaml", gatewayAPIFile(", api: messaging"), noEnv)
	if err != nil || c.Accounts[0].API != "messaging" {
		t.Errorf("got %+v, %v", c, err)
	}
}

func TestParse_GatewayAPI_Refused(t *testing.T) {
	tests := []struct{ name, keys, want string }{
		{"OtherAPI", ", api: soap", "accounts.dk.api: must be one of rest, messaging"},
		{"OtherAuth", ", auth: oauth", "accounts.dk.auth: must be one of token, basic"},
		{"AnAuthOfTheMessagingAPI", ", api: messaging, auth: basic", "accounts.dk.auth: is for api: rest"},
		{"OtherClass", ", class: charge", "accounts.dk.class: must be one of standard, premium, secret"},
		{"OtherUrgentClass", ", urgent_class: fast", "accounts.dk.urgent_class: must be one of standard, premium, secret"},
		{"RequiredSignatureWithoutASecret", ", require_signature: true", "accounts.dk.require_signature: needs webhook_secret"},
		{"RequiredSignatureThatIsNoYes", ", require_signature: yes", "accounts.dk.require_signature: must be one of true, false"},
		{"AClassOfTheMessagingAPI", ", api: messaging, class: premium", "accounts.dk.class: is for api: rest"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := Parse("volley.yaml", gatewayAPIFile(tt.keys), noEnv); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want one with %q", err, tt.want)
			}
		})
	}
}
