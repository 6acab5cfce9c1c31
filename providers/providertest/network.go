package providertest

import (
	"bufio"
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/providers/providertest/gateway"
)

// quiet takes what a server says about failed handshakes.
var quiet = log.New(io.Discard, "", 0)

func refusedConnection(t *testing.T, h *Harness) {
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close() // nobody listens there now
	b := &bench{T: t, h: h, a: h.watch(t, h.New(t, "http://"+l.Addr().String()))}
	allOf(t, b.send(h.call(b.a.adapter.Limits(), 3)), providers.Unavailable)
}

func failedTLS(t *testing.T, h *Harness) {
	t.Run("NoTLSThere", func(t *testing.T) {
		b := h.serve(t)
		b.a = h.watch(t, h.New(t, strings.Replace(b.g.URL(), "http://", "https://", 1)))
		allOf(t, b.send(h.call(b.a.adapter.Limits(), 3)), providers.Unavailable)
		b.sawSends(0)
	})
	t.Run("UnknownCertificate", func(t *testing.T) {
		g := gateway.New(h.Dialect, gateway.Options{})
		s := httptest.NewUnstartedServer(g)
		s.Config.ErrorLog = quiet
		s.StartTLS()
		defer s.Close()
		b := &bench{T: t, h: h, g: g, a: h.watch(t, h.New(t, s.URL))}
		allOf(t, b.send(h.call(b.a.adapter.Limits(), 3)), providers.Unavailable)
		b.sawSends(0)
	})
}

func droppedConnection(t *testing.T, h *Harness) {
	for _, cut := range []string{"cut-before", "cut-after"} {
		t.Run("Fresh/"+cut, func(t *testing.T) {
			b := h.start(t, cut+"@1")
			allOf(t, b.send(h.call(b.a.adapter.Limits(), 3)), providers.Unknown)
			b.sawSends(1)
		})
		t.Run("Reused/"+cut, func(t *testing.T) {
			b := h.start(t, cut+"@2")
			c := h.call(b.a.adapter.Limits(), 3)
			allAccepted(t, b.send(c))
			for i := range c.Recipients {
				c.Recipients[i].To -= 1000
			}
			allOf(t, b.send(c), providers.Unknown)
			b.sawSends(2)
		})
	}
	for name, readAll := range map[string]bool{"Reused/afterTheFirstByte": false, "Reused/afterTheRequest": true} {
		t.Run(name, func(t *testing.T) {
			g := gateway.New(h.Dialect, gateway.Options{})
			l := newCuttingListener(t, g, readAll)
			b := &bench{T: t, h: h, g: g, a: h.watch(t, h.New(t, "http://"+l.addr))}
			c := h.call(b.a.adapter.Limits(), 3)
			allAccepted(t, b.send(c))
			allOf(t, b.send(c), providers.Unknown)
			if got := l.begun.Load(); got != 2 {
				t.Errorf("the gateway saw %d requests begin, want 2", got)
			}
		})
	}
}

// cuttingListener answers the first request it gets, and closes the connection at the second, whichever connection
// that comes on.
type cuttingListener struct {
	addr    string
	begun   atomic.Int64 // requests of which a byte was seen
	readAll bool         // whether the second request is read before the cut
	h       http.Handler
}

func newCuttingListener(t *testing.T, h http.Handler, readAll bool) *cuttingListener {
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	c := &cuttingListener{addr: l.Addr().String(), readAll: readAll, h: h}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go c.serve(conn)
		}
	}()
	return c
}

func (c *cuttingListener) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	r := bufio.NewReader(conn)
	for {
		if _, err := r.Peek(1); err != nil {
			return
		}
		n := c.begun.Add(1)
		if n > 1 && !c.readAll {
			return
		}
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		rec := httptest.NewRecorder()
		if n > 1 {
			_, _ = io.Copy(io.Discard, req.Body)
			return
		}
		c.h.ServeHTTP(rec, req)
		if err := rec.Result().Write(conn); err != nil {
			return
		}
	}
}

func deadlineAfterWrite(t *testing.T, h *Harness) {
	t.Run("Deadline", func(t *testing.T) {
		b := h.start(t, "latency:1h")
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		c := h.call(b.a.adapter.Limits(), 3)
		allOf(t, b.a.Send(ctx, c), providers.Unknown)
		b.sawSends(1)
		b.arrived(c, everyone)
	})
	t.Run("Cancelled", func(t *testing.T) {
		b := h.start(t, "latency:1h")
		ctx, cancel := context.WithTimeout(context.Background(), guard)
		defer cancel()
		b.g.Script(func(int64) *gateway.Reply { cancel(); return nil })
		allOf(t, b.a.Send(ctx, h.call(b.a.adapter.Limits(), 3)), providers.Unknown)
		b.sawSends(1)
	})
}

func trickledBody(t *testing.T, h *Harness) {
	var seen atomic.Int64
	ctx, cancel := context.WithTimeout(context.Background(), guard)
	defer cancel()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen.Add(1)
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = w.Write([]byte(" "))
		_ = http.NewResponseController(w).Flush()
		cancel() // the caller's time is over while the answer has begun
		<-r.Context().Done()
	}))
	defer s.Close()
	a := h.watch(t, h.New(t, s.URL))
	allOf(t, a.Send(ctx, h.call(a.adapter.Limits(), 3)), providers.Unknown)
	if seen.Load() != 1 {
		t.Errorf("the gateway saw %d requests, want 1", seen.Load())
	}
}

func canceledContext(t *testing.T, h *Harness) {
	b := h.start(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, r := range b.a.Send(ctx, h.call(b.a.adapter.Limits(), 3)) {
		if r.Err == nil || !providers.KindOf(r.Err).NotSent() {
			t.Errorf("got %v, want a kind that says it was not sent", r.Err)
		}
	}
	b.sawSends(0)
}

// capFloor is how much of an endless answer an adapter may take in before the case fails, in bytes.
const capFloor = 64 << 20

func bodyCapped(t *testing.T, h *Harness) {
	t.Run("Huge", func(t *testing.T) {
		b := h.start(t, "huge")
		allOf(t, b.send(h.call(b.a.adapter.Limits(), 3)), providers.Unknown)
		b.sawSends(1)
	})
	t.Run("Endless", func(t *testing.T) {
		var written atomic.Int64
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			chunk := []byte(strings.Repeat("<a>[{", 13_000))
			for written.Load() < capFloor {
				n, err := w.Write(chunk)
				written.Add(int64(n))
				if err != nil {
					return
				}
			}
		}))
		b := &bench{T: t, h: h, a: h.watch(t, h.New(t, s.URL))}
		allOf(t, b.send(h.call(b.a.adapter.Limits(), 3)), providers.Unknown)
		s.Close()
		if written.Load() >= capFloor {
			t.Errorf("the adapter read %d bytes of an endless answer", written.Load())
		}
	})
}
