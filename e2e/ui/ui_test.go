package ui

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/volleysms/volley/e2e/world"
	"github.com/volleysms/volley/enqueue"
)

func TestMain(m *testing.M) { world.Main(m) }

// campaign is a CSV file with n recipients, whom nobody has, and a row that is refused.
func campaign(o *world.Operator, first, n int) string {
	var b strings.Builder
	b.WriteString("to,name,ref\n")
	for i := range n {
		fmt.Fprintf(&b, "1212555%04d,Ann,order-%d\n", first+i, first+i)
	}
	b.WriteString("12ab,Bob,order-x\n")
	return o.Write("campaign.csv", b.String())
}

// dev starts everything in one process, and returns an operator of it and the address of the dashboard.
func dev(t *testing.T, args ...string) (*world.Operator, string) {
	t.Helper()
	o := world.New(t, "")
	p := o.Start(append([]string{"dev", "--json", "--log-level", "error"}, args...)...)
	var said struct{ Config, UI string }
	o.Eventually("volley dev to say where it is", func() bool {
		line, _, whole := strings.Cut(p.Log(), "\n")
		return whole && json.Unmarshal([]byte(line), &said) == nil
	})
	o.Config = said.Config
	return o, said.UI
}

func (b *browser) imports(o *world.Operator, label, via string, first, n int) string {
	b.t.Helper()
	var r enqueue.Receipt
	o.JSON(&r, "import", campaign(o, first, n), "--via", via, "--from", "Acme", "--text", "Hi {{name}}", "--label", label)
	return r.JobID
}

// TestDashboard clicks through a campaign from its import to its export.
func TestDashboard(t *testing.T) {
	o, base := dev(t, "--fault", "mttm/latency:150ms", "--fault", "mgage/cut-after@1", "--fault", "ogangi/auth")
	b := newBrowser(t, base)
	b.imports(o, "Invoices, November", "ogangi", 0, 40)
	b.imports(o, "Shop opening", "mgage", 0, 300)
	o.Completed(b.imports(o, "Appointment reminders", "gatewayapi", 0, 2000))
	job := b.imports(o, "Spring sale", "mttm", 0, 1200)

	// It is seen to run, without the page being loaded again.
	b.open("/jobs")
	b.sees("Spring sale")
	b.do("mark the page", mark())
	progress := fmt.Sprintf(`document.getElementById("progress-%s").innerText`, job)
	first := b.ask(progress)
	b.until("progress", fmt.Sprintf("%s !== %q", progress, first))
	b.until("a rate and the time left", fmt.Sprintf(`/\/s[^]*left/.test(document.getElementById("pace-%s").innerText)`, job))
	if !b.is("window.marked") {
		t.Error("the page was loaded again meanwhile")
	}
	b.picture("jobs")

	// Pause, which asks first.
	b.click("Spring sale")
	b.sees("have an outcome")
	b.until("the chart", `document.querySelectorAll("#live-chart svg rect").length >= 2`)
	b.picture("job")
	b.click("Pause…")
	b.sees("kept queued until somebody resumes the job")
	b.do("say why", typed("#reason", "a typo in the text"))
	b.picture("confirm")
	if s := o.Status(job); s.State == enqueue.Paused {
		t.Error("it is paused before anybody said so")
	}
	b.click("Pause the job")
	b.sees("The job is paused")
	if s := o.Status(job); s.State != enqueue.Paused || s.Reason != "a typo in the text" {
		t.Errorf("the job is %s: %q", s.State, s.Reason)
	}

	// Resume, by the keyboard alone.
	b.tabTo("Resume…")
	b.sees("are sent to, from where it stopped")
	b.tabTo("Resume the job")
	b.sees("The job goes on")
	b.until("the job's end", `document.querySelector("h1 .s-completed") !== null`)

	// Outcomes by reason, and export.
	b.click("DELIVRD")
	b.sees("Recipients")
	if body := b.text("main"); !strings.Contains(body, "***") || strings.Contains(body, "1212555") {
		t.Errorf("numbers are not masked: %.300s", body)
	}
	b.picture("recipients")
	least := o.Status(job).Counts.Delivered // more are reported as time goes on
	csv := b.ask(`fetch(document.querySelector(".export a").href).then(r => r.text())`)
	delivered := o.Status(job).Counts.Delivered
	if n := int64(strings.Count(csv, "\n")) - 1; n < least || n > delivered || !strings.Contains(csv, "1212555") || strings.Contains(csv, ",rejected,") {
		t.Errorf("%d rows are exported, and %d to %d are delivered", n, least, delivered)
	}
	b.open("/jobs/" + job)
	csv = b.ask(`fetch(document.querySelector(".export a").href).then(r => r.text())`)
	if n := strings.Count(csv, "\n"); n != 1202 {
		t.Errorf("%d lines are exported", n)
	}

	// The unknown are sent to again.
	b.click("Unknown")
	b.sees("Shop opening")
	b.picture("unknown")
	b.click("Send again…")
	b.sees("gets it twice")
}
