// Package mgage sends through the mGage Gateway API 2.0, the former gateway of Acoustic and IBM Watson Campaign
// Automation: one text to up to 250 numbers, everything in the query of a POST without a body.
//
// Source: the vendor's page "mGage Gateway API" (developer.goacoustic.com). It does not show an answer's syntax, so
// answers are read tolerantly, see answer.go. The gateway reports no deliveries and gives no identifiers. It can be told to
// forward what handsets write, which Receive reads, and WebMO lets it take a message as if a handset had sent it.
package mgage

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/volleysms/volley/internal/httpc"
	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/sms"
)

// Name is the provider's name in settings, errors and logs.
const Name = "mgage"

const (
	// DefaultBaseURL is the platform in the USA. Source: the vendor's page, "Request Format".
	DefaultBaseURL = "https://communicatepro.mgage.com"
	// UKBaseURL is the platform in the UK. Source: the same.
	UKBaseURL = "https://communicatepro-uk.mgage.com"
	// maxRecipients is the most numbers of one request. Source: the vendor's page, "Considerations" and code 112.
	maxRecipients = 250
	// defaultURLBytes keeps below the 8 KiB at which many servers refuse a request line. The vendor names no limit.
	defaultURLBytes = 6_000
	minURLBytes     = 1_000
	maxURLBytes     = 64_000
	defaultConns    = 4
)

// The regions.
const (
	RegionUS = "us"
	RegionUK = "uk"
)

// Options of an Adapter. Username, Password and ProgramID must be set; every other zero value means the default.
type Options struct {
	// BaseURL is where the platform is, without a query; empty is what Region says.
	BaseURL string
	// Region is where the account is hosted: "us" is DefaultBaseURL, as is empty, and "uk" UKBaseURL. A BaseURL goes before it.
	Region string
	// Username and Password are the API's login, issued by the vendor's provisioning.
	Username, Password string
	// ProgramID is the Text-to-Join program.
	ProgramID string
	// From is the sender of calls that name none, such as the program's short code; empty refuses such calls.
	From sms.SenderID
	// MaxRecipients is the most recipients of one call, 1 to 250; 0 is 250. Fewer leave fewer unknown after a cut
	// connection.
	MaxRecipients int
	// MaxURLBytes is the longest URL, 1,000 to 64,000; 0 is 6,000.
	MaxURLBytes int
	// MaxConns is the most connections open at a time; 0 is 4.
	MaxConns int
	// RetryCode1 takes the gateway's code 1, "Send failed. Please contact support", for a message that was not sent and may be
	// sent again. Otherwise such a recipient is rejected: whether a part of a long text left is not known.
	RetryCode1 bool
	// GSMOnly refuses texts with characters outside GSM-7, for accounts that cannot send them.
	GSMOnly bool
}

func (o Options) withDefaults() Options {
	if o.BaseURL == "" {
		o.BaseURL = DefaultBaseURL
		if o.Region == RegionUK {
			o.BaseURL = UKBaseURL
		}
	}
	if o.MaxRecipients == 0 {
		o.MaxRecipients = maxRecipients
	}
	if o.MaxURLBytes == 0 {
		o.MaxURLBytes = defaultURLBytes
	}
	if o.MaxConns == 0 {
		o.MaxConns = defaultConns
	}
	o.BaseURL = strings.TrimRight(o.BaseURL, "/")
	return o
}

func (o Options) validate() error {
	u, err := url.Parse(o.BaseURL)
	switch {
	case err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "":
		return errors.New("base URL: must be http:// or https:// with a host")
	case u.User != nil || u.Fragment != "" || strings.Contains(o.BaseURL, "?"):
		return errors.New("base URL: must not have a user, a query or a fragment")
	case o.Region != "" && o.Region != RegionUS && o.Region != RegionUK:
		return errors.New("region must be us or uk")
	case o.Username == "" || o.Password == "":
		return errors.New("user name or password is missing")
	case strings.Contains(o.Username, ":"):
		return errors.New("user name has a \":\", which Basic authentication cannot carry")
	case o.ProgramID == "":
		return errors.New("program ID is missing")
	case o.MaxRecipients < 1 || o.MaxRecipients > maxRecipients:
		return fmt.Errorf("max recipients must be 1 to %d", maxRecipients)
	case o.MaxURLBytes < minURLBytes || o.MaxURLBytes > maxURLBytes:
		return fmt.Errorf("max URL bytes must be %d to %d", minURLBytes, maxURLBytes)
	case o.MaxURLBytes-baseBytes(o) < minURLBytes/2:
		return errors.New("base URL and program ID leave no room in the URL for numbers and a text")
	case o.MaxConns < 1:
		return errors.New("max connections must be at least 1")
	}
	return nil
}

// Adapter sends through one account. Safe for concurrent use.
type Adapter struct {
	opts          Options
	authorization string
	credentials   []string // in every form they are sent in
	client        *httpc.Client
}

var (
	_ providers.Adapter = (*Adapter)(nil)
	_ providers.Checker = (*Adapter)(nil)
)

// New returns an Adapter, or an error that says which option is wrong. It makes no connection.
func New(o Options) (*Adapter, error) {
	o = o.withDefaults()
	if err := o.validate(); err != nil {
		return nil, fmt.Errorf("%s: %w", Name, err)
	}
	basic := base64.StdEncoding.EncodeToString([]byte(o.Username + ":" + o.Password))
	return &Adapter{
		opts:          o,
		authorization: "Basic " + basic,
		credentials:   []string{basic, o.Password, o.Username},
		client:        httpc.New(httpc.Options{Provider: Name, MaxConns: o.MaxConns}),
	}, nil
}

// Limits returns what one call may hold: one text for all, as long as the URL permits.
func (a *Adapter) Limits() providers.Limits {
	return providers.Limits{
		Recipients:     a.opts.MaxRecipients,
		Texts:          providers.OneText,
		Segments:       sms.MaxSegments,
		Bytes:          a.opts.MaxURLBytes,
		BaseBytes:      baseBytes(a.opts),
		RecipientBytes: recipientBytes,
		TextGrowth:     providers.Percent,
	}
}

// Send makes one request. The gateway answers for each number, and gives no identifier that a report could be matched
// with.
func (a *Adapter) Send(ctx context.Context, c providers.Call) []providers.Result {
	n := len(c.Recipients)
	if n == 0 {
		return nil
	}
	if c.From == "" {
		c.From = a.opts.From
	}
	if why := a.unfit(c); why != "" {
		return providers.Fail(n, fail(providers.Invalid, "", why))
	}
	resp, failed := a.post(ctx, c)
	if failed != nil {
		return providers.Fail(n, failed)
	}
	return a.reader(c.Text).results(resp, c)
}

// Check asks the gateway to send no text to nobody, which it refuses with a code of its table once the login is right.
func (a *Adapter) Check(ctx context.Context) (providers.AccountInfo, error) {
	resp, failed := a.post(ctx, providers.Call{From: a.opts.From})
	if failed != nil {
		if failed.Kind == providers.Unknown { // nothing was to be sent
			failed.Kind = providers.Unavailable
		}
		return providers.AccountInfo{}, failed
	}
	return checked(resp, a.credentials)
}

func (a *Adapter) post(ctx context.Context, c providers.Call) (*httpc.Response, *providers.Error) {
	return a.postURL(ctx, string(appendURL(nil, a.opts, c)))
}

// reader returns a reader of answers that keeps the credentials and text out of what it returns.
func (a *Adapter) reader(text string) reader {
	return reader{retryFailed: a.opts.RetryCode1, secrets: append([]string{text}, a.credentials...)}
}

// unfit says why a call cannot be written as a request; empty when it can.
func (a *Adapter) unfit(c providers.Call) string {
	switch {
	case c.Binary != nil:
		return "this gateway takes no binary messages"
	case c.Text == "":
		return "the call has no text for all recipients"
	case len(c.Tags) > 0:
		return "this gateway merges no values"
	case c.From == "":
		return "this gateway needs a sender ID"
	case a.opts.GSMOnly && c.Encoding == sms.UCS2:
		return "the text has characters outside GSM-7, which this account does not send"
	}
	return ""
}

func fail(k providers.Kind, code, detail string) *providers.Error {
	return &providers.Error{Kind: k, Provider: Name, Code: code, Detail: detail}
}

// httpError returns the error for an answer without a code of the gateway's.
func httpError(status int, k providers.Kind) *providers.Error {
	return fail(k, fmt.Sprint(status), httpc.StatusText(status))
}
