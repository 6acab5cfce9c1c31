package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/volleysms/volley/enqueue"
)

func TestSend_Times(t *testing.T) {
	c := newCLI(t)
	job := []string{"send", "--via", "gatewayapi", "--from", "Acme", "--text", "Hi", "--to", "12125550100"}
	send := func(args ...string) enqueue.Status {
		t.Helper()
		var r enqueue.Receipt
		var s enqueue.Status
		c.must(append(append([]string{}, job...), append(args, "--json")...)...).json(&r)
		c.must("status", r.JobID, "--json").json(&s)
		return s
	}
	t.Run("AnEndAndAWindow", func(t *testing.T) {
		day := time.Now().AddDate(0, 0, 30).Format("2006-01-02")
		s := send("--not-after", day+" 09:00:00", "--tz", "Asia/Tokyo", "--window", "mon-sat 09:00-20:00", "--at", day+"T00:00:00+09:00")
		if s.NotAfter == nil || s.NotAfter.Format("2006-01-02 15:04") != day+" 00:00" || s.Window != "mon-sat 09:00-20:00 recipient" {
			t.Errorf("got %+v", s.Timing)
		}
	})
	t.Run("SoLongAfterItWasDue", func(t *testing.T) {
		if s := send("--not-after", "2h", "--delay", "1h"); s.MaxLate != "2h0m0s" || s.NotAfter != nil || s.WaitingFor != "scheduled" {
			t.Errorf("got %+v", s.Timing)
		}
	})
	t.Run("ATimeOfDayInTheirOwnZones", func(t *testing.T) {
		day := time.Now().AddDate(0, 0, 30).Format("2006-01-02")
		s := send("--at-local", day+" 09:00", "--zone", "Europe/Copenhagen")
		if s.State != enqueue.Scheduled || s.AtLocal != day+" 09:00:00" {
			t.Errorf("got %s, %+v", s.State, s.Timing)
		}
		if a := c.must("status", s.JobID); !strings.Contains(a.stdout, "09:00:00 in each recipient's zone") || !strings.Contains(a.stdout, "Waiting") {
			t.Errorf("for people: %s", a.stdout)
		}
	})
	t.Run("APastTimeIsSentWhenAskedFor", func(t *testing.T) {
		if s := send("--at", "2020-01-31T09:00:00Z", "--past", "send"); s.State != enqueue.Queued {
			t.Errorf("got %+v", s)
		}
	})
	for name, tt := range map[string]struct {
		args []string
		want string
	}{
		"APastTime":            {[]string{"--at", "2020-01-31T09:00:00Z"}, "has passed"},
		"AnUnknownWord":        {[]string{"--past", "maybe"}, "--past is refuse or send"},
		"NoWindow":             {[]string{"--window", "by day"}, "--window: "},
		"NoEnd":                {[]string{"--not-after", "later"}, "--not-after: "},
		"NoTimeBeforeTheEnd":   {[]string{"--not-after", "0s"}, "--not-after: "},
		"TwoTimes":             {[]string{"--at-local", "2030-01-31 09:00", "--delay", "1h"}, "at-local"},
		"AZoneThatIsNone":      {[]string{"--zone", "Mars/Olympus"}, "no time zone"},
		"ALocalTimeInAZone":    {[]string{"--at-local", "2030-01-31T09:00:00Z"}, "no date and time of day"},
		"AZoneWithoutItsTimes": {[]string{"--tz", "Asia/Tokyo"}, "there is no --at"},
	} {
		t.Run(name, func(t *testing.T) {
			a := c.run(append(append([]string{}, job...), tt.args...)...)
			if a.code != exitInvalid || !strings.Contains(a.stderr, tt.want) {
				t.Errorf("exit status %d and %q, want %q", a.code, a.stderr, tt.want)
			}
		})
	}
}

func TestImport_TimesOfRecipients(t *testing.T) {
	c := newCLI(t)
	at := time.Now().AddDate(0, 0, 30).Format("2006-01-02") + " 09:00"
	file := c.write("appointments.csv", fmt.Sprintf(`to,ref,when,tz
12125550100,a-1,%s,America/New_York
12125550101,a-2,%s,
12125550102,a-3,soon,America/New_York
12125550103,a-4,%s,New York
`, at, at, at))
	job := []string{"import", file, "--via", "gatewayapi", "--from", "Acme", "--text", "Hi", "--at-column", "when", "--json"}
	var r enqueue.Receipt
	c.must(append(job, "--zone", "America/Chicago")...).json(&r)
	if r.Queued != 2 || r.RefusedCount != 2 || !strings.Contains(r.Refused[0].Reason, "it is no time") || !strings.Contains(r.Refused[1].Reason, "no time zone") {
		t.Errorf("got %+v", r)
	}
	t.Run("OneIsCancelledByItsRef", func(t *testing.T) {
		if s := c.steer("cancel", r.JobID, "--ref", "a-1"); s.Changed != 1 || s.Counts.Cancelled != 1 || s.Counts.Queued != 1 {
			t.Errorf("got %+v", s)
		}
		for _, ref := range []string{"a-1", "a-9"} {
			if a := c.run("cancel", r.JobID, "--ref", ref); a.code != exitFailed || !strings.Contains(a.stderr, "volley outcomes "+r.JobID) {
				t.Errorf("%s: exit status %d and %q", ref, a.code, a.stderr)
			}
		}
	})
	t.Run("AColumnThatIsNotThere", func(t *testing.T) {
		if a := c.run(append(job, "--tz-column", "zone")...); a.code != exitInvalid || !strings.Contains(a.stderr, `--tz-column: there is no column "zone"`) {
			t.Errorf("exit status %d and %q", a.code, a.stderr)
		}
	})
}
