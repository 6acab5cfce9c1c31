package gateway_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/volleysms/volley/providers/providertest/gateway"
	"github.com/volleysms/volley/sms"
)

func mustStart(t testing.TB, o gateway.Options, faults ...string) *gateway.Gateway {
	t.Helper()
	for _, s := range faults {
		f, err := gateway.ParseFault(s)
		if err != nil {
			t.Fatal(err)
		}
		o.Faults = append(o.Faults, f)
	}
	g := gateway.New(gateway.GatewayAPI{}, o)
	if err := g.Start(""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close() })
	return g
}

// post sends to n numbers and returns the status and the body, 0 when the connection was cut.
func post(t testing.TB, g *gateway.Gateway, to ...int) (int, string) {
	t.Helper()
	var rcpts []string
	for _, n := range to {
		rcpts = append(rcpts, fmt.Sprintf(`{"msisdn":%d}`, n))
	}
	return request(t, "POST", g.URL()+"/rest/mtsms", `{"message":"Hi","sender":"Acme","recipients":[`+strings.Join(rcpts, ",")+"]}")
}

func request(t testing.TB, method, url, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.GetBody = nil
	req.Header.Set("Authorization", "Token "+gateway.GatewayAPIToken)
	req.Header.Set("Content-Type", "application/json")
	resp, err := noRedirects.Do(req)
	if err != nil {
		return 0, ""
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Error(err)
	}
	return resp.StatusCode, string(got)
}

var noRedirects = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

func TestGateway_Faults(t *testing.T) {
	tests := []struct {
		fault  string
		status int // 0: cut
		taken  int64
		body   string // is in the answer
	}{
		{"503", 503, 0, "simulated"},
		{"500-after", 500, 1, "simulated"},
		{"cut-before", 0, 0, ""},
		{"cut-after", 0, 1, ""},
		{"garbage", 200, 1, "<p>"},
		{"slow:1ns", 200, 1, `"ids"`},
		{"latency:1ms", 200, 1, `"ids"`},
		{"redirect", 307, 0, ""},
		{"auth", 401, 0, "0x0229"},
		{"refuse:0101", 403, 0, "4512340101"},
		{"refuse:0102", 200, 1, `"ids"`},
		{"mttm/503", 200, 1, `"ids"`},
		{"gatewayapi/503", 503, 0, ""},
	}
	for _, tt := range tests {
		t.Run(tt.fault, func(t *testing.T) {
			g := mustStart(t, gateway.Options{}, tt.fault)
			status, body := post(t, g, 4512340101)
			if status != tt.status || !strings.Contains(body, tt.body) {
				t.Errorf("got %d %q", status, body)
			}
			if got := g.Stats().Taken; got != tt.taken || int64(len(g.Messages())) != tt.taken {
				t.Errorf("%d messages were taken, %d kept; want %d", got, len(g.Messages()), tt.taken)
			}
		})
	}
}

func TestGateway_HugeIsTenMegabytes(t *testing.T) {
	g := mustStart(t, gateway.Options{}, "huge")
	if status, body := post(t, g, 4512340101); status != 200 || len(body) < 10<<20 {
		t.Errorf("got %d with %d bytes", status, len(body))
	}
}

func TestGateway_FaultsHitTheSendsTheyName(t *testing.T) {
	tests := []struct{ fault, want string }{
		{"503@2", ".x...."},
		{"503@1-3", "xxx..."},
		{"503@5-", "....xx"},
		{"503%2", ".x.x.x"},
		{"503~1", "xxxxxx"},
	}
	for _, tt := range tests {
		t.Run(tt.fault, func(t *testing.T) {
			g := mustStart(t, gateway.Options{}, tt.fault)
			got := ""
			for i := range tt.want {
				// Other operations don't count, and are not hit.
				if status, _ := request(t, "GET", g.URL()+"/rest/me", ""); status != 200 {
					t.Errorf("the balance is answered with %d", status)
				}
				if status, _ := post(t, g, 4512340101+i); status == 503 {
					got += "x"
				} else {
					got += "."
				}
			}
			if got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestGateway_AShareIsAboutThatAndTheSameForASeed(t *testing.T) {
	hits := func(seed uint64) string {
		g := mustStart(t, gateway.Options{Seed: seed}, "503~0.3")
		var b strings.Builder
		for i := range 300 {
			status, _ := post(t, g, 4512340101+i)
			fmt.Fprint(&b, status/100)
		}
		return b.String()
	}
	one, again, other := hits(1), hits(1), hits(2)
	if one != again || one == other {
		t.Error("the seed does not decide")
	}
	if n := strings.Count(one, "5"); n < 60 || n > 120 {
		t.Errorf("%d of 300 were hit, want about 90", n)
	}
}

func TestGateway_FaultsGoTogether(t *testing.T) {
	g := mustStart(t, gateway.Options{}, "latency:1ms", "503@1", "500", "refuse:1")
	for i, want := range []int{503, 500} {
		if status, _ := post(t, g, 4512340101); status != want {
			t.Errorf("send %d: got %d, want %d", i+1, status, want)
		}
	}
	g.SetFaults()
	if status, _ := post(t, g, 4512340101); status != 200 {
		t.Errorf("without faults: got %d", status)
	}
}

func TestGateway_Keep(t *testing.T) {
	for keep, want := range map[int]int{0: 5, 3: 3, -1: 0} {
		g := mustStart(t, gateway.Options{Keep: keep})
		post(t, g, 4512340101, 4512340102)
		post(t, g, 4512340103, 4512340104, 4512340105)
		if got := len(g.Messages()); got != want {
			t.Errorf("Keep %d: %d messages kept, want %d", keep, got, want)
		}
		if got := g.Stats().Taken; got != 5 {
			t.Errorf("Keep %d: %d messages taken, want 5", keep, got)
		}
		if got := len(g.Requests()) > 0; got != (keep >= 0) {
			t.Errorf("Keep %d: requests kept is %v", keep, got)
		}
	}
}

func TestGateway_OnTakeHasWhatWasTaken(t *testing.T) {
	var mu sync.Mutex
	var got []gateway.Message
	g := mustStart(t, gateway.Options{Keep: -1, OnTake: func(m []gateway.Message) {
		mu.Lock()
		defer mu.Unlock()
		got = append(got, m...)
	}}, "503@2")
	post(t, g, 4512340101)
	post(t, g, 4512340102)
	mu.Lock()
	defer mu.Unlock()
	if len(got) != 1 || got[0].To != 4512340101 || got[0].Text != "Hi" || got[0].From != "Acme" || got[0].Send != 1 || got[0].ID == "" || got[0].At.IsZero() {
		t.Errorf("got %+v", got)
	}
}

func TestGateway_TakenTwice(t *testing.T) {
	g := mustStart(t, gateway.Options{})
	post(t, g, 4512340101, 4512340102)
	post(t, g, 4512340102)
	if got := g.TakenTwice(); len(got) != 1 || got[sms.MSISDN(4512340102)] != 2 {
		t.Errorf("got %v", got)
	}
}

func TestGateway_ScriptAnswersAndTakesNothing(t *testing.T) {
	g := mustStart(t, gateway.Options{})
	g.Script(func(n int64) *gateway.Reply {
		if n == 1 {
			return &gateway.Reply{Status: 418, Header: http.Header{"X-Example": {"1"}}, Body: []byte("teapot")}
		}
		return nil
	})
	if status, body := post(t, g, 4512340101); status != 418 || body != "teapot" {
		t.Errorf("got %d %q", status, body)
	}
	if status, _ := post(t, g, 4512340101); status != 200 || g.Stats().Taken != 1 {
		t.Errorf("got %d, %d taken", status, g.Stats().Taken)
	}
}

func TestGateway_CloseEndsAnAnswerUnderWay(t *testing.T) {
	g := mustStart(t, gateway.Options{}, "latency:1h")
	arrived := make(chan struct{})
	g.Script(func(int64) *gateway.Reply { close(arrived); return nil })
	done := make(chan int)
	go func() { status, _ := post(t, g, 4512340101); done <- status }()
	<-arrived
	if err := g.Close(); err != nil {
		t.Error(err)
	}
	if status := <-done; status != 0 {
		t.Errorf("got %d, want a cut connection", status)
	}
	if err := g.Close(); err != nil {
		t.Error("closed twice:", err)
	}
}

func TestGateway_BelowAPrefix(t *testing.T) {
	g := gateway.New(gateway.GatewayAPI{}, gateway.Options{})
	s := httptest.NewServer(http.StripPrefix("/sim", g))
	defer s.Close()
	if status, body := request(t, "GET", s.URL+"/sim/rest/me", ""); status != 200 {
		t.Errorf("got %d %q", status, body)
	}
}

func TestGateway_CountsConcurrentRequests(t *testing.T) {
	g := mustStart(t, gateway.Options{})
	const n = 8
	var inside sync.WaitGroup
	inside.Add(n)
	g.Script(func(int64) *gateway.Reply { inside.Done(); inside.Wait(); return nil })
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { post(t, g, 4512340101+i) })
	}
	wg.Wait()
	if s := g.Stats(); s.MaxInFlight != n || s.Sends != n || s.Taken != n {
		t.Errorf("got %+v", s)
	}
}

func BenchmarkGateway(b *testing.B) {
	for _, n := range []int{1, 250} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			g := gateway.New(gateway.GatewayAPI{}, gateway.Options{Keep: -1})
			var body bytes.Buffer
			body.WriteString(`{"sender":"Acme","message":"Your parcel is on its way and arrives tomorrow","encoding":"UTF8","recipients":[`)
			for i := range n {
				if i > 0 {
					body.WriteByte(',')
				}
				fmt.Fprintf(&body, `{"msisdn":%d}`, 4512340000+i)
			}
			body.WriteString("]}")
			b.ReportAllocs()
			for b.Loop() {
				r, err := http.NewRequestWithContext(context.Background(), "POST", "/rest/mtsms", bytes.NewReader(body.Bytes()))
				if err != nil {
					b.Fatal(err)
				}
				r.Header.Set("Authorization", "Token "+gateway.GatewayAPIToken)
				r.Header.Set("Content-Type", "application/json")
				g.ServeHTTP(discard{}, r)
			}
			if s := g.Stats(); s.Violations > 0 || s.Taken != s.Sends*int64(n) {
				b.Fatalf("%+v", s)
			}
		})
	}
}

type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) WriteHeader(int)             {}
