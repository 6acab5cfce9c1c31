package enqueue

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/volleysms/volley/internal/ledger"
)

// Hook asks that the application is told about a job: when it has completed, and when it reaches thresholds. What is posted
// is JSON, signed as Standard Webhooks describes it, and posted again until it is taken or three days old; so it may come
// more than once, always with the same webhook-id. It is `volley scheduler` that posts.
type Hook struct {
	// URL begins with https://. It may have a secret in it; it is in no log.
	URL string
	// Secret names one of the schedulers' signing secrets; empty is the one of hooks.secret.
	Secret string
	// At are what is told beside the completion, each once; at most MaxThresholds.
	At []Threshold
}

// Threshold is reached when as many of a job's recipients are in a state as it says. ParseThreshold makes one.
type Threshold = ledger.Threshold

const (
	// MaxThresholds is how many thresholds a Hook may have.
	MaxThresholds = 8
	// MaxURL is the length of a Hook's URL in bytes.
	MaxURL = 2000

	maxPercent = 100
	perMille   = 10 // of a percent
)

var thresholdShape = regexp.MustCompile(`^([a-z]+)=([0-9]{1,9})(?:\.([0-9]))?(%?)$`)

// ParseThreshold reads "failed=5%", of all of the job's recipients and with one decimal at most, or "unknown=100",
// recipients.
func ParseThreshold(s string) (Threshold, error) {
	m := thresholdShape.FindStringSubmatch(s)
	if m == nil || m[3] != "" && m[4] == "" {
		return Threshold{}, fmt.Errorf("%q is no threshold; one looks like failed=5%% or unknown=100", s)
	}
	st, ok := ledger.ParseState(m[1])
	if !ok || st.Open() {
		return Threshold{}, fmt.Errorf("%q is no state that recipients end in, such as failed, undelivered, rejected or unknown", m[1])
	}
	n, _ := strconv.ParseInt(m[2], 10, 64) // it has at most nine digits
	t := Threshold{State: m[1], Count: n}
	if m[4] != "" {
		tenth, _ := strconv.ParseInt("0"+m[3], 10, 64)
		t = Threshold{State: m[1], PerMille: n*perMille + tenth}
	}
	if t.PerMille > maxPercent*perMille || t.PerMille+t.Count == 0 {
		return Threshold{}, fmt.Errorf("%q is never reached, or always: give more than 0, and at most 100%%", s)
	}
	return t, nil
}

// checkHook validates a job's hook and writes it into spec.
func (j *Job) checkHook(spec *ledger.Spec) (errs []error) {
	h := j.Hook
	if h == nil {
		return nil
	}
	u, err := url.Parse(h.URL)
	if err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http" || len(h.URL) > MaxURL {
		errs = append(errs, invalid("hook", "must be an address that begins with https://, of at most %d bytes", MaxURL))
	}
	if len(h.Secret) > maxName || strings.ContainsAny(h.Secret, " \t\r\n") {
		errs = append(errs, invalid("hook", "names no secret that could be one of the schedulers'"))
	}
	if len(h.At) > MaxThresholds {
		errs = append(errs, invalid("hook", "has %d thresholds; %d are the most", len(h.At), MaxThresholds))
	}
	for i, t := range h.At {
		if back, err := ParseThreshold(t.String()); err != nil || back != t {
			errs = append(errs, invalid("hook", "has a threshold that is none: use ParseThreshold"))
		} else if slices.Contains(h.At[:i], t) {
			errs = append(errs, invalid("hook", "has the threshold %s twice", t))
		}
	}
	spec.Hook = &ledger.Hook{URL: h.URL, Secret: h.Secret, At: h.At}
	return errs
}
