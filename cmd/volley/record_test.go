package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/volleysms/volley/internal/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// more adds to the configuration.
func (c *cli) more(yaml string) {
	c.t.Helper()
	have, err := os.ReadFile(c.file)
	if err != nil {
		c.t.Fatal(err)
	}
	c.file = c.write("more.yaml", string(have)+yaml)
}

func TestScheduler_CarriesAndTells(t *testing.T) {
	c := newCLI(t)
	url := pgtest.URL(t)
	var mu sync.Mutex
	var told []string
	app := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var b struct {
			Type string
			Data struct {
				JobID string `json:"job_id"`
			}
		}
		if err := json.Unmarshal(body, &b); err != nil || r.Header.Get("webhook-signature") == "" {
			t.Errorf("%v: %s", err, body)
		}
		mu.Lock()
		defer mu.Unlock()
		told = append(told, b.Type+" "+b.Data.JobID)
	}))
	defer app.Close()
	c.more("outcomes: {postgres: \"" + url + "\"}\nhooks: {secret: a-secret-of-16-bytes, allow_private: true}\n")
	scheduler, worker := c.start("scheduler"), c.start("worker")
	scheduler.says("scheduler is ready")
	job := strings.TrimSpace(c.must("send", "--via", "mttm", "--from", "Acme", "--text", "Hi", "--to", "12125550100,12125550101",
		"--hook", app.URL, "--hook-at", "accepted=1").stdout)

	eventually(t, "the producer is told", func() bool {
		mu.Lock()
		defer mu.Unlock()
		all := strings.Join(told, "\n")
		return strings.Contains(all, "job.completed "+job) && strings.Contains(all, "job.threshold "+job)
	})
	sql := pgtest.Connect(t, url)
	eventually(t, "the outcomes are in PostgreSQL", func() bool {
		var n int
		err := sql.QueryRow(t.Context(), "select count(*) from volley_outcomes where job_id = $1 and status = 'accepted' and account = 'mttm'", job).Scan(&n)
		return err == nil && n == 2
	})
	for _, r := range []*running{scheduler, worker} {
		if code := r.stop(); code != exitDone {
			t.Errorf("exit status %d", code)
		}
		if strings.Contains(r.stderr.String(), app.Listener.Addr().String()) {
			t.Error("the hook's address is in the log")
		}
	}
}

func TestSend_Hook(t *testing.T) {
	c := newCLI(t)
	send := []string{"send", "--via", "mttm", "--from", "Acme", "--text", "Hi", "--to", "12125550100"}
	for _, tt := range []struct {
		yaml string
		args []string
		want string
	}{
		{"", []string{"--hook", "https://app.example.com/x"}, "no hooks.secret"},
		{"", []string{"--hook-at", "failed=5%"}, "there is no --hook"},
		{"hooks: {secret: a-secret-of-16-bytes}\n", []string{"--hook", "http://app.example.com/x"}, "must begin with https://"},
		{"hooks: {secret: a-secret-of-16-bytes}\n", []string{"--hook", "https://app.example.com/x", "--hook-at", "failed"}, "failed=5%"},
		{"hooks: {secret: a-secret-of-16-bytes}\n", []string{"--hook", "https://app.example.com/x", "--hook-secret", "shop"}, "no \"shop\" in hooks.secrets"},
	} {
		own := *c
		own.more(tt.yaml)
		a := own.run(append(send, tt.args...)...)
		if a.code != exitInvalid || !strings.Contains(a.stderr, tt.want) {
			t.Errorf("%v: exit status %d and %q, want %q", tt.args, a.code, a.stderr, tt.want)
		}
	}
	c.untouched()
}
