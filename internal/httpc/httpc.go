// Package httpc is the HTTP client of the adapters: one attempt, bounded in time and memory, that knows whether a
// request may have left the machine.
package httpc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/volleysms/volley/providers"
)

// MaxBody is how much of an answer is read, in bytes, unless Options say otherwise. More is cut off.
const MaxBody = 1 << 20

// writeBuffer holds most requests whole, head and body, so that they are written at once: 250 recipients are 6 KB.
const writeBuffer = 16 << 10

// Options of a Client. The zero value is usable.
type Options struct {
	// Provider names the adapter in errors.
	Provider string
	// MaxConns bounds open connections to the gateway; 0 is 64.
	MaxConns int
	// MaxBody bounds the bytes read of an answer; 0 is MaxBody.
	MaxBody int64
	// Transport replaces the network, for tests. It must be nil in production.
	Transport http.RoundTripper
}

// Client makes requests to one gateway. It follows no redirects and repeats nothing. Safe for concurrent use.
type Client struct {
	provider string
	maxBody  int64
	http     *http.Client
}

// New returns a Client with a connection pool of its own.
func New(o Options) *Client {
	if o.MaxConns <= 0 {
		o.MaxConns = 64
	}
	if o.MaxBody <= 0 {
		o.MaxBody = MaxBody
	}
	rt := o.Transport
	if rt == nil {
		d := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 15 * time.Second}
		rt = &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            d.DialContext,
			MaxIdleConns:           o.MaxConns,
			MaxIdleConnsPerHost:    o.MaxConns,
			MaxConnsPerHost:        o.MaxConns,
			IdleConnTimeout:        60 * time.Second,
			TLSHandshakeTimeout:    10 * time.Second,
			MaxResponseHeaderBytes: 64 << 10,
			WriteBufferSize:        writeBuffer,
			ForceAttemptHTTP2:      true,
		}
	}
	return &Client{provider: o.Provider, maxBody: o.MaxBody, http: &http.Client{
		Transport:     rt,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Response is an answer, read to its end or to the cap.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
	// Cut is true when the body was longer than the cap.
	Cut bool
}

// Do makes req once. ctx bounds all of it, the answer's body included.
//
// The error is a *providers.Error without the request's URL: Unavailable when no connection was had, so that nothing
// can have been sent; Unknown when the request may have left. An answer whose body breaks off is Unknown as well.
func (c *Client) Do(ctx context.Context, req *http.Request) (*Response, *providers.Error) {
	if err := ctx.Err(); err != nil {
		return nil, c.fail(providers.Unavailable, err)
	}
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	})
	resp, err := c.http.Do(req.WithContext(ctx))
	if err != nil {
		if !connected.Load() {
			return nil, c.fail(providers.Unavailable, err)
		}
		return nil, c.fail(providers.Unknown, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, c.maxBody+1))
	if err != nil {
		return nil, c.fail(providers.Unknown, fmt.Errorf("answer %d broke off: %w", resp.StatusCode, cause(err)))
	}
	r := &Response{Status: resp.StatusCode, Header: resp.Header, Body: body}
	if int64(len(body)) > c.maxBody {
		r.Body, r.Cut = body[:c.maxBody], true
	}
	return r, nil
}

func (c *Client) fail(k providers.Kind, err error) *providers.Error {
	return &providers.Error{Kind: k, Provider: c.provider, Err: cause(err)}
}

// cause takes out of an error of net/http what may hold credentials, numbers and texts: the request's URL, and what it
// quotes of an answer, since gateways echo requests.
func cause(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	if text, _, quotes := strings.Cut(err.Error(), `"`); quotes {
		return errors.New(strings.TrimRight(text, " :,;("))
	}
	return err
}

// eof is a body that is empty, and of which net/http does not know that it is.
type eof struct{}

func (eof) Read([]byte) (int, error) { return 0, io.EOF }
func (eof) Close() error             { return nil }

// NewGET returns a GET that net/http does not repeat by itself when a reused connection dies, as it does with a GET
// that has no body. No body is sent.
func NewGET(ctx context.Context, u string) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u, nil)
	if err != nil {
		return nil, cause(err)
	}
	req.Body = eof{}
	return req, nil
}

// NewPOST returns a POST of body. Nothing repeats it.
func NewPOST(ctx context.Context, u, contentType string, body []byte) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u, bytes.NewReader(body))
	if err != nil {
		return nil, cause(err)
	}
	req.GetBody = nil
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	return req, nil
}

// StatusText says what an answer means of which nothing is known but its status. Of those that come from a wrong address more
// often than from the gateway it says that too. It is empty for a status that is not registered.
func StatusText(status int) string {
	text := http.StatusText(status)
	switch {
	case status/100 == 3:
		return strings.TrimPrefix(text+", which is not followed: the base URL may be wrong", ", ")
	case status == http.StatusNotFound || status == http.StatusMethodNotAllowed || status == http.StatusGone:
		return text + ": the base URL may be wrong"
	case status == http.StatusUnsupportedMediaType:
		return text + ": the base URL may be wrong, or something on the way changes requests"
	}
	return text
}

// maxRetryAfter bounds what a gateway may ask for.
const maxRetryAfter = time.Hour

// RetryAfter reads the Retry-After header, in seconds or as a date, and returns 0 when there is none or it can't be read.
// The answer is at most an hour.
func RetryAfter(h http.Header, now time.Time) time.Duration {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if v == "" {
		return 0
	}
	var d time.Duration
	if s, err := strconv.ParseInt(v, 10, 64); err == nil {
		d = time.Duration(min(max(s, 0), int64(maxRetryAfter/time.Second))) * time.Second
	} else if t, err := http.ParseTime(v); err == nil {
		d = t.Sub(now)
	}
	return min(max(d, 0), maxRetryAfter)
}
