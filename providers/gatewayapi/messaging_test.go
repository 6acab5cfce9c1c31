package gatewayapi_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/providers/gatewayapi"
	"github.com/volleysms/volley/providers/providertest"
	"github.com/volleysms/volley/providers/providertest/gateway"
	"github.com/volleysms/volley/sms"
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
			return mustNewMessaging(t, gatewayapi.MessagingOptions{
				BaseURL: baseURL, Token: gateway.GatewayAPIToken, WebhookSecret: gateway.GatewayAPIWebhookSecret,
			})
		},
		Wrong: func(t testing.TB, baseURL string) providers.Adapter {
			return mustNewMessaging(t, gatewayapi.MessagingOptions{BaseURL: baseURL, Token: "example-wrong-token"})
		},
		Secrets:  []string{gateway.GatewayAPIToken, gateway.GatewayAPIWebhookSecret},
		Rejected: gateway.JSON(422, `{"detail":[{"loc":["body","sender"],"msg":"Value error","type":"value_error"}]}`),
		Word:     statusEvent,
		Cases:    cases["Messaging"],
		None: map[string]string{
			"ThrottledInItsOwnWords": "GatewayAPI documents no other answer than HTTP 429",
			"ReportsAreAskedFor":     "the Messaging API pushes to the webhook of the account's settings alone",
		},
	})
}

// statusEvent returns a signed status event with a status of the caller's choice.
func statusEvent(word string) gateway.PushRequest {
	body, err := json.Marshal(map[string]any{
		"event_id": "e-1", "timestamp": "2030-03-17T17:46:40Z", "event_type": "message.status.sms",
		"event": map[string]any{"msg_id": "m-1", "recipient": 4512340998, "status": word, "status_at": "2030-03-17T17:46:40Z"},
	})
	if err != nil {
		panic(err) // of strings and numbers
	}
	return gateway.PushRequest{
		Method: "POST", URL: "https://sms.example.com/hook", Body: body, Header: http.Header{
			"Content-Type": {"application/json"}, "Signature": {signedEvent(string(body), gateway.GatewayAPIWebhookSecret)},
		},
	}
}

func TestNewMessaging(t *testing.T) {
	good := gatewayapi.MessagingOptions{BaseURL: "https://gateway.example.invalid/prefix/", Token: "example-token"}
	tests := []struct {
		name   string
		change func(*gatewayapi.MessagingOptions)
		want   string // in the error; empty is none
	}{
		{"Good", func(*gatewayapi.MessagingOptions) {}, ""},
		{"DefaultBaseURL", func(o *gatewayapi.MessagingOptions) { o.BaseURL = "" }, ""},
		{"NoToken", func(o *gatewayapi.MessagingOptions) { o.Token = "" }, "token is missing"},
		{"Query", func(o *gatewayapi.MessagingOptions) { o.BaseURL += "?a=b" }, "base URL"},
		{"OtherScheme", func(o *gatewayapi.MessagingOptions) { o.BaseURL = "ftp://gateway.example.invalid" }, "base URL"},
		{"TinyBody", func(o *gatewayapi.MessagingOptions) { o.MaxBodyBytes = 100 }, "max body bytes"},
		{"1001Recipients", func(o *gatewayapi.MessagingOptions) { o.MaxRecipients = 1_001 }, "max recipients"},
		{"41Connections", func(o *gatewayapi.MessagingOptions) { o.MaxConns = 41 }, "max connections"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := good
			tt.change(&o)
			_, err := gatewayapi.NewMessaging(o)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want one about %q", err, tt.want)
			}
		})
	}
}

// messagingAnswering returns a Messaging before a server that gives one answer.
func messagingAnswering(t testing.TB, status int, body string) *gatewayapi.Messaging {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(s.Close)
	return mustNewMessaging(t, gatewayapi.MessagingOptions{BaseURL: s.URL, Token: "example-token"})
}

func TestMessaging_Classify(t *testing.T) {
	named := func(i, field, kind string) string {
		return `{"loc":["body","messages",` + i + `,"` + field + `"],"msg":"Said the gateway","type":"` + kind + `"}`
	}
	const all = `{"responses":[{"msg_id":"A3","recipient":4512340103,"reference":null},{"msg_id":"A1","recipient":4512340101,"reference":null},{"msg_id":"A2","recipient":"4512340102","reference":"j1.c0"}]}`
	tests := []struct {
		name   string
		status int
		body   string
		want   string
	}{
		{"AllInAnotherOrder", 202, all, "accepted"},
		{"FieldsThatAreNew", 202, strings.Replace(all, "{", `{"new":[1],`, 1), "accepted"},
		{"OneMissing", 202, `{"responses":[{"msg_id":"A3","recipient":4512340103},{"msg_id":"A1","recipient":4512340101}]}`, "accepted, unknown 202, accepted"},
		{"OneWithoutAnID", 202, `{"responses":[{"msg_id":"A3","recipient":4512340103},{"msg_id":"A1","recipient":4512340101},{"msg_id":null,"recipient":4512340102}]}`, "accepted, unknown 202, accepted"},
		{"TheFormOfOne", 202, `{"msg_id":"A1","recipient":4512340101,"reference":null}`, "accepted, unknown 202, unknown 202"},
		{"NobodyOfOurs", 202, `{"responses":[{"msg_id":"A3","recipient":4512340199}]}`, "unknown 202"},
		{"None", 202, `{"responses":[]}`, "unknown 202"},
		{"NotJSON", 202, `<html>`, "unknown 202"},
		{"Empty", 202, ``, "unknown 202"},

		{"NoCredentials", 401, `{"detail":"Not authenticated"}`, "config 401"},
		{"WrongToken", 403, `{"detail":"Forbidden"}`, "config 403"},
		{"OneRecipient", 422, `{"detail":[` + named("1", "recipient", "less_than_equal") + `]}`, "again less_than_equal, invalid less_than_equal, again less_than_equal"},
		{"TwoRecipients", 422, `{"detail":[` + named("1", "recipient", "less_than_equal") + `,` + named("2", "message", "string_too_long") + `,` + named("2", "sender", "x") + `]}`, "again less_than_equal, invalid less_than_equal, invalid string_too_long"},
		{"Everyone", 422, `{"detail":[` + named("0", "sender", "string_too_short") + `,` + named("1", "sender", "string_too_short") + `,` + named("2", "sender", "string_too_short") + `]}`, "invalid string_too_short"},
		{"TheRequest", 422, `{"detail":[{"loc":["body","messages"],"msg":"List should have at most 1000 items","type":"too_long"}]}`, "invalid too_long"},
		{"TheRequestBesideARecipient", 422, `{"detail":[` + named("1", "recipient", "x") + `,{"loc":["body"],"msg":"Bad","type":"value_error"}]}`, "invalid x"},
		{"AnIndexThatIsNone", 422, `{"detail":[` + named("7", "recipient", "x") + `]}`, "invalid x"},
		{"AnIndexBelowZero", 422, `{"detail":[` + named("-1", "recipient", "x") + `]}`, "invalid x"},
		{"AnIndexInWords", 422, `{"detail":[` + named(`"1"`, "recipient", "x") + `]}`, "invalid x"},
		{"422WithoutADetail", 422, ``, "invalid 422"},
		{"400", 400, ``, "invalid 400"},
		{"402", 402, ``, "config 402"},
		{"404", 404, `{"detail":"Not Found"}`, "config 404"},
		{"413IsSplit", 413, ``, "split 413"},
		{"429", 429, ``, "throttled 429"},
		{"500", 500, ``, "unknown 500"},
		{"502", 502, ``, "unknown 502"},
		{"503", 503, ``, "unavailable 503"},
		{"504", 504, ``, "unknown 504"},
		{"307", 307, ``, "config 307"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := outcome(messagingAnswering(t, tt.status, tt.body).Send(t.Context(), threeRecipients())); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestMessaging_Send_IDsAreOfTheirRecipient(t *testing.T) {
	g := start(t, gateway.Messaging{}, gateway.ReportPlan{})
	m := mustNewMessaging(t, gatewayapi.MessagingOptions{BaseURL: g.URL(), Token: gateway.GatewayAPIToken})
	c := threeRecipients()
	ids := map[sms.MSISDN]string{}
	for i, r := range m.Send(t.Context(), c) {
		ids[c.Recipients[i].To] = r.ID
	}
	for _, taken := range g.Messages() {
		if taken.ID == "" || ids[taken.To] != taken.ID {
			t.Errorf("%s: got ID %q, the gateway gave %q", taken.To.Masked(), ids[taken.To], taken.ID)
		}
	}
}

func TestMessaging_Send_WhatItCannotSay(t *testing.T) {
	to := []providers.Recipient{{To: 4512340101}}
	for name, c := range map[string]providers.Call{
		"Binary":      {From: "Acme", Binary: &sms.Binary{Payload: []byte{1}}, Encoding: sms.Data, Recipients: to},
		"NoSender":    {Text: "Hi", Recipients: to},
		"ShortSender": {From: "Ab", Text: "Hi", Recipients: to},
		"Tags":        {From: "Acme", Text: "Hi x", Tags: []string{"x"}, Recipients: []providers.Recipient{{To: 4512340101, Values: []string{"y"}}}},
		"NoText":      {From: "Acme", Recipients: to},
	} {
		t.Run(name, func(t *testing.T) {
			g := start(t, gateway.Messaging{}, gateway.ReportPlan{})
			m := mustNewMessaging(t, gatewayapi.MessagingOptions{BaseURL: g.URL(), Token: gateway.GatewayAPIToken})
			if got := outcome(m.Send(t.Context(), c)); got != "invalid" || g.Stats().Requests != 0 {
				t.Errorf("got %s after %d requests", got, g.Stats().Requests)
			}
		})
	}
}

func TestMessaging_Check(t *testing.T) {
	tests := []struct {
		name   string
		status int
		body   string
		kind   providers.Kind
		failed bool
	}{
		{"AnEmptyMessageIsRefused", 422, `{"detail":[{"loc":["body","sender"],"msg":"Field required","type":"missing"}]}`, 0, false},
		{"AnEmptyMessageIsTaken", 202, `{}`, providers.Unavailable, true},
		{"OtherGateway", 422, `nope`, providers.Invalid, true},
		{"NoCredentials", 401, ``, providers.Config, true},
		{"WrongToken", 403, ``, providers.Config, true},
		{"ServerError", 500, ``, providers.Unavailable, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			info, err := messagingAnswering(t, tt.status, tt.body).Check(t.Context())
			if info.LoginProven || (err != nil) != tt.failed || tt.failed && providers.KindOf(err) != tt.kind || !tt.failed && info.Note == "" {
				t.Errorf("got %+v, %v", info, err)
			}
		})
	}
}

func signedEvent(body, secret string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	return "v1=" + hex.EncodeToString(mac.Sum(nil))
}

func TestMessaging_Receive_Samples(t *testing.T) {
	m := mustNewMessaging(t, gatewayapi.MessagingOptions{Token: "example-token", WebhookSecret: "secret"})
	at := time.Date(2025, 4, 1, 11, 49, 12, 5021000, time.UTC)
	report := providers.Report{Fate: providers.Delivered, To: 4512345678, ID: "01JQRJWK259Y1YEECJZB50908V", Code: "DELIVERED", At: at}
	rejected, read := report, report
	rejected.Fate, rejected.Reference, rejected.Code, rejected.Detail = providers.Undelivered, "j1.c0", "0x1905", "REJECTED: Unsupported sender"
	read.Reference, read.Code = "j1.c0", "READ"
	for file, want := range map[string]providers.Pushed{
		"event_delivered.json": {Reports: []providers.Report{report}},
		"event_rejected.json":  {Reports: []providers.Report{rejected}},
		"event_read.json":      {Reports: []providers.Report{read}},
		"event_inbound.json":   {Inbound: []providers.Inbound{{ID: "01K33QFGSHXXM0Q7HM7QS34PY6", From: 4512345678, Text: "Hello World", At: at}}},
		"event_location.json":  {},
	} {
		t.Run(file, func(t *testing.T) {
			want.Proven = true
			body := sample(t, file)
			got, err := m.Receive(push(body, "Signature", signedEvent(body, "secret")))
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("got %+v, %v; want %+v", got, err, want)
			}
		})
	}
	t.Run("SignedByOpenSSL", func(t *testing.T) {
		const known = "v1=c06e8c5cc7eb2976020ebf93d65dca60dc4398a0185e39652f4ab79141afba6a"
		if got, err := m.Receive(push(sample(t, "event_delivered.json"), "Signature", known)); err != nil || !got.Proven {
			t.Errorf("got %+v, %v", got, err)
		}
	})
	t.Run("NoSecretNoProof", func(t *testing.T) {
		open := mustNewMessaging(t, gatewayapi.MessagingOptions{Token: "example-token"})
		if got, err := open.Receive(push(sample(t, "event_delivered.json"), "", "")); err != nil || got.Proven || len(got.Reports) != 1 {
			t.Errorf("got %+v, %v", got, err)
		}
	})
	t.Run("TextOfRCS", func(t *testing.T) {
		body := `{"event_type":"user-message.text.rcs","event":{"sender":4512345678,"content":"Hello"}}`
		got, err := m.Receive(push(body, "Signature", signedEvent(body, "secret")))
		if err != nil || len(got.Inbound) != 1 || got.Inbound[0].Text != "Hello" || got.Inbound[0].ID == "" {
			t.Errorf("got %+v, %v", got, err)
		}
	})
}

func TestMessaging_Receive_Forged(t *testing.T) {
	m := mustNewMessaging(t, gatewayapi.MessagingOptions{Token: "example-token", WebhookSecret: "secret"})
	body := sample(t, "event_delivered.json")
	good := signedEvent(body, "secret")
	for name, signature := range map[string]string{
		"AnotherSecret": signedEvent(body, "another"), "AnotherBody": signedEvent(body+" ", "secret"), "Empty": "",
		"NoVersion": good[3:], "OtherVersion": "v0=" + good[3:], "Half": good[:30], "NoHex": "v1=" + strings.Repeat("z", 64),
		"TooManyBefore": strings.Repeat("v1=00,", 100) + good,
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := m.Receive(push(body, "Signature", signature)); !errors.Is(err, providers.ErrForged) || got.Proven || got.Reports != nil {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
	t.Run("None", func(t *testing.T) {
		if _, err := m.Receive(push(body, "", "")); !errors.Is(err, providers.ErrForged) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("OneOfTwoIsEnoughWhileTheSecretChanges", func(t *testing.T) {
		if got, err := m.Receive(push(body, "Signature", "v1=00, "+good)); err != nil || !got.Proven {
			t.Errorf("got %+v, %v", got, err)
		}
	})
}

func TestMessaging_Receive_Malformed(t *testing.T) {
	m := mustNewMessaging(t, gatewayapi.MessagingOptions{Token: "example-token"})
	for name, body := range map[string]string{
		"Empty": "", "Null": "null", "Array": "[]", "NoType": `{"event":{}}`, "NoEvent": `{"event_type":"message.status.sms"}`,
		"NoStatus":     `{"event_type":"message.status.sms","event":{"msg_id":"A"}}`,
		"TextOfNobody": `{"event_type":"user-message.text.sms","event":{"content":"Hi"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := m.Receive(push(body, "", "")); !errors.Is(err, providers.ErrMalformed) || got.Reports != nil {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
	t.Run("GET", func(t *testing.T) {
		if _, err := m.Receive(providers.Push{Method: "GET"}); !errors.Is(err, providers.ErrMalformed) {
			t.Errorf("got %v", err)
		}
	})
}
