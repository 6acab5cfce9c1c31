package ui

import (
	"context"
	"fmt"
	"io"
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

// trips counts round trips.
type trips struct{ atomic.Int64 }

func (n *trips) DialHook(next redis.DialHook) redis.DialHook { return next }

func (n *trips) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error { n.Add(1); return next(ctx, cmd) }
}

func (n *trips) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error { n.Add(1); return next(ctx, cmds) }
}
