package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/providers/gatewayapi"
	"github.com/volleysms/volley/providers/mttm"
)

// gateway answers every call in the same process after the given latency, and looks at nothing: what is measured is what
// stands before it. It speaks GatewayAPI's REST API where a call has many recipients (one identifier a call), and MTTM's
// where it has one (a UUID each).
type gateway struct {
	perCall int
	latency time.Duration
	url     string
	srv     *http.Server

	calls atomic.Uint64
	seen  atomic.Pointer[func()] // called on each request, when set

	keep    atomic.Bool // sample the requests as they come
	mu      sync.Mutex
	samples []sample
}

func startGateway(ctx context.Context, perCall int, latency time.Duration) (*gateway, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	g := &gateway{perCall: perCall, latency: latency, url: "http://" + l.Addr().String()}
	g.srv = &http.Server{Handler: g, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		if err := g.srv.Serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) {
			panic(err) // a listener of our own that breaks leaves nothing to measure
		}
	}()
	return g, nil
}

func (g *gateway) close(ctx context.Context) error { return g.srv.Shutdown(ctx) }

func (g *gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if g.keep.Load() {
		g.sample(r)
	} else if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return
	}
	if seen := g.seen.Load(); seen != nil {
		(*seen)()
	}
	if g.latency > 0 {
		time.Sleep(g.latency)
	}
	n := g.calls.Add(1)
	h := w.Header()
	h["Content-Type"] = []string{"application/json"}
	var buf [128]byte
	b := buf[:0]
	if g.perCall > 1 {
		b = append(b, `{"ids":[`...)
		b = strconv.AppendUint(b, 400000000+n, 10)
		b = append(b, `],"usage":{"countries":{"DK":250},"currency":"DKK","total_cost":75}}`...)
	} else {
		b = append(b, `{"data": "Success \"07033084-5cfb-4812-`...)
		b = fmt.Appendf(b, "%04x-%012x", n>>16&0xffff, n*0x9e3779b97f4a7c15>>16)
		b = append(b, `"}`...)
	}
	h["Content-Length"] = []string{strconv.Itoa(len(b))}
	_, _ = w.Write(b)
}

func (g *gateway) sample(r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.samples = append(g.samples, sample{path: r.URL.RequestURI(), header: r.Header.Clone(), body: body})
}

// adapter returns the adapter that speaks to the gateway, with credentials of its own.
func (g *gateway) adapter(conns int) (provider string, a providers.Adapter, err error) {
	if g.perCall > 1 {
		a, err = gatewayapi.New(gatewayapi.Options{
			BaseURL: g.url, Token: "bench", MaxRecipients: g.perCall, MaxConns: min(conns, gatewayapi.MaxConns),
		})
		return "gatewayapi", a, err
	}
	a, err = mttm.New(mttm.Options{BaseURL: g.url, Username: "bench", Password: "bench", MaxConns: conns})
	return "mttm", a, err
}
