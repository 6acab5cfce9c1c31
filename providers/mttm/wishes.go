package mttm

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/volleysms/volley/providers"
)

// The two ways to tell a batch when to go out.
const (
	relative = "relative"
	absolute = "absolute"
)

// urgent is how priority_flag says it; 0 is the gateway's default, and the lowest there is. Source: SMPP 3.4 section 5.2.14,
// and fact sheet section 2 for the range 0 to 3.
const urgent = 2

// nearby is how close a time must be for a batch to be told it as a wait: with the clock of the other side a little ahead, the
// time itself would have passed, and the gateway refuses such a batch whole.
const nearby = time.Minute

// schedule says how a batch is told when to go out. The zero value says it in seconds from now.
type schedule struct{ zone *time.Location } // of the server; nil is relative

func newSchedule(format, zone string) (schedule, error) {
	switch {
	case format == "" || format == relative:
		if zone != "" {
			return schedule{}, errors.New("a schedule zone is only for the schedule format absolute: leave it out, or change the format")
		}
		return schedule{}, nil
	case format != absolute:
		return schedule{}, fmt.Errorf("schedule format %q is not known: use relative or absolute", format)
	case zone == "":
		return schedule{}, errors.New("schedule format absolute needs the schedule zone of the gateway's clock, such as Europe/Amsterdam")
	}
	loc, err := time.LoadLocation(zone)
	if err != nil || zone == "Local" {
		return schedule{}, fmt.Errorf("schedule zone %q is not known: use a name such as Europe/Amsterdam", zone)
	}
	return schedule{loc}, nil
}

// at returns a time after now as schedule_at takes it: "86400s", or the server's local time. Both are rounded up to a second.
func (s schedule) at(t, now time.Time) string {
	if wait := t.Sub(now); s.zone == nil || wait < nearby {
		return strconv.FormatInt(int64((wait+time.Second-1)/time.Second), 10) + "s"
	}
	return ceil(t).In(s.zone).Format("2006-01-02 15:04:05")
}

// deliveryTime returns a time as sdt takes it: absolute, in UTC, such as 260102120000000+. Source: SMPP 3.4 section 7.1.1.1.
func deliveryTime(t time.Time) string { return ceil(t).UTC().Format("060102150405") + "000+" }

func ceil(t time.Time) time.Time {
	if whole := t.Truncate(time.Second); whole.Before(t) {
		return whole.Add(time.Second)
	}
	return t
}

// wishes are what a call asks for beside its texts.
type wishes struct {
	priority int    // 0 is not written
	validity int64  // in minutes; 0 is not written
	tags     string // of the account
	sdt      string // empty is at once
	// batchAt is the schedule_at of a batch; empty is at once.
	batchAt string
	// reportTo is the call's; nil asks for no report.
	reportTo func(i int) string
}

// wishesOf returns what c asks for. A time that has passed is no wish.
func wishesOf(c *providers.Call, tags string, now time.Time) wishes {
	w := wishes{tags: tags, reportTo: c.ReportTo}
	if c.Options.Priority > providers.Normal {
		w.priority = urgent
	}
	if v := c.Options.Validity; v > 0 {
		w.validity = int64((v + time.Minute - 1) / time.Minute)
	}
	if at := c.Options.At; at.After(now) {
		w.sdt = deliveryTime(at)
	}
	return w
}

// What is asked of a report: from the network and from the handset, since with the second alone nothing is ever said of a
// message that the network refuses. Source: fact sheet section 6.
const (
	reportLevel  = 3
	reportMethod = "POST"
)

// tagList is what the gateway takes as tags. Source: fact sheet section 2.
var tagList = regexp.MustCompile(`^[-a-zA-Z0-9,]*$`)

const maxTags = 200

func validTags(tags string) error {
	if !tagList.MatchString(tags) || len(tags) > maxTags {
		return fmt.Errorf("tags may hold letters, digits, - and commas, %d characters at most", maxTags)
	}
	return nil
}
