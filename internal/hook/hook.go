// Package hook posts signed messages to an application, as Standard Webhooks describes it.
package hook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"time"
)

const timeout = 15 * time.Second

// Poster posts to the addresses that it may. It is safe for concurrent use.
type Poster struct {
	private bool
	client  *http.Client
}

// NewPoster returns a Poster that refuses addresses in private networks when a connection is made, unless allowPrivate.
func NewPoster(allowPrivate bool) *Poster {
	c := NewClient(func(ip netip.Addr) bool { return allowPrivate || Public(ip) })
	c.Timeout = timeout
	return &Poster{allowPrivate, c}
}

// CheckURL tells what is wrong with an address. The error does not have it.
func (p *Poster) CheckURL(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || u.Scheme != "https" && (u.Scheme != "http" || !p.private) {
		return errors.New("the hook's address must begin with https://")
	}
	return nil
}

// ErrPrivate says that the hook's name stands for an address that is not public.
var ErrPrivate = errors.New("the address is not a public one; allow_private lets the hook be in a private network")

// Post posts a JSON body once, signed with a key of ParseSecret. id is the same whenever the same message is posted again.
// The error says that it was not taken, or may not have been: anything but a 2xx. It has neither the address nor the body.
func (p *Poster) Post(ctx context.Context, address string, key []byte, id string, at time.Time, body []byte) error {
	if err := p.CheckURL(address); err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return errors.New("the hook's address can't be used")
	}
	SetHeaders(req.Header, key, id, at, body)
	resp, err := p.client.Do(req)
	if errors.Is(err, ErrAddress) {
		return fmt.Errorf("hook: %w", ErrPrivate)
	}
	if err != nil {
		return fmt.Errorf("hook: %w", Plainly(err))
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("hook: it answers %d", resp.StatusCode)
	}
	return nil
}

// Hook is an address that messages are posted to. It is safe for concurrent use.
type Hook struct {
	url    string
	key    []byte
	poster *Poster
}

// New returns a Hook at an address. secret signs, as ParseSecret reads it. Addresses in private networks are refused when a
// connection is made, unless allowPrivate.
func New(address, secret string, allowPrivate bool) (*Hook, error) {
	p := NewPoster(allowPrivate)
	if err := p.CheckURL(address); err != nil {
		return nil, err
	}
	key, err := ParseSecret(secret)
	if err != nil {
		return nil, fmt.Errorf("the hook: %w", err)
	}
	return &Hook{address, key, p}, nil
}

// Post is Poster.Post to the hook's address.
func (h *Hook) Post(ctx context.Context, id string, at time.Time, body []byte) error {
	return h.poster.Post(ctx, h.url, h.key, id, at, body)
}
