package httpc_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/volleysms/volley/internal/httpc"
	"github.com/volleysms/volley/providers"
)

// What must never be in an error.
const (
	password = "hunter22"
	number   = "4512345678"
	query    = "/send?password=" + password + "&to=" + number
)

// methods make the two requests of the adapters, with a secret and a number in each.
var methods = map[string]func(ctx context.Context, base string) (*http.Request, error){
	"GET": func(ctx context.Context, base string) (*http.Request, error) { return httpc.NewGET(ctx, base+query) },
	"POST": func(ctx context.Context, base string) (*http.Request, error) {
		return httpc.NewPOST(ctx, base+query, "application/json", []byte(`{"password":"`+password+`","to":"`+number+`"}`))
	},
}

// eachMethod runs a test with a GET and with a POST.
func eachMethod(t *testing.T, test func(t *testing.T, request func(context.Context, string) *http.Request)) {
	t.Helper()
	for name, method := range methods {
		t.Run(name, func(t *testing.T) {
			test(t, func(ctx context.Context, base string) *http.Request {
				t.Helper()
				req, err := method(ctx, base)
				if err != nil {
					t.Fatal(err)
				}
				return req
			})
		})
	}
}

// gateway is a server on the level of connections.
type gateway struct {
	url      string
	requests atomic.Int32
}

// newGateway calls answer for each request, with the number of its connection and its own number on that, from 1. The
// connection is closed when answer returns false.
func newGateway(t *testing.T, answer func(c *net.TCPConn, conn, n int, req *http.Request) bool) *gateway {
	t.Helper()
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	g := &gateway{url: "http://" + l.Addr().String()}
	var wg sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	wg.Go(func() {
		for conn := 1; ; conn++ {
			c, err := l.AcceptTCP()
			if err != nil {
				return
			}
			context.AfterFunc(ctx, func() { c.Close() })
			wg.Go(func() {
				defer c.Close()
				in := bufio.NewReader(c)
				for n := 1; ; n++ {
					req, err := http.ReadRequest(in)
					if err != nil {
						return
					}
					_, _ = io.Copy(io.Discard, req.Body)
					g.requests.Add(1)
					if !answer(c, conn, n, req) {
						return
					}
				}
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		cancel()
		wg.Wait()
	})
	return g
}

const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// endings are the ways in which a connection ends.
var endings = map[string]func(c *net.TCPConn){
	"Closed": func(*net.TCPConn) {},
	"Reset":  func(c *net.TCPConn) { _ = c.SetLinger(0) },
}

func wantKind(t *testing.T, err *providers.Error, want providers.Kind) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %v", want)
	}
	if err.Kind != want || err.Provider != "test" {
		t.Errorf("got %v of %q, want %v", err.Kind, err.Provider, want)
	}
	wantNoSecret(t, err)
}

func wantNoSecret(t *testing.T, err error) {
	t.Helper()
	for e := err; e != nil; e = errors.Unwrap(e) {
		for _, s := range []string{password, number, "/send", "?"} {
			if strings.Contains(e.Error(), s) {
				t.Errorf("the error holds %q: %v", s, e)
			}
		}
	}
}

func newClient() *httpc.Client { return httpc.New(httpc.Options{Provider: "test"}) }

func TestDo_NotSent(t *testing.T) {
	silent := newGateway(t, func(*net.TCPConn, int, int, *http.Request) bool { return false })
	secure := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the request was sent") }))
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	defer secure.Close()
	closed, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	mute, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer mute.Close()

	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	tests := []struct {
		name string
		base string
		ctx  context.Context
		is   error
		says string
	}{
		{"RefusedConnection", "http://" + closed.Addr().String(), nil, syscall.ECONNREFUSED, "connection refused"},
		{"UntrustedCertificate", secure.URL, nil, nil, "unknown authority"},
		{"NoTLSAtTheOtherEnd", strings.Replace(silent.url, "http", "https", 1), nil, io.EOF, "EOF"},
		{"NoSuchHost", "http://no..such..host", nil, nil, "no such host"},
		{"CancelledBefore", silent.url, cancelled, context.Canceled, "canceled"},
		{"DeadlineDuringTheHandshake", "https://" + mute.Addr().String(), soon(t), context.DeadlineExceeded, "deadline exceeded"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			eachMethod(t, func(t *testing.T, request func(context.Context, string) *http.Request) {
				ctx := tt.ctx
				if ctx == nil {
					ctx = t.Context()
				}
				_, err := newClient().Do(ctx, request(ctx, tt.base))
				wantKind(t, err, providers.Unavailable)
				if tt.is != nil && !errors.Is(err, tt.is) {
					t.Errorf("got %v, want %v", err, tt.is)
				}
				if !strings.Contains(err.Error(), tt.says) {
					t.Errorf("got %v, want it to say %q", err, tt.says)
				}
			})
		})
	}
	if n := silent.requests.Load(); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}

// soon returns a context whose deadline comes while the request waits for something that never comes.
func soon(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}

func TestDo_DeadlineWhileAllConnectionsAreBusy(t *testing.T) {
	arrived, release := make(chan struct{}, 2), make(chan struct{})
	g := newGateway(t, func(c *net.TCPConn, _, _ int, _ *http.Request) bool {
		arrived <- struct{}{}
		<-release
		_, err := io.WriteString(c, ok)
		return err == nil
	})
	client := httpc.New(httpc.Options{Provider: "test", MaxConns: 1})
	request := func(ctx context.Context) *http.Request {
		req, err := httpc.NewGET(ctx, g.url+query)
		if err != nil {
			t.Error(err)
		}
		return req
	}
	first := make(chan *providers.Error)
	go func() {
		_, err := client.Do(context.Background(), request(context.Background()))
		first <- err
	}()
	<-arrived
	ctx := soon(t)
	_, err := client.Do(ctx, request(ctx))
	wantKind(t, err, providers.Unavailable)
	close(release)
	if err := <-first; err != nil {
		t.Error(err)
	}
	if n := g.requests.Load(); n != 1 {
		t.Errorf("%d requests were sent, want 1", n)
	}
}

func TestDo_MayHaveBeenSent(t *testing.T) {
	answers := map[string]string{
		"NoAnswer":           "",
		"CutInTheStatusLine": "HTTP/1.1 20",
		"CutInTheHeader":     "HTTP/1.1 200 OK\r\nContent-Le",
		"CutBody":            "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"id\":",
		"CutChunkedBody":     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
		"NotHTTP":            "220 mail.example ESMTP\r\n",
		"HeaderOver64KB":     "HTTP/1.1 200 OK\r\nX-Long: " + strings.Repeat("x", 100<<10) + "\r\n\r\n",
	}
	for name, answer := range answers {
		for ending, end := range endings {
			t.Run(name+"Then"+ending, func(t *testing.T) {
				eachMethod(t, func(t *testing.T, request func(context.Context, string) *http.Request) {
					g := newGateway(t, func(c *net.TCPConn, _, _ int, _ *http.Request) bool {
						_, _ = io.WriteString(c, answer)
						end(c)
						return false
					})
					_, err := newClient().Do(t.Context(), request(t.Context(), g.url))
					wantKind(t, err, providers.Unknown)
					if n := g.requests.Load(); n != 1 {
						t.Errorf("the gateway saw %d requests, want 1", n)
					}
				})
			})
		}
	}
}

func TestDo_EndedAfterTheRequestLeft(t *testing.T) {
	started := map[string]string{"BeforeTheAnswer": "", "InTheBody": "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"}
	for name, answer := range started {
		t.Run(name, func(t *testing.T) {
			eachMethod(t, func(t *testing.T, request func(context.Context, string) *http.Request) {
				ctx, cancel := context.WithCancel(t.Context())
				g := newGateway(t, func(c *net.TCPConn, _, _ int, _ *http.Request) bool {
					_, _ = io.WriteString(c, answer)
					cancel()
					return true
				})
				_, err := newClient().Do(ctx, request(ctx, g.url))
				wantKind(t, err, providers.Unknown)
				if !errors.Is(err, context.Canceled) {
					t.Errorf("got %v, want context.Canceled", err)
				}
				if n := g.requests.Load(); n != 1 {
					t.Errorf("the gateway saw %d requests, want 1", n)
				}
			})
		})
	}
}

// TestDo_ReusedConnectionDies: net/http by itself would send a GET again, and tell nobody.
func TestDo_ReusedConnectionDies(t *testing.T) {
	for ending, end := range endings {
		t.Run(ending, func(t *testing.T) {
			eachMethod(t, func(t *testing.T, request func(context.Context, string) *http.Request) {
				var reused atomic.Bool
				g := newGateway(t, func(c *net.TCPConn, conn, n int, _ *http.Request) bool {
					if n == 1 {
						_, err := io.WriteString(c, ok)
						return err == nil
					}
					reused.Store(conn == 1)
					end(c)
					return false
				})
				client := newClient()
				if _, err := client.Do(t.Context(), request(t.Context(), g.url)); err != nil {
					t.Fatal(err)
				}
				_, err := client.Do(t.Context(), request(t.Context(), g.url))
				if !reused.Load() {
					t.Fatal("the connection was not reused")
				}
				wantKind(t, err, providers.Unknown)
				if n := g.requests.Load(); n != 2 {
					t.Errorf("the gateway saw %d requests, want 2", n)
				}
			})
		})
	}
}

func TestRequests_OnTheWire(t *testing.T) {
	var got *http.Request
	var body string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got, body = r, string(b)
		w.Header().Set("X-Answer", "yes")
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, "done")
	}))
	defer srv.Close()

	t.Run("AGETHasNoBody", func(t *testing.T) {
		req, err := httpc.NewGET(t.Context(), srv.URL+query)
		if err != nil {
			t.Fatal(err)
		}
		resp, perr := newClient().Do(t.Context(), req)
		if perr != nil {
			t.Fatal(perr)
		}
		if resp.Status != 202 || string(resp.Body) != "done" || resp.Cut || resp.Header.Get("X-Answer") != "yes" {
			t.Errorf("got %+v", resp)
		}
		if got.Method != "GET" || got.RequestURI != query || body != "" || got.ContentLength != 0 || got.TransferEncoding != nil ||
			got.Header.Get("Content-Length") != "" {
			t.Errorf("the gateway saw %s %s with %q, length %d, %v", got.Method, got.RequestURI, body, got.ContentLength, got.TransferEncoding)
		}
	})
	t.Run("APOSTHasItsLengthAndType", func(t *testing.T) {
		req, err := httpc.NewPOST(t.Context(), srv.URL, "text/plain", []byte("hello"))
		if err != nil {
			t.Fatal(err)
		}
		if _, perr := newClient().Do(t.Context(), req); perr != nil {
			t.Fatal(perr)
		}
		if got.Method != "POST" || body != "hello" || got.ContentLength != 5 || got.Header.Get("Content-Type") != "text/plain" {
			t.Errorf("the gateway saw %s with %q, length %d, %v", got.Method, body, got.ContentLength, got.Header)
		}
	})
}

func TestDo_FollowsNoRedirect(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			eachMethod(t, func(t *testing.T, request func(context.Context, string) *http.Request) {
				var seen atomic.Int32
				srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					seen.Add(1)
					http.Redirect(w, r, "/elsewhere", status)
				}))
				defer srv.Close()
				resp, err := newClient().Do(t.Context(), request(t.Context(), srv.URL))
				if err != nil {
					t.Fatal(err)
				}
				if resp.Status != status || seen.Load() != 1 {
					t.Errorf("got %d after %d requests, want %d after 1", resp.Status, seen.Load(), status)
				}
			})
		})
	}
}

func TestDo_BodyCap(t *testing.T) {
	do := func(t *testing.T, o httpc.Options, handler http.HandlerFunc) *httpc.Response {
		t.Helper()
		srv := httptest.NewServer(handler)
		defer srv.Close()
		req, err := httpc.NewGET(t.Context(), srv.URL)
		if err != nil {
			t.Fatal(err)
		}
		resp, perr := httpc.New(o).Do(t.Context(), req)
		if perr != nil {
			t.Fatal(perr)
		}
		return resp
	}
	for _, tt := range []struct {
		name string
		size int
		cut  bool
	}{{"Empty", 0, false}, {"OneLess", 9, false}, {"AsLong", 10, false}, {"OneMore", 11, true}} {
		t.Run(tt.name, func(t *testing.T) {
			resp := do(t, httpc.Options{MaxBody: 10}, func(w http.ResponseWriter, _ *http.Request) {
				_, _ = w.Write(bytes.Repeat([]byte("x"), tt.size))
			})
			if resp.Cut != tt.cut || len(resp.Body) != min(tt.size, 10) {
				t.Errorf("got %d bytes, cut %v", len(resp.Body), resp.Cut)
			}
		})
	}
	t.Run("TheRestIsNotRead", func(t *testing.T) {
		const size = 64 << 20
		var written int
		resp := do(t, httpc.Options{}, func(w http.ResponseWriter, _ *http.Request) {
			for b := make([]byte, 64<<10); written < size; written += len(b) {
				if _, err := w.Write(b); err != nil {
					return
				}
			}
		})
		if !resp.Cut || len(resp.Body) != httpc.MaxBody {
			t.Errorf("got %d bytes, cut %v", len(resp.Body), resp.Cut)
		}
		if written >= size {
			t.Error("all of it was read")
		}
	})
	t.Run("SmallOnTheWireLargeUnpacked", func(t *testing.T) {
		resp := do(t, httpc.Options{MaxBody: 1000}, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			_, _ = z.Write(make([]byte, 10<<20))
			_ = z.Close()
		})
		if !resp.Cut || len(resp.Body) != 1000 {
			t.Errorf("got %d bytes, cut %v", len(resp.Body), resp.Cut)
		}
	})
}

// TestDo_NoSecretInErrors: gateways echo what they were sent, and net/http quotes what it can't read.
func TestDo_NoSecretInErrors(t *testing.T) {
	tests := map[string]string{
		"StatusLine":    "GET " + query + " HTTP/1.1\r\n\r\n",
		"StatusCode":    "HTTP/1.1 " + query + "\r\n\r\n",
		"Version":       "HTTP/" + query + " 200 OK\r\n\r\n",
		"HeaderLine":    "HTTP/1.1 200 OK\r\n" + query + "\r\n\r\n",
		"FirstHeader":   "HTTP/1.1 200 OK\r\n " + query + "\r\n\r\n",
		"ContentLength": "HTTP/1.1 200 OK\r\nContent-Length: " + query + "\r\n\r\n",
		"TwoLengths":    "HTTP/1.1 200 OK\r\nContent-Length: 1" + query + "\r\nContent-Length: 2\r\n\r\n",
		"Encoding":      "HTTP/1.1 200 OK\r\nTransfer-Encoding: " + query + "\r\n\r\n",
		"Location":      "HTTP/1.1 302 Found\r\nLocation: http://[" + query + "\r\nContent-Length: 0\r\n\r\n",
		"Trailer":       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: Content-Length, " + query + "\r\n\r\n0\r\n\r\n",
		"TrailerLine":   "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + query + "\r\n\r\n",
		"ChunkSize":     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + query + "\r\n\r\n",
	}
	for name, answer := range tests {
		t.Run(name, func(t *testing.T) {
			g := newGateway(t, func(c *net.TCPConn, _, _ int, _ *http.Request) bool {
				_, _ = io.WriteString(c, answer)
				return false
			})
			base := strings.Replace(g.url, "http://", "http://user:"+password+"@", 1)
			req, err := httpc.NewGET(t.Context(), base+query)
			if err != nil {
				t.Fatal(err)
			}
			_, perr := newClient().Do(t.Context(), req)
			wantKind(t, perr, providers.Unknown)
		})
	}
}

func TestRequests_NoSecretInErrors(t *testing.T) {
	for name, u := range map[string]string{
		"SlashInThePassword":   "http://user:" + password + "/x@gateway.example" + query,
		"SpaceInTheHost":       "http://user:" + password + "@gate way" + query,
		"EscapeInThePassword":  "http://user:%zz" + password + "@gateway.example" + query,
		"ControlCharacter":     "http://gateway.example" + query + "\x7f",
		"NoScheme":             "://gateway.example" + query,
		"ColonInTheFirstPlace": ":" + query,
	} {
		t.Run(name, func(t *testing.T) {
			_, errGET := httpc.NewGET(t.Context(), u)
			_, errPOST := httpc.NewPOST(t.Context(), u, "", nil)
			for _, err := range []error{errGET, errPOST} {
				if err == nil {
					t.Fatal("no error")
				}
				wantNoSecret(t, err)
			}
		})
	}
}

func TestDo_Concurrent(t *testing.T) {
	const callers, each, conns = 16, 20, 4
	var open, most atomic.Int32
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		_, _ = fmt.Fprintf(w, "%s %s", r.URL.Query().Get("n"), b)
	}))
	srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		switch s {
		case http.StateNew:
			n := open.Add(1)
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			}
		case http.StateClosed, http.StateHijacked:
			open.Add(-1)
		}
	}
	srv.Start()
	defer srv.Close()
	client := httpc.New(httpc.Options{Provider: "test", MaxConns: conns})
	var wg sync.WaitGroup
	for caller := range callers {
		wg.Go(func() {
			for i := range each {
				n := fmt.Sprintf("%d-%d", caller, i)
				req, err := httpc.NewGET(t.Context(), srv.URL+"?n="+n)
				want := n + " "
				if i%2 == 0 {
					req, err = httpc.NewPOST(t.Context(), srv.URL+"?n="+n, "text/plain", []byte(n))
					want += n
				}
				if err != nil {
					t.Error(err)
					return
				}
				resp, perr := client.Do(t.Context(), req)
				if perr != nil || string(resp.Body) != want {
					t.Errorf("%s: got %+v, %v", n, resp, perr)
				}
			}
		})
	}
	wg.Wait()
	if n := most.Load(); n > conns {
		t.Errorf("%d connections were open, want at most %d", n, conns)
	}
}

func TestStatusText(t *testing.T) {
	for status, want := range map[int]string{
		400: "Bad Request",
		307: "Temporary Redirect, which is not followed: the base URL may be wrong",
		399: "which is not followed: the base URL may be wrong",
		404: "Not Found: the base URL may be wrong",
		405: "Method Not Allowed: the base URL may be wrong",
		415: "Unsupported Media Type: the base URL may be wrong, or something on the way changes requests",
		599: "",
	} {
		if got := httpc.StatusText(status); got != want {
			t.Errorf("%d: got %q, want %q", status, got, want)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	tests := []struct {
		name, value string
		want        time.Duration
	}{
		{"None", "", 0},
		{"Seconds", "120", 2 * time.Minute},
		{"SpacesAround", " 5 ", 5 * time.Second},
		{"Nought", "0", 0},
		{"Negative", "-5", 0},
		{"AnHour", "3600", time.Hour},
		{"MoreThanAnHour", "86400", time.Hour},
		{"MoreThan32Bits", "99999999999", time.Hour},
		{"MoreThanADurationHolds", "9223372036854775807", time.Hour},
		{"Date", now.Add(90 * time.Second).Format(http.TimeFormat), 90 * time.Second},
		{"DateInThePast", now.Add(-time.Hour).Format(http.TimeFormat), 0},
		{"DateFarAhead", now.Add(48 * time.Hour).Format(http.TimeFormat), time.Hour},
		{"Fraction", "1.5", 0},
		{"Words", "soon", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := http.Header{}
			if tt.value != "" {
				h.Set("Retry-After", tt.value)
			}
			if got := httpc.RetryAfter(h, now); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}
