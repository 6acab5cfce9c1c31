package mttm

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

// DefaultURLBase is the address of the URL API, from the gateway's document.
const DefaultURLBase = "https://sms.mttmwholesale.com:1402"

// The methods by which the URL API is called.
const (
	methodPost = "post"
	methodGet  = "get"
)

// maxURLBytes bounds the address of a GET: the gateway's server reads lines of 16 KiB.
const maxURLBytes = 8000

// URLOptions of a URL.
type URLOptions struct {
	// BaseURL is the address of the URL API, without "/send"; empty is DefaultURLBase. http or https.
	BaseURL string
	// Username and Password log in. Required. Most gateways of this kind take 16 characters of each. MTTM has to know the
	// address that the requests come from.
	Username, Password string
	// Method is "post" or "get"; empty is post. A GET has the password in its address, which proxies and servers write into
	// their logs.
	Method string
	// MaxSegments is the most segments of a text that the gateway doesn't cut off; 0 is 5.
	MaxSegments int
	// Tags steer the gateway's routing: letters, digits and "-", separated by commas. Empty is none.
	Tags string
	// MaxConns bounds open connections; 0 is 64.
	MaxConns int
	// Transport replaces the network, for tests. It must be nil in production.
	Transport http.RoundTripper
}

// URL sends through one account by the URL API, one recipient a call. Safe for concurrent use.
type URL struct {
	pushes
	texts
	client             *httpc.Client
	base               string
	username, password string
	get                bool
	tags               string
	now                func() time.Time
}

var (
	_ providers.Adapter  = (*URL)(nil)
	_ providers.Checker  = (*URL)(nil)
	_ providers.Receiver = (*URL)(nil)
)

// NewURL returns a URL, or an error that says which option to change.
func NewURL(o URLOptions) (*URL, error) {
	if o.BaseURL == "" {
		o.BaseURL = DefaultURLBase
	}
	if o.MaxSegments == 0 {
		o.MaxSegments = defaultSegments
	}
	base, err := o.validate()
	if err != nil {
		return nil, fmt.Errorf("mttm: %w", err)
	}
	return &URL{
		texts:    texts{o.MaxSegments},
		client:   httpc.New(httpc.Options{Provider: provider, MaxConns: o.MaxConns, Transport: o.Transport}),
		base:     base,
		username: o.Username,
		password: o.Password,
		get:      o.Method == methodGet,
		tags:     o.Tags,
		now:      time.Now,
	}, nil
}

func (o URLOptions) validate() (string, error) {
	switch {
	case o.Username == "" || o.Password == "":
		return "", errNoLogin
	case o.Method != "" && o.Method != methodPost && o.Method != methodGet:
		return "", errors.New("the method is not known: use post or get")
	}
	base, err := validate(o.BaseURL, o.MaxSegments, o.Tags)
	if err == nil && strings.HasSuffix(base, "/send") {
		return "", errors.New("base URL ends with /send: leave that out")
	}
	return base, err
}

// Limits returns one recipient a call.
func (u *URL) Limits() providers.Limits {
	return providers.Limits{Recipients: 1, Texts: providers.ManyTexts, Segments: u.maxSegments, TextGrowth: providers.Percent, Schedules: true}
}

// Send makes one request. A text that is empty or too long, which the gateway would send as it is or cut, is Invalid, and so is
// a Binary with a UDH, for which the gateway has no field.
//
// Of the call's Options, Priority (Urgent), Validity in whole minutes, and At, as the carrier's delivery time (sdt), reach the
// gateway. There is no field for Flash and Label; they are ignored.
func (u *URL) Send(ctx context.Context, c providers.Call) []providers.Result {
	n := len(c.Recipients)
	if n == 0 {
		return nil
	}
	if n > 1 {
		return fail(n, providers.Split, "at most 1 recipient a call")
	}
	if why := u.refuse(&c); why != "" {
		return fail(n, providers.Invalid, why)
	}
	how := codingFor(&c)
	if results := u.refuseTexts(&c, how); results != nil {
		return results
	}
	w := wishesOf(&c, u.tags, u.now())
	req, failure := u.request(ctx, &c, how, &w)
	if failure != nil {
		return providers.Fail(n, failure)
	}
	resp, failure := u.client.Do(ctx, req)
	if failure != nil {
		return providers.Fail(n, failure)
	}
	if resp.Status != http.StatusOK {
		return providers.Fail(n, classify(resp, false, n, u.now()))
	}
	return queued(resp.Body, n)
}

func (u *URL) request(ctx context.Context, c *providers.Call, how coding, w *wishes) (*http.Request, *providers.Error) {
	form := formOf(c, how, w)
	form.Set("username", u.username)
	form.Set("password", u.password)
	if w.reportTo != nil {
		form.Set("dlr-url", w.reportTo(0))
	}
	var req *http.Request
	var err error
	if address := u.base + "/send"; u.get {
		if address += "?" + encode(form); len(address) > maxURLBytes {
			return nil, &providers.Error{Kind: providers.Invalid, Provider: provider, Detail: "the text is too long for an address"}
		}
		req, err = httpc.NewGET(ctx, address)
	} else {
		req, err = httpc.NewPOST(ctx, address, "application/x-www-form-urlencoded", []byte(encode(form)))
	}
	if err != nil {
		return nil, &providers.Error{Kind: providers.Config, Provider: provider, Detail: badAddress}
	}
	return req, nil
}

// queued returns the results of an answer with status 200. Anything but the expected sentence is Unknown.
func queued(body []byte, n int) []providers.Result {
	sentence := string(body[:min(len(body), maxText)])
	id, ok := successID(sentence)
	if ok {
		return providers.All(n, providers.Result{ID: id, Code: "200"})
	}
	return providers.Fail(n, unreadable(sentence))
}

// Ping asks whether the gateway is there and works. It needs no login and proves none. The error is an *Error: Unavailable,
// or Config when the gateway sends the client elsewhere.
func (u *URL) Ping(ctx context.Context) error {
	resp, err := inquire(ctx, u.client, u.base+"/ping", nil, nil)
	return orNil(pong(resp, err))
}

// Check pings the gateway. The URL API documents no operation that proves a login without sending.
func (u *URL) Check(ctx context.Context) (providers.AccountInfo, error) {
	if err := u.Ping(ctx); err != nil {
		return providers.AccountInfo{}, err
	}
	return providers.AccountInfo{Note: "The gateway answers. Its URL API has nothing that proves a login without sending; the REST API has."}, nil
}
