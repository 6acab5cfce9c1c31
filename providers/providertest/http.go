package providertest

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/providers/providertest/gateway"
)

// through returns an adapter before a gateway that only answers through serve.
func (h *Harness) through(t *testing.T, serve func(w http.ResponseWriter, r *http.Request, g http.Handler)) (*bench, *httptest.Server) {
	t.Helper()
	g := gateway.New(h.Dialect, gateway.Options{})
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { serve(w, r, g) }))
	s.Config.ErrorLog = quiet
	s.Start()
	t.Cleanup(s.Close)
	t.Cleanup(func() { _ = g.Close() })
	return &bench{T: t, h: h, g: g, a: h.watch(t, h.New(t, s.URL))}, s
}

// usual returns the gateway's own answer.
func usual(r *http.Request, g http.Handler) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	g.ServeHTTP(rec, r)
	return rec
}

// copyHead copies the header but for the length.
func copyHead(w http.ResponseWriter, from *httptest.ResponseRecorder) {
	for k, v := range from.Header() {
		if k != "Content-Length" {
			w.Header()[k] = v
		}
	}
}

// answersInPieces looks at forms of one and the same answer that HTTP allows.
func answersInPieces(t *testing.T, h *Harness) {
	for name, serve := range map[string]func(http.ResponseWriter, *http.Request, http.Handler){
		"Chunked": func(w http.ResponseWriter, r *http.Request, g http.Handler) {
			resp := usual(r, g)
			copyHead(w, resp)
			w.WriteHeader(resp.Code)
			body := resp.Body.Bytes()
			for i := range body {
				_, _ = w.Write(body[i : i+1])
				_ = http.NewResponseController(w).Flush()
			}
		},
		"Gzip": func(w http.ResponseWriter, r *http.Request, g http.Handler) {
			zips := strings.Contains(r.Header.Get("Accept-Encoding"), "gzip")
			resp := usual(r, g)
			copyHead(w, resp)
			body := resp.Body.Bytes()
			if zips {
				w.Header().Set("Content-Encoding", "gzip")
				body = zipped(body)
			}
			w.WriteHeader(resp.Code)
			_, _ = w.Write(body)
		},
		"EarlyHints": func(w http.ResponseWriter, r *http.Request, g http.Handler) {
			resp := usual(r, g)
			w.Header().Set("Link", "</>; rel=preload")
			w.WriteHeader(http.StatusEarlyHints)
			copyHead(w, resp)
			w.WriteHeader(resp.Code)
			_, _ = resp.Body.WriteTo(w)
		},
		"ConnectionClose": func(w http.ResponseWriter, r *http.Request, g http.Handler) {
			w.Header().Set("Connection", "close")
			g.ServeHTTP(w, r)
		},
	} {
		t.Run(name, func(t *testing.T) {
			b, _ := h.through(t, serve)
			for i := range 2 { // the second one shows whether the connection was left in order
				allAccepted(t, b.send(shifted(h.call(b.a.adapter.Limits(), 3), 1000*i)))
			}
			b.keptRules()
			b.sawSends(2)
		})
	}
}

func zipped(b []byte) []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, _ = z.Write(b)
	_ = z.Close()
	return out.Bytes()
}

// zipBomb looks at an answer that is small on the wire and large when unpacked, and at one that can't be unpacked.
func zipBomb(t *testing.T, h *Harness) {
	const unpacked = 4 << 20
	bomb := zipped(bytes.Repeat([]byte(" "), unpacked))
	for name, body := range map[string][]byte{"Bomb": bomb, "NoGzip": []byte("no gzip at all"), "HalfOfIt": bomb[:len(bomb)/2]} {
		t.Run(name, func(t *testing.T) {
			b, _ := h.through(t, func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
				_, _ = io.Copy(io.Discard, r.Body)
				w.Header().Set("Content-Encoding", "gzip")
				_, _ = w.Write(body)
			})
			allOf(t, b.send(h.call(b.a.adapter.Limits(), 3)), providers.Unknown)
		})
	}
}

// raw returns an adapter before a server that reads a request and lets answer write whatever it wants, and how many
// requests came.
func (h *Harness) raw(t *testing.T, answer func(conn net.Conn)) (*bench, *atomic.Int64) {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	seen := new(atomic.Int64)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = conn.Close() }()
				if readRequest(conn) {
					seen.Add(1)
					answer(conn)
				}
			}()
		}
	}()
	return &bench{T: t, h: h, a: h.watch(t, h.New(t, "http://"+l.Addr().String()))}, seen
}

func oddAnswers(t *testing.T, h *Harness) {
	write := func(text string) func(net.Conn) {
		return func(conn net.Conn) { _, _ = io.WriteString(conn, text) }
	}
	for name, answer := range map[string]func(net.Conn){
		"SwitchingProtocols":  write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"),
		"InformationAlone":    write("HTTP/1.1 103 Early Hints\r\n\r\n"),
		"InformationEndless":  write(strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", 20_000)),
		"NoSuchStatus":        write("HTTP/1.1 999 What\r\nContent-Length: 0\r\n\r\n"),
		"StatusOfTwoDigits":   write("HTTP/1.1 20 OK\r\n\r\n"),
		"HTTP/0.9":            write("thank you"),
		"NothingAtAll":        write(""),
		"ShorterThanItSays":   write("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"),
		"ChunkThatIsNone":     write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
		"ChunksThatBreakOff":  write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"a\":"),
		"LengthTwice":         write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 5\r\n\r\n{}"),
		"HeaderOfOneLongLine": write("HTTP/1.1 200 OK\r\nX-Pad: " + strings.Repeat("x", 1<<20) + "\r\n\r\n"),
	} {
		t.Run(name, func(t *testing.T) {
			b, seen := h.raw(t, answer)
			allOf(t, b.send(h.call(b.a.adapter.Limits(), 2)), providers.Unknown)
			if seen.Load() != 1 {
				t.Errorf("the gateway saw %d requests, want 1", seen.Load())
			}
		})
	}
}

// headerBomb looks at a yes that stands behind more header than any answer has.
func headerBomb(t *testing.T, h *Harness) {
	b, _ := h.through(t, func(w http.ResponseWriter, r *http.Request, g http.Handler) {
		for i := range 1024 {
			w.Header().Set(fmt.Sprintf("X-Pad-%d", i), strings.Repeat("x", 1024))
		}
		g.ServeHTTP(w, r)
	})
	c := h.call(b.a.adapter.Limits(), 2)
	allOf(t, b.send(c), providers.Unknown)
	b.sawSends(1)
	b.arrived(c, everyone)
}

// slowHeader looks at a header that does not come to its end within the caller's time.
func slowHeader(t *testing.T, h *Harness) {
	ctx, cancel := context.WithTimeout(t.Context(), guard)
	defer cancel()
	over := make(chan struct{})
	b, seen := h.raw(t, func(conn net.Conn) {
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nX-Pad: ")
		cancel() // the caller's time is over while the header has begun
		<-over
	})
	defer close(over)
	allOf(t, b.a.Send(ctx, h.call(b.a.adapter.Limits(), 2)), providers.Unknown)
	if seen.Load() != 1 {
		t.Errorf("the gateway saw %d requests, want 1", seen.Load())
	}
}

func deadlineInThePast(t *testing.T, h *Harness) {
	b := h.start(t)
	ctx, cancel := context.WithDeadline(context.Background(), time.Now().Add(-time.Hour))
	defer cancel()
	for _, r := range b.a.Send(ctx, h.call(b.a.adapter.Limits(), 3)) {
		if r.Err == nil || !providers.KindOf(r.Err).NotSent() {
			t.Errorf("got %v, want a kind that says it was not sent", r.Err)
		}
	}
	b.sawSends(0)
}

func oldTLS(t *testing.T, h *Harness) {
	g := gateway.New(h.Dialect, gateway.Options{})
	defer func() { _ = g.Close() }()
	s := httptest.NewUnstartedServer(g)
	s.Config.ErrorLog = quiet
	s.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11} //nolint:gosec // what is to be refused
	s.StartTLS()
	defer s.Close()
	b := &bench{T: t, h: h, g: g, a: h.watch(t, h.New(t, s.URL))}
	results := b.send(h.call(b.a.adapter.Limits(), 2))
	allOf(t, results, providers.Unavailable)
	if !strings.Contains(results[0].Err.Error(), "version") {
		t.Errorf("got %v, want the version to be what is refused", results[0].Err)
	}
	b.sawSends(0)
}

// idleConnectionDies lets the connection die between two calls. Whether the adapter notices in time is chance; the second
// call must not be made twice, and be accepted only when it came.
func idleConnectionDies(t *testing.T, h *Harness) {
	b, s := h.through(t, func(w http.ResponseWriter, r *http.Request, g http.Handler) { g.ServeHTTP(w, r) })
	c := h.call(b.a.adapter.Limits(), 2)
	allAccepted(t, b.send(c))
	s.CloseClientConnections()
	c = shifted(c, 1000)
	for i, r := range b.send(c) {
		sends := b.g.Stats().Sends
		switch {
		case sends > 2:
			t.Fatalf("the gateway saw %d sends of two calls", sends)
		case r.Err == nil && sends != 2:
			t.Errorf("result %d: accepted, but nothing came", i)
		case r.Err != nil && providers.KindOf(r.Err) != providers.Unknown && (sends != 1 || !providers.KindOf(r.Err).NotSent()):
			t.Errorf("result %d: got %v after %d sends", i, r.Err, sends)
		}
	}
}

// connectionsAreKept makes calls one after another, which need no more than one connection.
func connectionsAreKept(t *testing.T, h *Harness) {
	g := gateway.New(h.Dialect, gateway.Options{})
	defer func() { _ = g.Close() }()
	var opened atomic.Int64
	s := httptest.NewUnstartedServer(g)
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	s.Start()
	defer s.Close()
	b := &bench{T: t, h: h, g: g, a: h.watch(t, h.New(t, s.URL))}
	c := h.call(b.a.adapter.Limits(), 1)
	const calls = 10
	for i := range calls {
		if i == calls/2 { // a refusal leaves the connection in order, too
			g.Script(func(int64) *gateway.Reply {
				return &gateway.Reply{Status: http.StatusTooManyRequests, Body: bytes.Repeat([]byte("slow down "), 10_000)}
			})
			allOf(t, b.send(c), providers.Throttled)
			g.Script(nil)
		}
		allAccepted(t, b.send(shifted(c, i)))
	}
	if got := opened.Load(); got != 1 {
		t.Errorf("%d calls one after another took %d connections, want 1", calls+1, got)
	}
}

func retryAfterForms(t *testing.T, h *Harness) {
	const most = 24 * time.Hour // whatever a gateway asks for
	date := func(d time.Duration) string { return time.Now().Add(d).UTC().Format(http.TimeFormat) }
	for name, tt := range map[string]struct {
		header    string
		low, high time.Duration
	}{
		"Seconds":          {"90", 90 * time.Second, 90 * time.Second},
		"BlanksAround":     {" 90 ", 90 * time.Second, 90 * time.Second},
		"Date":             {date(10 * time.Minute), 8 * time.Minute, 10 * time.Minute},
		"DateInThePast":    {date(-time.Hour), 0, 0},
		"Zero":             {"0", 0, 0},
		"Negative":         {"-5", 0, 0},
		"Huge":             {"99999999999999999999999", 0, most},
		"LargestInteger":   {strconv.FormatInt(1<<63-1, 10), 0, most},
		"YearsFromNow":     {date(20 * 365 * 24 * time.Hour), 0, most},
		"Words":            {"a little later", 0, 0},
		"Fraction":         {"1.5", 0, 2 * time.Second},
		"Empty":            {"", 0, 0},
		"NotANumberAtAll":  {"NaN", 0, 0},
		"SecondsAndABlank": {"3 0", 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			b := h.start(t)
			b.g.Script(func(int64) *gateway.Reply {
				return &gateway.Reply{Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {tt.header}}}
			})
			results := b.send(h.call(b.a.adapter.Limits(), 2))
			allOf(t, results, providers.Throttled)
			if got := retryAfter(results[0]); got < tt.low || got > tt.high {
				t.Errorf("Retry-After %q: got %v, want from %v to %v", tt.header, got, tt.low, tt.high)
			}
		})
	}
}

// everyStatus looks at statuses with bodies that a proxy puts before a gateway.
func everyStatus(t *testing.T, h *Harness) {
	const page = "<!DOCTYPE html><html><head><title>%d</title></head><body><h1>OK: success, Accepted</h1><p>1 message sent</p></body></html>"
	for status := 200; status < 600; status++ {
		if http.StatusText(status) == "" && !oneOfInts(status, 419, 444, 499, 520, 522, 524, 599) || status == http.StatusNotModified {
			continue
		}
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			b := h.start(t)
			b.g.Script(func(int64) *gateway.Reply {
				return &gateway.Reply{Status: status, Type: "text/html", Body: fmt.Appendf(nil, page, status)}
			})
			results := b.send(h.call(b.a.adapter.Limits(), 2))
			b.sawSends(1)
			for i, r := range results {
				if r.Err == nil {
					t.Fatalf("result %d: a page with status %d is taken for a yes", i, status)
				}
				k := providers.KindOf(r.Err)
				switch {
				case status < 300 && k != providers.Unknown,
					status >= 500 && k != providers.Unknown && status != http.StatusServiceUnavailable,
					status == http.StatusServiceUnavailable && !oneOf(k, providers.Unknown, providers.Unavailable, providers.Throttled),
					status == http.StatusUnauthorized && k != providers.Config,
					status == http.StatusProxyAuthRequired && k != providers.Config,
					status == http.StatusTooManyRequests && k != providers.Throttled,
					status/100 == 3 && !oneOf(k, providers.Config, providers.Rejected):
					t.Fatalf("result %d: status %d is %v", i, status, k)
				}
			}
		})
	}
}

func oneOfInts(n int, list ...int) bool {
	for _, m := range list {
		if n == m {
			return true
		}
	}
	return false
}

// readRequest reads one request to its end.
func readRequest(conn net.Conn) bool {
	req, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil {
		return false
	}
	_, _ = io.Copy(io.Discard, req.Body)
	return true
}
