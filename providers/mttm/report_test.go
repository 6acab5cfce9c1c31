package mttm

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/providers/providertest/gateway"
	"github.com/volleysms/volley/sms"
)

// push reads a sample: a line with the method, and one with the fields as they are written in a form and in a query alike.
func push(t testing.TB, name string) providers.Push {
	t.Helper()
	method, fields, ok := strings.Cut(strings.TrimSpace(string(sample(t, filepath.Join("push", name)))), "\n")
	if !ok {
		t.Fatalf("%s is not a sample", name)
	}
	return pushOf(t, method, fields)
}

func pushOf(t testing.TB, method, fields string) providers.Push {
	t.Helper()
	if method == http.MethodPost {
		return providers.Push{Method: method, Body: []byte(fields)}
	}
	q, err := url.ParseQuery(fields)
	if err != nil {
		t.Fatal(err)
	}
	return providers.Push{Method: method, Query: q}
}

func TestReceive_Samples(t *testing.T) {
	const id = "07033084-5cfb-4812-90a4-e4d24ffb6e3d"
	for name, want := range map[string]providers.Report{
		"dlr_level1.txt":               {Fate: providers.Taken, ID: id, Code: "ESME_ROK"},
		"dlr_level2.txt":               {Fate: providers.Delivered, ID: id, Code: "DELIVRD"},
		"batch_documented.txt":         {Fate: providers.Taken, To: 3162222222, ID: "0b10eb6c-840b-41a5-8326-ebcf58ea6695", Code: "1"},
		"batch_no_route.txt":           {Fate: providers.Undelivered, To: 3162222222, Code: "0", Detail: "no route found"},
		"batch_connection_refused.txt": {Fate: providers.Undelivered, To: 3162222222, Code: "0", Detail: "httpapi connection error: connection refused"},
		"batch_connection_lost.txt":    {Fate: providers.Pending, To: 3162222222, Code: "0", Detail: "httpapi connection error"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := pushes{}.Receive(push(t, name))
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Reports) != 1 || got.Reports[0] != want || got.Inbound != nil {
				t.Errorf("got %+v, want %+v", got, want)
			}
			if got.Proven {
				t.Error("nothing in a push proves who made it")
			}
		})
	}
}

func TestReceive_DLR(t *testing.T) {
	const pending, taken, delivered, undelivered = providers.Pending, providers.Taken, providers.Delivered, providers.Undelivered
	tests := []struct {
		status, level string
		want          providers.Fate
	}{
		{"ESME_ROK", "1", taken},
		{"ESME_RSYSERR", "1", providers.Unclear},
		{"ESME_RTHROTTLED", "1", providers.Unclear},
		{"ESME_RMSGQFUL", "1", providers.Unclear},
		{"ESME_RINVSCHED", "1", providers.Unclear},
		{"ESME_RINVDSTADR", "1", undelivered},
		{"ESME_RSUBMITFAIL", "1", undelivered},
		{"ESME_RUNHEARDOF", "1", undelivered},
		{"DELIVRD", "2", delivered},
		{"delivrd", "2", delivered},
		{"ACCEPTD", "2", taken},
		{"ENROUTE", "2", taken},
		{"UNKNOWN", "2", pending},
		{"UNDELIV", "2", undelivered},
		{"REJECTD", "2", undelivered},
		{"EXPIRED", "2", undelivered},
		{"DELETED", "2", undelivered},
		{"SKIPPED", "2", pending},
		{"ND", "2", pending},
		{"DELIVRD", "3", delivered},
		{"DELIVRD", "", delivered},
		{"DELIVRD", "1", pending}, // the network can't know yet
	}
	for _, tt := range tests {
		t.Run(tt.status+"AtLevel"+tt.level, func(t *testing.T) {
			fields := url.Values{"id": {"a-1"}, "message_status": {tt.status}, "level": {tt.level}, "connector": {"c1"}, "text": {"secret"}}
			for _, method := range []string{http.MethodPost, http.MethodGet} {
				got, err := pushes{}.Receive(pushOf(t, method, fields.Encode()))
				if err != nil {
					t.Fatal(err)
				}
				if want := (providers.Report{Fate: tt.want, ID: "a-1", Code: tt.status}); len(got.Reports) != 1 || got.Reports[0] != want {
					t.Errorf("%s: got %+v, want %+v", method, got, want)
				}
			}
		})
	}
	t.Run("KeepsTheNetworksError", func(t *testing.T) {
		for code, want := range map[string]string{"027": "error 027", "000": "", "": "", "ND": "", "4512345678": "", "a b": ""} {
			got, err := pushes{}.Receive(pushOf(t, http.MethodGet, url.Values{"message_status": {"UNDELIV"}, "level": {"2"}, "err": {code}}.Encode()))
			if err != nil || got.Reports[0].Detail != want {
				t.Errorf("%q: got %+v, %v; want %q", code, got, err, want)
			}
		}
	})
	t.Run("APairThatCannotBeReadIsLeftOut", func(t *testing.T) {
		got, err := pushes{}.Receive(pushOf(t, http.MethodPost, "id=a&text=%zz&x;y&message_status=DELIVRD&level=2"))
		if err != nil || got.Reports[0].Fate != delivered {
			t.Errorf("got %+v, %v", got, err)
		}
	})
}

func TestReceive_Progress(t *testing.T) {
	const pending, undelivered = providers.Pending, providers.Undelivered
	inner := func(text string) string { return `HTTPAPI error: Error "` + text }
	tests := []struct {
		name, text string
		want       providers.Fate
		detail     string
	}{
		{"NoRoute", inner("No route found"), undelivered, "no route found"},
		{"NoRouteWithTheClosingQuote", inner(`No route found"`), undelivered, "no route found"},
		{"NoRouteWithoutThePrefix", `Error "No route found"`, undelivered, "no route found"},
		{"InQuotes", `"` + inner("No route found") + `"`, undelivered, "no route found"},
		{"NoCredit", inner("Cannot charge submit_sm, check RouterPB log file for details"), undelivered, "cannot charge submit_sm"},
		{"TooFast", inner("User throughput exceeded"), undelivered, "throughput exceeded"},
		{"WrongLogin", inner("Authentication failure for username:example-user"), undelivered, "authentication failure"},
		{"BadNumber", inner("Argument [to] has an invalid value: [4512345678]."), undelivered, "argument to has an invalid value"},
		{"NoConnector", inner("Failover route has no bound connectors, check configuration."), undelivered, "failover route has no bound connectors"},
		{"NotQueued", inner("Cannot send submit_sm, check SMPPClientManagerPB log file for details"), undelivered, "cannot send submit_sm"},
		{"SenderNotAllowed", inner("Authorization failed for user [example-user] (Setting source address not authorized)."), undelivered, "authorization failed"},
		{"NoInterceptor", inner("InterceptorPB not connected!"), undelivered, "interceptorpb not"},
		{"InterceptedAsRefused", inner("Interception specific error code 451"), undelivered, "interception specific error code"},
		{"InterceptedAsBroken", inner("Interception specific error code 500"), pending, "interception specific error code"},
		{"InterceptedWithoutACode", inner("Interception specific error code"), pending, "interception specific error code"},
		{"ErrorThatIsNotKnown", inner("example-password for 4512345678"), pending, ""},
		{"InnerUnknownError", inner("Unknown error: 'NoneType' object"), pending, "unknown error"},
		{"UnknownError", "Unknown error: no route found for /send?password=example-password", pending, "unknown error"},
		{"AnotherServersPage", "<html>no route found</html>", pending, ""},
		{"APhraseInSomebodysText", "content=no route found", pending, ""},
		{"Nothing", "", pending, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := pushes{}.Receive(pushOf(t, http.MethodGet, url.Values{"batchId": {"b"}, "to": {"4512345678"}, "status": {"0"}, "statusText": {tt.text}}.Encode()))
			if err != nil {
				t.Fatal(err)
			}
			if want := (providers.Report{Fate: tt.want, To: 4512345678, Code: "0", Detail: tt.detail}); got.Reports[0] != want {
				t.Errorf("got %+v, want %+v", got.Reports[0], want)
			}
		})
	}
	t.Run("SuccessWithoutAnIDSaysNothing", func(t *testing.T) {
		got, err := pushes{}.Receive(pushOf(t, http.MethodGet, url.Values{"batchId": {"b"}, "status": {"1"}, "statusText": {`Success "[Failure instance: x]"`}}.Encode()))
		if want := (providers.Report{Code: "1"}); err != nil || got.Reports[0] != want {
			t.Errorf("got %+v, %v", got, err)
		}
	})
	t.Run("OldReleasesNameNoNumber", func(t *testing.T) {
		got, err := pushes{}.Receive(pushOf(t, http.MethodGet, url.Values{"batchId": {"b"}, "status": {"1"}, "statusText": {`Success "a"`}}.Encode()))
		if want := (providers.Report{Fate: providers.Taken, ID: "a", Code: "1"}); err != nil || got.Reports[0] != want {
			t.Errorf("got %+v, %v", got, err)
		}
	})
}

func TestReceive_Malformed(t *testing.T) {
	const secret = "example-password"
	for name, p := range map[string]providers.Push{
		"Nothing":             {Method: http.MethodGet},
		"AnEmptyForm":         {Method: http.MethodPost},
		"AnotherMethod":       {Method: http.MethodPut, Query: url.Values{"message_status": {"DELIVRD"}}},
		"HEAD":                {Method: http.MethodHead, Query: url.Values{"message_status": {"DELIVRD"}}},
		"OtherFields":         pushOf(t, http.MethodGet, "hello="+secret),
		"JSON":                pushOf(t, http.MethodPost, `{"message_status":"DELIVRD"}`),
		"AnEmptyStatus":       pushOf(t, http.MethodPost, "message_status=&level=2"),
		"AStatusThatIsNoWord": pushOf(t, http.MethodPost, "message_status=DELIVRD+"+secret),
		"ALongStatus":         pushOf(t, http.MethodPost, "message_status="+strings.Repeat("D", maxStatus+1)),
		"AnIDThatIsNone":      pushOf(t, http.MethodPost, "message_status=DELIVRD&id=a+b"),
		"ALongID":             pushOf(t, http.MethodPost, "message_status=DELIVRD&id="+strings.Repeat("a", maxID+1)),
		"ALongBody":           pushOf(t, http.MethodPost, "message_status=DELIVRD&text="+strings.Repeat("a", maxPush)),
		"ABatchWithoutAnID":   pushOf(t, http.MethodGet, "batchId=&status=1&statusText=Success+%22a%22"),
		"ABatchWithoutStatus": pushOf(t, http.MethodGet, "batchId=b&statusText=Success+%22a%22"),
		"AnotherBatchStatus":  pushOf(t, http.MethodGet, "batchId=b&status=2"),
		"ABatchToNoNumber":    pushOf(t, http.MethodGet, "batchId=b&status=1&to="+secret),
		"ALongStatusText":     pushOf(t, http.MethodGet, "batchId=b&status=0&statusText="+strings.Repeat("a", maxStatusText+1)),
	} {
		t.Run(name, func(t *testing.T) {
			got, err := pushes{}.Receive(p)
			if !errors.Is(err, providers.ErrMalformed) || got.Reports != nil {
				t.Errorf("got %+v, %v", got, err)
			}
			if err != nil && strings.Contains(err.Error(), secret) {
				t.Errorf("what was pushed leaks: %v", err)
			}
		})
	}
}

func TestAck(t *testing.T) {
	for _, r := range []providers.Receiver{&Adapter{}, &URL{}} {
		if got := r.Ack(); got != "ACK/Jasmin" {
			t.Errorf("got %q", got)
		}
	}
}

// hook is what the gateway pushes to: each recipient of a call has an address of its own.
type hook struct {
	receiver providers.Receiver
	url      string

	mu      sync.Mutex
	final   map[sms.MSISDN]providers.Fate // by the address's number, or the one in the report
	ids     map[sms.MSISDN]string
	details map[string]bool
	calls   int
	lose    int // this many calls are answered with an error before they are read
}

func newHook(t *testing.T, r providers.Receiver) *hook {
	h := &hook{receiver: r, final: map[sms.MSISDN]providers.Fate{}, ids: map[sms.MSISDN]string{}, details: map[string]bool{}}
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	h.url = s.URL
	return h
}

// reportTo is Call.ReportTo for the numbers. The address of all of them is /0/k.
func (h *hook) reportTo(to []providers.Recipient) func(i int) string {
	return func(i int) string {
		if i < 0 {
			return h.url + "/0/k"
		}
		return h.url + "/" + to[i].To.String() + "/k"
	}
}

func (h *hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	number, _, ok := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/k")
	to, err2 := strconv.ParseUint(number, 10, 64)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls++
	if h.lose > 0 {
		h.lose--
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	if err != nil || !ok || err2 != nil || !strings.HasSuffix(r.URL.Path, "/k") {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	got, err := h.receiver.Receive(providers.Push{Method: r.Method, Query: r.URL.Query(), Header: r.Header, Body: body})
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	for _, report := range got.Reports {
		who := sms.MSISDN(to)
		if who == 0 {
			who = report.To
		}
		if report.ID != "" {
			h.ids[who] = report.ID
		}
		h.details[report.Detail] = true
		if report.Fate.Final() && !h.final[who].Final() {
			h.final[who] = report.Fate
		}
	}
	_, _ = io.WriteString(w, h.receiver.Ack())
}

func TestReports_EndAsTheGatewayDecided(t *testing.T) {
	const n = 200
	login := Options{Username: gateway.MTTMUsername, Password: gateway.MTTMPassword}
	rest := func(operation string) func(t *testing.T, baseURL string) providers.Adapter {
		return func(t *testing.T, baseURL string) providers.Adapter {
			o := login
			o.BaseURL, o.Operation = baseURL, operation
			a, err := New(o)
			if err != nil {
				t.Fatal(err)
			}
			return a
		}
	}
	byURL := func(method string) func(t *testing.T, baseURL string) providers.Adapter {
		return func(t *testing.T, baseURL string) providers.Adapter {
			u, err := NewURL(URLOptions{BaseURL: baseURL, Username: login.Username, Password: login.Password, Method: method})
			if err != nil {
				t.Fatal(err)
			}
			return u
		}
	}
	for name, tt := range map[string]struct {
		dialect gateway.Dialect
		adapter func(t *testing.T, baseURL string) providers.Adapter
	}{
		"Send":      {gateway.MTTM{}, rest(send)},
		"SendBatch": {gateway.MTTM{}, rest(sendBatch)},
		"URL":       {gateway.MTTMURL{}, byURL(methodPost)},
		"URLByGet":  {gateway.MTTMURL{}, byURL(methodGet)},
	} {
		t.Run(name, func(t *testing.T) {
			plan := gateway.ReportPlan{
				On: true, Undelivered: 0.4, Transient: 0.5, Disorder: 0.5, Twice: 0.3, Forged: 0.3, Pause: time.Millisecond,
			}
			g := gateway.New(tt.dialect, gateway.Options{Reports: plan})
			if err := g.Start(""); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = g.Close() })
			a := tt.adapter(t, g.URL())
			h := newHook(t, a.(providers.Receiver))
			if name != "SendBatch" { // a batch's progress is told once
				h.lose = 3
			}

			to := make([]providers.Recipient, n)
			for i := range to {
				to[i].To = sms.MSISDN(4512340000 + i)
			}
			each := a.Limits().Recipients
			for i := 0; i < n; i += each {
				some := to[i:min(i+each, n)]
				for _, r := range a.Send(t.Context(), providers.Call{From: "Acme", Text: "secret text", Segments: 1, Recipients: some, ReportTo: h.reportTo(some)}) {
					if r.Err != nil {
						t.Fatal(r.Err)
					}
				}
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if err := g.WaitPushed(ctx); err != nil {
				t.Fatal(err)
			}
			fates := g.Fates()
			if len(fates) != n {
				t.Fatalf("the gateway decided about %d of %d", len(fates), n)
			}
			for number, want := range fates {
				if got := h.final[number]; got != want {
					t.Errorf("%s ends as %v, want %v", number.Masked(), got, want)
				}
			}
			s := g.Pushed()
			if s.Forged == 0 || s.Believed != 0 || s.Dropped != 0 || s.Repeated == 0 && name != "SendBatch" {
				t.Errorf("got %+v", s)
			}
			if v := g.Violations(); len(v) > 0 {
				t.Errorf("rules were broken: %q", v)
			}
			for d := range h.details {
				if strings.Contains(d, "example-") || strings.Contains(d, "secret") || strings.Contains(d, "45123") {
					t.Errorf("%q is kept", d)
				}
			}
			if name == "SendBatch" && !h.details["no route found"] {
				t.Errorf("no number failed in the batch's worker: %v", h.details)
			}
		})
	}
}

func TestReports_ARefusedNumberOfABatchIsTold(t *testing.T) {
	g := gateway.New(gateway.MTTM{}, gateway.Options{
		Reports: gateway.ReportPlan{On: true}, Faults: []gateway.Fault{{Kind: gateway.Refuse, Suffix: "101"}},
	})
	if err := g.Start(""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close() })
	a, err := New(Options{BaseURL: g.URL(), Username: gateway.MTTMUsername, Password: gateway.MTTMPassword, Operation: sendBatch})
	if err != nil {
		t.Fatal(err)
	}
	h := newHook(t, a)
	to := []providers.Recipient{{To: 4512340101}, {To: 4512340102}}
	for _, r := range a.Send(t.Context(), providers.Call{Text: "Hi", Segments: 1, Recipients: to, ReportTo: h.reportTo(to)}) {
		if r.Err != nil {
			t.Fatal(r.Err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := g.WaitPushed(ctx); err != nil {
		t.Fatal(err)
	}
	if h.final[4512340101] != providers.Undelivered || h.final[4512340102] != providers.Delivered {
		t.Errorf("got %v", h.final)
	}
	if id := h.ids[4512340102]; id == "" || id == g.Messages()[0].ID {
		t.Errorf("the message's own identifier is %q, and the batch's %q", id, g.Messages()[0].ID)
	}
}

// Whatever is pushed, what is kept is bounded and of known form, and a final fate needs a known word.
func FuzzReceive(f *testing.F) {
	names, err := filepath.Glob("testdata/push/*.txt")
	if err != nil || len(names) == 0 {
		f.Fatal("no samples", err)
	}
	for _, name := range names {
		method, fields, _ := strings.Cut(strings.TrimSpace(string(sample(f, filepath.Join("push", filepath.Base(name))))), "\n")
		f.Add(method == http.MethodPost, fields)
	}
	f.Add(true, "message_status=DELIVRD&message_status=UNDELIV&level=2")
	f.Add(false, "batchId=b&status=0&statusText=HTTPAPI+error%3A+Error+%22Interception+specific+error+code+451")
	f.Fuzz(func(t *testing.T, post bool, fields string) {
		p := providers.Push{Method: http.MethodPost, Body: []byte(fields)}
		if !post {
			q, _ := url.ParseQuery(fields)
			p = providers.Push{Method: http.MethodGet, Query: q}
		}
		got, err := pushes{}.Receive(p)
		if err != nil {
			if !errors.Is(err, providers.ErrMalformed) || got.Reports != nil || len(err.Error()) > 200 {
				t.Errorf("got %+v, %v", got, err)
			}
			return
		}
		if len(got.Reports) != 1 || got.Proven || got.Inbound != nil {
			t.Fatalf("got %+v", got)
		}
		r := got.Reports[0]
		if r.Code == "" || !isID(r.Code) || len(r.Code) > maxStatus || r.ID != "" && !isID(r.ID) || r.To != 0 && !r.To.Valid() {
			t.Errorf("got %+v", r)
		}
		if len(r.Detail) > 80 || strings.Trim(r.Detail, "abcdefghijklmnopqrstuvwxyz0123456789_-: ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
			t.Errorf("kept %q", r.Detail)
		}
		if !r.At.IsZero() || r.Reference != "" {
			t.Errorf("got %+v", r)
		}
	})
}

func BenchmarkReceive(b *testing.B) {
	p := push(b, "dlr_level2.txt")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := (pushes{}).Receive(p); err != nil {
			b.Fatal(err)
		}
	}
}
