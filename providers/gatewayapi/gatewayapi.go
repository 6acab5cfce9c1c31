// Package gatewayapi sends through GatewayAPI.com: its REST API (Adapter) or its Messaging API (Messaging).
//
// Sources: the vendor's integration guide; docs/rest.rst, docs/errors.rst and docs/appendix.rst of
// github.com/onlinecity/gatewayapi-docs; and the Messaging API's published OpenAPI document.
package gatewayapi

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/volleysms/volley/internal/httpc"
	"github.com/volleysms/volley/providers"
)

// Name is the provider's name in settings, errors and logs.
const Name = "gatewayapi"

const (
	// DefaultBaseURL is the vendor's global platform. The EU platform, https://gatewayapi.eu, has accounts of its own.
	DefaultBaseURL = "https://gatewayapi.com"
	// maxRecipients is the most recipients one message object may have. Source: rest.rst, "Limitations".
	maxRecipients = 10_000
	// defaultRecipients bounds how many recipients a cut connection leaves unknown.
	defaultRecipients = 1_000
	// MaxConns is the most connections that the vendor lets one address open. Source: rest.rst.
	MaxConns = 40
	// defaultConns leaves room for other processes behind the same address.
	defaultConns = 10
	// maxSegments is the most segments of a text. Source: appendix.rst.
	maxSegments = 255
	// defaultBody is the longest request body, in bytes. The vendor names no limit; this one was never met.
	defaultBody = 1 << 20
	minBody     = 3_000
)

// Options of an Adapter. Token must be set; every other zero value means the default.
type Options struct {
	// BaseURL is where the platform is, without a query; empty is DefaultBaseURL.
	BaseURL string
	// Token is the API token of the account. It belongs to one platform.
	Token string
	// BasicAuth sends the token as the user name of Basic authentication, for old accounts.
	BasicAuth bool
	// Class is the message class, which says how the vendor routes and what it costs: standard, premium or secret. Empty is
	// the vendor's choice, which is standard.
	Class string
	// UrgentClass is the class of urgent messages, which the vendor takes as such in the classes premium and secret alone;
	// empty is Class. Where that is neither of the two, urgent messages go like others.
	UrgentClass string
	// WebhookSecret verifies what the vendor pushes: the secret set on the webhook in its dashboard. Empty leaves it to the
	// address alone to prove a push.
	WebhookSecret string
	// RequireSignature takes a push without a signature for forged, whatever its address. It needs WebhookSecret.
	RequireSignature bool
	// MaxRecipients is the most recipients of one call, 1 to 10,000; 0 is 1,000.
	MaxRecipients int
	// MaxBodyBytes is the longest request body, 3,000 and more; 0 is 1 MiB.
	MaxBodyBytes int
	// MaxConns is the most connections open at a time, 1 to 40; 0 is 10.
	MaxConns int
}

func (o Options) withDefaults() Options {
	if o.BaseURL == "" {
		o.BaseURL = DefaultBaseURL
	}
	if o.MaxRecipients == 0 {
		o.MaxRecipients = defaultRecipients
	}
	if o.MaxBodyBytes == 0 {
		o.MaxBodyBytes = defaultBody
	}
	if o.MaxConns == 0 {
		o.MaxConns = defaultConns
	}
	o.BaseURL = strings.TrimRight(o.BaseURL, "/")
	return o
}

func (o Options) validate() error {
	if err := webURL(o.BaseURL); err != nil {
		return fmt.Errorf("base URL: %w", err)
	}
	if strings.Contains(o.BaseURL, "?") {
		return errors.New("base URL: must not have a query")
	}
	if err := validToken(o.Token); err != nil {
		return err
	}
	switch {
	case !slices.Contains(classes, o.Class):
		return errors.New("class must be standard, premium or secret")
	case !slices.Contains(classes, o.UrgentClass):
		return errors.New("urgent class must be standard, premium or secret")
	case o.RequireSignature && o.WebhookSecret == "":
		return errors.New("a required signature needs the webhook secret")
	case o.MaxRecipients < 1 || o.MaxRecipients > maxRecipients:
		return fmt.Errorf("max recipients must be 1 to %d", maxRecipients)
	case o.MaxBodyBytes < minBody:
		return fmt.Errorf("max body bytes must be %d or more", minBody)
	case o.MaxConns < 1 || o.MaxConns > MaxConns:
		return fmt.Errorf("max connections must be 1 to %d", MaxConns)
	}
	return nil
}

// classes are what Options.Class may be. The vendor's fourth, charge, takes money from the recipient, and needs what a call
// does not have.
var classes = []string{"", "standard", "premium", "secret"}

func validToken(s string) error {
	switch {
	case s == "":
		return errors.New("token is missing")
	case strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }):
		return errors.New("token has a blank or a character outside ASCII")
	}
	return nil
}

// webURL checks an address without showing it, as it may hold a credential.
func webURL(s string) error {
	u, err := url.Parse(s)
	switch {
	case err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "":
		return errors.New("must be http:// or https:// with a host")
	case u.User != nil || u.Fragment != "":
		return errors.New("must not have a user or a fragment")
	}
	return nil
}

// Adapter sends through one account. Safe for concurrent use.
type Adapter struct {
	opts          Options
	authorization string
	credentials   []string // in every form they are sent in
	client        *httpc.Client
	now           func() time.Time
}

var (
	_ providers.Adapter       = (*Adapter)(nil)
	_ providers.Checker       = (*Adapter)(nil)
	_ providers.Receiver      = (*Adapter)(nil)
	_ providers.Poller        = (*Adapter)(nil)
	_ providers.InboundPoller = (*Adapter)(nil)
	_ providers.Canceller     = (*Adapter)(nil)
)

// New returns an Adapter, or an error that says which option is wrong. It makes no connection.
func New(o Options) (*Adapter, error) {
	o = o.withDefaults()
	if err := o.validate(); err != nil {
		return nil, fmt.Errorf("%s: %w", Name, err)
	}
	basic := base64.StdEncoding.EncodeToString([]byte(o.Token + ":"))
	a := &Adapter{
		opts:          o,
		authorization: "Token " + o.Token,
		credentials:   []string{o.Token, basic, o.WebhookSecret},
		client:        httpc.New(httpc.Options{Provider: Name, MaxConns: o.MaxConns}),
		now:           time.Now,
	}
	if o.BasicAuth {
		a.authorization = "Basic " + basic
	}
	return a, nil
}

// Limits returns what one call may hold: one text, which the gateway merges with each recipient's values.
func (a *Adapter) Limits() providers.Limits {
	return providers.Limits{
		Recipients:     a.opts.MaxRecipients,
		Texts:          providers.MergeFields,
		Segments:       maxSegments,
		Bytes:          a.opts.MaxBodyBytes,
		BaseBytes:      baseBytes,
		RecipientBytes: recipientBytes,
		ValueBytes:     valueBytes,
		TextGrowth:     providers.JSON,
		Schedules:      true,
	}
}

// Send makes one request. The gateway takes all recipients of it or none; the Result's ID is the message object's, the
// same for every recipient.
func (a *Adapter) Send(ctx context.Context, c providers.Call) []providers.Result {
	n := len(c.Recipients)
	if n == 0 {
		return nil
	}
	if why := unfit(c); why != "" {
		return providers.Fail(n, fail(providers.Invalid, "", why))
	}
	req, err := httpc.NewPOST(ctx, a.opts.BaseURL+"/rest/mtsms", "application/json", appendBody(nil, c, a.wishes(c)))
	if err != nil {
		return providers.Fail(n, badAddress(err))
	}
	resp, failed := a.do(ctx, req)
	if failed != nil {
		return providers.Fail(n, failed)
	}
	return results(resp, c, a.secrets(c))
}

// Check asks for the account's balance, which proves the login.
func (a *Adapter) Check(ctx context.Context) (providers.AccountInfo, error) {
	req, err := httpc.NewGET(ctx, a.opts.BaseURL+"/rest/me")
	if err != nil {
		return providers.AccountInfo{}, badAddress(err)
	}
	resp, failed := a.do(ctx, req)
	if failed == nil {
		var balance string
		if balance, failed = readBalance(resp, a.secrets(providers.Call{})); failed == nil {
			return providers.AccountInfo{LoginProven: true, Balance: balance}, nil
		}
	}
	return providers.AccountInfo{}, harmless(failed)
}

// harmless is the error of a request that changes nothing: when it is not known whether it arrived, it may be repeated.
func harmless(e *providers.Error) *providers.Error {
	if e.Kind == providers.Unknown {
		e.Kind = providers.Unavailable
	}
	return e
}

// badAddress is the error of a request that can't be made.
func badAddress(err error) *providers.Error {
	return &providers.Error{Kind: providers.Config, Provider: Name, Err: err}
}

func (a *Adapter) do(ctx context.Context, req *http.Request) (*httpc.Response, *providers.Error) {
	req.Header.Set("Authorization", a.authorization)
	req.Header.Set("Accept", "application/json")
	return a.client.Do(ctx, req)
}

// secrets are what the gateway's words must not repeat.
func (a *Adapter) secrets(c providers.Call) []string {
	return append([]string{c.Text}, a.credentials...)
}
