package ogangi

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/sms"
)

func testCall(from sms.SenderID, text string) providers.Call {
	return providers.Call{From: from, Text: text, Segments: 1, Recipients: []providers.Recipient{{To: testNumber}}}
}

// answering returns a server that gives every request the same answer and keeps the addresses asked for.
func answering(t testing.TB, status int, body string) (url string, seen *[]string) {
	t.Helper()
	seen = new([]string)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*seen = append(*seen, r.Method+" "+r.RequestURI)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(s.Close)
	return s.URL, seen
}

func TestSend_Address(t *testing.T) {
	tests := []struct {
		name   string
		o      Options
		params string
	}{
		{"SendMTLetsThePlatformChoose", Options{}, "sendMT/43/2020/null/13055550100/SGVsbG8"},
		{"NullIsNoCarrier", Options{Carrier: "null"}, "sendMT/43/2020/null/13055550100/SGVsbG8"},
		{"SendMTHasSenderBeforeCarrier", Options{Carrier: "2"}, "sendMT/43/2020/2/13055550100/SGVsbG8"},
		{"SendMTWithFlags", Options{Flags: "job-7"}, "sendMT/43/2020/null/13055550100/SGVsbG8/job-7"},
		{"SendSMSHasCarrierBeforeSenderAndTheNumberInBase64", Options{Carrier: "Movistar"}, "tools/sendSMS/43/Movistar/2020/MTMwNTU1NTAxMDA/SGVsbG8"},
		{"CarrierThatIsANumberIsSendMT", Options{Carrier: " 7 "}, "sendMT/43/2020/7/13055550100/SGVsbG8"},
		{"CarrierIsEscaped", Options{Carrier: "Telefónica MX"}, "tools/sendSMS/43/Telef%C3%B3nica%20MX/2020/MTMwNTU1NTAxMDA/SGVsbG8"},
		{"OperationIsChosen", Options{Carrier: "2", Operation: "sendSMS"}, "tools/sendSMS/43/2/2020/MTMwNTU1NTAxMDA/SGVsbG8"},
	}
	for _, tt := range tests {
		for _, base := range []string{"", "/", "/mmc", "/mmc/"} {
			t.Run(tt.name+base, func(t *testing.T) {
				url, seen := answering(t, 200, "<status>OK</status>")
				a := testAdapter(t, url+base, tt.o)
				a.Send(t.Context(), testCall("2020", "Hello"))
				method, params, _ := strings.Cut(tt.params, "43/")
				params = "43/" + params
				want := "GET " + strings.TrimRight(base, "/") + "/rest/api/" + method + params + "/example-public/" + string(a.client.signer.sign(nil, []byte(params)))
				if len(*seen) != 1 || (*seen)[0] != want {
					t.Errorf("got %q, want %q", *seen, want)
				}
			})
		}
	}
}

func TestSend_ARecipientsOwnTextGoesBeforeTheCalls(t *testing.T) {
	url, seen := answering(t, 200, "<status>OK</status>")
	c := testCall("2020", "")
	c.Recipients[0].Text = "Hello"
	if r := testAdapter(t, url, Options{}).Send(t.Context(), c); r[0].Err != nil || !strings.Contains((*seen)[0], "/SGVsbG8/") {
		t.Errorf("got %v, %q", r[0].Err, *seen)
	}
}

func TestSend_RefusesWithoutARequest(t *testing.T) {
	url, seen := answering(t, 200, "<status>OK</status>")
	binary := testCall("2020", "")
	binary.Binary = &sms.Binary{Payload: []byte{1}}
	merged := testCall("2020", "Hi {a}")
	merged.Tags = []string{"{a}"}
	two := testCall("2020", "Hi")
	two.Recipients = append(two.Recipients, providers.Recipient{To: testNumber + 1})
	tests := []struct {
		name string
		c    providers.Call
		kind providers.Kind
	}{
		{"SenderWithLetters", testCall("Acme", "Hi"), providers.Invalid},
		{"NoSender", testCall("", "Hi"), providers.Invalid},
		{"EmptyText", testCall("2020", ""), providers.Invalid},
		{"Binary", binary, providers.Invalid},
		{"FieldsToMerge", merged, providers.Invalid},
		{"TextTooLongForAnAddress", testCall("2020", strings.Repeat("x", 3000)), providers.Invalid},
		{"TwoRecipients", two, providers.Split},
	}
	a := testAdapter(t, url, Options{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			results := a.Send(t.Context(), tt.c)
			if len(results) != len(tt.c.Recipients) {
				t.Fatalf("got %d results", len(results))
			}
			for _, r := range results {
				if r.Err == nil || providers.KindOf(r.Err) != tt.kind || r.Detail == "" {
					t.Errorf("got %v, want %v and a reason", r.Err, tt.kind)
				}
			}
		})
	}
	if len(*seen) != 0 {
		t.Errorf("%d requests were made", len(*seen))
	}
}

// A GET sends a message, so net/http must not repeat it when a connection it reuses dies.
func TestSend_AReusedConnectionThatDiesIsSeenOnce(t *testing.T) {
	var seen, connections atomic.Int64
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if seen.Add(1) == 1 {
			_, _ = w.Write([]byte("<status>OK</status>"))
			return
		}
		panic(http.ErrAbortHandler) // the request was read whole; the connection is cut
	}))
	s.Config.ConnState = connectionCounter(&connections)
	s.Start()
	defer s.Close()
	a := testAdapter(t, s.URL, Options{})
	if r := a.Send(t.Context(), testCall("2020", "Hi")); r[0].Err != nil {
		t.Fatal(r[0].Err)
	}
	r := a.Send(t.Context(), testCall("2020", "Hi"))
	if r[0].Err == nil || providers.KindOf(r[0].Err) != providers.Unknown {
		t.Errorf("got %v, want unknown", r[0].Err)
	}
	if seen.Load() != 2 || connections.Load() != 1 {
		t.Errorf("the server saw %d requests on %d connections; want 2 on 1", seen.Load(), connections.Load())
	}
}

func TestNew_SaysWhatToChange(t *testing.T) {
	client := testClient(t, ClientOptions{})
	tests := []struct {
		name string
		o    Options
		want string
	}{
		{"UnknownOperation", Options{Operation: "sendsms"}, "use sendSMS or sendMT"},
		{"OperationThatDoesNotSend", Options{Operation: OpGetMessage}, "use sendSMS or sendMT"},
		{"CarrierOfDots", Options{Carrier: ".."}, "cannot stand in an address"},
		{"FlagsOfDots", Options{Flags: "."}, "flags"},
		{"FlagsWithASlash", Options{Flags: "a/b"}, "flags"},
		{"FlagsBeyondASCII", Options{Flags: "š"}, "flags"},
		{"FlagsForSendSMS", Options{Flags: "a", Carrier: "Movistar"}, "takes no flags"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := New(client, tt.o); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
	t.Run("NoRoomForAText", func(t *testing.T) {
		if _, err := New(testClient(t, ClientOptions{MaxURLBytes: 100}), Options{}); err == nil || !strings.Contains(err.Error(), "no room") {
			t.Errorf("got %v", err)
		}
	})
}

func TestCheck(t *testing.T) {
	tests := []struct {
		name   string
		status int
		body   string
		proven bool
		kind   providers.Kind // of the error; 0 is none
	}{
		{"OKProvesTheKeys", 200, string(sample(t, "mo_badly_closed.xml")), true, 0},
		{"BadSignature", 200, string(sample(t, "bad_signature.xml")), false, providers.Config},
		{"Unauthorized", 401, "", false, providers.Config},
		{"Forbidden", 403, "", false, providers.Config},
		{"NotFoundIsReachable", 404, "", false, 0},
		{"ErrorIsReachable", 200, string(sample(t, "error.xml")), false, 0},
		{"ServerError", 500, "", false, providers.Unavailable},
		{"AnotherServer", 200, "<html>It works</html>", false, providers.Unavailable},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			url, seen := answering(t, tt.status, tt.body)
			info, err := testAdapter(t, url, Options{}).Check(t.Context())
			if tt.kind == 0 && err != nil || tt.kind != 0 && (err == nil || providers.KindOf(err) != tt.kind) {
				t.Errorf("got %v, want %v", err, tt.kind)
			}
			if info.LoginProven != tt.proven || err == nil && !tt.proven && info.Note == "" {
				t.Errorf("got %+v", info)
			}
			if want := "GET /rest/api/tools/getMOMessages/43/1/1/order=asc/example-public/"; len(*seen) != 1 || !strings.HasPrefix((*seen)[0], want) {
				t.Errorf("got %q, want %q", *seen, want)
			}
		})
	}
}

// connectionCounter counts the connections that a server accepts.
func connectionCounter(n *atomic.Int64) func(net.Conn, http.ConnState) {
	return func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			n.Add(1)
		}
	}
}
