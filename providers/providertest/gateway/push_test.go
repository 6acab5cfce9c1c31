package gateway_test

import (
	"context"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/providers/providertest/gateway"
	"github.com/volleysms/volley/sms"
)

// hook is an address that keeps what is pushed to it.
type hook struct {
	*httptest.Server
	mu     sync.Mutex
	bodies []string
	paths  []string
	signed int
	refuse int // of the first pushes
}

func newHook(t *testing.T, refuse int) *hook {
	t.Helper()
	h := &hook{refuse: refuse}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		h.mu.Lock()
		defer h.mu.Unlock()
		h.bodies = append(h.bodies, string(body))
		h.paths = append(h.paths, r.URL.Path)
		if r.Header.Get("X-Gwapi-Signature") != "" {
			h.signed++
		}
		if h.refuse > 0 {
			h.refuse--
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	t.Cleanup(h.Close)
	return h
}

// taking returns a gateway that took one message with the hook as its callback, after everything is pushed.
func taking(t *testing.T, plan gateway.ReportPlan, h *hook) *gateway.Gateway {
	t.Helper()
	plan.On = true
	g := gateway.New(gateway.GatewayAPI{}, gateway.Options{Reports: plan})
	t.Cleanup(func() { _ = g.Close() })
	w := httptest.NewRecorder()
	g.ServeHTTP(w, gatewayAPIRequest(`{"message":"Hi","userref":"j1.c0","callback_url":"`+h.URL+`/r/x","recipients":[{"msisdn":4512340101}]}`))
	if w.Code != http.StatusOK {
		t.Fatal(w.Body)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := g.WaitPushed(ctx); err != nil {
		t.Fatal(err)
	}
	return g
}

func TestReportPlan_SharesAreKeptAndIndependent(t *testing.T) {
	p := gateway.ReportPlan{On: true, Undelivered: 0.25, Silent: 0.25}
	const n = 40_000
	var undelivered, silent, both float64
	for i := range n {
		to := sms.MSISDN(4512300000 + i)
		u, s := p.Fate(to) == providers.Undelivered, !p.Tells(to)
		if u {
			undelivered++
		}
		if s {
			silent++
		}
		if u && s {
			both++
		}
	}
	for name, got := range map[string]float64{"undelivered": undelivered / n / 0.25, "silent": silent / n / 0.25, "both": both / n / 0.0625} {
		if math.Abs(got-1) > 0.1 {
			t.Errorf("%s: %.2f times what was asked for", name, got)
		}
	}
	if f := (gateway.ReportPlan{Undelivered: 1}).Fate(4512340101); f != providers.Pending {
		t.Errorf("a plan that is off decides %v", f)
	}
}

func TestPush_InOrder(t *testing.T) {
	h := newHook(t, 0)
	g := taking(t, gateway.ReportPlan{Transient: 1}, h)
	if len(h.bodies) != 2 || !strings.Contains(h.bodies[1], "DELIVERED") || strings.Contains(h.bodies[0], "DELIVERED") || h.signed != 2 {
		t.Errorf("got %q", h.bodies)
	}
	if p := g.Pushed(); p.Reports != 2 || p.Acked != 2 || p.Repeated != 0 {
		t.Errorf("got %+v", p)
	}
	if f := g.Fates(); len(f) != 1 || f[4512340101] != providers.Delivered {
		t.Errorf("got %v", f)
	}
}

func TestPush_OutOfOrder(t *testing.T) {
	h := newHook(t, 0)
	taking(t, gateway.ReportPlan{Transient: 1, Disorder: 1}, h)
	if len(h.bodies) != 2 || !strings.Contains(h.bodies[0], "DELIVERED") || strings.Contains(h.bodies[1], "DELIVERED") {
		t.Errorf("got %q", h.bodies)
	}
}

func TestPush_Twice(t *testing.T) {
	h := newHook(t, 0)
	taking(t, gateway.ReportPlan{Twice: 1}, h)
	if len(h.bodies) != 2 || !strings.Contains(h.bodies[0], "DELIVERED") || !strings.Contains(h.bodies[1], "DELIVERED") {
		t.Errorf("got %q", h.bodies)
	}
}

func TestPush_SilentIsToldToWhoAsks(t *testing.T) {
	h := newHook(t, 0)
	g := taking(t, gateway.ReportPlan{Silent: 1, Undelivered: 1}, h)
	if len(h.bodies) != 0 || g.Fates()[4512340101] != providers.Undelivered {
		t.Errorf("got %q, %v", h.bodies, g.Fates())
	}
	r := httptest.NewRequest(http.MethodGet, "/rest/mtsms/"+g.Messages()[0].ID, nil)
	r.Header.Set("Authorization", "Token "+gateway.GatewayAPIToken)
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r)
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "dsnstatus") || strings.Contains(w.Body.String(), "DELIVERED") {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

func TestPush_IsRepeatedAsOftenAsTheGatewayDoes(t *testing.T) {
	for name, tt := range map[string]struct {
		refuse                            int
		attempts, acked, dropped, repeats int64
	}{
		"UntilItIsTaken": {3, 4, 1, 0, 3},
		"AndNoMore":      {99, 7, 0, 1, 6},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHook(t, tt.refuse)
			p := taking(t, gateway.ReportPlan{Pause: time.Millisecond}, h).Pushed()
			want := gateway.PushStats{Reports: 1, Acked: tt.acked, Dropped: tt.dropped, Repeated: tt.repeats}
			if p != want || int64(len(h.bodies)) != tt.attempts {
				t.Errorf("got %+v after %d attempts, want %+v", p, len(h.bodies), want)
			}
		})
	}
}

func TestPush_ForgedHasNoProofAndSaysTheOpposite(t *testing.T) {
	h := newHook(t, 0)
	g := taking(t, gateway.ReportPlan{Forged: 1}, h)
	if len(h.bodies) != 2 || strings.Contains(h.bodies[0], "DELIVERED") || !strings.Contains(h.bodies[1], "DELIVERED") {
		t.Fatalf("got %q", h.bodies)
	}
	if p := g.Pushed(); p.Forged != 1 || p.Believed != 1 || p.Reports != 1 {
		t.Errorf("got %+v; this hook believes everybody", p)
	}
}

func TestPush_CloseEndsWhatIsUnderWay(t *testing.T) {
	began := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		close(began)
		<-r.Context().Done()
	}))
	defer s.Close()
	g := gateway.New(gateway.GatewayAPI{}, gateway.Options{Reports: gateway.ReportPlan{On: true, Workers: 1}})
	g.ServeHTTP(httptest.NewRecorder(), gatewayAPIRequest(
		`{"message":"Hi","callback_url":"`+s.URL+`","recipients":[{"msisdn":4512340101},{"msisdn":4512340102}]}`))
	<-began
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	if err := g.WaitPushed(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestPush_LateWaitsNoLongerThanItsCaller(t *testing.T) {
	h := newHook(t, 0)
	g := gateway.New(gateway.GatewayAPI{}, gateway.Options{Reports: gateway.ReportPlan{On: true, Late: 1, LateBy: time.Hour}})
	defer g.Close()
	g.ServeHTTP(httptest.NewRecorder(), gatewayAPIRequest(`{"message":"Hi","callback_url":"`+h.URL+`","recipients":[{"msisdn":4512340101}]}`))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := g.WaitPushed(ctx); err == nil || len(h.bodies) != 0 {
		t.Errorf("got %v, %q", err, h.bodies)
	}
}

func TestTampered(t *testing.T) {
	for in, want := range map[string]string{"": "", "https://h/x": "https://h/A", "https://h/A": "https://h/B"} {
		if got := gateway.Tampered(in); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestParseReportPlan(t *testing.T) {
	usual := gateway.UsualReports
	changed := usual
	changed.Undelivered, changed.Forged, changed.Late, changed.LateBy = 0.5, 1, 0.1, 3*time.Second
	changed.Delay, changed.Stored, changed.Pause, changed.Webhook = 0, time.Minute, time.Millisecond, "http://127.0.0.1:8080/hook"
	tests := []struct {
		in   string
		want gateway.ReportPlan
		bad  string // in the error
	}{
		{"usual", usual, ""},
		{"off", gateway.ReportPlan{}, ""},
		{"undelivered=0.5,forged=1,late=0.1:3s,delay=0s,stored=1m,pause=1ms,webhook=http://127.0.0.1:8080/hook", changed, ""},
		{"", usual, "want usual, off"},
		{"often", usual, "want usual, off"},
		{"undelivered=2", usual, "a share from 0 to 1"},
		{"undelivered=NaN", usual, "a share from 0 to 1"},
		{"late=0.1:x", usual, "want a time"},
		{"delay=-1s", usual, "want a time"},
		{"webhook=here", usual, "want an address"},
		{"lost=1", usual, "is unknown"},
	}
	for _, tt := range tests {
		t.Run(tt.in, func(t *testing.T) {
			got, err := gateway.ParseReportPlan(tt.in)
			switch {
			case tt.bad == "" && (err != nil || got != tt.want):
				t.Errorf("got %+v, %v", got, err)
			case tt.bad != "" && (err == nil || !strings.Contains(err.Error(), tt.bad)):
				t.Errorf("got %v, want one with %q", err, tt.bad)
			}
		})
	}
}
