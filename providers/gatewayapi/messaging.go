package gatewayapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/volleysms/volley/internal/httpc"
	"github.com/volleysms/volley/providers"
)

const (
	// DefaultMessagingURL is the Messaging API's global platform. The EU platform is https://messaging.gatewayapi.eu.
	DefaultMessagingURL = "https://messaging.gatewayapi.com"
	// maxMessages is the most messages of one request. Source: OpenAPI document, MultiMobileMessageRequest.
	maxMessages = 1_000
	// maxExpiry is the longest time a message may be tried for. Source: OpenAPI document, MobileMessageRequest.
	maxExpiry = 5 * 24 * time.Hour
)

// MessagingOptions are the options of a Messaging. Token must be set; every other zero value means the default.
type MessagingOptions struct {
	// BaseURL is where the platform is, without a query; empty is DefaultMessagingURL.
	BaseURL string
	// Token is the API token of the account. It belongs to one platform.
	Token string
	// WebhookSecret verifies what the vendor pushes. Where it is set, what has no signature is forged: the webhook is the
	// account's, and its address names no message.
	WebhookSecret string
	// MaxRecipients is the most recipients of one call, 1 to 1,000; 0 is 1,000.
	MaxRecipients int
	// MaxBodyBytes is the longest request body, 3,000 and more; 0 is 1 MiB.
	MaxBodyBytes int
	// MaxConns is the most connections open at a time, 1 to 40; 0 is 10.
	MaxConns int
}

func (o MessagingOptions) withDefaults() MessagingOptions {
	if o.BaseURL == "" {
		o.BaseURL = DefaultMessagingURL
	}
	if o.MaxRecipients == 0 {
		o.MaxRecipients = maxMessages
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

func (o MessagingOptions) validate() error {
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
	case o.MaxRecipients < 1 || o.MaxRecipients > maxMessages:
		return fmt.Errorf("max recipients must be 1 to %d", maxMessages)
	case o.MaxBodyBytes < minBody:
		return fmt.Errorf("max body bytes must be %d or more", minBody)
	case o.MaxConns < 1 || o.MaxConns > MaxConns:
		return fmt.Errorf("max connections must be 1 to %d", MaxConns)
	}
	return nil
}

// Messaging sends through one account by the Messaging API, which has a message for each recipient: an identifier and a
// text of its own. It knows no binary messages, no later time to send at, and nothing to ask about a message; reports come to
// the webhook that is set at the vendor. Safe for concurrent use.
type Messaging struct {
	opts   MessagingOptions
	client *httpc.Client
}

var (
	_ providers.Adapter  = (*Messaging)(nil)
	_ providers.Checker  = (*Messaging)(nil)
	_ providers.Receiver = (*Messaging)(nil)
)

// NewMessaging returns a Messaging, or an error that says which option is wrong. It makes no connection.
func NewMessaging(o MessagingOptions) (*Messaging, error) {
	o = o.withDefaults()
	if err := o.validate(); err != nil {
		return nil, fmt.Errorf("%s: %w", Name, err)
	}
	return &Messaging{opts: o, client: httpc.New(httpc.Options{Provider: Name, MaxConns: o.MaxConns})}, nil
}

// Limits returns what one call may hold: a text for each recipient.
func (m *Messaging) Limits() providers.Limits {
	return providers.Limits{
		Recipients:     m.opts.MaxRecipients,
		Texts:          providers.ManyTexts,
		Segments:       maxSegments,
		Bytes:          m.opts.MaxBodyBytes,
		BaseBytes:      messagingBaseBytes,
		RecipientBytes: messagingRecipientBytes,
		TextGrowth:     providers.JSON,
	}
}

// Send makes one request. The gateway takes all recipients of it or none.
func (m *Messaging) Send(ctx context.Context, c providers.Call) []providers.Result {
	n := len(c.Recipients)
	if n == 0 {
		return nil
	}
	if why := messagingUnfit(c); why != "" {
		return providers.Fail(n, fail(providers.Invalid, "", why))
	}
	path := "/mobile/multi"
	if n == 1 {
		path = "/mobile/single"
	}
	req, err := httpc.NewPOST(ctx, m.opts.BaseURL+path, "application/json", appendMessages(nil, c))
	if err != nil {
		return providers.Fail(n, badAddress(err))
	}
	resp, failed := m.do(ctx, req)
	if failed != nil {
		return providers.Fail(n, failed)
	}
	return messagingResults(resp, c, m.secrets(c))
}

// Check sends an empty message, which is to nobody. The gateway minds the token first, but its documents do not say that it
// always does, so the login is not taken for proven.
func (m *Messaging) Check(ctx context.Context) (providers.AccountInfo, error) {
	req, err := httpc.NewPOST(ctx, m.opts.BaseURL+"/mobile/single", "application/json", []byte("{}"))
	if err != nil {
		return providers.AccountInfo{}, badAddress(err)
	}
	resp, failed := m.do(ctx, req)
	switch {
	case failed != nil:
		return providers.AccountInfo{}, harmless(failed)
	case resp.Status == http.StatusUnprocessableEntity && len(readDetails(resp)) > 0:
		return providers.AccountInfo{Note: "the token was not refused; this API has nothing that proves one, and tells no balance"}, nil
	case resp.Status/100 == 2:
		return providers.AccountInfo{}, fail(providers.Unavailable, "", "the answer to an empty message is a yes; is this GatewayAPI?")
	}
	return providers.AccountInfo{}, harmless(messagingRefusal(resp, readDetails(resp), m.secrets(providers.Call{})))
}

func (m *Messaging) do(ctx context.Context, req *http.Request) (*httpc.Response, *providers.Error) {
	req.Header.Set("Authorization", "Token "+m.opts.Token)
	req.Header.Set("Accept", "application/json")
	return m.client.Do(ctx, req)
}

// secrets are what the gateway's words must not repeat.
func (m *Messaging) secrets(c providers.Call) []string {
	out := []string{m.opts.Token, m.opts.WebhookSecret, c.Text}
	for i := range c.Recipients {
		if t := c.Recipients[i].Text; t != "" {
			out = append(out, t)
		}
	}
	return out
}
