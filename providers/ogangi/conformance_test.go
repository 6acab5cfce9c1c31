package ogangi_test

import (
	"maps"
	"testing"

	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/providers/ogangi"
	"github.com/volleysms/volley/providers/providertest"
	"github.com/volleysms/volley/providers/providertest/gateway"
)

// cases are how many cases of the suite have something to look at; docs/providers.md says so too.
var cases = map[string]int{
	"SendSMS": 48, "SendSMSBelowAPathToACarrierWithABlank": 48, "SendMT": 47, "SendMTWithCarrierAndFlags": 47,
}

func TestConformance(t *testing.T) {
	const prefix, carrier = "/mmc", "Telefónica México"
	none := map[string]string{"ThrottledInItsOwnWords": "the platform documents no word for it"}
	noneOfMT := maps.Clone(none)
	noneOfMT["Poll"] = "sendMT gives no identifier to ask about"
	tests := []struct {
		name     string
		dialect  gateway.Ogangi
		client   ogangi.ClientOptions
		options  ogangi.Options
		path     string
		rejected gateway.Reply
		none     map[string]string
	}{
		{
			name:    "SendSMS",
			options: ogangi.Options{Carrier: gateway.OgangiCarrier},
			none:    none,
			rejected: gateway.Reply{Body: []byte("<response><status>OK</status><result><messages><message>" +
				"<status>CODE_NOT_ALLOWED</status></message></messages></result></response>")},
		},
		{
			name:    "SendSMSBelowAPathToACarrierWithABlank",
			dialect: gateway.Ogangi{Prefix: prefix, Carrier: carrier, Rootless: true, Padded: true},
			client:  ogangi.ClientOptions{PaddedBase64: true},
			options: ogangi.Options{Carrier: carrier},
			path:    prefix + "/",
			none:    none,
			rejected: gateway.Reply{Body: []byte("<status>OK</status> <result> <messages> <message> <status>BAD ADDRESS</status>" +
				" </message> <messages> </result>")},
		},
		{
			name:     "SendMT",
			client:   ogangi.ClientOptions{ErrorKind: providers.Rejected}, // ERROR is its only word for a refused number
			rejected: gateway.Reply{Status: 400},
			none:     noneOfMT,
		},
		{
			name:     "SendMTWithCarrierAndFlags",
			client:   ogangi.ClientOptions{ErrorKind: providers.Rejected},
			options:  ogangi.Options{Carrier: "2", Flags: "job-7"},
			rejected: gateway.Reply{Status: 414},
			none:     noneOfMT,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			build := func(t testing.TB, baseURL, privateKey string) providers.Adapter {
				t.Helper()
				o := tt.client
				o.BaseURL, o.InstanceID = baseURL+tt.path, gateway.OgangiInstanceID
				o.PublicKey, o.PrivateKey = gateway.OgangiPublicKey, privateKey
				client, err := ogangi.NewClient(o)
				if err != nil {
					t.Fatal(err)
				}
				a, err := ogangi.New(client, tt.options)
				if err != nil {
					t.Fatal(err)
				}
				return a
			}
			providertest.Run(t, providertest.Harness{
				Dialect: tt.dialect,
				New: func(t testing.TB, baseURL string) providers.Adapter {
					return build(t, baseURL, gateway.OgangiPrivateKey)
				},
				Wrong: func(t testing.TB, baseURL string) providers.Adapter {
					return build(t, baseURL, "example-wrong-key")
				},
				Secrets:  []string{gateway.OgangiPublicKey, gateway.OgangiPrivateKey},
				Rejected: tt.rejected,
				Cases:    cases[tt.name],
				None:     tt.none,
			})
		})
	}
}
