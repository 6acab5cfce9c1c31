package faults_test

import (
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/volleysms/volley/internal/redistest"
)

// TestLimitsOverAllWorkers: four workers with more work than an account's limits allow use at least 95 % of them, and no second
// at the gateway has more calls or recipients than the limit, wherever it begins. It runs alone; in the small run, beside which
// other packages' tests keep the machine busy, the figures are told, and only what is far too much fails.
func TestLimitsOverAllWorkers(t *testing.T) {
	for name, c := range map[string]struct {
		settings                    string
		calls, recipients, eachCall int
	}{
		"Calls":      {"rate: 50/s, max_recipients: 5", 50, 0, 5},
		"Recipients": {"recipients: 400/s, max_recipients: 10", 0, 400, 10},
	} {
		t.Run(name, func(t *testing.T) {
			addr := redistest.Start(t)
			r := newRig(t, "redis://"+addr+"/0", account{name: plain, dialect: plainDialect, settings: "concurrency: 4, " + c.settings})
			r.accounts[0].at.latency = [2]time.Duration{}
			for range 4 {
				r.seat(addr).live()
			}
			perSecond := c.recipients
			if c.calls > 0 {
				perSecond = c.calls * c.eachCall
			}
			r.enqueue(plain, perSecond*int(size.paced.Seconds()))
			r.steady(r.books())
			r.stop()

			came := r.accounts[0].at.arrived()
			slices.SortFunc(came, func(a, b arrival) int { return a.at.Compare(b.at) })
			most, mostRecipients, recipients := 0, 0, 0
			for i := range came {
				calls, people := 0, 0
				for k := i; k < len(came) && came[k].at.Sub(came[i].at) < time.Second; k++ {
					calls++
					people += came[k].recipients
				}
				most, mostRecipients = max(most, calls), max(mostRecipients, people)
				recipients += came[i].recipients
			}
			last := came[len(came)-1]
			took := last.at.Sub(came[0].at).Seconds()
			// The last call uses what comes after it.
			used := float64(recipients-last.recipients) / took / float64(perSecond)
			told := fmt.Sprintf("%d calls to %d recipients in %.2f s: %.1f %% of the limit is used; the fullest second has %d calls to %d recipients",
				len(came), recipients, took, 100*used, most, mostRecipients)
			t.Log(told)
			if os.Getenv("VOLLEY_FAULTS") == "" {
				if used > 1.5 { // far more than what a busy machine makes of it
					t.Errorf("the limit is not kept: %s", told)
				}
				return
			}
			if c.calls > 0 && most > c.calls || mostRecipients > perSecond || used < 0.95 {
				t.Errorf("the limit is %d calls and %d recipients a second: %s", c.calls, perSecond, told)
			}
		})
	}
}
