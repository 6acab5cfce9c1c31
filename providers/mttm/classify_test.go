package mttm

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/volleysms/volley/internal/httpc"
	"github.com/volleysms/volley/providers"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func response(status int, body string) *httpc.Response {
	return &httpc.Response{Status: status, Header: http.Header{}, Body: []byte(body)}
}

// The texts stand in the REST layer's own JSON, in what it relays, and bare, as the inner API writes them.
func forms(text string) map[string]string {
	return map[string]string{
		"Relayed":     fmt.Sprintf(`{"message": %q}`, `Error "`+text),
		"Title":       fmt.Sprintf(`{"title": %q, "description": "about example-user"}`, text),
		"Plain":       `Error "` + text + `"`,
		"Capitals":    fmt.Sprintf(`{"message": %q}`, strings.ToUpper(text)),
		"WithAFooter": fmt.Sprintf(`{"message": %q}`, text) + "\nMessage To The Moon 2019",
	}
}

func TestClassify(t *testing.T) {
	const (
		unknown, invalid, rejected           = providers.Unknown, providers.Invalid, providers.Rejected
		config, throttled, unavailable, spli = providers.Config, providers.Throttled, providers.Unavailable, providers.Split
	)
	tests := []struct {
		status      int
		text        string
		send, batch providers.Kind
	}{
		{400, "Argument [to] has an invalid value: [12].", invalid, invalid},
		{400, "Argument to has an invalid value: 12.", invalid, invalid},
		{400, "Argument _ has an invalid value: _.", rejected, rejected},
		{400, "Argument [from] has an invalid value: [x].", rejected, rejected},
		{400, "Argument [hello] is unknown.", rejected, rejected},
		{400, "Argument hello is unknown.", rejected, rejected},
		{400, "Argument [to] is unknown.", rejected, rejected},
		{400, "Argument [username] has an invalid value: [x].", config, config},
		{400, "Argument [password] has an invalid value: [x].", config, config},
		{400, "Mandatory argument [to] is not found.", rejected, rejected},
		{400, "Mandatory arguments not found, please refer to the HTTPAPI specifications.", rejected, rejected},
		{400, "content and hex-content cannot be used both in same request.", rejected, rejected},
		{400, "Value filter failed for user [example-user] (destination_address filter mismatch).", invalid, invalid},
		{400, "Value filter failed for user [example-user] (source_address filter mismatch).", config, config},
		{400, "Value filter failed for user [example-user] (priority filter mismatch).", rejected, rejected},
		{400, "Value filter failed for user [example-user] (validity_period filter mismatch).", rejected, rejected},
		{400, "Authorization failed for user [example-user] (Setting priority not authorized).", rejected, rejected},
		{400, "Authorization failed for user [example-user] (Setting validity period not authorized).", rejected, rejected},
		{400, "Authorization failed for user [example-user] (Setting schedule delivery time not authorized).", rejected, rejected},
		{400, "Value filter failed for user [example-user] (content filter mismatch).", rejected, rejected},
		{400, "Value filter failed for user [example-user] (short_message filter mismatch).", rejected, rejected},
		{400, "Authorization failed for user [example-user] (Setting source address not authorized).", config, config},
		{400, "something new", rejected, rejected},

		{401, "Authentication required", config, config},
		{401, "Invalid token: Basic", config, config},

		{403, "Authentication failure for username:example-user", config, config},
		{403, "Authorization failed for username:example-user", config, config},
		{403, "User throughput exceeded", throttled, throttled},
		{403, "Cannot charge submit_sm, check RouterPB log file for details", config, config},
		{403, "something new", config, config},

		{412, "No route found", rejected, rejected},
		{412, "Failover route has no bound connectors, check configuration.", unavailable, unavailable},
		{412, "Authentication failed", config, config},
		{412, "Cannot parse JSON data", rejected, rejected},
		{412, "Cannot schedule batch in past date", rejected, rejected},
		{412, "Cannot parse scheduled_at value", rejected, rejected},
		{412, "something new", rejected, rejected},

		{500, "Cannot send submit_sm, check SMPPClientManagerPB log file for details", unavailable, unknown},
		{500, "Unknown error: 'NoneType' object", unknown, unknown},
		{500, "500 Internal Server Error", unknown, unknown},
		{500, "Jasmin httpapi connection error", unknown, unknown},
		{500, "Jasmin httpapi connection error: Connection refused", unavailable, unavailable},
		{500, "Jasmin httpapi unknown error", unknown, unknown},
		{503, "Failed running interception script, check log for details", unavailable, unavailable},
		{503, "InterceptorPB not connected!", unavailable, unavailable},

		{451, "Interception specific error code 451", rejected, rejected},
		{403, "Interception specific error code 403", rejected, rejected},
		{500, "Interception specific error code 500", unknown, unknown},
		{599, "Interception specific error code 599", unknown, unknown},

		{404, "404 Not Found", config, config},
		{405, "405 Method Not Allowed", config, config},
		{415, "415 Unsupported Media Type", config, config},
		{413, "413 Request Entity Too Large", invalid, spli},
		{414, "414 URI Too Long", invalid, spli},
		{408, "", unavailable, unavailable},
		{429, "", throttled, throttled},
		{502, "<html>Bad Gateway</html>", unknown, unknown},
		{504, "<html>Gateway Timeout</html>", unknown, unknown},
		{301, "", config, config},
		{307, "", config, config},
		{201, "", unknown, unknown},
		{204, "", unknown, unknown},
	}
	for _, tt := range tests {
		for form, body := range forms(tt.text) {
			t.Run(fmt.Sprintf("%d/%s/%s", tt.status, tt.text, form), func(t *testing.T) {
				for batch, want := range map[bool]providers.Kind{false: tt.send, true: tt.batch} {
					n := 1
					if batch {
						n = 2
					}
					e := classify(response(tt.status, body), batch, n, noon)
					if e.Kind != want || e.Code != fmt.Sprint(tt.status) || e.Provider != "mttm" {
						t.Errorf("batch %v: got %v, want %v", batch, e, want)
					}
					if strings.Contains(e.Error(), "example-user") {
						t.Errorf("the user name leaks: %v", e)
					}
				}
			})
		}
	}
}

func TestClassify_ABatchOfOneIsNotSplit(t *testing.T) {
	if e := classify(response(413, ""), true, 1, noon); e.Kind != providers.Invalid {
		t.Errorf("got %v", e)
	}
}

func TestClassify_InnerConnection(t *testing.T) {
	for name, want := range map[string]providers.Kind{
		"connection_refused.txt": providers.Unavailable,
		"connection_lost.txt":    providers.Unknown, // its text says NewConnectionError
	} {
		t.Run(name, func(t *testing.T) {
			e := classify(response(500, string(sample(t, name))), false, 1, noon)
			if e.Kind != want {
				t.Errorf("got %v, want %v", e, want)
			}
			for _, secret := range []string{"example-", "45123", "secret", "127.0.0.1"} {
				if strings.Contains(e.Error(), secret) {
					t.Errorf("%q leaks: %v", secret, e)
				}
			}
		})
	}
}

func TestClassify_WaitsAsAsked(t *testing.T) {
	for status, want := range map[int]time.Duration{429: 7 * time.Second, 503: 7 * time.Second, 500: 0} {
		r := response(status, "")
		r.Header.Set("Retry-After", "7")
		if e := classify(r, false, 1, noon); e.RetryAfter != want {
			t.Errorf("%d: got %v, want %v", status, e.RetryAfter, want)
		}
	}
}

func TestAccepted(t *testing.T) {
	const batchID = "cdc7bcaa-17c1-4302-8926-210edf08052d"
	tests := []struct {
		name  string
		body  string
		batch bool
		n     int
		id    string // of each result; "" is Unknown
	}{
		{"WithoutClosingQuote", string(sample(t, "send_ok.txt")), false, 1, "8c6c9f9a-e434-4ab0-80ee-030ebe127a68"},
		{"WithClosingQuoteAndFooter", string(sample(t, "send_ok_documented.txt")), false, 1, "8c6c9f9a-e434-4ab0-80ee-030ebe127a68"},
		{"TheSentenceAlone", string(sample(t, "send_ok_plain.txt")), false, 1, "07033084-5cfb-4812-90a4-e4d24ffb6e3d"},
		{"AnotherSentence", `{"data": "Success \"[Failure instance: Traceback"}`, false, 1, ""},
		{"AnIDWithBlanks", `{"data": "Success \"not an id"}`, false, 1, ""},
		{"AnErrorUnder200", `{"message": "Error \"No route found"}`, false, 1, ""},
		{"ABatchsAnswerToASend", string(sample(t, "batch_ok.txt")), false, 3, ""},
		{"Batch", string(sample(t, "batch_ok.txt")), true, 3, batchID},
		{"BatchWithFooter", string(sample(t, "batch_ok.txt")) + "\nV 1.0", true, 3, batchID},
		{"Scheduled", `{"data": {"batchId": "` + batchID + `", "messageCount": 3, "scheduled": "5s"}}`, true, 3, batchID},
		{"LowerCount", string(sample(t, "batch_ok.txt")), true, 4, ""},
		{"HigherCount", string(sample(t, "batch_ok.txt")), true, 2, ""},
		{"NoCount", `{"data": {"batchId": "` + batchID + `"}}`, true, 1, ""},
		{"NoBatchID", `{"data": {"messageCount": 1}}`, true, 1, ""},
		{"ASendsAnswerToABatch", string(sample(t, "send_ok.txt")), true, 1, ""},
		{"Empty", "", false, 1, ""},
		{"Page", "<html>It works</html>", true, 2, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			results := accepted([]byte(tt.body), tt.batch, tt.n)
			if len(results) != tt.n {
				t.Fatalf("got %d results, want %d", len(results), tt.n)
			}
			for _, r := range results {
				if tt.id != "" && (r.Err != nil || r.ID != tt.id) {
					t.Errorf("got %q, %v; want %q", r.ID, r.Err, tt.id)
				}
				var e *providers.Error
				if tt.id == "" && (!errors.As(r.Err, &e) || e.Kind != providers.Unknown || e.Detail == "") {
					t.Errorf("got %v, want unknown and a reason", r.Err)
				}
			}
		})
	}
}
