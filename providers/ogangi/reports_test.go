package ogangi

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/providers/providertest/gateway"
	"github.com/volleysms/volley/sms"
)

// before returns an adapter before a simulated platform.
func before(t testing.TB, d gateway.Ogangi, o gateway.Options, faults ...string) (*gateway.Gateway, *Adapter) {
	t.Helper()
	for _, s := range faults {
		f, err := gateway.ParseFault(s)
		if err != nil {
			t.Fatal(err)
		}
		o.Faults = append(o.Faults, f)
	}
	g := gateway.New(d, o)
	if err := g.Start(""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close() })
	c, err := NewClient(ClientOptions{
		BaseURL: g.URL(), InstanceID: gateway.OgangiInstanceID, PublicKey: gateway.OgangiPublicKey, PrivateKey: gateway.OgangiPrivateKey,
	})
	if err != nil {
		t.Fatal(err)
	}
	a, err := New(c, Options{Carrier: gateway.OgangiCarrier})
	if err != nil {
		t.Fatal(err)
	}
	return g, a
}

func TestPoll_TellsWhatTheGatewayDecided(t *testing.T) {
	plan := gateway.ReportPlan{On: true, Undelivered: 0.5}
	_, a := before(t, gateway.Ogangi{}, gateway.Options{Reports: plan})
	fates := map[providers.Fate]int{}
	for i := range 20 {
		c := testCall("2020", "Hi")
		c.Recipients[0].To += sms.MSISDN(i)
		sent := a.Send(t.Context(), c)[0]
		if sent.Err != nil {
			t.Fatal(sent.Err)
		}
		got, err := a.Poll(t.Context(), sent.ID)
		if err != nil || len(got) != 1 {
			t.Fatalf("got %+v, %v", got, err)
		}
		r := got[0]
		if r.Fate != plan.Fate(c.Recipients[0].To) || r.To != c.Recipients[0].To || r.ID != sent.ID || r.Code == "" || r.Detail == "" {
			t.Errorf("got %+v", r)
		}
		fates[r.Fate]++
	}
	if len(fates) != 2 {
		t.Errorf("got only %v", fates)
	}
}

func TestPoll_Answers(t *testing.T) {
	message := func(id, status string) string {
		return "<status>OK</status><result><message><id>" + id + "</id><to>13055550100</to><status>" + status +
			"</status><statusDescription>for 13055550100</statusDescription></message></result>"
	}
	tests := []struct {
		name   string
		status int
		body   string
		want   string
		kind   providers.Kind // of the error; 0 is none
	}{
		{"DeliveredToDevice", 200, message("7", "DELIVERED_TO_DEVICE"), "2 DELIVERED_TO_DEVICE", 0},
		{"WordsAreComparedWithoutCaseAndBlanks", 200, message("7", "Delivered to device"), "2 Delivered to device", 0},
		{"Read", 200, message("7", "READ"), "2 READ", 0},
		{"Sent", 200, message("7", "SENT"), "1 SENT", 0},
		{"DeliveredToCarrierIsNotFinal", 200, message("7", "DELIVERED_TO_CARRIER"), "1 DELIVERED_TO_CARRIER", 0},
		{"Expired", 200, message("7", "EXPIRED"), "3 EXPIRED", 0},
		{"Unreachable", 200, message("7", "UNREACHABLE"), "3 UNREACHABLE", 0},
		{"NotSent", 200, message("7", "NOT_SENT"), "3 NOT_SENT", 0},
		{"BadTo", 200, message("7", "BAD_TO"), "3 BAD_TO", 0},
		{"NotEnoughFunds", 200, message("7", "NOT_ENOUGH_FUNDS"), "3 NOT_ENOUGH_FUNDS", 0},
		{"InternalErrorIsAWordAlone", 200, message("7", "INTERNAL_ERROR"), "0 INTERNAL_ERROR", 0},
		{"AnotherWordIsAWordAlone", 200, message("7", "GONE_FISHING"), "0 GONE_FISHING", 0},
		{"AMessageWithoutIDIsTheOneAskedFor", 200, message("", "SENT"), "1 SENT", 0},
		{"OKAndNothing", 200, "<status>OK</status>", "", 0},
		{"TheVendorsSample", 200, strings.ReplaceAll(string(sample(t, "getmessage.xml")), "-8174720676710228700", "7"), "2 DELIVERED_TO_DEVICE", 0},
		{"NotFound", 404, "", "", 0},
		{"AnotherMessage", 200, message("8", "READ"), "", providers.Unavailable},
		{"Error", 200, "<status>ERROR</status>", "", providers.Unavailable},
		{"Unreadable", 200, "hello", "", providers.Unavailable},
		{"ServerError", 500, "", "", providers.Unavailable},
		{"TooFast", 429, "", "", providers.Throttled},
		{"BadSignature", 200, "<status>BAD_SIGNATURE</status>", "", providers.Config},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			url, seen := answering(t, tt.status, tt.body)
			reports, err := testAdapter(t, url, Options{}).Poll(t.Context(), "7")
			if (err != nil) != (tt.kind != 0) || err != nil && providers.KindOf(err) != tt.kind {
				t.Errorf("got %v, want %v", err, tt.kind)
			}
			got := ""
			for _, r := range reports {
				got += fmt.Sprintf("%d %s", r.Fate, r.Code)
				if strings.Contains(r.Detail, "13055550100") {
					t.Errorf("the number is in the detail %q", r.Detail)
				}
			}
			if got != tt.want || len(*seen) != 1 {
				t.Errorf("got %q in %d requests, want %q", got, len(*seen), tt.want)
			}
		})
	}
}

// The final words are those of the fact sheet, and no others.
func TestMessage_Fate_FinalWords(t *testing.T) {
	delivered := strings.Fields("DELIVERED_TO_DEVICE DELIVRD READ")
	undelivered := strings.Fields("EXPIRED UNREACHABLE NOT_SENT BAD_TO BAD_ADDRESS BAD_FROM BAD_CARRIER/FROM BAD_ENCODING BAD_TIMEZONE " +
		"UNDELIVERED UNDELIV REJECTD DELETED NOT_ENOUGH_FUNDS BLACKLISTED INVALID_ROUTING CODE_NOT_ALLOWED SEGMENTS_EXCEEDED EXHAUSTED")
	for word := range verdicts {
		want := providers.Taken
		switch {
		case slices.Contains(delivered, word):
			want = providers.Delivered
		case slices.Contains(undelivered, word):
			want = providers.Undelivered
		case word == "INTERNAL_ERROR":
			want = providers.Pending
		}
		if got := (Message{Status: word}).Fate(); got != want {
			t.Errorf("%s: got %v, want %v", word, got, want)
		}
	}
}

var noon = time.Date(2030, 5, 17, 12, 0, 0, 0, time.UTC)

// write lets handsets write n messages, a minute apart, the last at noon.
func write(g *gateway.Gateway, n int) {
	for i := range n {
		g.Write(gateway.MO{From: sms.MSISDN(testNumber + i%7), To: "2020", Text: fmt.Sprintf("message %d & <more>", i), At: noon.Add(time.Duration(i-n+1) * time.Minute)})
	}
}

func TestPollInbound_ReadsEveryMessageOnceOldestFirst(t *testing.T) {
	for _, first := range []int{0, 1} {
		for _, n := range []int{0, 1, 99, 100, 101, 250, 500} {
			t.Run(fmt.Sprintf("%dMessagesFromPage%d", n, first), func(t *testing.T) {
				g, a := before(t, gateway.Ogangi{FirstPage: first, Rootless: n%2 == 0}, gateway.Options{})
				write(g, n)
				got, err := a.PollInbound(t.Context(), time.Time{})
				if err != nil || len(got) != n {
					t.Fatalf("got %d messages, %v", len(got), err)
				}
				for i, in := range got {
					want := providers.Inbound{
						ID: in.ID, From: sms.MSISDN(testNumber + i%7), To: "2020", Text: fmt.Sprintf("message %d & <more>", i),
						Keyword: ".*", Carrier: gateway.OgangiCarrier, At: noon.Add(time.Duration(i-n+1) * time.Minute),
					}
					if in != want || in.ID == "" {
						t.Fatalf("message %d: got %+v, want %+v", i, in, want)
					}
				}
				if len(g.Violations()) > 0 {
					t.Errorf("violations %q", g.Violations())
				}
			})
		}
	}
}

func TestPollInbound_StopsAtWhatIsOld(t *testing.T) {
	g, a := before(t, gateway.Ogangi{}, gateway.Options{})
	a.opts.Zone = time.UTC
	write(g, 1000)
	got, err := a.PollInbound(t.Context(), noon.Add(-30*time.Minute))
	if err != nil || len(got) != 200 || got[199].At != noon {
		t.Errorf("got %d messages, %v", len(got), err)
	}
	if n := g.Stats().Requests; n != 2 {
		t.Errorf("%d requests were made; the second page is the first that is old", n)
	}
}

func TestPollInbound_ZoneOfTheTimes(t *testing.T) {
	g, a := before(t, gateway.Ogangi{}, gateway.Options{})
	a.opts.Zone = time.FixedZone("", -4*3600)
	write(g, 1)
	got, err := a.PollInbound(t.Context(), noon)
	if err != nil || len(got) != 1 || !got[0].At.Equal(noon.Add(4*time.Hour)) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestPollInbound_MessagesThatComeInMeanwhileMakePagesOverlap(t *testing.T) {
	g, _ := before(t, gateway.Ogangi{}, gateway.Options{})
	write(g, 250)
	extra := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.ServeHTTP(w, r)
		extra++
		g.Write(gateway.MO{From: testNumber, To: "2020", Text: "new", At: noon.Add(time.Duration(extra) * time.Second)})
	}))
	defer s.Close()
	c, err := NewClient(ClientOptions{BaseURL: s.URL, InstanceID: "43", PublicKey: gateway.OgangiPublicKey, PrivateKey: gateway.OgangiPrivateKey})
	if err != nil {
		t.Fatal(err)
	}
	a, err := New(c, Options{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := a.PollInbound(t.Context(), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, in := range got {
		seen[in.Text]++
	}
	for i := range 250 {
		if n := seen[fmt.Sprintf("message %d & <more>", i)]; n != 1 {
			t.Errorf("message %d was read %d times", i, n)
		}
	}
}

func TestPollInbound_IsBounded(t *testing.T) {
	g, a := before(t, gateway.Ogangi{}, gateway.Options{})
	write(g, 5100)
	got, err := a.PollInbound(t.Context(), time.Time{})
	if err == nil || providers.KindOf(err) != providers.Unavailable || len(got) != 5000 || g.Stats().Requests != 50 {
		t.Errorf("got %d messages in %d requests, %v", len(got), g.Stats().Requests, err)
	}
}

func TestPollInbound_GivesWhatItReadBeforeAnError(t *testing.T) {
	g, a := before(t, gateway.Ogangi{}, gateway.Options{})
	write(g, 250)
	n := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n++; n > 2 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		g.ServeHTTP(w, r)
	}))
	defer s.Close()
	a.client.signer = newSigner(s.URL, a.client.opts)
	got, err := a.PollInbound(t.Context(), time.Time{})
	if err == nil || providers.KindOf(err) != providers.Unavailable || len(got) != 200 {
		t.Errorf("got %d messages, %v", len(got), err)
	}
}

func TestPollInbound_ErrorOnEveryPageIsAnError(t *testing.T) {
	url, seen := answering(t, 200, string(sample(t, "error.xml")))
	got, err := testAdapter(t, url, Options{}).PollInbound(t.Context(), time.Time{})
	if err == nil || len(got) != 0 || len(*seen) != 2 {
		t.Errorf("got %d messages in %d requests, %v", len(got), len(*seen), err)
	}
}

func TestInboundMessage_Inbound(t *testing.T) {
	base := InboundMessage{From: "13055550100", To: "2020", Text: "Hi", SendDate: "2014-10-13 10:30:51.922"}
	t.Run("TheSampleHasTheHandsetInFrom", func(t *testing.T) {
		in, ok := base.Inbound(time.UTC)
		if !ok || in.From != testNumber || in.To != "2020" || in.At != time.Date(2014, 10, 13, 10, 30, 51, 922e6, time.UTC) {
			t.Errorf("got %+v", in)
		}
	})
	t.Run("AShortCodeInFromMeansTheOtherWayRound", func(t *testing.T) {
		m := base
		m.From, m.To = m.To, m.From
		if in, ok := m.Inbound(time.UTC); !ok || in.From != testNumber || in.To != "2020" {
			t.Errorf("got %+v", in)
		}
	})
	t.Run("NobodyIsNoMessage", func(t *testing.T) {
		m := base
		m.From = "2021"
		if in, ok := m.Inbound(time.UTC); ok {
			t.Errorf("got %+v", in)
		}
	})
	t.Run("ATimeThatCannotBeReadIsZero", func(t *testing.T) {
		m := base
		m.SendDate = "yesterday"
		if in, ok := m.Inbound(time.UTC); !ok || !in.At.IsZero() {
			t.Errorf("got %+v", in)
		}
	})
	t.Run("IDStandsForHandsetCodeTimeAndText", func(t *testing.T) {
		seen := map[string]bool{base.ID(): true}
		for _, change := range []func(*InboundMessage){
			func(m *InboundMessage) { m.From = "13055550101" },
			func(m *InboundMessage) { m.To = "2021" },
			func(m *InboundMessage) { m.Text = "Hi " },
			func(m *InboundMessage) { m.SendDate = "2014-10-13 10:30:51.923" },
			func(m *InboundMessage) { m.To, m.SendDate = "20202014", "-10-13 10:30:51.922" },
		} {
			m := base
			change(&m)
			if seen[m.ID()] {
				t.Errorf("%+v has the ID of another", m)
			}
			seen[m.ID()] = true
		}
		m := base
		m.Carrier, m.Keyword, m.Encoding = "x", "y", "z"
		if m.ID() != base.ID() || len(m.ID()) != 32 {
			t.Errorf("got %q and %q", m.ID(), base.ID())
		}
	})
}

func push(body string) providers.Push {
	return providers.Push{Method: http.MethodPost, Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, Body: []byte(body)}
}

func TestReceive(t *testing.T) {
	a := testAdapter(t, "", Options{})
	a.client.now = func() time.Time { return noon }
	good := url.Values{"mobile": {"+1 305 555 0100"}, "mo": {"STOP é€"}}.Encode()
	pushed, err := a.Receive(push(good))
	if err != nil || len(pushed.Reports) != 0 || len(pushed.Inbound) != 1 || pushed.Proven {
		t.Fatalf("got %+v, %v", pushed, err)
	}
	first := pushed.Inbound[0]
	if first.From != testNumber || first.Text != "STOP é€" || first.At != noon || first.ID == "" {
		t.Errorf("got %+v", first)
	}
	id := func(body string, at time.Time) string {
		a.client.now = func() time.Time { return at }
		pushed, err := a.Receive(push(body))
		if err != nil {
			t.Fatal(err)
		}
		return pushed.Inbound[0].ID
	}
	t.Run("RepeatedAtOnceItHasTheSameID", func(t *testing.T) {
		if got := id(good, noon.Add(9*time.Minute)); got != first.ID {
			t.Errorf("got %s, want %s", got, first.ID)
		}
	})
	t.Run("AgainLaterOrOtherwiseItHasAnother", func(t *testing.T) {
		for name, got := range map[string]string{
			"Later": id(good, noon.Add(10*time.Minute)), "OtherText": id(strings.Replace(good, "STOP", "START", 1), noon),
			"OtherHandset": id(strings.Replace(good, "0100", "0101", 1), noon), "MoreFields": id(good+"&x=1", noon),
		} {
			if got == first.ID {
				t.Errorf("%s: the same ID", name)
			}
		}
	})
	for name, body := range map[string]string{
		"Empty": "", "NoText": "mobile=13055550100", "EmptyText": "mobile=13055550100&mo=", "NoHandset": "mo=Hi", "HandsetOfLetters": "mobile=Acme&mo=Hi",
		"ShortCode": "mobile=2020&mo=Hi", "NoForm": "mobile=%zz&mo=Hi", "JSON": `{"mobile":"13055550100","mo":"secret text"}`,
	} {
		t.Run(name+"IsMalformed", func(t *testing.T) {
			_, err := a.Receive(push(body))
			if !errors.Is(err, providers.ErrMalformed) || strings.Contains(err.Error(), "13055550100") || strings.Contains(err.Error(), "secret") {
				t.Errorf("got %v", err)
			}
		})
	}
	if a.Ack() != "" {
		t.Errorf("got %q", a.Ack())
	}
}

func TestReceive_WhatTheSimulatedPlatformPushes(t *testing.T) {
	r := gateway.Ogangi{}.PushInbound(gateway.MO{From: testNumber, To: "2020", Text: "JOIN club é"}, "https://example.invalid")
	pushed, err := testAdapter(t, "", Options{}).Receive(providers.Push{Method: r.Method, Header: r.Header, Body: r.Body})
	if err != nil || len(pushed.Inbound) != 1 || pushed.Inbound[0].From != testNumber || pushed.Inbound[0].Text != "JOIN club é" {
		t.Errorf("got %+v, %v", pushed, err)
	}
}

func FuzzReceive(f *testing.F) {
	for _, s := range []string{"mobile=13055550100&mo=Hi", "mobile=%2B13055550100&mo=%ff", "mo=a;b", "mobile=1&mobile=2", "%", "mo=\x00&mobile=13055550100"} {
		f.Add([]byte(s))
	}
	a := testAdapter(f, "", Options{})
	f.Fuzz(func(t *testing.T, body []byte) {
		pushed, err := a.Receive(providers.Push{Method: http.MethodPost, Body: body})
		if err != nil && !errors.Is(err, providers.ErrMalformed) {
			t.Fatalf("got %v", err)
		}
		if err == nil && (len(pushed.Inbound) != 1 || pushed.Proven) {
			t.Fatalf("got %+v", pushed)
		}
		for _, in := range pushed.Inbound {
			if !in.From.Valid() || in.ID == "" || in.Text == "" || strings.ToValidUTF8(in.Text, "") != in.Text {
				t.Errorf("got %+v", in)
			}
		}
	})
}

func TestSend_CarrierOfTheRecipient(t *testing.T) {
	tests := []struct {
		name, account, recipient string
		operation                Operation
		want                     string // in the address; empty is refused
	}{
		{"ANameGoesBeforeTheAccountsName", "Movistar", "Claro", "", "/tools/sendSMS/43/Claro/2020/"},
		{"ANameMakesItSendSMS", "", "Claro", "", "/tools/sendSMS/43/Claro/2020/"},
		{"ANumberMakesItSendMT", "Movistar", "7", "", "/sendMT/43/2020/7/"},
		{"NullLetsThePlatformChoose", "Movistar", "null", "", "/sendMT/43/2020/null/"},
		{"NoneIsTheAccounts", "Movistar", " ", "", "/tools/sendSMS/43/Movistar/2020/"},
		{"AFixedOperationStays", "", "7", OpSendSMS, "/tools/sendSMS/43/7/2020/"},
		{"ANameForAFixedSendMT", "", "Claro", OpSendMT, "/sendMT/43/2020/Claro/"},
		{"SendSMSToNobodysOperatorIsRefused", "", "", OpSendSMS, ""},
		{"DotsAreRefused", "", "..", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			url, seen := answering(t, 200, "<status>OK</status>")
			c := testCall("2020", "Hi")
			c.Recipients[0].Carrier = tt.recipient
			r := testAdapter(t, url, Options{Carrier: tt.account, Operation: tt.operation}).Send(t.Context(), c)[0]
			if tt.want == "" {
				if len(*seen) != 0 || r.Err == nil || providers.KindOf(r.Err) != providers.Invalid {
					t.Errorf("got %v after %q", r.Err, *seen)
				}
				return
			}
			if len(*seen) != 1 || !strings.Contains((*seen)[0], tt.want) {
				t.Errorf("got %q, want %q", *seen, tt.want)
			}
		})
	}
}
