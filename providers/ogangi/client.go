package ogangi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/volleysms/volley/internal/httpc"
	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/sms"
)

// Operation is an operation of the platform, by its name in addresses.
type Operation string

// The operations. Source: the vendor's document, which has all but getMessage.
const (
	OpSendSMS       Operation = "sendSMS"
	OpSendMT        Operation = "sendMT"
	OpSendPIN       Operation = "sendSMSPinMobileNumberConfirm"
	OpFireMessage   Operation = "fireMessage"
	OpGetMOMessages Operation = "getMOMessages"
	OpGetMessage    Operation = "getMessage"
)

// Operations are all operations.
var Operations = []Operation{OpSendSMS, OpSendMT, OpSendPIN, OpFireMessage, OpGetMOMessages, OpGetMessage}

// path is the operation as it stands in an address.
func (o Operation) path() string {
	if o == OpSendMT || o == OpFireMessage {
		return string(o)
	}
	return "tools/" + string(o)
}

// The length of an address in bytes: what it may have unless Options say otherwise, and what New refuses to go below.
const (
	defaultURLBytes = 4000
	minTextBytes    = 40
)

// ClientOptions of a Client.
type ClientOptions struct {
	// BaseURL is the address up to, and without, "/rest/api", such as "https://flow.example.com/mmc". Required; http or https.
	// Every address holds the text and can be sent again by whoever sees it, so use https.
	BaseURL string
	// InstanceID is the workspace's number. Required.
	InstanceID string
	// PublicKey and PrivateKey sign the calls. Required.
	PublicKey, PrivateKey string

	// PaddedBase64 writes Base64 with "=" at its end, for platforms that ask for it.
	PaddedBase64 bool
	// SignDecoded signs parameters with a character that has to be escaped, such as a blank in a carrier's name, as they are
	// without the escape. Otherwise what stands in the address is signed.
	SignDecoded bool
	// Post are the operations that the platform takes as POST without a body; all others are GETs.
	Post []Operation
	// Base64Numbers are those of OpSendPIN and OpFireMessage whose number is to be in Base64; it is in digits otherwise.
	Base64Numbers []Operation
	// PlainFireText writes the text of a fireMessage GET escaped and not in Base64.
	PlainFireText bool
	// EmptyFilter stands for the filter of getMOMessages when there is none, such as "null"; empty is "order=asc". It may have
	// letters, digits and . _ ~ - = only.
	EmptyFilter string
	// ErrorKind is what the answer ERROR means to a call that sends, the only word the platform has for a crash and for a bad
	// parameter: Unknown, the zero value, or a kind that the platform's operator vouches for.
	ErrorKind providers.Kind

	// MaxURLBytes bounds an address; 0 is 4,000. The platform's own limit is not documented.
	MaxURLBytes int
	// MaxConns bounds open connections; 0 is 64.
	MaxConns int
	// Transport replaces the network, for tests. It must be nil in production.
	Transport http.RoundTripper
}

// Client makes calls to the platform, one request each, and repeats none. Safe for concurrent use.
//
// Its errors are *providers.Error. The Kind says whether the platform may have done what it was asked: Unknown means that
// it may have, and everything of which Kind.NotSent is true that it has not. No error holds a key, a text or a whole number.
type Client struct {
	opts    ClientOptions
	client  *httpc.Client
	signer  *signer
	secrets []string
	now     func() time.Time
}

// NewClient returns a Client, or an error that says which option to change. It makes no connection.
func NewClient(o ClientOptions) (*Client, error) {
	if o.MaxURLBytes == 0 {
		o.MaxURLBytes = defaultURLBytes
	}
	if o.EmptyFilter == "" {
		o.EmptyFilter = "order=asc"
	}
	base, err := o.validate()
	if err != nil {
		return nil, fmt.Errorf("ogangi: %w", err)
	}
	return &Client{
		opts:    o,
		client:  httpc.New(httpc.Options{Provider: provider, MaxConns: o.MaxConns, Transport: o.Transport}),
		signer:  newSigner(base, o),
		secrets: []string{o.PrivateKey, o.PublicKey},
		now:     time.Now,
	}, nil
}

// validate returns the base URL in the form it is used in.
func (o ClientOptions) validate() (string, error) {
	u, err := url.Parse(o.BaseURL)
	switch {
	case o.BaseURL == "":
		return "", errors.New("base URL is missing: it is the platform's address, such as https://flow.example.com/mmc")
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return "", errors.New("base URL is not an http or https address")
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return "", errors.New("base URL has a user, a query or a fragment: leave only host and path")
	case o.InstanceID == "":
		return "", errors.New("instance ID is missing: it is the workspace's number")
	case !isNumber(o.InstanceID):
		return "", errors.New("instance ID is not a number")
	case o.PublicKey == "" || o.PrivateKey == "":
		return "", errors.New("public key or private key is missing: the platform's support gives both")
	case isDots(o.PublicKey):
		return "", errors.New("public key is \".\" or \"..\", which cannot stand in an address")
	case o.MaxURLBytes < 0:
		return "", errors.New("max URL bytes is negative")
	case !isPathSafe(strings.ReplaceAll(o.EmptyFilter, "=", "")):
		return "", errors.New("empty filter may hold letters, digits and . _ ~ - = only")
	}
	for _, op := range o.Post {
		if !slices.Contains(Operations, op) {
			return "", fmt.Errorf("post: there is no operation %q", op)
		}
	}
	for _, op := range o.Base64Numbers {
		if op != OpSendPIN && op != OpFireMessage {
			return "", fmt.Errorf("base64 numbers: %q is not one of %s, %s", op, OpSendPIN, OpFireMessage)
		}
	}
	return strings.TrimRight(u.String(), "/"), nil
}

// isNumber reports whether s is digits and nothing else.
func isNumber(s string) bool { return sms.SenderID(s).Numeric() }

// isDots reports whether s is a path segment that clients and servers take out of an address.
func isDots(s string) bool { return s == "." || s == ".." }

// isPathSafe reports whether s can stand in an address as it is.
func isPathSafe(s string) bool {
	return !isDots(s) && !strings.ContainsFunc(s, func(r rune) bool { return r > '~' || !unreserved(byte(r)) })
}

// do makes one request that nothing repeats. params are those after the instance, as they stand in the address. A body
// makes it a POST of JSON.
func (c *Client) do(ctx context.Context, op Operation, body []byte, params ...[]byte) (*httpc.Response, *providers.Error) {
	joined := append([]byte(nil), c.opts.InstanceID...)
	for _, p := range params {
		joined = append(append(joined, '/'), p...)
	}
	address := c.signer.address(op.path(), joined)
	if len(address) > c.opts.MaxURLBytes {
		return nil, invalid(fmt.Sprintf("the text makes an address of %d bytes; at most %d are allowed", len(address), c.opts.MaxURLBytes))
	}
	var req *http.Request
	var err error
	switch {
	case body != nil:
		req, err = httpc.NewPOST(ctx, address, "application/json", body)
	case slices.Contains(c.opts.Post, op):
		req, err = httpc.NewPOST(ctx, address, "", nil)
	default:
		req, err = httpc.NewGET(ctx, address)
	}
	if err != nil {
		return nil, &providers.Error{Kind: providers.Config, Provider: provider, Detail: "the base URL makes no valid address"}
	}
	return c.client.Do(ctx, req)
}

// call makes one request and reads what the platform says to the call as a whole. secrets, beside the keys, are kept out of
// the error.
func (c *Client) call(ctx context.Context, op Operation, body []byte, secrets []string, params ...[]byte) (answer, *providers.Error) {
	resp, failure := c.do(ctx, op, body, params...)
	if failure != nil {
		return answer{}, failure
	}
	if resp.Status != http.StatusOK {
		return answer{}, refusal(resp, c.now())
	}
	return c.read(resp.Body, secrets)
}

// look is call for operations that change nothing: what may have been done does no harm when it is done again.
func (c *Client) look(ctx context.Context, op Operation, params ...[]byte) (answer, *providers.Error) {
	a, err := c.call(ctx, op, nil, nil, params...)
	if err != nil && (err.Kind == providers.Unknown || normal(err.Code) == callError) {
		err.Kind = providers.Unavailable
	}
	return a, err
}

// base64 returns v in the platform's Base64.
func (c *Client) base64(v string) []byte { return c.signer.appendBase64(nil, v) }

// number returns a number as op wants it.
func (c *Client) number(op Operation, n sms.MSISDN) []byte {
	if slices.Contains(c.opts.Base64Numbers, op) {
		return c.base64(n.String())
	}
	return n.Append(nil)
}

func invalid(why string) *providers.Error {
	return &providers.Error{Kind: providers.Invalid, Provider: provider, Detail: why}
}

// asError returns err as an error that is nil when err is.
func asError(err *providers.Error) error {
	if err == nil {
		return nil
	}
	return err
}
