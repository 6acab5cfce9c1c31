package gatewayapi_test

import (
	"encoding/base64"
	"testing"

	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/providers/gatewayapi"
	"github.com/volleysms/volley/providers/providertest"
	"github.com/volleysms/volley/providers/providertest/gateway"
)

func mustNew(t testing.TB, o gatewayapi.Options) *gatewayapi.Adapter {
	t.Helper()
	a, err := gatewayapi.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestConformance(t *testing.T) {
	for name, basic := range map[string]bool{"TokenHeader": false, "BasicAuth": true} {
		t.Run(name, func(t *testing.T) {
			providertest.Run(t, providertest.Harness{
				Dialect: gateway.GatewayAPI{},
				New: func(t testing.TB, baseURL string) providers.Adapter {
					return mustNew(t, gatewayapi.Options{BaseURL: baseURL, Token: gateway.GatewayAPIToken, BasicAuth: basic})
				},
				Wrong: func(t testing.TB, baseURL string) providers.Adapter {
					return mustNew(t, gatewayapi.Options{BaseURL: baseURL, Token: "example-wrong-token", BasicAuth: basic})
				},
				Secrets:  []string{gateway.GatewayAPIToken, base64.StdEncoding.EncodeToString([]byte(gateway.GatewayAPIToken + ":"))},
				Rejected: gateway.JSON(422, `{"code":"0x0312","incident_uuid":"x","message":"Content is not allowed"}`),
				None: map[string]string{
					"ThrottledInItsOwnWords": "GatewayAPI documents no other answer than HTTP 429",
				},
			})
		})
	}
}
