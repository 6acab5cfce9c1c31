package e2e_test

import (
	"fmt"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/volleysms/volley/enqueue"
)

// Each campaign has so many rows, of which some are no number and some repeat another.
const (
	rows       = 1000
	bad        = 3
	duplicates = 2
	valid      = rows - bad - duplicates
)

// number is one of the thousand kept for fiction in the United Kingdom.
func number(i int) string { return fmt.Sprintf("447700900%03d", i) }

// campaign is a file with a name and a ref in each row.
func campaign() string {
	var b strings.Builder
	b.WriteString("to,name,ref\n")
	for i := range valid {
		fmt.Fprintf(&b, "%s,Reader%d,ref-%d\n", number(i), i, i)
	}
	fmt.Fprintf(&b, "not-a-number,x,bad-0\n12,x,bad-1\n07700900999,x,bad-2\n")
	fmt.Fprintf(&b, "%s,x,again-0\n+%s,x,again-1\n", number(0), number(1))
	return b.String()
}

// marker is a word of the text that no log may have.
const marker = "zanzibar"

// from is a sender ID that each of the gateways takes.
const from = "25255"

// TestFourCampaigns sends a campaign through each gateway. One gateway answers 503 at first, each refuses one number.
func TestFourCampaigns(t *testing.T) {
	const refused = 123
	w := newFour(t, "mttm/503@1", "refuse:900123")
	worker := w.Start("worker")
	file := w.Write("campaign.csv", campaign())

	receipts := map[string]enqueue.Receipt{}
	var mu sync.Mutex
	var imports sync.WaitGroup
	for account := range w.gateways {
		imports.Go(func() {
			var r enqueue.Receipt
			w.JSON(&r, "import", file, "--via", account, "--from", from, "--text", "Dear {{name}}, "+marker+" at nine")
			mu.Lock()
			defer mu.Unlock()
			receipts[account] = r
		})
	}
	imports.Wait()

	for account, g := range w.gateways {
		t.Run(account, func(t *testing.T) {
			r := receipts[account]
			if r.Queued != valid || r.RefusedCount != bad || r.Total != valid+bad || r.Duplicates != duplicates {
				t.Errorf("receipt %+v", r)
			}
			s := w.Completed(r.JobID)
			c := s.Counts
			if c.Total != valid+bad || c.Accepted != valid-1 || c.Rejected != bad+1 {
				t.Errorf("counts %+v", c)
			}
			if sum := c.Accepted + c.Rejected; sum != c.Total {
				t.Errorf("the counts sum up to %d of %d", sum, c.Total)
			}

			found, taken := w.Outcomes(r.JobID), w.taken(account)
			if len(found) != valid+bad {
				t.Errorf("%d outcomes", len(found))
			}
			for i := range valid {
				o, times := found[number(i)], taken[number(i)]
				if i == refused {
					if o.Status != "rejected" || times != 0 || o.Code == "" && o.Detail == "" {
						t.Errorf("the number that the gateway refuses: %+v, taken %d times", o, times)
					}
					continue
				}
				if o.Status != "accepted" || times != 1 || o.Account != account || o.Ref != fmt.Sprintf("ref-%d", i) || o.Attempts < 1 {
					t.Errorf("%+v, taken %d times", o, times)
				}
			}
			for _, to := range []string{"not-a-number", "12", "07700900999"} {
				if o := found[to]; o.Status != "rejected" || o.Detail == "" || o.Attempts != 0 {
					t.Errorf("%q: %+v", to, o)
				}
			}
			if len(taken) != valid-1 {
				t.Errorf("the gateway took %d numbers", len(taken))
			}
			for _, m := range g.Messages() {
				var i int
				if _, err := fmt.Sscanf(m.To.String(), "447700900%03d", &i); err != nil {
					t.Fatal(err)
				}
				if want := fmt.Sprintf("Dear Reader%d, %s at nine", i, marker); m.Text != want {
					t.Fatalf("%s got %q, want %q", m.To, m.Text, want)
				}
			}
			if v := g.Violations(); len(v) > 0 {
				t.Errorf("the gateway objects: %q", v[:min(3, len(v))])
			}
		})
	}
	if code := worker.End(syscall.SIGTERM); code != 0 {
		t.Errorf("the worker ends with exit status %d", code)
	}
	log := worker.Log()
	if !strings.Contains(log, "503") {
		t.Errorf("the log does not tell of the gateway's 503:\n%s", log)
	}
	w.discreet(log, marker, "Reader", "447700900", "7700900999", "not-a-number")
}

// TestStopUnderLoad stops a worker in the middle of a campaign: it ends in good order, what the gateways took is what is
// recorded, and the next worker sends the rest.
func TestStopUnderLoad(t *testing.T) {
	w := newFour(t, "latency:20ms")
	worker := w.Start("worker")
	file := w.Write("campaign.csv", campaign())
	accounts := []string{"mgage", "mttm", "ogangi"} // one recipient a call, when texts differ
	jobs := map[string]string{}
	for _, account := range accounts {
		var r enqueue.Receipt
		w.JSON(&r, "import", file, "--via", account, "--from", from, "--text", "Dear {{name}}, "+marker)
		jobs[account] = r.JobID
	}
	for _, account := range accounts {
		w.Eventually("load on "+account, func() bool { return w.gateways[account].Stats().Taken >= 20 })
	}
	if code := worker.End(syscall.SIGTERM); code != 0 {
		t.Errorf("the worker ends with exit status %d", code)
	}
	w.discreet(worker.Log(), marker, "Reader", "447700900")

	left := 0
	for _, account := range accounts {
		t.Run(account+" after the stop", func(t *testing.T) {
			c := w.Status(jobs[account]).Counts
			if c.Sending != 0 || c.Unknown != 0 || c.Failed != 0 {
				t.Errorf("counts %+v", c)
			}
			left += int(c.Queued)
			taken := w.taken(account)
			for to, o := range w.Outcomes(jobs[account]) {
				if accepted := o.Status == "accepted"; accepted != (taken[to] == 1) {
					t.Errorf("%s is %s, and was taken %d times", to, o.Status, taken[to])
				}
			}
		})
	}
	if left == 0 {
		t.Fatal("nothing was left: the stop was not under load")
	}

	for _, g := range w.gateways {
		g.SetFaults()
	}
	next := w.Start("worker")
	for _, account := range accounts {
		t.Run(account+" after the next start", func(t *testing.T) {
			if c := w.Completed(jobs[account]).Counts; c.Accepted != valid || c.Rejected != bad {
				t.Errorf("counts %+v", c)
			}
			taken := w.taken(account)
			for i := range valid {
				if n := taken[number(i)]; n != 1 {
					t.Errorf("%s was taken %d times", number(i), n)
				}
			}
		})
	}
	if code := next.End(syscall.SIGTERM); code != 0 {
		t.Errorf("the next worker ends with exit status %d", code)
	}
}
