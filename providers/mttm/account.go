package mttm

import (
	"context"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/volleysms/volley/internal/httpc"
	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/sms"
)

// notDefined is how the gateway says that a balance has no end, and that a report's field has no value.
const notDefined = "ND"

// Balance is what an account has left, in the gateway's wording. "ND" is without end.
type Balance struct {
	// Amount is in the account's currency, which the gateway does not name.
	Amount string
	// Messages is how many messages may still be sent; empty where the gateway says nothing.
	Messages string
}

// String returns "12.5", "12.5, 300 messages" or "unlimited".
func (b Balance) String() string {
	s := b.Amount
	if s == notDefined {
		s = "unlimited"
	}
	if b.Messages != notDefined && isAmount(b.Messages) {
		s += ", " + b.Messages + " messages"
	}
	return s
}

// Balance asks what the account has left. It sends nothing. The error is an *Error: Config when login or address are
// wrong or the account may not ask, and else Unavailable, since asking again does no harm.
func (a *Adapter) Balance(ctx context.Context) (Balance, error) {
	b, _, err := a.balance(ctx)
	return b, orNil(err)
}

// balance also returns the status, 0 when there was no answer.
func (a *Adapter) balance(ctx context.Context) (Balance, int, *providers.Error) {
	resp, err := a.ask(ctx, "/secure/balance", nil)
	if err != nil {
		return Balance{}, status(resp), err
	}
	said := parseAnswer(resp.Body)
	if !isAmount(said.balance) {
		return Balance{}, resp.Status, notTheGateway(resp.Status)
	}
	return Balance{Amount: said.balance, Messages: said.messages}, resp.Status, nil
}

// Ping asks whether the gateway is there and works. It needs no login and proves none. The error is an *Error: Unavailable,
// or Config when the gateway sends the client elsewhere.
func (a *Adapter) Ping(ctx context.Context) error {
	resp, err := a.ask(ctx, "/ping", nil)
	return orNil(pong(resp, err))
}

// pong looks at the answer to a ping.
func pong(resp *httpc.Response, err *providers.Error) *providers.Error {
	const want = "Jasmin/PONG"
	switch {
	case err != nil && status(resp) == http.StatusNotFound:
		return notTheGateway(resp.Status)
	case err != nil:
		return err
	case !strings.Contains(parseAnswer(resp.Body).success, want):
		return notTheGateway(resp.Status)
	}
	return nil
}

// Rate is what sending a text would cost.
type Rate struct {
	// Unit is the price of a segment in the account's currency, which the gateway does not name: a decimal number.
	Unit string
	// Segments is how many the gateway would send.
	Segments int
}

// Total is Unit times Segments, rounded to six decimals, and false when Unit is no number.
func (r Rate) Total() (float64, bool) {
	const decimals = 1e6
	unit, err := strconv.ParseFloat(r.Unit, 64)
	return math.Round(unit*float64(r.Segments)*decimals) / decimals, err == nil
}

// Rate asks which route a message would take, and at what price. It sends nothing. An empty from is the account's own sender.
// The error is an *Error: Invalid when the text can't be sent, Rejected when there is no route to the number, Config when the
// login is wrong or the account may not ask, and else Unavailable.
func (a *Adapter) Rate(ctx context.Context, to sms.MSISDN, from sms.SenderID, text string) (Rate, error) {
	c := providers.Call{From: from, Text: text, Recipients: []providers.Recipient{{To: to}}}
	how := codingFor(&c)
	why := a.refuse(&c)
	if why == "" {
		why = a.refuseText(text, how)
	}
	if why != "" {
		return Rate{}, &providers.Error{Kind: providers.Invalid, Provider: provider, Detail: why}
	}
	query := formOf(&c, how, &wishes{tags: a.tags})
	if how == codingGSM {
		query.Del("coding") // the default
	}
	resp, err := a.ask(ctx, "/secure/rate", query)
	if err != nil {
		return Rate{}, err
	}
	said := parseAnswer(resp.Body)
	if !isAmount(said.unitRate) || said.segments < 1 {
		return Rate{}, notTheGateway(resp.Status)
	}
	return Rate{Unit: said.unitRate, Segments: said.segments}, nil
}

// Check asks for the balance, which needs a valid login and sends nothing. Where the gateway does not tell it, Check is content
// with a ping, which proves no login.
func (a *Adapter) Check(ctx context.Context) (providers.AccountInfo, error) {
	b, status, err := a.balance(ctx)
	if err == nil {
		return providers.AccountInfo{LoginProven: true, Balance: b.String()}, nil
	}
	var note string
	switch {
	case status == http.StatusNotFound || status == http.StatusMethodNotAllowed:
		note = "The gateway answers, but not to /secure/balance, so the login is not proven."
	case err.Detail == unauthorized && !a.batch: // sendbatch is refused without that right
		note = "The gateway does not let this account ask for its balance, so the login is not proven."
	default:
		return providers.AccountInfo{}, err
	}
	if err := a.Ping(ctx); err != nil {
		return providers.AccountInfo{}, err
	}
	return providers.AccountInfo{Note: note}, nil
}

// ask makes a GET that changes nothing at the gateway. What is not known of the answer is Unavailable. The response is there
// beside an error when the gateway answered.
func (a *Adapter) ask(ctx context.Context, path string, query url.Values) (*httpc.Response, *providers.Error) {
	return inquire(ctx, a.client, a.base+path, query, a.header)
}

func inquire(ctx context.Context, client *httpc.Client, address string, query url.Values, header http.Header) (*httpc.Response, *providers.Error) {
	if len(query) > 0 {
		address += "?" + encode(query)
	}
	req, err := httpc.NewGET(ctx, address)
	if err != nil {
		return nil, &providers.Error{Kind: providers.Config, Provider: provider, Detail: badAddress}
	}
	for k, v := range header {
		req.Header[k] = v
	}
	resp, failure := client.Do(ctx, req)
	switch {
	case failure != nil:
		failure.Kind = providers.Unavailable
		return nil, failure
	case resp.Status == http.StatusOK:
		return resp, nil
	}
	e := classify(resp, false, 1, time.Now())
	if e.Kind == providers.Unknown || e.Kind == providers.Throttled {
		e.Kind = providers.Unavailable
	}
	return resp, e
}

func status(r *httpc.Response) int {
	if r == nil {
		return 0
	}
	return r.Status
}

func notTheGateway(status int) *providers.Error {
	return &providers.Error{Kind: providers.Unavailable, Provider: provider, Code: strconv.Itoa(status), Detail: "the answer is not the gateway's: check the base URL"}
}

// orNil keeps a nil *Error from becoming an error that isn't nil.
func orNil(err *providers.Error) error {
	if err == nil {
		return nil
	}
	return err
}

// isAmount reports whether s is a number, or says that there is no end.
func isAmount(s string) bool {
	const longest = 40
	return s == notDefined || s != "" && len(s) <= longest && strings.Trim(s, "0123456789.+-eE") == ""
}
