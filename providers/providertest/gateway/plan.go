package gateway

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// UsualReports is the plan of a gateway on a usual day: a twentieth is not delivered, and reports come in every way in which
// they come.
var UsualReports = ReportPlan{
	On: true, Undelivered: 0.05, Transient: 0.3, Disorder: 0.1, Twice: 0.02, Late: 0.02, LateBy: 5 * time.Second, Delay: 200 * time.Millisecond,
}

// ParseReportPlan reads a plan as `volley simulate --reports` takes it: "usual", or changes to that, apart by commas:
//
//	undelivered=0.1  silent=0.1  transient=0.5  disorder=0.5  twice=0.1  forged=0.1     shares of the numbers, 0 to 1
//	late=0.1:5s      that share comes later by so much
//	delay=1s         the time from taking a message to its first report
//	stored=1m        the time until a gateway that can be asked knows a message
//	pause=1s         the pause before a report is repeated, instead of the gateway's own
//	webhook=URL      where reports without an address of their own go, and what handsets write
//
// "off" is the zero plan.
func ParseReportPlan(s string) (ReportPlan, error) {
	switch s {
	case "off":
		return ReportPlan{}, nil
	case "usual":
		return UsualReports, nil
	}
	p := UsualReports
	for _, part := range strings.Split(s, ",") {
		key, value, ok := strings.Cut(part, "=")
		if !ok {
			return ReportPlan{}, fmt.Errorf("reports %q: want usual, off, or what differs, such as undelivered=0.1,late=0.1:5s", s)
		}
		if err := p.set(key, value); err != nil {
			return ReportPlan{}, fmt.Errorf("reports %q: %s: %w", s, key, err)
		}
	}
	return p, nil
}

func (p *ReportPlan) set(key, value string) (err error) {
	shares := map[string]*float64{
		"undelivered": &p.Undelivered, "silent": &p.Silent, "transient": &p.Transient, "disorder": &p.Disorder,
		"twice": &p.Twice, "forged": &p.Forged, "late": &p.Late,
	}
	times := map[string]*time.Duration{"delay": &p.Delay, "stored": &p.Stored, "pause": &p.Pause}
	switch {
	case shares[key] != nil:
		if share, by, later := strings.Cut(value, ":"); key == "late" && later {
			value = share
			if p.LateBy, err = parseDelay(by); err != nil {
				return err
			}
		}
		f, err := strconv.ParseFloat(value, 64)
		if err != nil || !(f >= 0 && f <= 1) {
			return errors.New("want a share from 0 to 1")
		}
		*shares[key] = f
	case times[key] != nil:
		d, err := time.ParseDuration(value)
		if err != nil || d < 0 {
			return errors.New("want a time such as 50ms or 3s")
		}
		*times[key] = d
	case key == "webhook":
		u, err := url.Parse(value)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return errors.New("want an address such as http://127.0.0.1:8080/hook")
		}
		p.Webhook = value
	default:
		return errors.New("is unknown; there are undelivered, silent, transient, disorder, twice, forged, late, delay, stored, pause and webhook")
	}
	return nil
}
