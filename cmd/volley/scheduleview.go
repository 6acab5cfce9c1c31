package main

import (
	"fmt"
	"net/url"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/volleysms/volley/internal/schedule"
)

// zoned is how a time in a schedule's zone is shown.
const zoned = "Mon 2006-01-02 15:04:05 MST"

// when is a schedule's rule in a few words.
func when(in schedule.Info) string {
	if in.Cron != "" {
		return in.Cron
	}
	return "every " + in.Every.String()
}

// whom says where a schedule's recipients come from.
func whom(in schedule.Info) string {
	switch r := in.Recipients; {
	case r.File != nil:
		return "file " + r.File.Path
	case r.Endpoint != nil:
		if u, err := url.Parse(r.Endpoint.URL); err == nil {
			return u.Host
		}
		return "an endpoint"
	default:
		return plural(int64(len(r.To)), "number")
	}
}

func conditionColour(c schedule.Condition) text.Color {
	switch c {
	case schedule.Active, schedule.Busy:
		return text.FgGreen
	case schedule.Failing:
		return text.FgRed
	case schedule.Paused, schedule.Waiting:
		return text.FgYellow
	}
	return text.FgCyan
}

func (a *app) showSchedule(in schedule.Info, latest []schedule.Firing) {
	row := func(name, format string, args ...any) {
		fmt.Fprintf(a.stdout, "%-10s %s\n", name, fmt.Sprintf(format, args...))
	}
	row("Schedule", "%s", in.Name)
	row("State", "%s", a.paint(conditionColour(in.Condition), string(in.Condition)))
	if in.Note != "" {
		row("Note", "%s", in.Note)
	}
	if in.Error != "" && in.Tick != nil {
		row("Tick", "%s can't be fired so far: %s", in.Tick.Format(zoned), in.Error)
	}
	row("When", "%s in %s%s", when(in), in.Zone, bounds(in))
	row("Policies", "overlap %s, catch up %s within %s", in.Overlap, in.CatchUp, in.CatchUpWithin)
	row("Via", "%s", in.Send.Via)
	row("To", "%s", whom(in))
	if w := in.Send.Window; w != "" {
		row("Window", "%s", w)
	}
	t := in.Totals
	row("Ticks", "%s fired, %s missed, %s skipped, %s failed", count(t.Fired), count(t.Missed), count(t.Skipped), count(t.Failed))
	for i, n := range in.Next {
		name := ""
		if i == 0 {
			name = "Next"
		}
		row(name, "%s", n.Format(zoned))
	}
	if len(latest) == 0 {
		return
	}
	zone, err := time.LoadLocation(in.Zone)
	if err != nil {
		zone = time.UTC
	}
	out := a.newTable("Tick", "Outcome", "Job", "Queued", "Refused", "Detail")
	rightAligned(out, 4, 5)
	for _, f := range latest {
		outcome := string(f.Outcome)
		if f.Count > 1 {
			outcome = count(int64(f.Count)) + " " + outcome
		}
		detail := f.Detail
		if f.Request != "" {
			detail = "run-now " + detail
		}
		out.AppendRow(table.Row{f.Tick.In(zone).Format(zoned), outcome, f.JobID, count(f.Queued), count(f.Refused), detail})
	}
	out.Render()
}

// bounds says when a schedule starts and ends, if it does.
func bounds(in schedule.Info) string {
	zone, err := time.LoadLocation(in.Zone)
	if err != nil {
		zone = time.UTC
	}
	s := ""
	if !in.Start.IsZero() {
		s += ", from " + in.Start.In(zone).Format(zoned)
	}
	if !in.End.IsZero() {
		s += ", until " + in.End.In(zone).Format(zoned)
	}
	if in.Jitter > 0 {
		s += ", up to " + in.Jitter.String() + " later"
	}
	return s
}

// sent says what a tick enqueued.
func sent(f schedule.Firing) string {
	if f.JobID == "" {
		return ": " + f.Detail
	}
	return fmt.Sprintf(": job %s, %s queued, %s refused", f.JobID, count(f.Queued), count(f.Refused))
}

func (a *app) showChanges(changes []schedule.Change, dry bool) {
	changed := int64(0)
	for _, c := range changes {
		if c.Action == schedule.Unchanged {
			continue
		}
		changed++
		fmt.Fprintf(a.stdout, "%s %s\n", c.Action, c.Name)
		for _, d := range c.Differences {
			if d.From != "" {
				fmt.Fprintf(a.stdout, "  - %s: %s\n", d.Field, d.From)
			}
			if d.To != "" {
				fmt.Fprintf(a.stdout, "  + %s: %s\n", d.Field, d.To)
			}
		}
	}
	words := "changed"
	if dry {
		words = "to be changed; nothing was changed"
	}
	fmt.Fprintf(a.stdout, "%s %s.\n", plural(changed, "schedule"), words)
}
