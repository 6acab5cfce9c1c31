package faults_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/volleysms/volley/e2e/world"
	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/redistest"
	"github.com/volleysms/volley/providers/providertest/gateway"
)

// TestNothingLeaks sends through all four gateways, which do all that they can do wrong, and through a login that is
// refused, and asks the commands about it. No secret may be in what was written, in a task, or anywhere in Redis; and
// no text and no number in a log or a task.
func TestNothingLeaks(t *testing.T) {
	t.Parallel()
	const marker = "zanzibar"
	secrets := map[string]string{
		"redis": "sEcretOfRedis", "callbacks": "sEcretOfCallbacks-0123456789abcdef", "token": "sEcretOfGatewayAPI", "mgage user": "sEcretUserOfMGage",
		"mgage": "sEcretOfMGage", "mttm user": "sEcretUser", "mttm": "sEcretOfMTTM", "public": "sEcretPublicKey", "private": "sEcretPrivateKey",
		"wrong": "sEcretThatIsWrong", "endpoints": "whsec_c0VjcmV0T2ZFbmRwb2ludHMtMDEyMzQ1Njc4OQ==", "hooks": "whsec_c0VjcmV0T2ZIb29rcy0wMTIzNDU2Nzg5YWJjZA==",
		"postgres": "sEcretOfPostgres",
	}
	dir := t.TempDir()
	server := redistest.New(t, "--dir", dir, "--rdbcompression", "no", "--requirepass", secrets["redis"])
	mgage := gateway.MGage{Username: secrets["mgage user"], Password: secrets["mgage"]}
	r := newRig(t, "redis://:"+secrets["redis"]+"@"+server.Addr+"/0",
		account{name: "gatewayapi", dialect: gateway.GatewayAPI{Token: secrets["token"]}, settings: "timeout: 2s, max_recipients: 50"},
		account{name: "mgage", dialect: mgage, settings: "timeout: 2s, max_recipients: 50"},
		account{name: "mttm", dialect: gateway.MTTM{Username: secrets["mttm user"], Password: secrets["mttm"]}, settings: "timeout: 2s"},
		account{name: "ogangi", dialect: gateway.Ogangi{PublicKey: secrets["public"], PrivateKey: secrets["private"]}, settings: "timeout: 2s"},
		account{name: "refused", dialect: mgage, login: map[string]string{"password": secrets["wrong"]}},
	)
	// PostgreSQL is not there, and neither are those whom the hooks and the endpoint name: errors are what may tell too much.
	r.more = fmt.Sprintf("callbacks: {secret: %q, public_url: \"http://127.0.0.1:1\"}\nscheduler: {secrets: {crm: %q}, allow_private: [127.0.0.0/8]}\n"+
		"hooks: {secret: %q, allow_private: true}\noutcomes: {postgres: \"postgres://volley:%s@127.0.0.1:1/volley\"}\n",
		secrets["callbacks"], secrets["endpoints"], secrets["hooks"], secrets["postgres"])
	r.Config = r.Write("volley.yaml", r.yaml(r.url, func(g *gateways) string { return newFront(t, g, r.rng).url }))
	for _, a := range r.accounts {
		a.at.wrong = 10
	}

	logs := map[string]string{}
	r.Said = func(args []string, stdout, stderr string) {
		logs[strings.Join(args[:min(2, len(args))], " ")+" says"] += stderr
		if !slices.Contains([]string{"outcomes", "send", "import", "schedules"}, args[0]) { // those are asked about numbers and texts
			logs[args[0]+" answers"] += stdout
		}
	}
	var file strings.Builder
	file.WriteString("to,name\nno-number," + marker + "\n")
	for i := range 60 {
		fmt.Fprintf(&file, "%s,Reader%d\n", number(i), i)
	}
	path := r.Write("campaign.csv", file.String())
	var jobs []string
	for _, a := range r.accounts {
		var receipt enqueue.Receipt
		r.JSON(&receipt, "import", path, "--via", a.name, "--from", sender, "--text", "Dear {{name}}, "+marker)
		jobs = append(jobs, receipt.JobID)
	}
	tasks := r.dump(t, "asynq:*")
	s := r.seat("")
	s.live()
	roles := map[string]*world.Process{"callbacks": r.Start("callbacks", "--listen", "127.0.0.1:0"), "scheduler": r.Start("scheduler")}
	for _, args := range [][]string{
		{"schedules", "add", "list", "--every", "1s", "--via", "mttm", "--from", sender, "--text", marker, "--to", number(70).String()},
		{"schedules", "add", "asks", "--every", "1s", "--via", "mttm", "--from", sender, "--text", marker, "--url", "http://127.0.0.1:1/due", "--secret", "crm"},
	} {
		if code, out, errs := r.Run(args...); code != 0 {
			t.Fatalf("volley %s: %s%s", args, out, errs)
		}
	}
	r.until("both schedules to be looked at", func() bool {
		in, err := r.producer.Schedules().Get(t.Context(), "asks")
		h, herr := r.producer.Schedules().History(t.Context(), "list", 1)
		return err == nil && in.Error != "" && herr == nil && len(h) > 0
	})
	r.until("the campaigns of the accounts that are well to end", func() bool {
		for i, job := range jobs {
			st, err := r.producer.Status(t.Context(), job)
			if err != nil || r.accounts[i].name != "refused" && st.State != enqueue.Completed {
				return false
			}
		}
		return true
	})
	for _, args := range [][]string{
		{"status"},
		{"status", jobs[0]},
		{"outcomes", jobs[1]},
		{"outcomes", jobs[2], "--format", "csv"},
		{"verify"},
		{"accounts"},
		{"accounts", "check"},
		{"schedules", "list"},
		{"schedules", "pause", "list"},
		{"cancel", jobs[4]},
		{"retry", jobs[0], "--unknown"},
		{"send", "--via", "mgage", "--from", sender, "--text", marker, "--to", "12"},
		{"send", "--via", "nobody", "--from", sender, "--text", marker, "--to", number(1).String()},
		{"status", "no-such-job"},
	} {
		r.Run(args...)
		r.Run(append(args, "--json")...)
	}
	r.stop()
	logs["the worker"] = s.proc.Log()
	for name, p := range roles {
		if code := p.End(syscall.SIGTERM); code != 0 {
			t.Errorf("%s ends with exit status %d: %s", name, code, p.Log())
		}
		logs["the role "+name] = p.Log()
	}
	tasks += r.dump(t, "asynq:*")
	if err := r.rdb.Save(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	all, err := os.ReadFile(filepath.Join(dir, "dump.rdb"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(all, []byte(marker)) || !strings.Contains(tasks, jobs[0]) || !strings.Contains(logs["the worker"], "refuses") {
		t.Error("this looks at the wrong things")
	}

	for name, secret := range secrets {
		if bytes.Contains(all, []byte(secret)) {
			t.Errorf("Redis has the secret of %s", name)
		}
		for where, log := range logs {
			if strings.Contains(log, secret) {
				t.Errorf("the secret of %s is in what %s", name, where)
			}
		}
	}
	for _, word := range []string{marker, "Reader", number(0).String()[:7]} {
		if strings.Contains(tasks, word) {
			t.Errorf("a task has %q", word)
		}
		for where, log := range logs {
			if strings.Contains(log, word) {
				t.Errorf("%s: it has %q", where, word)
			}
		}
	}
}

// dump is all that Redis has under names of a pattern.
func (r *rig) dump(t *testing.T, pattern string) string {
	t.Helper()
	keys, err := r.rdb.Keys(t.Context(), pattern).Result()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, k := range keys {
		b.WriteString(k + r.rdb.Dump(t.Context(), k).Val())
	}
	return b.String()
}
