package gatewayapi_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/providers/gatewayapi"
	"github.com/volleysms/volley/providers/providertest/gateway"
	"github.com/volleysms/volley/sms"
)

// books is a callback server that keeps what the reports say, as a ledger does: a final fate stays.
type books struct {
	receiver providers.Receiver
	// address is the path that proves a push by itself; empty is none.
	address string

	mu      sync.Mutex
	fates   map[sms.MSISDN]providers.Fate
	forged  int
	strange int
	inbound []providers.Inbound
	refuse  int // genuine pushes to answer with 503 before the first is taken
}

func (b *books) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(http.MaxBytesReader(w, r.Body, providers.MaxPush))
	pushed, err := b.receiver.Receive(providers.Push{Method: r.Method, Query: r.URL.Query(), Header: r.Header, Body: body})
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case errors.Is(err, providers.ErrForged), err == nil && !pushed.Proven && (b.address == "" || r.URL.Path != b.address):
		b.forged++
		w.WriteHeader(http.StatusUnauthorized)
		return
	case err != nil:
		b.strange++
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if b.refuse > 0 {
		b.refuse--
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	for _, report := range pushed.Reports {
		if report.Reference != "j1.c0" || report.ID == "" || report.At.IsZero() {
			b.strange++
		}
		if !b.fates[report.To].Final() {
			b.fates[report.To] = report.Fate
		}
	}
	b.inbound = append(b.inbound, pushed.Inbound...)
	_, _ = io.WriteString(w, b.receiver.Ack())
}

// everything is a plan under which all that can happen to a report happens to some.
func everything() gateway.ReportPlan {
	return gateway.ReportPlan{
		On: true, Undelivered: 0.2, Transient: 0.5, Disorder: 0.3, Twice: 0.2, Forged: 0.2, Late: 0.1, LateBy: 20 * time.Millisecond, Pause: time.Millisecond,
	}
}

const pushedMessages = 600

// told sends to pushedMessages numbers and waits until the gateway has told all of them.
func told(t *testing.T, g *gateway.Gateway, a providers.Adapter, reportTo func(int) string) {
	t.Helper()
	c := providers.Call{From: "Acme", Text: "Hi", Reference: "j1.c0", ReportTo: reportTo}
	for i := range pushedMessages {
		c.Recipients = append(c.Recipients, providers.Recipient{To: sms.MSISDN(4512340000 + i)})
	}
	if got := outcome(a.Send(t.Context(), c)); got != "accepted" {
		t.Fatal(got)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := g.WaitPushed(ctx); err != nil {
		t.Fatal(err)
	}
}

// agree fails unless the books say what the gateway decided.
func (b *books) agree(t *testing.T, g *gateway.Gateway) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	want := g.Fates()
	if len(want) != pushedMessages || len(b.fates) != pushedMessages || b.strange != 0 {
		t.Fatalf("%d fates decided, %d in the books, %d pushes that were not understood", len(want), len(b.fates), b.strange)
	}
	n := map[providers.Fate]int{}
	for to, fate := range want {
		n[fate]++
		if b.fates[to] != fate {
			t.Errorf("%s: got %v, want %v", to.Masked(), b.fates[to], fate)
		}
	}
	if n[providers.Undelivered] == 0 || n[providers.Delivered] == 0 {
		t.Errorf("the gateway decided %v", n)
	}
	p := g.Pushed()
	if p.Forged == 0 || p.Believed != 0 || int64(b.forged) != p.Forged || p.Acked != p.Reports || p.Dropped != 0 || p.Repeated == 0 {
		t.Errorf("got %+v, %d forged in the books", p, b.forged)
	}
}

func TestAdapter_ReportsEndAsTheGatewayDecided(t *testing.T) {
	tests := []struct {
		name     string
		dialect  gateway.GatewayAPI
		secret   string
		required bool
		address  string
	}{
		{"ProvenBySignature", gateway.GatewayAPI{}, gateway.GatewayAPIWebhookSecret, true, ""},
		{"ProvenByEither", gateway.GatewayAPI{}, gateway.GatewayAPIWebhookSecret, false, "/r/dk/token"},
		{"ProvenByTheAddressAlone", gateway.GatewayAPI{Unsigned: true}, gateway.GatewayAPIWebhookSecret, false, "/r/dk/token"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := start(t, tt.dialect, everything())
			a := mustNew(t, gatewayapi.Options{
				BaseURL: g.URL(), Token: gateway.GatewayAPIToken, WebhookSecret: tt.secret, RequireSignature: tt.required,
			})
			b := &books{receiver: a, address: tt.address, fates: map[sms.MSISDN]providers.Fate{}, refuse: 50}
			s := httptest.NewServer(b)
			defer s.Close()
			told(t, g, a, func(i int) string {
				if i >= 0 {
					t.Errorf("an address for recipient %d: GatewayAPI takes one for all", i)
				}
				return s.URL + "/r/dk/token"
			})
			b.agree(t, g)
		})
	}
}

func TestMessaging_ReportsEndAsTheGatewayDecided(t *testing.T) {
	b := &books{fates: map[sms.MSISDN]providers.Fate{}, refuse: 50}
	s := httptest.NewServer(b)
	defer s.Close()
	plan := everything()
	plan.Webhook = s.URL + "/hooks/dk"
	g := start(t, gateway.Messaging{}, plan)
	m := mustNewMessaging(t, gatewayapi.MessagingOptions{
		BaseURL: g.URL(), Token: gateway.GatewayAPIToken, WebhookSecret: gateway.GatewayAPIWebhookSecret,
	})
	b.receiver = m
	told(t, g, m, nil)
	b.agree(t, g)
}

func TestInboundIsPushed(t *testing.T) {
	for name, d := range map[string]gateway.Dialect{"REST": gateway.GatewayAPI{}, "Messaging": gateway.Messaging{}} {
		t.Run(name, func(t *testing.T) {
			b := &books{fates: map[sms.MSISDN]providers.Fate{}, refuse: 1}
			s := httptest.NewServer(b)
			defer s.Close()
			g := start(t, d, gateway.ReportPlan{On: true, Webhook: s.URL, Pause: time.Millisecond})
			b.receiver = mustNewMessaging(t, gatewayapi.MessagingOptions{Token: "t", WebhookSecret: gateway.GatewayAPIWebhookSecret})
			if name == "REST" {
				b.receiver = mustNew(t, gatewayapi.Options{Token: "t", WebhookSecret: gateway.GatewayAPIWebhookSecret, RequireSignature: true})
			}
			g.Write(gateway.MO{From: 4512340101, To: "451204", Text: "STOP é 😀"})
			if err := g.WaitPushed(t.Context()); err != nil {
				t.Fatal(err)
			}
			if len(b.inbound) != 1 || b.inbound[0].From != 4512340101 || b.inbound[0].Text != "STOP é 😀" || b.inbound[0].ID == "" || b.inbound[0].At.IsZero() {
				t.Errorf("got %+v", b.inbound)
			}
			if name == "REST" && !strings.HasSuffix(b.inbound[0].To, "1204") {
				t.Errorf("got %+v", b.inbound[0])
			}
		})
	}
}
