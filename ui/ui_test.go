package ui

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/internal/schedule"
	"github.com/volleysms/volley/internal/standing"
)

func TestPages(t *testing.T) {
	r := newRig(t)
	job := r.enqueue(hostile, 4)
	r.settle(job, ledger.Note{Code: hostile, Detail: "said " + hostile}, ledger.Failed, ledger.Unknown, ledger.Accepted)
	r.schedule("standup")
	if _, err := standing.New(r.rdb).Report(t.Context(), "moon", standing.Trouble{Why: standing.Suspended, Since: time.Now(), Code: "401", Detail: hostile}); err != nil {
		t.Fatal(err)
	}
	ann := r.browser("ann")
	pages := map[string][]string{
		"/jobs":                               {"&lt;script&gt;", "4 of 5", "1 unknown", "1 failed"},
		"/jobs?show=open":                     {"&lt;script&gt;"},
		"/jobs/" + job:                        {"&lt;script&gt;", "Retry unknown…", "By reason", "unknown", "enqueue"},
		"/jobs/" + job + "/outcomes":          {"***003", "***", "Row"},
		"/jobs/" + job + "/pause":             {"1 recipient is kept queued", "Leave it as it is"},
		"/jobs/" + job + "/cancel":            {"can&#39;t be undone"},
		"/jobs/" + job + "/retry?who=unknown": {"gets it twice", "1 recipient is"},
		"/unknown":                            {"&lt;script&gt;", "Send again…"},
		"/accounts":                           {"moon", "suspended", "401", "Try again…", "50 /s"},
		"/accounts/moon/resume":               {"one call first"},
		"/schedules":                          {"standup", "08:55"},
		"/schedules/standup":                  {"Next fires", "08:55"},
		"/schedules/standup/run-now":          {"to 1 recipient, through dk"},
		"/trail":                              {"sign in", "ann"},

		"/jobs/" + job + "/outcomes?status=failed": {"***000"},
	}
	for path, want := range pages {
		resp, err := ann.Get(r.web.URL + path)
		status, body := ann.answer(resp, err)
		if status != http.StatusOK {
			t.Errorf("%s: %d %s", path, status, body)
			continue
		}
		for _, w := range want {
			if !strings.Contains(body, w) {
				t.Errorf("%s lacks %q", path, w)
			}
		}
		for _, never := range []string{"<script>alert", "4520000", "45abc", "style=", "onclick", "javascript:"} {
			if strings.Contains(body, never) {
				t.Errorf("%s has %q", path, never)
			}
		}
		for name, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
			"Referrer-Policy": "same-origin", "Cache-Control": "no-store", "Cross-Origin-Opener-Policy": "same-origin",
		} {
			if !strings.Contains(resp.Header.Get(name), want) {
				t.Errorf("%s: %s is %q", path, name, resp.Header.Get(name))
			}
		}
		if p := resp.Header.Get("Content-Security-Policy"); strings.Contains(p, "unsafe") || strings.Contains(p, "*") {
			t.Errorf("%s: %s", path, p)
		}
	}
	for path, want := range map[string]int{"/nothing": 404, "/jobs/none": 404, "/jobs/" + job + "/outcomes?status=odd": 400, "/schedules/none": 404, "/trail?next=x": 400, "/accounts/none/resume": 404} {
		if status, _ := ann.get(path); status != want {
			t.Errorf("%s: %d, want %d", path, status, want)
		}
	}
}

func TestRoles(t *testing.T) {
	r := newRig(t)
	job := r.enqueue("j", 2)
	r.schedule("standup")
	actions := []string{"/jobs/" + job + "/pause", "/jobs/" + job + "/cancel", "/schedules/standup/pause", "/schedules/standup/run-now"}
	t.Run("NobodyIsSentToSignIn", func(t *testing.T) {
		b := r.browser("")
		for _, path := range append(actions, "/jobs", "/trail", "/jobs/"+job+"/export?format=csv") {
			if status, body := b.get(path); status != http.StatusOK || !strings.Contains(body, `name="password"`) || strings.Contains(body, job) && !strings.Contains(body, "next") {
				t.Errorf("%s: %d", path, status)
			}
		}
		if status, _ := b.get("/live/jobs"); status != http.StatusUnauthorized {
			t.Errorf("/live/jobs: %d", status)
		}
		if status, _ := b.post(actions[0], url.Values{"token": {"x"}}); status != http.StatusUnauthorized {
			t.Errorf("POST: %d", status)
		}
	})
	t.Run("WhoHasNoRoleMayNothing", func(t *testing.T) {
		b := r.browser("cat")
		for _, path := range append(actions, "/jobs", "/accounts", "/jobs/"+job+"/export?format=csv") {
			if status, _ := b.get(path); status != http.StatusForbidden {
				t.Errorf("%s: %d", path, status)
			}
		}
	})
	t.Run("ReadersLookAndDoNotAct", func(t *testing.T) {
		b := r.browser("bob")
		for _, path := range []string{"/jobs", "/jobs/" + job, "/accounts", "/unknown", "/schedules", "/schedules/standup", "/trail"} {
			if status, body := b.get(path); status != http.StatusOK || strings.Contains(body, "/pause") || strings.Contains(body, "/cancel") {
				t.Errorf("%s: %d, or it has actions", path, status)
			}
		}
		for _, path := range actions {
			if status, _ := b.get(path); status != http.StatusForbidden {
				t.Errorf("GET %s: %d", path, status)
			}
			if status, _ := b.post(path, url.Values{"token": {"x"}}); status != http.StatusForbidden {
				t.Errorf("POST %s: %d", path, status)
			}
		}
	})
	if s := r.state(job); s.State != enqueue.Queued {
		t.Errorf("the job is %s", s.State)
	}
	if in, err := schedule.NewStore(r.rdb).Get(t.Context(), "standup"); err != nil || in.Condition != schedule.Active {
		t.Errorf("the schedule is %s, %v", in.Condition, err)
	}
}

func TestForms_OfOthersAreRefused(t *testing.T) {
	r := newRig(t)
	job := r.enqueue("j", 2)
	ann, bob := r.browser("ann"), r.browser("bob")
	path := "/jobs/" + job + "/cancel"
	_, page := bob.get("/jobs")
	foreign := tokenInput.FindStringSubmatch(page)[1]
	for name, token := range map[string]string{"none": "", "made up": "x", "another's": foreign} {
		if status, _ := ann.post(path, url.Values{"token": {token}}); status != http.StatusForbidden {
			t.Errorf("token %s: %d", name, status)
		}
	}
	_, page = ann.get(path)
	own := tokenInput.FindStringSubmatch(page)[1]
	for header, value := range map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.web.URL+path, strings.NewReader(url.Values{"token": {own}}.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set(header, value)
		if status, _ := ann.answer(ann.Do(req)); status != http.StatusForbidden {
			t.Errorf("%s %s: %d", header, value, status)
		}
	}
	if s := r.state(job); s.State != enqueue.Queued {
		t.Errorf("the job is %s", s.State)
	}
}

func TestActions(t *testing.T) {
	r := newRig(t)
	job := r.enqueue("spring", 4)
	ann := r.browser("ann")
	trail := func(want ...string) {
		t.Helper()
		_, body := ann.get("/trail")
		_, body, _ = strings.Cut(body, "<tbody>")
		row, _, _ := strings.Cut(body, "</tr>")
		for _, w := range append(want, "ann") {
			if !strings.Contains(row, w) {
				t.Errorf("the latest entry lacks %q: %s", w, row)
			}
		}
	}
	if status, body := ann.act("/jobs/"+job+"/pause", url.Values{"reason": {"typo in the text"}}); status != http.StatusOK || !strings.Contains(body, "The job is paused, with 4 recipients queued.") {
		t.Errorf("%d %s", status, body)
	}
	if s := r.state(job); s.State != enqueue.Paused || s.Reason != "typo in the text" {
		t.Errorf("%s, %q", s.State, s.Reason)
	}
	trail("pause job", "done", "typo in the text")
	h, err := r.client.History(t.Context(), job)
	if err != nil || h[len(h)-1].By != "ann" || h[len(h)-1].Action != enqueue.ActionPause {
		t.Errorf("%+v, %v", h, err)
	}
	if status, _ := ann.act("/jobs/"+job+"/resume", nil); status != http.StatusOK || r.state(job).State == enqueue.Paused {
		t.Errorf("%d, the job is %s", status, r.state(job).State)
	}
	r.settle(job, ledger.Note{Code: "7"}, ledger.Failed, ledger.Unknown, ledger.Unknown)
	if status, body := ann.act("/jobs/"+job+"/retry?who=unknown", url.Values{"who": {"unknown"}}); status != http.StatusOK || !strings.Contains(body, "2 recipients queued again.") {
		t.Errorf("%d %s", status, body)
	}
	if c := r.state(job).Counts; c.Unknown != 0 || c.Failed != 1 || c.Queued != 3 {
		t.Errorf("%+v", c)
	}
	trail("retry job (unknown)", "2 recipients")
	if status, _ := ann.act("/jobs/"+job+"/cancel", nil); status != http.StatusOK || r.state(job).State != enqueue.Cancelled {
		t.Errorf("%d, the job is %s", status, r.state(job).State)
	}
	if status, body := ann.get("/jobs/" + job + "/pause"); status != http.StatusConflict {
		t.Errorf("%d %s", status, body)
	}
	_, page := ann.get("/jobs")
	token := tokenInput.FindStringSubmatch(page)[1]
	if status, _ := ann.post("/jobs/"+job+"/resume", url.Values{"token": {token}}); status != http.StatusConflict {
		t.Errorf("resume of a cancelled job: %d", status)
	}
	trail("resume job", "not done", "cancelled")

	book := standing.New(r.rdb)
	if _, err := book.Report(t.Context(), "dk", standing.Trouble{Why: standing.Down, Since: time.Now()}); err != nil {
		t.Fatal(err)
	}
	if status, _ := ann.act("/accounts/dk/resume", nil); status != http.StatusOK {
		t.Errorf("%d", status)
	}
	if of, err := book.Of(t.Context(), "dk"); err != nil || len(of) > 0 {
		t.Errorf("%v, %v", of, err)
	}
	r.schedule("standup")
	plans := schedule.NewStore(r.rdb)
	for _, step := range []struct {
		action string
		want   schedule.Condition
	}{{"pause", schedule.Paused}, {"resume", schedule.Active}, {"run-now", schedule.Busy}} {
		if status, body := ann.act("/schedules/standup/"+step.action, url.Values{"reason": {"why"}}); status != http.StatusOK {
			t.Errorf("%s: %d %s", step.action, status, body)
		}
		if in, err := plans.Get(t.Context(), "standup"); err != nil || in.Condition != step.want {
			t.Errorf("after %s: %s, %v", step.action, in.Condition, err)
		}
		trail(step.action[:3], "standup")
	}
}

func TestExport(t *testing.T) {
	r := newRig(t)
	job := r.enqueue("j", 3)
	r.settle(job, ledger.Note{Code: "7"}, ledger.Failed)
	for name, want := range map[string]string{"ann": "4520000000", "bob": "***000"} {
		b := r.browser(name)
		resp, err := b.Get(r.web.URL + "/jobs/" + job + "/export?format=csv")
		if status, body := b.answer(resp, err); status != http.StatusOK || !strings.Contains(body, want+",failed,dk,,7") || strings.Count(body, "\n") != 5 {
			t.Errorf("%s: %d %s", name, status, body)
		} else if name == "bob" && strings.Contains(body, "45200") {
			t.Errorf("bob sees %s", body)
		}
		if d := resp.Header.Get("Content-Disposition"); !strings.HasPrefix(d, `attachment; filename="outcomes-`) {
			t.Error(d)
		}
		if _, body := b.get("/jobs/" + job + "/export?format=ndjson&status=failed"); strings.Count(body, "\n") != 1 || !strings.Contains(body, `"to":"`+want+`"`) {
			t.Errorf("%s: %s", name, body)
		}
		if _, body := b.get("/trail"); !strings.Contains(body, "export ") || !strings.Contains(body, "4 recipients") {
			t.Errorf("%s: the trail lacks it", name)
		}
		if status, _ := b.get("/jobs/" + job + "/export?format=xls"); status != http.StatusBadRequest {
			t.Errorf("xls: %d", status)
		}
	}
}

func TestOutcomes_InPages(t *testing.T) {
	r := newRig(t)
	job := r.enqueue("j", 120)
	bob := r.browser("bob")
	next := regexp.MustCompile(`href="(/jobs/[^"]+/outcomes\?at=[^"]+)"`)
	rows := 0
	for path, page := "/jobs/"+job+"/outcomes?status=queued", 0; path != ""; page++ {
		status, body := bob.get(path)
		if status != http.StatusOK || page > 3 {
			t.Fatalf("page %d: %d", page, status)
		}
		rows += strings.Count(body, "<code>***")
		path = ""
		if m := next.FindStringSubmatch(body); m != nil {
			path = strings.ReplaceAll(m[1], "&amp;", "&")
		}
	}
	if rows != 120 {
		t.Errorf("%d rows", rows)
	}
}

func TestTenThousandJobs(t *testing.T) {
	r := newRig(t)
	model := r.enqueue("model", 2)
	hash, err := r.rdb.HGetAll(t.Context(), "volley:{"+model+"}:job").Result()
	if err != nil {
		t.Fatal(err)
	}
	pipe := r.rdb.Pipeline()
	for i := range 10_000 {
		id := fmt.Sprintf("job-%05d", i)
		fields := []any{}
		for k, v := range hash {
			fields = append(fields, k, strings.ReplaceAll(v, model, id))
		}
		pipe.HSet(t.Context(), "volley:{"+id+"}:job", fields...)
		pipe.HSet(t.Context(), "volley:{"+id+".0}:n", "queued", 1, "unknown", 1)
		for _, list := range []string{"volley:jobs", "volley:live"} {
			pipe.ZAdd(t.Context(), list, redis.Z{Score: float64(i), Member: id})
		}
		if pipe.Len() < 1000 && i < 9_999 {
			continue
		}
		if _, err := pipe.Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	bob := r.browser("bob")
	for path, most := range map[string]int64{"/jobs": 6, "/jobs?page=150": 6, "/jobs?show=open&page=3": 6, "/jobs/job-05000": 10, "/unknown": 40, "/unknown?page=200": 40, "/accounts": 4} {
		if status, body := bob.get(path); status != http.StatusOK && path != "/jobs/job-05000" {
			t.Fatalf("%s: %d %s", path, status, body)
		}
		r.trips.Store(0)
		if _, _ = bob.get(path); r.trips.Load() > most {
			t.Errorf("%s took %d round trips; %d are the most", path, r.trips.Load(), most)
		}
	}
}
