package ogangi

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/volleysms/volley/internal/httpc"
	"github.com/volleysms/volley/providers"
)

const testNumber = 13055550100

// testClient returns a client of the test account.
func testClient(t testing.TB, o ClientOptions) *Client {
	t.Helper()
	if o.BaseURL == "" {
		o.BaseURL = "https://example.invalid/mmc"
	}
	o.InstanceID, o.PublicKey, o.PrivateKey = "43", "example-public", "example-private"
	c, err := NewClient(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// testAdapter returns an adapter before url; empty is nowhere.
func testAdapter(t testing.TB, url string, o Options) *Adapter {
	t.Helper()
	a, err := New(testClient(t, ClientOptions{BaseURL: url}), o)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// outcome is what the adapter makes of an answer with status 200 to a message.
func outcome(t testing.TB, o ClientOptions, op Operation, body, text string) providers.Result {
	t.Helper()
	a, err := New(testClient(t, o), Options{})
	if err != nil {
		t.Fatal(err)
	}
	ans, failure := a.client.read([]byte(body), []string{text})
	if failure != nil {
		return a.result(Message{}, failure, text)
	}
	m, failure := a.client.sent(ans, testNumber, op == OpSendSMS, text)
	return a.result(m, failure, text)
}

// want is what a result must be; kind counts when taken is false.
type want struct {
	taken, delivered bool
	kind             providers.Kind
}

func (w want) check(t *testing.T, r providers.Result) {
	t.Helper()
	if w.taken != (r.Err == nil) {
		t.Fatalf("got error %v, want taken %v", r.Err, w.taken)
	}
	if r.Err != nil && providers.KindOf(r.Err) != w.kind {
		t.Errorf("got %v, want %v", r.Err, w.kind)
	}
	if r.Delivered != w.delivered {
		t.Errorf("got delivered %v, want %v", r.Delivered, w.delivered)
	}
}

func TestOutcome_MessageStatus(t *testing.T) {
	taken := want{taken: true}
	delivered := want{taken: true, delivered: true}
	invalid, rejected := want{kind: providers.Invalid}, want{kind: providers.Rejected}
	tests := map[string]want{
		"SENT_TO_CARRIER": taken, "SENT": taken, "SENDING": taken, "PENDING": taken, "DELIVERED_TO_CARRIER": taken,
		"SENT_TO_DEVICE": taken, "ACCEPTD": taken, "BUFFRED": taken, "QUEUE": taken, "DEQUEUED": taken, "ENROUTE": taken,
		"INCOMPLETE": taken, "CARRIER_GATEWAY_ERROR": taken,
		"DELIVERED_TO_DEVICE": delivered, "DELIVRD": delivered, "READ": delivered,
		"BAD_TO": invalid, "BAD_ADDRESS": invalid, "UNREACHABLE": rejected, "BLACKLISTED": rejected, "INVALID_ROUTING": rejected,
		"BAD_CARRIER/FROM": rejected,
		"BAD_FROM":         rejected, "CODE_NOT_ALLOWED": rejected, "BAD_ENCODING": invalid, "BAD_TIMEZONE": rejected, "SEGMENTS_EXCEEDED": invalid,
		"NOT_ENOUGH_FUNDS": {kind: providers.Config},
		"NOT_SENT":         rejected, "EXPIRED": rejected, "EXHAUSTED": rejected, "UNDELIVERED": rejected, "UNDELIV": rejected,
		"REJECTD": rejected, "DELETED": rejected,
		"INTERNAL_ERROR": {kind: providers.Unavailable},
		"GONE_FISHING":   {}, "": {},

		"Sent to Carrier": taken, " sent-to-device ": taken, "Bad Address": invalid, "bad carrier/from": rejected,
		"not enough funds": {kind: providers.Config}, "INTERNAL-ERROR": {kind: providers.Unavailable},
	}
	for _, operation := range []Operation{OpSendSMS, OpSendMT} {
		for status, w := range tests {
			t.Run(string(operation)+"/"+status, func(t *testing.T) {
				r := outcome(t, ClientOptions{}, operation, "<status>OK</status><result><messages><message><id>id-1</id><to>"+"13055550100"+"</to><status>"+
					status+"</status><statusDescription>to 13055550100</statusDescription></message></messages></result>", "")
				w.check(t, r)
				if r.ID != "id-1" || r.Code != strings.TrimSpace(status) || r.Detail != "to ***100" {
					t.Errorf("got ID %q, code %q, detail %q", r.ID, r.Code, r.Detail)
				}
			})
		}
	}
}

func TestOutcome_Call(t *testing.T) {
	message := func(to, status string) string {
		return "<message><id>id-" + to + "</id><to>" + to + "</to><status>" + status + "</status></message>"
	}
	list := func(messages ...string) string {
		return "<status>OK</status><result><messages>" + strings.Join(messages, "") + "</messages></result>"
	}
	taken, unknown := want{taken: true}, want{kind: providers.Unknown}
	tests := []struct {
		name      string
		body      string
		sms, mt   want
		id        string
		code      string
		errorKind providers.Kind
	}{
		{name: "OKWithoutAMessageIsAllThatSendMTSays", body: "<status>OK</status>", mt: taken, sms: unknown, code: "OK"},
		{name: "BadSignature", body: "<status>BAD_SIGNATURE</status>", mt: want{kind: providers.Config}, sms: want{kind: providers.Config}, code: "BAD_SIGNATURE"},
		{name: "BadSignatureInAnAnswerThatEndsEarly", body: "<response><status>Bad signature</status>", mt: want{kind: providers.Config}, sms: want{kind: providers.Config}, code: "Bad signature"},
		{name: "Error", body: "<status>ERROR</status>", mt: unknown, sms: unknown, code: "ERROR"},
		{name: "ErrorAsConfigured", body: "<status>ERROR</status>", mt: want{kind: providers.Rejected}, sms: want{kind: providers.Rejected}, code: "ERROR", errorKind: providers.Rejected},
		{name: "AnotherWord", body: "<status>MAYBE</status>", mt: unknown, sms: unknown, code: "MAYBE"},
		{name: "NoStatus", body: "<response></response>", mt: unknown, sms: unknown},
		{name: "Empty", body: "", mt: unknown, sms: unknown},
		{name: "Page", body: "<html><body>It works</body></html>", mt: unknown, sms: unknown},
		{name: "OKInAnAnswerThatEndsEarly", body: "<response><status>OK</status>", mt: unknown, sms: unknown, code: "OK"},
		{name: "OneMessageIsAboutTheRecipientWhateverItNames", body: list(message("3055550100", "SENT")), mt: taken, sms: taken, id: "id-3055550100", code: "SENT"},
		{name: "MessagesAreMatchedByNumber", body: list(message("13055550199", "BAD_TO"), message("+13055550100", "SENT")), mt: taken, sms: taken, id: "id-+13055550100", code: "SENT"},
		{name: "NoMessageOfManyIsToTheRecipient", body: list(message("13055550198", "SENT"), message("13055550199", "SENT")), mt: unknown, sms: unknown, code: "OK"},
		{name: "SeveralOfOneMind", body: list(message("13055550100", "SENT"), message("13055550100", "READ")), mt: taken, sms: taken, id: "id-13055550100", code: "SENT"},
		{name: "SeveralThatDiffer", body: list(message("13055550100", "SENT"), message("13055550100", "BAD_TO")), mt: unknown, sms: unknown, code: "BAD_TO"},
		{name: "AWordTooLongForACode", body: "<status>" + strings.Repeat("WORD", 20) + "</status>", mt: unknown, sms: unknown},
	}
	for _, tt := range tests {
		for operation, w := range map[Operation]want{OpSendSMS: tt.sms, OpSendMT: tt.mt} {
			t.Run(tt.name+"/"+string(operation), func(t *testing.T) {
				r := outcome(t, ClientOptions{ErrorKind: tt.errorKind}, operation, tt.body, "")
				w.check(t, r)
				if r.ID != tt.id || r.Code != tt.code {
					t.Errorf("got ID %q, code %q; want %q, %q", r.ID, r.Code, tt.id, tt.code)
				}
			})
		}
	}
}

func TestOutcome_DetailShowsNoSecret(t *testing.T) {
	for _, body := range []string{
		"<status>ERROR</status><description>WORDS</description>",
		"<status>OK</status><result><messages><message><status>SENT</status><statusDescription>WORDS</statusDescription></message></messages></result>",
		"<status>OK</status><result><messages><message><status>BAD_TO</status><statusDescription>WORDS</statusDescription></message></messages></result>",
	} {
		r := outcome(t, ClientOptions{}, OpSendSMS, strings.Replace(body, "WORDS", "cannot send 'secret text' to 13055550100 for example-public", 1), "secret text")
		if want := "cannot send '***' to ***100 for ***"; r.Detail != want {
			t.Errorf("%s: got %q, want %q", body, r.Detail, want)
		}
	}
}

func TestRefusal(t *testing.T) {
	tests := map[int]providers.Kind{
		400: providers.Rejected, 404: providers.Config, 405: providers.Config, 414: providers.Invalid,
		401: providers.Config, 403: providers.Config, 407: providers.Config,
		408: providers.Unavailable, 429: providers.Throttled, 503: providers.Unavailable,
		500: providers.Unknown, 502: providers.Unknown, 504: providers.Unknown, 599: providers.Unknown,
		301: providers.Config, 302: providers.Config, 307: providers.Config, 308: providers.Config,
		410: providers.Rejected, 201: providers.Unknown, 204: providers.Unknown,
	}
	for status, kind := range tests {
		t.Run(http.StatusText(status), func(t *testing.T) {
			e := refusal(&httpc.Response{Status: status, Body: []byte("see /rest/api/sendMT/43/secret")}, time.Now())
			if e.Kind != kind || strings.Contains(e.Error(), "secret") {
				t.Errorf("got %v, want %v without the body", e, kind)
			}
		})
	}
	t.Run("SaysHowLongToWait", func(t *testing.T) {
		e := refusal(&httpc.Response{Status: 503, Header: http.Header{"Retry-After": {"7"}}}, time.Now())
		if e.RetryAfter != 7*time.Second {
			t.Errorf("got %v", e.RetryAfter)
		}
	})
	t.Run("BadSignatureUnderAnyStatus", func(t *testing.T) {
		e := refusal(&httpc.Response{Status: 500, Body: sample(t, "bad_signature.xml")}, time.Now())
		if e.Kind != providers.Config {
			t.Errorf("got %v", e)
		}
	})
}

func TestOutcome_KeepsTheCause(t *testing.T) {
	r := outcome(t, ClientOptions{}, OpSendMT, "", "")
	if !errors.Is(r.Err, errEmpty) {
		t.Errorf("got %v", r.Err)
	}
}
