package mttm

import (
	"encoding/hex"
	"net/url"
	"strconv"
	"strings"

	"github.com/volleysms/volley/providers"
)

// formOf returns the fields of a message to the call's first recipient, with the keys of the gateway's inner API, which writes
// them with "-" alone. Where reports go is not among them.
func formOf(c *providers.Call, how coding, w *wishes) url.Values {
	f := url.Values{
		"to":     {c.Recipients[0].To.String()},
		"coding": {strconv.Itoa(int(how))},
	}
	switch text := textFor(c, 0); how {
	case codingGSM:
		f.Set("content", strings.ToValidUTF8(text, "\uFFFD"))
	case codingUCS2:
		f.Set("hex-content", string(appendUTF16(nil, text)))
	default:
		f.Set("hex-content", hex.EncodeToString(c.Binary.Payload))
	}
	for key, value := range map[string]string{"from": string(c.From), "sdt": w.sdt, "tags": w.tags} {
		if value != "" {
			f.Set(key, value)
		}
	}
	if w.priority > 0 {
		f.Set("priority", strconv.Itoa(w.priority))
	}
	if w.validity > 0 {
		f.Set("validity-period", strconv.FormatInt(w.validity, 10))
	}
	if w.reportTo != nil {
		f.Set("dlr", "yes")
		f.Set("dlr-level", strconv.Itoa(reportLevel))
		f.Set("dlr-method", reportMethod)
	}
	return f
}

// encode writes fields in the order of their keys, and a blank as %20, as the gateway's document does.
func encode(f url.Values) string { return strings.ReplaceAll(f.Encode(), "+", "%20") }
