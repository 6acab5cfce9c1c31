package e2e_test

import (
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/volleysms/volley/e2e/world"
	"github.com/volleysms/volley/enqueue"
)

// TestReload changes the configuration of a worker that has a campaign on the wire: an account comes, another one goes, a
// limit changes, and a bad file is refused. Nothing is lost, sent twice, or unknown.
func TestReload(t *testing.T) {
	w := newFour(t, "latency:20ms")
	whole := w.yaml()
	without := func(account string) string {
		return regexp.MustCompile("  "+account+":\n(    .*\n)+").ReplaceAllString(whole, "")
	}
	change := func(yaml string) {
		t.Helper()
		if err := os.WriteFile(w.Config, []byte(yaml), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	change(without("mgage"))
	worker := w.Start("worker")
	said := func(what string, times int) {
		t.Helper()
		w.Eventually("the log to say: "+what, func() bool { return strings.Count(worker.Log(), what) >= times })
	}
	said("worker is ready", 1)
	file := w.Write("campaign.csv", campaign())
	var first enqueue.Receipt
	w.JSON(&first, "import", file, "--via", "mttm", "--from", from, "--text", "Dear {{name}}, "+marker)
	w.Eventually("load", func() bool { return w.gateways["mttm"].Stats().Taken >= 20 })

	// An account comes.
	change(whole)
	worker.Signal(syscall.SIGHUP)
	said("the configuration has changed, and is in effect", 1)
	var second enqueue.Receipt
	w.JSON(&second, "import", file, "--via", "mgage", "--from", from, "--text", marker)
	said("what ran with the old configuration has finished", 1)

	// A bad file changes nothing.
	change(strings.Replace(whole, "retry: {", "retry: {patience: 7, ", 1))
	worker.Signal(syscall.SIGHUP)
	said("the configuration is refused, and the old one stays", 1)
	if !strings.Contains(worker.Log(), "patience") {
		t.Error("the log does not say what is wrong with it")
	}

	// An account goes, and a limit comes, without any signal.
	change(strings.Replace(without("ogangi"), "  mttm:\n", "  mttm:\n    rate: 400/s\n", 1))
	said("the configuration has changed, and is in effect", 2)
	said("what ran with the old configuration has finished", 2)

	for job, account := range map[string]string{first.JobID: "mttm", second.JobID: "mgage"} {
		if c := w.Completed(job).Counts; c.Accepted != valid || c.Rejected != bad {
			t.Errorf("%s: counts %+v", account, c)
		}
		taken := w.taken(account)
		for i := range valid {
			if n := taken[number(i)]; n != 1 {
				t.Errorf("%s: %s was taken %d times", account, number(i), n)
			}
		}
	}
	if code := worker.End(syscall.SIGTERM); code != 0 {
		t.Errorf("the worker ends with exit status %d", code)
	}
	w.discreet(worker.Log(), marker, "Reader", "447700900")
}

// TestReload_Callbacks: the address that gateways push to stays open while a configuration takes over.
func TestReload_Callbacks(t *testing.T) {
	w := newFour(t)
	addr := world.FreeAddr(t)
	with := func(secret string) string {
		return w.yaml() + "callbacks: {public_url: \"https://sms.example.com\", secret: \"" + secret + "\", listen: \"" + addr + "\"}\n"
	}
	if err := os.WriteFile(w.Config, []byte(with("example-secret-number-one-of-a-test")), 0o600); err != nil {
		t.Fatal(err)
	}
	role := w.Start("callbacks")
	w.Eventually("callbacks to answer", func() bool { return answers(addr) })
	for i := range 3 {
		if err := os.WriteFile(w.Config, []byte(with(strings.Repeat("another-secret-", 3+i))), 0o600); err != nil {
			t.Fatal(err)
		}
		role.Signal(syscall.SIGHUP)
		w.Eventually("the configuration to take over", func() bool {
			if !open(addr) {
				t.Error("nobody listens while a configuration takes over")
			}
			return strings.Count(role.Log(), "what ran with the old configuration has finished") > i
		})
	}
	w.Eventually("callbacks to answer with the last one", func() bool { return answers(addr) })
	if code := role.End(syscall.SIGTERM); code != 0 {
		t.Errorf("callbacks end with exit status %d:\n%s", code, role.Log())
	}
}
