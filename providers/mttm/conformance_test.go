package mttm_test

import (
	"encoding/base64"
	"testing"

	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/providers/mttm"
	"github.com/volleysms/volley/providers/providertest"
	"github.com/volleysms/volley/providers/providertest/gateway"
)

func TestConformance(t *testing.T) {
	tests := []struct {
		name    string
		dialect gateway.MTTM
		options mttm.Options
		none    map[string]string
	}{
		{name: "Send"},
		{name: "SendAnsweredAsDocumented", dialect: gateway.MTTM{Documented: true, Credit: "12.5"}},
		{
			name: "SendBatch", options: mttm.Options{Operation: "sendbatch"},
			none: map[string]string{"PartlyRejected": "sendbatch answers before the gateway looks at a number"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			build := func(t testing.TB, baseURL, password string) providers.Adapter {
				t.Helper()
				o := tt.options
				o.BaseURL, o.Username, o.Password = baseURL, gateway.MTTMUsername, password
				a, err := mttm.New(o)
				if err != nil {
					t.Fatal(err)
				}
				return a
			}
			providertest.Run(t, providertest.Harness{
				Dialect: tt.dialect,
				New: func(t testing.TB, baseURL string) providers.Adapter {
					return build(t, baseURL, gateway.MTTMPassword)
				},
				Wrong: func(t testing.TB, baseURL string) providers.Adapter {
					return build(t, baseURL, "example-wrong")
				},
				Secrets: []string{
					gateway.MTTMUsername, gateway.MTTMPassword,
					base64.StdEncoding.EncodeToString([]byte(gateway.MTTMUsername + ":" + gateway.MTTMPassword)),
				},
				Rejected:  gateway.JSON(400, `{"message": "Error \"Argument [from] has an invalid value: [x]."}`),
				Throttled: gateway.JSON(403, `{"message": "Error \"User throughput exceeded"}`),
				None:      tt.none,
			})
		})
	}
}
