package httpapi

import (
	"fmt"
	"io"
)

// Options of an Adapter: what a user writes about a gateway. BaseURL, Request.Path and a way to tell a taken call (see
// Success) must be set; every other zero value is a default. Templates and places are explained in docs/http-gateway.md.
//
// Options hold credentials, and show themselves nowhere: fmt, JSON and YAML give "[http gateway]".
type Options struct {
	// BaseURL is where the gateway is, http or https, without a query.
	BaseURL string
	// Username and Password are sent as Basic authentication; empty is none.
	Username, Password string
	// MaxRecipients is the most recipients of one call, 1 to 10,000; 0 is 1.
	MaxRecipients int
	// MaxSegments is the most segments of a text; 0 is 10.
	MaxSegments int
	// MaxConns bounds open connections; 0 is 64.
	MaxConns int

	Request Request
	Answer  Answer
	// Check is how a login is proven; the zero value is none.
	Check Check
	// Reports is how pushed reports are read; the zero value is none.
	Reports Reports

	// Secrets are never shown in an error or detail, beside those that the adapter knows itself: the password, the headers,
	// and what a query or form always holds.
	Secrets []string
}

// Request is how a call is written.
type Request struct {
	// Method is GET or POST; empty is POST.
	Method string
	// Path is a template; what its fields hold is escaped. It begins with a slash.
	Path string
	// Query, Form and Headers are templates by name. Values in Query and Form are escaped, and a pair whose value comes out
	// empty is left out.
	Query, Form, Headers map[string]string
	// JSON is a template of the body. Not beside Form.
	JSON string
	// Each is a template of one recipient; {{.Each}} is all of them with commas between.
	Each string
}

// Answer is how a gateway's answer is read.
type Answer struct {
	Success Success
	// ID, Code and Detail are places. Where an ID is named, an answer without one is not a clear yes.
	ID, Code, Detail string
	// Each is where the recipients' own results are; the zero value is one answer for all of a call.
	Each Each
	// Classify are tried in order before anything else; the first that fits decides.
	Classify []Rule
}

// Success is what a clear yes looks like. An Answer or Each needs an ID or Path beside the status.
type Success struct {
	// Status are the HTTP statuses; empty is 200, 201 and 202. Not within Each.
	Status []int
	// Path is a place that must hold one of Equals.
	Path   string
	Equals []string
}

// Each says where recipients' results are in an answer. The places but List begin at the recipient's own element.
type Each struct {
	// List is the path of the array.
	List string
	// To is the recipient's number; empty means that the elements are in the call's order.
	To               string
	ID, Code, Detail string
	Success          Success
	Classify         []Rule
}

// Rule gives a Kind to an answer. All that is set must hold; Status or Path is.
type Rule struct {
	// Status are HTTP statuses. Not within Each.
	Status []int
	// Path is a place that must hold something: one of Equals, if set, and none of Not.
	Path        string
	Equals, Not []string
	// Kind is unknown, invalid, rejected, config, throttled, unavailable or, not within Each, split.
	Kind string
}

// Check is a GET that needs the login and sends nothing.
type Check struct {
	// Path is below BaseURL; it may have a query.
	Path string
	// Balance is a place; may be empty.
	Balance string
}

// Reports is how a push is read. The places but List begin at the report's own element where there is a List.
type Reports struct {
	// List is the path of an array of reports; empty is one report a push.
	List string
	// Status is the place of the status word, and must be set.
	Status string
	// The other places; may be empty.
	To, ID, Reference, Code, Detail, At string
	// Delivered, Undelivered and Taken are the status words, without regard to case; every other word is pending.
	Delivered, Undelivered, Taken []string
	Signature                     Signature
	// Ack is the body of the answer to a push.
	Ack string
}

// Signature is the HMAC-SHA-256 of a push's body, in hex or Base64. The zero value is none.
type Signature struct {
	// Header is the header that holds it, with or without "sha256=" before it.
	Header string
	Secret string
}

// set reports whether there is a reports section.
func (r *Reports) set() bool { return r.Status != "" }

// shown is what Options show of themselves.
const shown = "[http gateway]"

// Format writes "[http gateway]" for every verb.
func (Options) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, shown) }

// MarshalJSON returns "[http gateway]" as a JSON string.
func (Options) MarshalJSON() ([]byte, error) { return []byte(`"` + shown + `"`), nil }

// MarshalYAML returns "[http gateway]".
func (Options) MarshalYAML() (any, error) { return shown, nil }
