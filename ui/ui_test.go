package ui

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"golang.org/x/crypto/bcrypt"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/internal/schedule"
	"github.com/volleysms/volley/internal/signin"
	"github.com/volleysms/volley/internal/standing"
)

// hostile is a name that somebody gives to a job.
const hostile = `<script>alert(1)</script>"'&`

// rig is a dashboard with a browser for each role, and what stands behind it.
type rig struct {
	t      *testing.T
	rdb    *redis.Client
	client *enqueue.Client
	server *Server
	web    *httptest.Server
	trips  *trips
}

// newRig starts a dashboard that ann may operate and bob may read.
func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, trips: &trips{}}
	r.rdb = redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr()})
	t.Cleanup(func() { r.rdb.Close() })
	counted := redis.NewClient(&redis.Options{Addr: r.rdb.Options().Addr})
	t.Cleanup(func() { counted.Close() })
	counted.AddHook(r.trips)
	var err error
	if r.client, err = enqueue.NewFromRedis(counted, enqueue.Options{Accounts: []string{"dk", "moon"}}); err != nil {
		t.Fatal(err)
	}
	users := filepath.Join(t.TempDir(), "users")
	var lines string
	for _, name := range []string{"ann", "bob", "cat"} {
		h, err := bcrypt.GenerateFromPassword([]byte(name+" password"), bcrypt.MinCost)
		if err != nil {
			t.Fatal(err)
		}
		lines += name + ":" + string(h) + "\n"
	}
	if err := os.WriteFile(users, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	r.server, err = New(counted, Options{
		Client: r.client, Version: "test",
		Accounts: []Account{
			{Name: "dk", Provider: "gatewayapi", Concurrency: 10},
			{Name: "moon", Provider: "mttm", Host: "sms.example", Concurrency: 4, Limits: []Limit{{"Calls", 50}}},
		},
		SignIn: signin.Options{Passwords: users, Operate: signin.People{Users: []string{"ann"}}, Read: signin.People{Users: []string{"bob"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	r.web = httptest.NewServer(r.server)
	t.Cleanup(r.web.Close)
	return r
}

// browser is one that somebody signed in with; empty is nobody.
type browser struct {
	*rig
	http.Client
}

func (r *rig) browser(name string) *browser {
	r.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		r.t.Fatal(err)
	}
	b := &browser{r, http.Client{Jar: jar}}
	if name != "" {
		if status, body := b.post("/signin", url.Values{"name": {name}, "password": {name + " password"}, "next": {"/trail"}}); status != http.StatusOK && status != http.StatusForbidden {
			r.t.Fatalf("%s can't sign in: %d %s", name, status, body)
		}
	}
	return b
}

func (b *browser) answer(resp *http.Response, err error) (int, string) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func (b *browser) get(path string) (int, string) {
	b.t.Helper()
	return b.answer(b.Get(b.web.URL + path))
}

func (b *browser) post(path string, form url.Values) (int, string) {
	b.t.Helper()
	return b.answer(b.PostForm(b.web.URL+path, form))
}

var tokenInput = regexp.MustCompile(`name="token" value="([^"]+)"`)

// act opens the page that asks, and sends its form with what is added to it.
func (b *browser) act(path string, add url.Values) (int, string) {
	b.t.Helper()
	status, body := b.get(path)
	if status != http.StatusOK {
		b.t.Fatalf("%s: %d %s", path, status, body)
	}
	_, form, _ := strings.Cut(body, `class="card confirm"`)
	token := tokenInput.FindStringSubmatch(form)
	if token == nil {
		b.t.Fatalf("%s has no form: %s", path, body)
	}
	v := url.Values{"token": {token[1]}}
	for key, values := range add {
		v[key] = values
	}
	return b.post(path, v)
}

// enqueue enqueues a job with n recipients, and one that is refused.
func (r *rig) enqueue(label string, n int) string {
	r.t.Helper()
	job := enqueue.Job{Via: "dk", Text: "hi", Label: label, Recipients: []enqueue.Recipient{{To: "45abc" + hostile, Ref: hostile}}}
	for i := range n {
		job.Recipients = append(job.Recipients, enqueue.Recipient{To: fmt.Sprintf("4520%06d", i), Ref: fmt.Sprint("r", i)})
	}
	rc, err := r.client.Enqueue(r.t.Context(), job)
	if err != nil {
		r.t.Fatal(err)
	}
	return rc.JobID
}

// settle gives the recipients of a job's first batch these states, as a worker does, and what the gateway said.
func (r *rig) settle(job string, note ledger.Note, states ...ledger.State) {
	r.t.Helper()
	l, ctx := ledger.New(r.rdb), r.t.Context()
	h, err := l.Take(ctx, job, 0, "w/0", "")
	if err != nil {
		r.t.Fatal(err)
	}
	c := ledger.Commit{Seq: 1, Via: -1, Release: true}
	for i, s := range states {
		c.Records.Set(i, ledger.Queued, ledger.Record{State: s, Attempts: 1, Note: h.Side.Note(note), At: time.Now().UnixMilli()})
	}
	c.SideAt, c.Side = h.Side.Take()
	if _, _, err := l.Commit(ctx, &h, &c); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) state(job string) enqueue.Status {
	r.t.Helper()
	s, err := r.client.Status(r.t.Context(), job)
	if err != nil {
		r.t.Fatal(err)
	}
	return s
}

func (r *rig) schedule(name string) {
	r.t.Helper()
	_, err := schedule.NewStore(r.rdb).Add(r.t.Context(), schedule.Schedule{
		Name: name, Cron: "55 8 * * *", Zone: "Europe/Copenhagen", Send: schedule.Template{Via: "dk", Text: "x"},
		Recipients: schedule.Recipients{To: []schedule.Recipient{{To: "4520000000"}}},
	})
	if err != nil {
		r.t.Fatal(err)
	}
}

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

// events reads server-sent events.
func (b *browser) events(path string) func() (name string, f fragments) {
	b.t.Helper()
	ctx, cancel := context.WithCancel(b.t.Context())
	b.t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, b.web.URL+path, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	resp, err := b.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { resp.Body.Close() })
	lines := bufio.NewReader(resp.Body)
	return func() (name string, f fragments) {
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				b.t.Fatalf("%s ended: %v", path, err)
			}
			if rest, ok := strings.CutPrefix(line, "event: "); ok {
				name = strings.TrimSpace(rest)
			}
			if rest, ok := strings.CutPrefix(line, "data: "); ok {
				if err := json.Unmarshal([]byte(rest), &f); err != nil {
					b.t.Fatal(err)
				}
				return name, f
			}
		}
	}
}

func TestLive(t *testing.T) {
	r := newRig(t)
	job := r.enqueue(hostile, 3)
	bob := r.browser("bob")
	list, one := bob.events("/live/jobs"), bob.events("/live/jobs/"+job)
	if _, f := list(); !strings.Contains(f["progress-"+job], "1 of 4") {
		t.Errorf("%v", f)
	}
	if name, f := one(); name != "change" || !strings.Contains(f["live-chart"], "queued") {
		t.Errorf("%s %v", name, f)
	}
	r.settle(job, ledger.Note{}, ledger.Accepted, ledger.Accepted)
	for {
		if _, f := list(); strings.Contains(f["progress-"+job], "3 of 4") {
			break
		}
	}
	if _, err := r.client.Cancel(t.Context(), job, enqueue.Ask{}); err != nil {
		t.Fatal(err)
	}
	for {
		if name, f := one(); name == "last" {
			if !strings.Contains(f["live-state"], "cancelled") {
				t.Errorf("%v", f)
			}
			return
		}
	}
}

func TestServer_WithoutSignInIsForThisMachine(t *testing.T) {
	r := newRig(t)
	s, err := New(r.rdb, Options{Client: r.client})
	if err != nil || !s.Open() {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Run(t.Context(), l); err == nil || !strings.Contains(err.Error(), "nobody has to sign in") {
		t.Errorf("%v", err)
	}
	web := httptest.NewServer(s)
	defer web.Close()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, web.URL+"/jobs", nil)
	if err != nil {
		t.Fatal(err)
	}
	b := r.browser("")
	if status, _ := b.answer(b.Do(req)); status != http.StatusOK {
		t.Errorf("%d", status)
	}
	req.Host = "rebound.example"
	if status, _ := b.answer(b.Do(req)); status != http.StatusMisdirectedRequest {
		t.Errorf("by another name: %d", status)
	}
}

func TestServer_StartsAndStops(t *testing.T) {
	r := newRig(t)
	for range 5 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- r.server.Run(ctx, l) }()
		resp, err := http.Get("http://" + l.Addr().String() + "/healthz")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		cancel()
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
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

// trips counts round trips.
type trips struct{ atomic.Int64 }

func (n *trips) DialHook(next redis.DialHook) redis.DialHook { return next }

func (n *trips) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error { n.Add(1); return next(ctx, cmd) }
}

func (n *trips) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error { n.Add(1); return next(ctx, cmds) }
}
