package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/sms"
)

// demoSummary is what became of the sample campaign, and whether the gateways' own record agrees.
type demoSummary struct {
	OK       bool             `json:"ok"`
	Seconds  float64          `json:"seconds"`
	Jobs     []enqueue.Status `json:"jobs"`
	Outcomes []demoOutcome    `json:"outcomes"`
	// Recipients are those with an outcome; Duplicates were dropped.
	Recipients int64 `json:"recipients"`
	Duplicates int64 `json:"duplicates"`
	// Calls and Taken are the gateways' own counts, TakenTwice the numbers they took more than once.
	Calls      int64 `json:"calls"`
	Taken      int64 `json:"taken"`
	TakenTwice int64 `json:"taken_twice"`
	// Amiss are recipients that were accepted and not taken, or taken and neither accepted nor unknown.
	Amiss int64 `json:"amiss"`
	// Violations are calls that broke a gateway's rules.
	Violations int64 `json:"violations"`
}

// demoOutcome is how many recipients of an account ended in the same way.
type demoOutcome struct {
	Account    string `json:"account"`
	Status     string `json:"status"`
	Reason     string `json:"reason"`
	Recipients int64  `json:"recipients"`
}

// sum compares each recipient's outcome with what the gateways took.
func (s *demoSummary) sum(ctx context.Context, r *rig) error {
	taken := map[sms.MSISDN]bool{}
	for _, g := range r.sims {
		st := g.Stats()
		s.Calls += st.Sends
		s.Taken += st.Taken
		s.Violations += st.Violations
		s.TakenTwice += int64(len(g.TakenTwice()))
		for _, m := range g.Messages() {
			taken[m.To] = true
		}
	}
	groups := map[demoOutcome]int64{}
	for _, job := range s.Jobs {
		for o, err := range r.client.Outcomes(ctx, job.JobID) {
			if err != nil {
				return err
			}
			s.Recipients++
			if s.amiss(&o, taken) {
				s.Amiss++
			}
			groups[demoOutcome{Account: job.Via, Status: o.Status, Reason: reasonOf(&o)}]++
		}
	}
	for g, n := range groups {
		g.Recipients = n
		s.Outcomes = append(s.Outcomes, g)
	}
	slices.SortFunc(s.Outcomes, func(a, b demoOutcome) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Status, b.Status), cmp.Compare(a.Reason, b.Reason))
	})
	s.Amiss += int64(len(taken)) // taken, and in no job
	s.OK = s.TakenTwice == 0 && s.Amiss == 0 && s.Violations == 0
	return nil
}

// amiss compares one outcome with the gateways' record, and takes the number out of it.
func (s *demoSummary) amiss(o *enqueue.Outcome, taken map[sms.MSISDN]bool) bool {
	to, err := sms.ParseMSISDN(o.To)
	if err != nil {
		return false
	}
	was := taken[to]
	delete(taken, to)
	switch o.Status {
	case "accepted", "delivered":
		return !was
	case "unknown":
		return false
	}
	return was
}

// reasonOf says why a recipient was not accepted.
func reasonOf(o *enqueue.Outcome) string {
	switch {
	case o.Status == "accepted" || o.Status == "delivered":
		return ""
	case o.Status == "unknown":
		return o.Detail + ": it may have been taken, and is not sent again"
	case o.Detail == "":
		return o.Code
	case o.Code == "" || o.Account == "":
		return o.Detail
	}
	return o.Code + ": " + o.Detail
}

func (a *app) showDemo(s demoSummary) {
	t := a.newTable("Account", "Outcome", "Recipients", "Reason")
	rightAligned(t, 3)
	for _, o := range s.Outcomes {
		t.AppendRow(table.Row{o.Account, a.paint(stateColour(o.Status), o.Status), count(o.Recipients), o.Reason})
	}
	t.AppendFooter(table.Row{"", "total", count(s.Recipients)})
	t.Render()
	verdict := a.paint(text.FgGreen, "no number was taken twice, and none that is accepted is missing")
	if !s.OK {
		verdict = a.paint(text.FgRed, fmt.Sprintf("%d numbers were taken twice, %d are amiss, %d calls broke a rule", s.TakenTwice, s.Amiss, s.Violations))
	}
	fmt.Fprintf(a.stdout, `
%s recipients in %s calls and %.1f s; %s repeated rows were dropped.
The gateways' own record: %s messages taken; %s.

Next: volley dev      leaves Redis, the gateways and a worker running, to send to with volley send and volley import
      volley --help   shows the rest; with accounts of your own in volley.yaml, start with volley accounts check
`, count(s.Recipients), count(s.Calls), s.Seconds, count(s.Duplicates), count(s.Taken), verdict)
}
