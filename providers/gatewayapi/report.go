package gatewayapi

import (
	"strings"
	"time"

	"github.com/volleysms/volley/internal/redact"
	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/sms"
)

// fates says what the gateway's states mean. Source: rest.rst, "States and status codes". UNKNOWN is where messages begin and
// says nothing; ACCEPTED is the network's word for the handset, after which nothing comes.
var fates = map[string]providers.Fate{
	"UNKNOWN":       providers.Pending,
	"SCHEDULED":     providers.Taken,
	"BUFFERED":      providers.Taken,
	"ENROUTE":       providers.Taken,
	"DELIVERED":     providers.Delivered,
	"ACCEPTED":      providers.Delivered,
	"READ":          providers.Delivered, // RCS
	"EXPIRED":       providers.Undelivered,
	"UNDELIVERABLE": providers.Undelivered,
	"REJECTED":      providers.Undelivered,
	"DELETED":       providers.Undelivered,
	"SKIPPED":       providers.Undelivered,
}

// maxCode bounds a code or a state, in bytes.
const maxCode = 40

// newReport returns a report of the gateway's own words. The code is the error's where there is one, and the state then
// stands in the detail.
func newReport(id, reference string, to msisdn, status, code, why text, at unixTime) providers.Report {
	state := word(string(status))
	r := providers.Report{
		Fate: fates[strings.ToUpper(state)], To: sms.MSISDN(to), ID: id, Reference: reference, Code: state, At: time.Time(at),
	}
	if own := word(string(code)); own != "" {
		r.Code, r.Detail = own, state
	}
	if why := redact.Detail(string(why)); why != "" {
		r.Detail = strings.TrimPrefix(r.Detail+": "+why, ": ")
	}
	r.Detail = redact.Cap(r.Detail)
	return r
}

// word is a gateway's code or state fit to be stored.
func word(s string) string {
	s = redact.Detail(s)
	if len(s) > maxCode {
		s = strings.ToValidUTF8(s[:maxCode], "")
	}
	return s
}

// reference is one that a call may have had; empty for any other.
func reference(s text) string {
	const longest = 64
	if len(s) > longest || strings.ContainsFunc(string(s), func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '.' && r != '_' && r != '-'
	}) {
		return ""
	}
	return string(s)
}
