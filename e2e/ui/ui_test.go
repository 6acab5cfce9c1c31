package ui

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

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
	o.JSON(&r, "import", campaign(o, first, n), "--via", via, "--from", "25255", "--text", "Hi {{name}}", "--label", label)
	return r.JobID
}

// shown are the pictures that the docs show, without their ends.
func shown(t *testing.T) (names []string) {
	t.Helper()
	files, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(files) == 0 {
		t.Fatalf("docs: %v", err)
	}
	for _, f := range append(files, "../../README.md") {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`images/([a-z]+)\.png`).FindAllSubmatch(text, -1) {
			names = append(names, string(m[1]))
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// since is when an account's trouble began.
func since(o *world.Operator, account string) time.Time {
	o.T.Helper()
	var all []struct {
		Name  string
		Since *time.Time
	}
	o.JSON(&all, "accounts")
	for _, a := range all {
		if a.Name == account && a.Since != nil {
			return *a.Since
		}
	}
	return time.Time{}
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
	b.click("Send again…")
	b.sees("gets it twice")
	b.click("Send to ")
	b.sees("queued again")

	// An account in trouble.
	before := since(o, "ogangi")
	b.click("Accounts")
	b.sees("suspended")
	if first := b.text(".account h2"); !strings.HasPrefix(first, "ogangi") {
		t.Errorf("the first account is %q, and not the one in trouble", first)
	}
	b.picture("accounts")
	b.click("Try again…")
	b.sees("All workers try it again")
	b.click("Try the account again")
	b.sees("is tried again")
	o.Eventually("ogangi to be tried and to be suspended anew", func() bool { return since(o, "ogangi").After(before) })

	// Schedules.
	var in json.RawMessage
	o.JSON(&in, "schedules", "add", "standup", "--cron", "55 8 * * mon-fri", "--zone", "Europe/Copenhagen", "--via", "gatewayapi", "--from", "Acme", "--text", "Standup in 5", "--to", "12125550100")
	o.JSON(&in, "schedules", "add", "weekly-report", "--cron", "0 16 * * fri", "--zone", "America/New_York", "--via", "gatewayapi", "--from", "Acme", "--text", "Hours, please", "--to", "12125550100")
	b.click("Schedules")
	b.sees("weekly-report")
	b.click("standup")
	b.click("Run now…")
	b.click("Run it now")
	b.sees("was asked to run")
	b.click("Pause…")
	b.click("Pause the schedule")
	b.sees("The schedule is paused")

	// All of it is on the trail.
	b.click("Trail")
	for _, did := range []string{"pause job", "resume job", "export outcomes", "retry job (unknown)", "resume account", "run schedule now", "pause schedule"} {
		b.sees(did)
	}
	b.picture("trail")

	pages := []string{"/jobs", "/jobs/" + job, "/jobs/" + job + "/outcomes", "/unknown", "/accounts", "/schedules", "/schedules/standup", "/trail"}
	t.Run("ByTheKeyboard", func(t *testing.T) {
		b.open("/jobs")
		b.do("Tab", tab())
		if got := b.ask("document.activeElement.innerText"); got != "Skip to the content" {
			t.Errorf("the first stop is %q", got)
		}
	})
	t.Run("Dark", func(t *testing.T) {
		b.dark(true)
		defer b.dark(false)
		b.open("/jobs/" + job)
		if c := b.ask("getComputedStyle(document.body).backgroundColor"); c != "rgb(17, 20, 27)" {
			t.Errorf("the background is %s", c)
		}
		b.picture("dark")
		for _, p := range pages {
			b.open(p)
			b.readable(p)
		}
	})
	t.Run("OnAPhone", func(t *testing.T) {
		b.viewport(390, 844)
		defer b.viewport(1200, 820)
		for _, p := range pages {
			b.open(p)
			if !b.is("document.documentElement.scrollWidth <= window.innerWidth") {
				t.Errorf("%s is wider than the screen", p)
			}
			if !b.is(`(n => n.scrollWidth <= n.clientWidth)(document.querySelector("nav"))`) {
				t.Errorf("%s has a menu that is wider than the screen", p)
			}
			b.readable(p)
		}
		b.open("/jobs")
		b.picture("phone")
	})
	t.Run("WithoutScripts", func(t *testing.T) {
		again := b.imports(o, "Without scripts", "mttm", 2000, 600)
		b.scripts(false)
		defer b.scripts(true)
		b.open("/jobs/" + again + "/pause")
		b.do("press the button", pressed("main button"))
		o.Eventually("the job to be paused", func() bool { return o.Status(again).State == enqueue.Paused })
	})
	t.Run("PicturesAreThoseOfTheDocs", func(t *testing.T) {
		if shown := shown(t); !slices.Equal(shown, slices.Sorted(slices.Values(b.taken))) {
			t.Errorf("the docs show %q, and the pictures are %q", shown, b.taken)
		}
	})
}
