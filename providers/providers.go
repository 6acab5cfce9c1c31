// Package providers is the contract between the worker and an SMS gateway.
//
// An adapter, one per kind of gateway in a folder of its own below this one, turns a Call into one HTTP request and the
// answer into one Result per recipient. Everything else (splitting, pacing, claiming, retrying, recording) is done by
// the worker, for all of them alike.
package providers

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/volleysms/volley/sms"
)

// Adapter makes single attempts against one account at one gateway. It never retries, sleeps, queues, or logs a text.
//
// Implementations are safe for concurrent use. Every one passes the conformance suite in providers/providertest.
type Adapter interface {
	// Limits returns what one call may hold. It is fixed for the adapter's life.
	Limits() Limits

	// Send makes one request and returns exactly one Result per recipient, in the call's order. It has no error of its
	// own, so that a call taken in part can't be mistaken for one that failed. Cancelling ctx, or its deadline, ends the
	// attempt; when the request may have left by then, the results are Unknown.
	//
	// The call's slices are the adapter's to read until Send returns. The results are the caller's from then on.
	Send(ctx context.Context, c Call) []Result
}

// Checker is implemented by adapters that can prove login and reachability without sending anything.
type Checker interface {
	// Check returns what the gateway says about the account. The error is an *Error: Config when the login is wrong,
	// Unavailable when the gateway can't be reached.
	Check(ctx context.Context) (AccountInfo, error)
}

// AccountInfo is what a gateway tells about an account. The zero value says nothing.
type AccountInfo struct {
	// LoginProven is false when the gateway could be reached but has no operation that proves a login.
	LoginProven bool
	// Balance is the gateway's own wording, such as "12.50 DKK"; empty where it has none.
	Balance string
	// Note is a sentence for the operator; may be empty.
	Note string
}

// Call is one request to a gateway: one sender and, for each recipient, a text.
//
// A call holds either one Text for all recipients (with Tags when the gateway merges fields), or a text in each
// Recipient, or Binary. All texts of a call share one Encoding. The worker builds calls within the adapter's Limits.
type Call struct {
	// Reference names the call: at most 64 characters of [A-Za-z0-9._-]. Gateways that echo a reference get it.
	Reference string
	// From is the sender ID; empty means the account's own.
	From sms.SenderID
	// Text is the text for every recipient, or empty when each Recipient has its own.
	Text string
	// Tags are the placeholders in Text, each replaced for recipient i by its Values at the same index. No placeholder
	// occurs in Text for another reason, nor in any value. Only set for gateways with Limits.Texts == MergeFields.
	Tags []string
	// Binary, when not nil, is sent instead of a text.
	Binary *sms.Binary
	// Encoding is what every text of the call needs on the air.
	Encoding sms.Encoding
	// Segments is the number of segments of the longest text in the call.
	Segments int
	// Recipients are unique within a call.
	Recipients []Recipient
	// Options are what the job asks of the gateway beside that. A gateway that has no such thing ignores it.
	Options Options
	// ReportTo returns the address to which the gateway is to push what becomes of recipient i of the call, or, with i
	// below 0, of any of them: an absolute URL without query of at most MaxReportTo bytes, which is a secret. It is nil
	// when nobody listens; then no report is asked for.
	ReportTo func(i int) string
}

// MaxReportTo bounds an address for reports, in bytes.
const MaxReportTo = 400

// Options are a job's wishes that only some gateways know. The zero value has none.
type Options struct {
	// Flash shows the message at once and stores it nowhere (class 0).
	Flash bool
	// Priority is how urgent the message is for the gateway.
	Priority Priority
	// Validity is how long the network may try; 0 is as long as it does by itself.
	Validity time.Duration
	// Label is the operator's name for a group of jobs, at most 64 bytes; for the gateway's statistics.
	Label string
	// At is when the gateway is to send, for jobs that leave the schedule to it; the zero time is now.
	At time.Time
}

// Priority is how urgent a job is. The zero Priority is Normal.
type Priority int8

// The priorities.
const (
	Bulk   Priority = -1
	Normal Priority = 0
	Urgent Priority = 1
)

// Recipient is one MSISDN of a call.
type Recipient struct {
	To sms.MSISDN
	// Text is this recipient's own text; empty when the call's Text is for all.
	Text string
	// Values replace Call.Tags, in the same order.
	Values []string
	// Carrier is the recipient's network operator as the gateway calls it; empty is the account's, or unknown.
	Carrier string
}

// Result is what one attempt established about one recipient. The gateway took the message when Err is nil.
type Result struct {
	// ID is the gateway's identifier for the message, or for the call where it gives one per call; may be empty.
	ID string
	// Code is the gateway's own code or status word, verbatim; may be empty.
	Code string
	// Detail is the gateway's own text without credentials, numbers or message text, at most MaxDetail bytes.
	Detail string
	// Delivered is true when the gateway says at once that the handset has it.
	Delivered bool
	// Err is nil or an *Error whose Kind decides what happens next.
	Err error
}

// MaxDetail bounds Result.Detail and the gateway's text within an Error, in bytes.
const MaxDetail = 200

// All returns n results that all carry r. They are whoever's who calls it; an adapter that returns them leaves them to the
// worker, and makes others for the next call.
func All(n int, r Result) []Result {
	out, _ := spare.Get().([]Result)
	if cap(out) <= n {
		out = make([]Result, n+1)
		out[n].Err = errSpare
	}
	out = out[:n]
	for i := range out {
		out[i] = r
	}
	return out
}

// spare is memory of All. Behind what is seen of it is one that carries errSpare.
var (
	spare    sync.Pool
	errSpare = errors.New("not a result")
)

// Recycle gives results that All made back to it. The worker calls it once it has read what Send returned; results of another
// making are left alone.
func Recycle(results []Result) {
	if whole := results[:cap(results)]; len(whole) > len(results) && whole[len(whole)-1].Err == errSpare { //nolint:errorlint // nothing wraps it
		spare.Put(whole[:0]) //nolint:staticcheck // a header of three words is little beside what it saves
	}
}

// Fail returns n results that all carry err, with its code and detail.
func Fail(n int, err *Error) []Result {
	return All(n, Result{Code: err.Code, Detail: err.Detail, Err: err})
}
