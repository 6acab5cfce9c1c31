package mgage

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/volleysms/volley/internal/httpc"
	"github.com/volleysms/volley/internal/redact"
	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/sms"
)

// MO is a message that the gateway is to take as if a handset had sent it.
type MO struct {
	// Originator is the handset. Required.
	Originator sms.MSISDN
	// Destination is the code that it writes to, as the gateway names it: "37911", or with a country, "US-87767". Required.
	Destination string
	// Message is what it writes, a program's keyword as a rule. Required.
	Message string
	// ProgramID is the program that it joins; empty is the account's.
	ProgramID string
}

// MOAnswer is what the gateway said to an MO that it did not refuse.
type MOAnswer struct {
	// Code is the gateway's code; empty when there is none in the answer.
	Code string
	// Detail is the gateway's wording, without credentials, texts and numbers.
	Detail string
}

// moMaybe is what an error says when the gateway may have taken the message.
const moMaybe = "the gateway may have taken the message, and answer the handset with an SMS; find out before it is sent again"

// WebMO lets the gateway take a message as if the handset had sent it (POST /api/externalMO). That starts or joins a program,
// which answers the handset with an SMS, so it is to be treated as a send: it makes one request, and must not be repeated by
// itself after an error that is Unknown.
//
// The vendor does not document the answer. A 2xx is taken for a yes unless it has another code of the gateway's table than 0,
// or is an HTML page. The error is a *providers.Error. Source: the vendor's page "mGage WebMO API".
func (a *Adapter) WebMO(ctx context.Context, mo MO) (MOAnswer, error) {
	if mo.ProgramID == "" {
		mo.ProgramID = a.opts.ProgramID
	}
	if why := mo.unfit(); why != "" {
		return MOAnswer{}, fail(providers.Invalid, "", why)
	}
	u := string(appendMO(nil, a.opts, mo))
	if len(u) > a.opts.MaxURLBytes {
		return MOAnswer{}, fail(providers.Invalid, "", "the message makes an address of "+strconv.Itoa(len(u))+" bytes; at most "+
			strconv.Itoa(a.opts.MaxURLBytes)+" are allowed")
	}
	resp, err := a.postURL(ctx, u)
	var answer MOAnswer
	if err == nil {
		answer, err = a.reader(mo.Message).mo(resp)
	}
	if err != nil {
		if err.Kind == providers.Unknown {
			err.Detail = moMaybe
		}
		return MOAnswer{}, err
	}
	return answer, nil
}

func (mo MO) unfit() string {
	switch {
	case !mo.Originator.Valid():
		return "the originator is not an MSISDN of 7 to 15 digits"
	case strings.TrimSpace(mo.Destination) == "":
		return "the destination is missing: it is the code that the handset writes to"
	case mo.Message == "":
		return "the message is empty"
	}
	return ""
}

// appendMO appends the address of the request for mo. Its parameters are in the order of the vendor's page.
func appendMO(b []byte, o Options, mo MO) []byte {
	b = append(append(b, o.BaseURL...), "/api/externalMO?campid="...)
	b = appendEscaped(b, mo.ProgramID)
	b = appendEscaped(append(b, "&destination="...), mo.Destination)
	b = mo.Originator.Append(append(b, "&originator="...))
	return appendEscaped(append(b, "&message="...), mo.Message)
}

// postURL makes a POST without a body.
func (a *Adapter) postURL(ctx context.Context, u string) (*httpc.Response, *providers.Error) {
	req, err := httpc.NewPOST(ctx, u, "", nil)
	if err != nil {
		return nil, &providers.Error{Kind: providers.Config, Provider: Name, Err: errors.New("the address cannot be used")}
	}
	req.Header.Set("Authorization", a.authorization)
	req.Header.Set("Accept", "*/*")
	return a.client.Do(ctx, req)
}

// mo reads the answer to WebMO.
func (r reader) mo(resp *httpc.Response) (MOAnswer, *providers.Error) {
	var ans answer
	if readsCode(resp.Status) && !resp.Cut {
		ans = readAnswer(resp.Body)
	}
	ans.blocks = slices.DeleteFunc(ans.blocks, func(b block) bool { return b.code < 0 }) // a number among words is no code
	if len(ans.blocks) > 0 {
		b := whole(ans, len(ans.blocks))
		said := r.result(b, resp.Status)
		if said.Err != nil {
			var e *providers.Error
			errors.As(said.Err, &e)
			return MOAnswer{}, e
		}
		return MOAnswer{Code: said.Code, Detail: redact.Detail(b.text, r.secrets...)}, nil
	}
	if resp.Status/100 == 2 && !resp.Cut && !isPage(resp.Body) {
		return MOAnswer{Detail: redact.Detail(string(resp.Body), r.secrets...)}, nil
	}
	e := httpError(resp.Status, statusKind(resp.Status))
	if e.Kind == providers.Throttled || e.Kind == providers.Unavailable {
		e.RetryAfter = httpc.RetryAfter(resp.Header, time.Now())
	}
	return MOAnswer{}, e
}

// isPage reports whether a body is an HTML page, which no gateway means.
func isPage(body []byte) bool { return strings.HasPrefix(http.DetectContentType(body), "text/html") }
