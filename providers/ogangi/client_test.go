package ogangi_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/providers/ogangi"
	"github.com/volleysms/volley/providers/providertest"
	"github.com/volleysms/volley/providers/providertest/gateway"
	"github.com/volleysms/volley/sms"
)

const handset = 13055550100

// start returns a simulated platform.
func start(t testing.TB, d gateway.Ogangi, o gateway.Options) *gateway.Gateway {
	t.Helper()
	g := gateway.New(d, o)
	if err := g.Start(""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close() })
	return g
}

// faults parses what a simulated platform does wrong.
func faults(t testing.TB, texts ...string) (out []gateway.Fault) {
	t.Helper()
	for _, s := range texts {
		f, err := gateway.ParseFault(s)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, f)
	}
	return out
}

// client returns a client of the simulated account; o has its other options.
func client(t testing.TB, baseURL string, o ogangi.ClientOptions) *ogangi.Client {
	t.Helper()
	o.BaseURL, o.InstanceID = baseURL, gateway.OgangiInstanceID
	o.PublicKey, o.PrivateKey = gateway.OgangiPublicKey, gateway.OgangiPrivateKey
	c, err := ogangi.NewClient(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// pair returns a simulated platform and a client of it.
func pair(t testing.TB, texts ...string) (*gateway.Gateway, *ogangi.Client) {
	t.Helper()
	g := start(t, gateway.Ogangi{}, gateway.Options{Faults: faults(t, texts...)})
	return g, client(t, g.URL(), ogangi.ClientOptions{})
}

// kind fails unless err is of the kind.
func kind(t testing.TB, err error, want providers.Kind) *providers.Error {
	t.Helper()
	var e *providers.Error
	if !errors.As(err, &e) || e.Kind != want {
		t.Fatalf("got %v, want %v", err, want)
	}
	return e
}

// do are the operations, each called once.
var do = map[ogangi.Operation]func(context.Context, *ogangi.Client) error{
	ogangi.OpSendSMS: func(ctx context.Context, c *ogangi.Client) error {
		_, err := c.SendSMS(ctx, ogangi.SMS{Carrier: gateway.OgangiCarrier, From: "2020", To: handset, Text: "Hi €"})
		return err
	},
	ogangi.OpSendMT: func(ctx context.Context, c *ogangi.Client) error {
		_, err := c.SendMT(ctx, ogangi.MT{From: "2020", To: handset, Text: "Hi €"})
		return err
	},
	ogangi.OpSendMT + "-flags": func(ctx context.Context, c *ogangi.Client) error {
		_, err := c.SendMT(ctx, ogangi.MT{From: "2020", Carrier: "2", To: handset, Text: "Hi €", Flags: "job-7"})
		return err
	},
	ogangi.OpSendPIN: func(ctx context.Context, c *ogangi.Client) error {
		_, err := c.SendPIN(ctx, pinRequest)
		return err
	},
	ogangi.OpFireMessage: func(ctx context.Context, c *ogangi.Client) error {
		_, err := c.FireMessage(ctx, ogangi.MO{From: handset, Text: "JOIN club"})
		return err
	},
	ogangi.OpFireMessage + "-post": func(ctx context.Context, c *ogangi.Client) error {
		_, err := c.PostFireMessage(ctx, ogangi.MO{From: handset, To: "2020", Text: "JOIN \"club\" €"}, ogangi.EventFields{})
		return err
	},
	ogangi.OpGetMOMessages: func(ctx context.Context, c *ogangi.Client) error {
		_, err := c.MOMessages(ctx, 0, 20, ogangi.Filter{
			From: []string{"13055550100"}, To: []string{"2020", "2021"}, Carrier: []string{"Telefónica México"}, Keyword: `^STOP(\s|,)*`, Order: ogangi.NewestFirst,
		})
		return err
	},
	ogangi.OpGetMOMessages + "-all": func(ctx context.Context, c *ogangi.Client) error {
		_, err := c.MOMessages(ctx, 0, 20, ogangi.Filter{})
		return err
	},
	ogangi.OpGetMessage: func(ctx context.Context, c *ogangi.Client) error {
		_, err := c.Message(ctx, "-8174720676710228700")
		return err
	},
}

func TestClient_Requests(t *testing.T) {
	for name, call := range do {
		t.Run(string(name), func(t *testing.T) {
			g, c := pair(t)
			if err := call(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			if v := g.Violations(); len(v) > 0 {
				t.Fatalf("the platform's rules were broken: %q", v)
			}
			providertest.Golden(t, "testdata/requests/"+string(name)+".txt", g.Requests()[0])
		})
	}
}

func TestCheck_Request(t *testing.T) {
	g, c := pair(t)
	a, err := ogangi.New(c, ogangi.Options{Carrier: gateway.OgangiCarrier})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Check(t.Context()); err != nil || len(g.Violations()) > 0 {
		t.Fatalf("got %v, violations %q", err, g.Violations())
	}
	providertest.Golden(t, "testdata/requests/check.txt", g.Requests()[0])
}

// Each way in which a platform may differ, against one that takes no other.
func TestClient_Quirks(t *testing.T) {
	tests := []struct {
		name    string
		dialect gateway.Ogangi
		o       ogangi.ClientOptions
	}{
		{"PaddedBase64", gateway.Ogangi{Padded: true}, ogangi.ClientOptions{PaddedBase64: true}},
		{"SignDecoded", gateway.Ogangi{SignDecoded: true}, ogangi.ClientOptions{SignDecoded: true}},
		{"PostEverything", gateway.Ogangi{Post: true}, ogangi.ClientOptions{Post: ogangi.Operations}},
		{
			"Base64Numbers",
			gateway.Ogangi{Base64Numbers: true},
			ogangi.ClientOptions{Base64Numbers: []ogangi.Operation{ogangi.OpSendPIN, ogangi.OpFireMessage}},
		},
		{"PlainFireText", gateway.Ogangi{PlainFireText: true}, ogangi.ClientOptions{PlainFireText: true}},
		{"EmptyFilterNull", gateway.Ogangi{}, ogangi.ClientOptions{EmptyFilter: "null"}},
	}
	for _, tt := range tests {
		differs := false
		for name, call := range do {
			if name == ogangi.OpFireMessage+"-post" && tt.name == "Base64Numbers" {
				continue // its number is in the body
			}
			t.Run(tt.name+"/"+string(name), func(t *testing.T) {
				g := start(t, tt.dialect, gateway.Options{})
				if err := call(t.Context(), client(t, g.URL(), tt.o)); err != nil || len(g.Violations()) > 0 {
					t.Errorf("got %v, violations %q", err, g.Violations())
				}
				usual := start(t, tt.dialect, gateway.Options{})
				_ = call(t.Context(), client(t, usual.URL(), ogangi.ClientOptions{}))
				if g.Requests()[0].URL != usual.Requests()[0].URL || g.Requests()[0].Method != usual.Requests()[0].Method {
					differs = true
					providertest.Golden(t, "testdata/requests/quirks/"+tt.name+"-"+string(name)+".txt", g.Requests()[0])
				}
			})
		}
		if !differs {
			t.Errorf("%s changes no request", tt.name)
		}
	}
}

// What sends, or may cause an SMS, is requested once, whatever becomes of it; and what may have been done is unknown.
func TestClient_NothingIsRepeated(t *testing.T) {
	for name, call := range do {
		reads := strings.HasPrefix(string(name), "get")
		for _, fault := range []string{"cut-before", "cut-after", "garbage", "500", "503", "redirect", "auth", "429:3s"} {
			t.Run(string(name)+"/"+fault, func(t *testing.T) {
				g, c := pair(t, fault)
				err := call(t.Context(), c)
				want := map[string]providers.Kind{
					"503": providers.Unavailable, "redirect": providers.Config, "auth": providers.Config, "429:3s": providers.Throttled,
				}[fault]
				if reads && want == providers.Unknown {
					want = providers.Unavailable // asking again does no harm
				}
				_ = kind(t, err, want)
				if got := g.Stats().Requests; got != 1 {
					t.Errorf("the platform saw %d requests, want 1", got)
				}
				for _, secret := range []string{gateway.OgangiPublicKey, gateway.OgangiPrivateKey, "13055550100", "Hi €", "JOIN", "Your code"} {
					if strings.Contains(err.Error(), secret) {
						t.Errorf("%q is in the error %v", secret, err)
					}
				}
			})
		}
	}
}

func TestClient_SendSMS_ReturnsTheMessage(t *testing.T) {
	g, c := pair(t, "refuse:101")
	m, err := c.SendSMS(t.Context(), ogangi.SMS{Carrier: gateway.OgangiCarrier, From: "2020", To: handset, Text: "Hi"})
	if err != nil || m.ID == "" || m.ID != g.Messages()[0].ID || m.Status != "SENT_TO_CARRIER" || m.Fate() != providers.Taken {
		t.Errorf("got %+v, %v", m, err)
	}
	m, err = c.SendSMS(t.Context(), ogangi.SMS{Carrier: gateway.OgangiCarrier, From: "2020", To: handset + 1, Text: "Hi"})
	if e := kind(t, err, providers.Rejected); e.Code != "BLACKLISTED" || m.ID == "" || m.Fate() != providers.Undelivered {
		t.Errorf("got %+v, %v", m, err)
	}
}

func TestClient_RefusesWithoutARequest(t *testing.T) {
	g, c := pair(t)
	ctx := t.Context()
	one := ogangi.SMS{Carrier: "Movistar", From: "2020", To: handset, Text: "Hi"}
	mt := ogangi.MT{From: "2020", To: handset, Text: "Hi"}
	mo := ogangi.MO{From: handset, To: "2020", Text: "Hi"}
	sendSMS := func(change func(*ogangi.SMS)) func() error {
		return func() error { m := one; change(&m); _, err := c.SendSMS(ctx, m); return err }
	}
	sendMT := func(change func(*ogangi.MT)) func() error {
		return func() error { m := mt; change(&m); _, err := c.SendMT(ctx, m); return err }
	}
	sendPIN := func(change func(*ogangi.PINRequest)) func() error {
		return func() error { r := pinRequest; change(&r); _, err := c.SendPIN(ctx, r); return err }
	}
	post := func(f ogangi.EventFields, change func(*ogangi.MO)) func() error {
		return func() error { m := mo; change(&m); _, err := c.PostFireMessage(ctx, m, f); return err }
	}
	inbox := func(page, size int, f ogangi.Filter) func() error {
		return func() error { _, err := c.MOMessages(ctx, page, size, f); return err }
	}
	for name, call := range map[string]func() error{
		"SMSWithoutCarrier":       sendSMS(func(m *ogangi.SMS) { m.Carrier = "" }),
		"SMSCarrierOfDots":        sendSMS(func(m *ogangi.SMS) { m.Carrier = ".." }),
		"SMSFromLetters":          sendSMS(func(m *ogangi.SMS) { m.From = "Acme" }),
		"SMSToNobody":             sendSMS(func(m *ogangi.SMS) { m.To = 0 }),
		"SMSWithoutText":          sendSMS(func(m *ogangi.SMS) { m.Text = "" }),
		"SMSLongText":             sendSMS(func(m *ogangi.SMS) { m.Text = strings.Repeat("x", 3000) }),
		"MTFlagsWithASlash":       sendMT(func(m *ogangi.MT) { m.Flags = "a/b" }),
		"MTFlagsOfDots":           sendMT(func(m *ogangi.MT) { m.Flags = "." }),
		"MTToAShortCode":          sendMT(func(m *ogangi.MT) { m.To = 2020 }),
		"PINWithoutCarrier":       sendPIN(func(r *ogangi.PINRequest) { r.Carrier = "" }),
		"PINWithoutText":          sendPIN(func(r *ogangi.PINRequest) { r.Text = "" }),
		"PINOfNoLength":           sendPIN(func(r *ogangi.PINRequest) { r.Length = 0 }),
		"PINTooLong":              sendPIN(func(r *ogangi.PINRequest) { r.Length = 21 }),
		"FireFromNobody":          post(ogangi.EventFields{}, func(m *ogangi.MO) { m.From = 0 }),
		"FireWithoutText":         post(ogangi.EventFields{}, func(m *ogangi.MO) { m.Text = "" }),
		"FireToNoCode":            post(ogangi.EventFields{}, func(m *ogangi.MO) { m.To = "" }),
		"FireFieldsOfOneName":     post(ogangi.EventFields{Code: "a", Text: "a"}, func(*ogangi.MO) {}),
		"FireByGETWithoutText":    func() error { _, err := c.FireMessage(ctx, ogangi.MO{From: handset}); return err },
		"NegativePage":            inbox(-1, 10, ogangi.Filter{}),
		"EmptyPages":              inbox(0, 0, ogangi.Filter{}),
		"HugePages":               inbox(0, 1001, ogangi.Filter{}),
		"KeywordWithASlash":       inbox(0, 10, ogangi.Filter{Keyword: "a/b"}),
		"CarrierWithASlash":       inbox(0, 10, ogangi.Filter{Carrier: []string{"a/b"}}),
		"EmptyValueOfAFilter":     inbox(0, 10, ogangi.Filter{From: []string{""}}),
		"OtherOrder":              inbox(0, 10, ogangi.Filter{Order: "newest"}),
		"MessageWithoutID":        func() error { _, err := c.Message(ctx, ""); return err },
		"MessageOfDots":           func() error { _, err := c.Message(ctx, ".."); return err },
		"MessageWithAnEndlessID":  func() error { _, err := c.Message(ctx, strings.Repeat("1", 500)); return err },
		"FilterTooLongForAddress": inbox(0, 10, ogangi.Filter{Keyword: strings.Repeat("x", 5000)}),
	} {
		t.Run(name, func(t *testing.T) {
			if e := kind(t, call(), providers.Invalid); e.Detail == "" {
				t.Error("no reason is given")
			}
		})
	}
	if n := g.Stats().Requests; n != 0 {
		t.Errorf("%d requests were made", n)
	}
}

func TestClient_FireMessage(t *testing.T) {
	g, c := pair(t)
	if _, err := c.FireMessage(t.Context(), ogangi.MO{From: handset, Text: "JOIN €"}); err != nil {
		t.Fatal(err)
	}
	got, err := c.PostFireMessage(t.Context(), ogangi.MO{From: handset, To: "2020", Text: "JOIN & <b>"}, ogangi.EventFields{})
	if want := (ogangi.Fired{InstanceID: "43", From: "13055550100", Text: "JOIN & <b>"}); err != nil || got != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
	for i, want := range []string{"You wrote: JOIN €", "You wrote: JOIN & <b>"} {
		if m := g.Messages()[i]; m.To != handset || m.Text != want {
			t.Errorf("got %+v, want %q", m, want)
		}
	}
	t.Run("AnUncertainOneSaysThatAnSMSMayFollow", func(t *testing.T) {
		_, c := pair(t, "cut-after")
		_, err := c.FireMessage(t.Context(), ogangi.MO{From: handset, Text: "JOIN"})
		if e := kind(t, err, providers.Unknown); !strings.Contains(e.Detail, "may have taken") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("FieldsByTheCustomersNames", func(t *testing.T) {
		g, c := pair(t)
		_, _ = c.PostFireMessage(t.Context(), ogangi.MO{From: handset, To: "2020", Text: "Hi"}, ogangi.EventFields{Code: "c", Text: "t", Handset: "h"})
		if got, want := string(g.Requests()[0].Body), `{"event":{"fld-val-list":{"c":"2020","h":"13055550100","t":"Hi"}}}`; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

func TestClient_Message(t *testing.T) {
	plan := gateway.ReportPlan{On: true, Undelivered: 0.5}
	for name, settle := range map[string]time.Duration{"Final": 0, "OnItsWay": time.Hour} {
		t.Run(name, func(t *testing.T) {
			g := start(t, gateway.Ogangi{Settle: settle}, gateway.Options{Reports: plan})
			c := client(t, g.URL(), ogangi.ClientOptions{})
			for i := range 40 {
				to := sms.MSISDN(handset + i)
				sent, err := c.SendSMS(t.Context(), ogangi.SMS{Carrier: gateway.OgangiCarrier, From: "2020", To: to, Text: "Hi"})
				if err != nil {
					t.Fatal(err)
				}
				got, err := c.Message(t.Context(), sent.ID)
				want := plan.Fate(to)
				if settle > 0 {
					want = providers.Taken
				}
				if err != nil || got.ID != sent.ID || got.To != to.String() || got.Fate() != want {
					t.Errorf("got %+v, %v; want %v", got, err, want)
				}
			}
		})
	}
	t.Run("UnknownIDIsNothing", func(t *testing.T) {
		_, c := pair(t)
		if m, err := c.Message(t.Context(), "17"); err != nil || m != (ogangi.Message{}) {
			t.Errorf("got %+v, %v", m, err)
		}
	})
}
