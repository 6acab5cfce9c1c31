package mttm_test

import (
	"encoding/base64"
	"net/url"
	"testing"

	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/providers/mttm"
	"github.com/volleysms/volley/providers/providertest"
	"github.com/volleysms/volley/providers/providertest/gateway"
)

// cases are how many cases of the suite have something to look at; docs/providers.md says so too.
var cases = map[string]int{"Send": 52, "SendAnsweredAsDocumented": 52, "SendBatch": 51, "URL": 52, "URLByGet": 52}

func TestConformance(t *testing.T) {
	rest := func(o mttm.Options) func(t testing.TB, baseURL, password string) providers.Adapter {
		return func(t testing.TB, baseURL, password string) providers.Adapter {
			t.Helper()
			o := o
			o.BaseURL, o.Username, o.Password = baseURL, gateway.MTTMUsername, password
			a, err := mttm.New(o)
			if err != nil {
				t.Fatal(err)
			}
			return a
		}
	}
	byURL := func(method string) func(t testing.TB, baseURL, password string) providers.Adapter {
		return func(t testing.TB, baseURL, password string) providers.Adapter {
			t.Helper()
			u, err := mttm.NewURL(mttm.URLOptions{BaseURL: baseURL, Username: gateway.MTTMUsername, Password: password, Method: method})
			if err != nil {
				t.Fatal(err)
			}
			return u
		}
	}
	relayed := func(status int, text string) gateway.Reply {
		return gateway.JSON(status, `{"message": "Error \"`+text+`"}`)
	}
	plain := func(status int, text string) gateway.Reply {
		return gateway.Reply{Status: status, Type: "text/plain", Body: []byte(`Error "` + text + `"`)}
	}
	tests := []struct {
		name    string
		dialect gateway.Dialect
		build   func(t testing.TB, baseURL, password string) providers.Adapter
		says    func(status int, text string) gateway.Reply
		none    map[string]string
	}{
		{"Send", gateway.MTTM{}, rest(mttm.Options{}), relayed, nil},
		{"SendAnsweredAsDocumented", gateway.MTTM{Documented: true, Credit: "12.5"}, rest(mttm.Options{}), relayed, nil},
		{
			"SendBatch",
			gateway.MTTM{},
			rest(mttm.Options{Operation: "sendbatch"}), relayed,
			map[string]string{"PartlyRejected": "sendbatch answers before the gateway looks at a number"},
		},
		{"URL", gateway.MTTMURL{}, byURL(""), plain, nil},
		{"URLByGet", gateway.MTTMURL{}, byURL("get"), plain, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			providertest.Run(t, providertest.Harness{
				Dialect: tt.dialect,
				New: func(t testing.TB, baseURL string) providers.Adapter {
					return tt.build(t, baseURL, gateway.MTTMPassword)
				},
				Wrong: func(t testing.TB, baseURL string) providers.Adapter {
					return tt.build(t, baseURL, "example-wrong")
				},
				Secrets: []string{
					gateway.MTTMUsername, gateway.MTTMPassword,
					base64.StdEncoding.EncodeToString([]byte(gateway.MTTMUsername + ":" + gateway.MTTMPassword)),
				},
				Rejected:  tt.says(400, "Argument [from] has an invalid value: [x]."),
				Throttled: tt.says(403, "User throughput exceeded"),
				Word: func(word string) gateway.PushRequest {
					form := url.Values{"id": {"00000000-0000-4000-8000-000000000001"}, "level": {"2"}, "message_status": {word}}
					return gateway.PushRequest{Method: "POST", URL: "https://sms.example.com/r/1", Body: []byte(form.Encode())}
				},
				Cases: cases[tt.name],
				None:  tt.none,
			})
		})
	}
}
