// Package hook posts signed messages to an application, as Standard Webhooks describes it.
package hook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	timeout     = 15 * time.Second
	dialTimeout = 5 * time.Second
	// secretPrefix begins a secret whose rest is base64. Source: Standard Webhooks, "Signature scheme".
	secretPrefix = "whsec_"
)

// Hook is an address that messages are posted to. It is safe for concurrent use.
type Hook struct {
	url    string
	key    []byte
	client *http.Client
}

// New returns a Hook at an address. secret signs: "whsec_" and base64, or else its bytes as they are. Addresses in private
// networks are refused when a connection is made, unless allowPrivate.
func New(address, secret string, allowPrivate bool) (*Hook, error) {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || u.Scheme != "https" && (u.Scheme != "http" || !allowPrivate) {
		return nil, errors.New("the hook's address must begin with https://")
	}
	key := []byte(secret)
	if rest, ok := strings.CutPrefix(secret, secretPrefix); ok {
		if key, err = base64.StdEncoding.DecodeString(rest); err != nil {
			return nil, errors.New("the hook's secret begins with whsec_, and the rest is no base64")
		}
	}
	if len(key) < 16 {
		return nil, errors.New("the hook's secret is shorter than 16 bytes; make one by: openssl rand -hex 32")
	}
	dialer := &net.Dialer{Timeout: dialTimeout}
	if !allowPrivate {
		dialer.Control = publicOnly
	}
	return &Hook{url: address, key: key, client: &http.Client{
		Timeout: timeout,
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout: dialTimeout, MaxIdleConnsPerHost: 8, IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// Post posts a JSON body once. id is the same whenever the same message is posted again. The error says that it was not
// taken, or may not have been: anything but a 2xx. It has neither the address nor the body.
func (h *Hook) Post(ctx context.Context, id string, at time.Time, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url, bytes.NewReader(body))
	if err != nil {
		return errors.New("the hook's address can't be used")
	}
	stamp := strconv.FormatInt(at.Unix(), 10)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "volley")
	req.Header.Set("webhook-id", id)
	req.Header.Set("webhook-timestamp", stamp)
	req.Header.Set("webhook-signature", Sign(h.key, id, stamp, body))
	resp, err := h.client.Do(req)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err
		}
		var op *net.OpError
		if errors.As(err, &op) {
			err = op.Err // without the address
		}
		return fmt.Errorf("hook: %w", err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("hook: it answers %d", resp.StatusCode)
	}
	return nil
}

// Sign returns the signature of a message: "v1," and the HMAC-SHA-256 over ID, timestamp and body in base64.
// Source: Standard Webhooks, "Signature scheme".
func Sign(key []byte, id, timestamp string, body []byte) string {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(id + "." + timestamp + "."))
	m.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(m.Sum(nil))
}

// ErrPrivate says that the hook's name stands for an address that is not public.
var ErrPrivate = errors.New("the address is not a public one; allow_private lets the hook be in a private network")

// publicOnly looks at the address that a connection is about to be made to, whatever the name stood for before.
func publicOnly(_, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil || !public(ap.Addr().Unmap()) {
		return ErrPrivate
	}
	return nil
}

// Source: IANA special-purpose address registries.
var reserved = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("240.0.0.0/4"), netip.MustParsePrefix("64:ff9b::/96"),
	netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("2002::/16"), netip.MustParsePrefix("2001::/32"),
	netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("203.0.113.0/24"),
	netip.MustParsePrefix("2001:db8::/32"),
}

func public(ip netip.Addr) bool {
	if !ip.IsGlobalUnicast() || ip.IsPrivate() {
		return false
	}
	for _, p := range reserved {
		if p.Contains(ip) {
			return false
		}
	}
	return true
}
