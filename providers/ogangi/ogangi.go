// Package ogangi is the adapter for the Ogangi campaign manager, now Messangi: an HTTP API of signed addresses, one recipient
// a call.
//
// It sends with one of two operations. sendSMS takes the operator's name, and answers with the message's identifier and its
// status. sendMT takes the operator's number, or lets the platform choose, and answers that the call was taken, no more.
package ogangi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/volleysms/volley/internal/httpc"
	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/sms"
)

const provider = "ogangi"

// The operations that send.
const (
	sendSMS = "sendSMS"
	sendMT  = "sendMT"
)

// The length of an address in bytes: what it may have unless Options say otherwise, and what New refuses to go below.
const (
	defaultURLBytes = 4000
	minTextBytes    = 40
)

// Options of an Adapter.
type Options struct {
	// BaseURL is the address up to, and without, "/rest/api", such as "https://flow.example.com/mmc". Required; http or https.
	// Every address holds the text and can be sent again by whoever sees it, so use https.
	BaseURL string
	// InstanceID is the workspace's number. Required.
	InstanceID string
	// PublicKey and PrivateKey sign the calls. Required.
	PublicKey, PrivateKey string
	// Carrier is the operator: its name for sendSMS, its number for sendMT. Empty, or "null", lets the platform choose, which
	// sendMT alone can.
	Carrier string
	// Operation is "sendSMS" or "sendMT". Empty is sendSMS when Carrier is a name, and sendMT otherwise.
	Operation string
	// Flags is an extra parameter of sendMT whose meaning the operator of the platform tells; of [A-Za-z0-9._~-]. Empty
	// leaves it out.
	Flags string
	// PaddedBase64 writes Base64 with "=" at its end, for platforms that ask for it.
	PaddedBase64 bool
	// ErrorKind is what the answer ERROR means, the only word the platform has for a crash and for a bad parameter: Unknown,
	// the zero value, or a kind that the platform's operator vouches for.
	ErrorKind providers.Kind
	// MaxURLBytes bounds an address; 0 is 4,000. The platform's own limit is not documented.
	MaxURLBytes int
	// MaxConns bounds open connections; 0 is 64.
	MaxConns int
	// Transport replaces the network, for tests. It must be nil in production.
	Transport http.RoundTripper
}

// Adapter sends through one account. Safe for concurrent use.
type Adapter struct {
	client    *httpc.Client
	signer    *signer
	operation string
	method    string // the operation as it stands in the address
	instance  string
	carrier   []byte // as it stands in the address
	flags     string
	errorKind providers.Kind
	maxURL    int
	secrets   []string
	now       func() time.Time
}

var (
	_ providers.Adapter = (*Adapter)(nil)
	_ providers.Checker = (*Adapter)(nil)
)

// New returns an Adapter, or an error that says which option to change.
func New(o Options) (*Adapter, error) {
	o.Carrier = strings.TrimSpace(o.Carrier)
	if strings.EqualFold(o.Carrier, "null") {
		o.Carrier = ""
	}
	if o.Operation == "" {
		o.Operation = sendMT
		if o.Carrier != "" && !isNumber(o.Carrier) {
			o.Operation = sendSMS
		}
	}
	if o.MaxURLBytes == 0 {
		o.MaxURLBytes = defaultURLBytes
	}
	base, err := o.validate()
	if err != nil {
		return nil, fmt.Errorf("ogangi: %w", err)
	}
	a := &Adapter{
		client:    httpc.New(httpc.Options{Provider: provider, MaxConns: o.MaxConns, Transport: o.Transport}),
		signer:    newSigner(base, o.PublicKey, o.PrivateKey, o.PaddedBase64),
		operation: o.Operation,
		method:    o.Operation,
		instance:  o.InstanceID,
		carrier:   appendEscaped(nil, o.Carrier),
		flags:     o.Flags,
		errorKind: o.ErrorKind,
		maxURL:    o.MaxURLBytes,
		secrets:   []string{o.PrivateKey, o.PublicKey},
		now:       time.Now,
	}
	if o.Operation == sendSMS {
		a.method = "tools/" + sendSMS
	} else if o.Carrier == "" {
		a.carrier = []byte("null")
	}
	if l := a.Limits(); l.Bytes-l.BaseBytes-l.RecipientBytes < minTextBytes {
		return nil, fmt.Errorf("ogangi: max URL of %d bytes leaves no room for a text: allow %d or more",
			l.Bytes, l.BaseBytes+l.RecipientBytes+minTextBytes)
	}
	return a, nil
}

// validate returns the base URL in the form it is used in.
func (o Options) validate() (string, error) {
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
	case o.Operation != sendSMS && o.Operation != sendMT:
		return "", fmt.Errorf("operation %q is not known: use sendSMS or sendMT", o.Operation)
	case o.Operation == sendSMS && o.Carrier == "":
		return "", errors.New("sendSMS needs the carrier's name: set the carrier, or use sendMT to let the platform choose")
	case isDots(o.Carrier) || isDots(o.PublicKey):
		return "", errors.New("carrier or public key is \".\" or \"..\", which cannot stand in an address")
	case o.Flags != "" && o.Operation == sendSMS:
		return "", errors.New("sendSMS takes no flags")
	case strings.ContainsFunc(o.Flags, func(r rune) bool { return r > '~' || !unreserved(byte(r)) }) || isDots(o.Flags):
		return "", errors.New("flags may hold letters, digits and . _ ~ - only")
	case o.MaxURLBytes < 0:
		return "", errors.New("max URL bytes is negative")
	}
	return strings.TrimRight(u.String(), "/"), nil
}

// isNumber reports whether s is digits and nothing else.
func isNumber(s string) bool { return sms.SenderID(s).Numeric() }

// isDots reports whether s is a path segment that clients and servers take out of an address.
func isDots(s string) bool { return s == "." || s == ".." }

// The longest sender and MSISDN, in digits.
const maxDigits = 15

// Limits returns one recipient a call. How many segments a text may have is not documented; the address bounds it.
func (a *Adapter) Limits() providers.Limits {
	recipient := maxDigits
	if a.operation == sendSMS {
		recipient = a.signer.base64.EncodedLen(maxDigits)
	}
	fixed := a.signer.fixedBytes(a.method) + len(a.instance) + len(a.carrier) + maxDigits + len("////")
	if a.flags != "" {
		fixed += len(a.flags) + len("/")
	}
	return providers.Limits{
		Recipients:     1,
		Texts:          providers.ManyTexts,
		Bytes:          a.maxURL,
		BaseBytes:      fixed,
		RecipientBytes: recipient,
		TextGrowth:     providers.Base64,
	}
}

// Send makes one GET. A call of more than one recipient is not made and is Split. The sender must be a code or number in
// digits, and a Binary can't be sent.
func (a *Adapter) Send(ctx context.Context, c providers.Call) []providers.Result {
	switch len(c.Recipients) {
	case 0:
		return nil
	case 1:
		return []providers.Result{a.send(ctx, &c)}
	}
	return providers.Fail(len(c.Recipients), &providers.Error{
		Kind: providers.Split, Provider: provider, Detail: "one recipient a call",
	})
}

func (a *Adapter) send(ctx context.Context, c *providers.Call) providers.Result {
	r := &c.Recipients[0]
	text := r.Text
	if text == "" {
		text = c.Text
	}
	if why := refuse(c, text); why != "" {
		return failed(invalid(why))
	}
	params := a.params(c.From, r.To, text)
	address := a.signer.address(a.method, params)
	if len(address) > a.maxURL {
		return failed(invalid(fmt.Sprintf("the text makes an address of %d bytes; at most %d are allowed", len(address), a.maxURL)))
	}
	resp, failure := a.get(ctx, address)
	if failure != nil {
		return failed(failure)
	}
	if resp.Status != http.StatusOK {
		return failed(refusal(resp, a.now()))
	}
	encoded := string(a.signer.appendBase64(nil, text))
	return a.outcome(resp.Body, r.To, append(a.secrets[:len(a.secrets):len(a.secrets)], text, encoded))
}

// refuse says why a call can't be made, and "" when it can.
func refuse(c *providers.Call, text string) string {
	switch {
	case c.Binary != nil:
		return "binary messages cannot be sent"
	case len(c.Tags) > 0:
		return "the platform merges no fields"
	case !c.From.Numeric():
		return "the sender must be a code or number in digits"
	case text == "":
		return "the text is empty"
	}
	return ""
}

// params returns the path parameters of a send. sendSMS has carrier, sender and the number in Base64; sendMT has sender,
// carrier and the number in digits. Source: fact sheet section 1.
func (a *Adapter) params(from sms.SenderID, to sms.MSISDN, text string) []byte {
	b := make([]byte, 0, len(a.instance)+len(a.carrier)+len(a.flags)+64+a.signer.base64.EncodedLen(len(text)))
	b = append(b, a.instance...)
	b = append(b, '/')
	if a.operation == sendSMS {
		b = append(b, a.carrier...)
		b = append(b, '/')
		b = append(b, from...)
		b = append(b, '/')
		b = a.signer.appendBase64(b, to.String())
	} else {
		b = append(b, from...)
		b = append(b, '/')
		b = append(b, a.carrier...)
		b = append(b, '/')
		b = strconv.AppendUint(b, uint64(to), 10)
	}
	b = append(b, '/')
	b = a.signer.appendBase64(b, text)
	if a.flags != "" {
		b = append(b, '/')
		b = append(b, a.flags...)
	}
	return b
}

// get makes one GET that nothing repeats: each one sends.
func (a *Adapter) get(ctx context.Context, address string) (*httpc.Response, *providers.Error) {
	req, err := httpc.NewGET(ctx, address)
	if err != nil {
		return nil, &providers.Error{Kind: providers.Config, Provider: provider, Detail: "the base URL makes no valid address"}
	}
	return a.client.Do(ctx, req)
}

func invalid(why string) *providers.Error {
	return &providers.Error{Kind: providers.Invalid, Provider: provider, Detail: why}
}

func failed(err *providers.Error) providers.Result {
	return providers.Result{Code: err.Code, Detail: err.Detail, Err: err}
}
