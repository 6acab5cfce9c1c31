package gatewayapi_test

import (
	"testing"

	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/providers/gatewayapi"
	"github.com/volleysms/volley/providers/providertest"
	"github.com/volleysms/volley/providers/providertest/gateway"
)

func mustNewMessaging(t testing.TB, o gatewayapi.MessagingOptions) *gatewayapi.Messaging {
	t.Helper()
	m, err := gatewayapi.NewMessaging(o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestMessaging_Conformance(t *testing.T) {
	providertest.Run(t, providertest.Harness{
		Dialect: gateway.Messaging{},
		New: func(t testing.TB, baseURL string) providers.Adapter {
			return mustNewMessaging(t, gatewayapi.MessagingOptions{BaseURL: baseURL, Token: gateway.GatewayAPIToken})
		},
		Wrong: func(t testing.TB, baseURL string) providers.Adapter {
			return mustNewMessaging(t, gatewayapi.MessagingOptions{BaseURL: baseURL, Token: "example-wrong-token"})
		},
		Secrets:  []string{gateway.GatewayAPIToken},
		Rejected: gateway.JSON(422, `{"detail":[{"loc":["body","sender"],"msg":"Value error","type":"value_error"}]}`),
		None: map[string]string{
			"ThrottledInItsOwnWords": "GatewayAPI documents no other answer than HTTP 429",
		},
	})
}
