package callbacks

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/volleysms/volley/internal/inbound"
	"github.com/volleysms/volley/internal/report"
	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/sms"
)

const job = "0197c1b2-7a4e-7000-8000-000000000000"

// gateway is a Receiver for a gateway whose pushes are forms. A push with proof=good is proven, with any other forged.
type gateway struct{}

func (gateway) Ack() string { return "ACK/fake" }

func (gateway) Receive(p providers.Push) (out providers.Pushed, err error) {
	q := p.Query
	if len(p.Body) > 0 {
		if q, err = url.ParseQuery(string(p.Body)); err != nil {
			return out, fmt.Errorf("%w: no form", providers.ErrMalformed)
		}
	}
	switch q.Get("proof") {
	case "":
	case "good":
		out.Proven = true
	case "panic":
		panic("a bug")
	default:
		return out, fmt.Errorf("%w: proof", providers.ErrForged)
	}
	n, _ := strconv.ParseUint(q.Get("to"), 10, 64)
	switch q.Get("status") {
	case "delivered":
		out.Reports = []providers.Report{{Fate: providers.Delivered, To: sms.MSISDN(n), Reference: q.Get("ref"), Code: "DELIVRD"}}
	case "pending":
		out.Reports = []providers.Report{{To: sms.MSISDN(n)}}
	case "word":
		out.Reports = []providers.Report{{To: sms.MSISDN(n), Code: "THROTTLED"}}
	case "mo":
		out.Inbound = []providers.Inbound{{ID: q.Get("id"), From: sms.MSISDN(n), To: "1234", Text: "STOP"}}
	default:
		return out, fmt.Errorf("%w: no status", providers.ErrMalformed)
	}
	return out, nil
}

// world is a Server that listens, and what is behind it.
type world struct {
	t      *testing.T
	base   string
	mini   *miniredis.Miniredis
	rdb    *redis.Client
	signer *report.Signer
	server *Server
	logs   *observer.ObservedLogs
	stop   func() error
}

func newWorld(t *testing.T, o Options) *world {
	t.Helper()
	core, logs := observer.New(zap.InfoLevel)
	w := &world{t: t, mini: miniredis.RunT(t), logs: logs}
	w.rdb = redis.NewClient(&redis.Options{Addr: w.mini.Addr()})
	t.Cleanup(func() { w.rdb.Close() })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w.base = "http://" + l.Addr().String()
	o.Accounts = map[string]providers.Receiver{"dk": gateway{}, "moon": gateway{}}
	o.PublicURL, o.Secret, o.Logger = w.base, "a-secret-of-today", zap.New(core)
	if w.server, err = New(w.rdb, o); err != nil {
		t.Fatal(err)
	}
	w.signer = report.NewSigner(w.base, o.Secret, o.PreviousSecret)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.server.Run(ctx, l) }()
	w.stop = sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	t.Cleanup(func() { _ = w.stop() })
	return w
}

// push posts a form and returns the answer.
func (w *world) push(address, form string) (status int, body string) {
	w.t.Helper()
	resp, err := http.Post(address, "application/x-www-form-urlencoded", strings.NewReader(form))
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b)
}

// stored is how many records of reports and how many messages are kept.
func (w *world) stored() (reports int, messages int) {
	w.t.Helper()
	s, parked, err := report.Backlog(w.t.Context(), w.rdb)
	if err != nil {
		w.t.Fatal(err)
	}
	m, err := inbound.NewStream(w.rdb).Last(w.t.Context(), 100)
	if err != nil {
		w.t.Fatal(err)
	}
	return int(s + parked), len(m)
}

// pushes is what the counter says.
func (w *world) pushes(account, result string) float64 {
	var m dto.Metric
	if err := w.server.m.pushes.WithLabelValues(account, result).Write(&m); err != nil {
		w.t.Fatal(err)
	}
	return m.GetCounter().GetValue()
}

func TestServer_TurnsAway(t *testing.T) {
	w := newWorld(t, Options{Metrics: prometheus.NewRegistry()})
	good, in := w.signer.Address("dk", report.Target{Job: job, Position: 0}), w.signer.Inbound("dk")
	other := report.NewSigner(w.base, "an-older-secret--", "")
	tests := []struct {
		name, address, form string
		status              int
		account, result     string
	}{
		{"AnotherPath", w.base + "/", "status=delivered", 404, "", noPath},
		{"AnAccountThatIsNotThere", w.signer.Address("se", report.Target{Job: job, Position: 0}), "status=delivered", 404, "", noAccount},
		{"NoToken", w.base + "/r/dk/", "status=delivered", 404, "dk", noToken},
		{"AStaleKey", other.Address("dk", report.Target{Job: job, Position: 0}), "status=delivered", 404, "dk", noToken},
		{"TheTokenOfAnotherAccount", strings.Replace(good, "/dk/", "/moon/", 1), "status=delivered", 404, "moon", noToken},
		{"AReportTokenForInbound", strings.Replace(good, "/r/", "/in/", 1), "status=mo", 404, "dk", noToken},
		{"AnInboundTokenForReports", strings.Replace(in, "/in/", "/r/", 1), "status=mo", 404, "dk", noToken},
		{"AForgedSignature", good, "proof=bad&status=delivered", 401, "dk", forged},
		{"Malformed", good, "status=else", 400, "dk", malformed},
		{"AnAdapterThatPanics", good, "proof=panic", 400, "dk", malformed},
		{"TooLarge", good, strings.Repeat("x", providers.MaxPush+1), 413, "dk", oversized},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := w.pushes(tt.account, tt.result)
			if status, body := w.push(tt.address, tt.form); status != tt.status || strings.Contains(body, "ACK") {
				t.Errorf("got %d %q, want %d", status, body, tt.status)
			}
			if n := w.pushes(tt.account, tt.result); n != before+1 {
				t.Errorf("%v are counted, want %v", n, before+1)
			}
		})
	}
	t.Run("AnotherMethod", func(t *testing.T) {
		req, _ := http.NewRequest(http.MethodDelete, good, nil)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != 404 {
			t.Errorf("got %d", resp.StatusCode)
		}
	})
	if reports, messages := w.stored(); reports != 0 || messages != 0 {
		t.Errorf("%d reports and %d messages are stored", reports, messages)
	}
	t.Run("ABurstIsALine", func(t *testing.T) {
		before := w.logs.Len()
		for range 50 {
			w.push(other.Address("dk", report.Target{Job: job, Position: 0}), "")
		}
		if n := w.logs.Len() - before; n > 1 {
			t.Errorf("%d lines", n)
		}
	})
}

func TestServer_Takes(t *testing.T) {
	tests := []struct {
		name              string
		address           func(s *report.Signer) string
		form              string
		reports, messages int
	}{
		{"AReport", func(s *report.Signer) string { return s.Address("dk", report.Target{Job: job, Position: 0}) }, "status=delivered", 1, 0},
		{"NothingNew", func(s *report.Signer) string { return s.Address("dk", report.Target{Job: job, Position: 0}) }, "status=pending", 0, 0},
		{"WordsAlone", func(s *report.Signer) string { return s.Address("dk", report.Target{Job: job, Position: 0}) }, "status=word", 1, 0},
		{"AnInboundMessageToTheAddressOfAReport", func(s *report.Signer) string { return s.Address("dk", report.Target{Job: job, Position: 0}) }, "status=mo&id=1&to=4500000001", 0, 0},
		{"AProvenInboundMessageToTheAddressOfAReport", func(s *report.Signer) string { return s.Address("dk", report.Target{Job: job, Position: 0}) }, "status=mo&id=1&to=4500000001&proof=good", 0, 1},
		{"AnInboundMessage", func(s *report.Signer) string { return s.Inbound("dk") }, "status=mo&id=1&to=4500000001", 0, 1},
		{"AProvenReport", func(s *report.Signer) string { return s.Inbound("dk") }, "status=delivered&proof=good&ref=" + job + ".0.0.0.1&to=4500000001", 1, 0},
		{"AnUnprovenReportChangesNothing", func(s *report.Signer) string { return s.Inbound("dk") }, "status=delivered&ref=" + job + ".0.0.0.1&to=4500000001", 0, 0},
		{"AProvenReportOfSomethingElse", func(s *report.Signer) string { return s.Inbound("dk") }, "status=delivered&proof=good&ref=else", 0, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, Options{})
			// Nobody applies what is stored: there is no such job, and it would be dropped.
			if err := w.rdb.Set(t.Context(), "volley:{"+job+"}:job", "of another type", 0).Err(); err != nil {
				t.Fatal(err)
			}
			if status, body := w.push(tt.address(w.signer), tt.form); status != 200 || body != "ACK/fake" {
				t.Errorf("got %d %q", status, body)
			}
			if reports, messages := w.stored(); reports != tt.reports || messages != tt.messages {
				t.Errorf("%d reports and %d messages are stored, want %d and %d", reports, messages, tt.reports, tt.messages)
			}
		})
	}
	t.Run("AsGETToo", func(t *testing.T) {
		w := newWorld(t, Options{})
		resp, err := http.Get(w.signer.Inbound("dk") + "?status=mo&id=1&to=4500000001")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if _, messages := w.stored(); resp.StatusCode != 200 || messages != 1 {
			t.Errorf("got %d, and %d messages", resp.StatusCode, messages)
		}
	})
}

// TestServer_WithoutRedis: what is not stored is not acknowledged, so that the gateway pushes it again.
func TestServer_WithoutRedis(t *testing.T) {
	w := newWorld(t, Options{})
	w.mini.SetError("LOADING")
	for _, address := range []string{w.signer.Address("dk", report.Target{Job: job, Position: 0}), w.signer.Inbound("dk")} {
		form := "status=delivered"
		if strings.Contains(address, "/in/") {
			form = "status=mo&id=1&to=4500000001"
		}
		if status, body := w.push(address, form); status != 503 || strings.Contains(body, "ACK") {
			t.Errorf("got %d %q", status, body)
		}
	}
	w.mini.SetError("")
	if status, _ := w.push(w.signer.Inbound("dk"), "status=mo&id=1&to=4500000001"); status != 200 {
		t.Errorf("afterwards: %d", status)
	}
	if n := w.pushes("dk", unavailable); n != 2 {
		t.Errorf("%v are counted", n)
	}
}

// TestServer_Busy: more than so many at a time are told to come again, and forged ones take nobody's place.
func TestServer_Busy(t *testing.T) {
	w := newWorld(t, Options{MaxPushes: 1})
	r, hold := io.Pipe()
	done := make(chan error, 1)
	go func() {
		resp, err := http.Post(w.signer.Address("dk", report.Target{Job: job, Position: 0}), "text/plain", r)
		if err == nil {
			err = resp.Body.Close()
		}
		done <- err
	}()
	for len(w.server.slots) == 0 {
		time.Sleep(time.Millisecond)
	}
	if status, _ := w.push(w.signer.Address("dk", report.Target{Job: job, Position: 1}), "status=pending"); status != 503 {
		t.Errorf("got %d", status)
	}
	if status, _ := w.push(w.base+"/r/dk/forged", ""); status != 404 {
		t.Errorf("a forged one got %d", status)
	}
	_, _ = hold.Write([]byte("status=pending"))
	hold.Close()
	if err := <-done; err != nil {
		t.Errorf("the one that was there: %v", err)
	}
}

// TestServer_Drains: what has begun when the server is stopped is answered.
func TestServer_Drains(t *testing.T) {
	w := newWorld(t, Options{})
	r, hold := io.Pipe()
	type answer struct {
		status int
		err    error
	}
	done := make(chan answer, 1)
	go func() {
		resp, err := http.Post(w.signer.Inbound("dk"), "text/plain", r)
		if err != nil {
			done <- answer{0, err}
			return
		}
		done <- answer{resp.StatusCode, resp.Body.Close()}
	}()
	for len(w.server.slots) == 0 {
		time.Sleep(time.Millisecond)
	}
	stopped := make(chan error, 1)
	go func() { stopped <- w.stop() }()
	for {
		c, err := net.Dial("tcp", strings.TrimPrefix(w.base, "http://"))
		if err != nil {
			break
		}
		c.Close()
	}
	_, _ = hold.Write([]byte("status=mo&id=1&to=4500000001"))
	hold.Close()
	if a := <-done; a.err != nil || a.status != 200 {
		t.Errorf("got %+v", a)
	}
	if err := <-stopped; err != nil {
		t.Errorf("Run: %v", err)
	}
	if _, messages := w.stored(); messages != 1 {
		t.Errorf("%d messages are stored", messages)
	}
}

func TestServer_StartAndStop(t *testing.T) {
	for range 5 {
		w := newWorld(t, Options{})
		if err := w.stop(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestNew_Refuses(t *testing.T) {
	if _, err := New(nil, Options{}); err == nil {
		t.Error("no secret")
	}
	if _, err := New(nil, Options{Secret: "s", MaxPushes: -1}); err == nil || errors.Is(err, context.Canceled) {
		t.Error("a negative bound")
	}
}
