package faults_test

import (
	"context"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/volleysms/volley/e2e/world"
	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/redistest"
	"github.com/volleysms/volley/internal/report"
	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/providers/providertest/gateway"
	"github.com/volleysms/volley/sms"
)

// reporter is a gateway that reports, and the part of the campaign that goes there: the numbers that begin with prefix.
type reporter struct {
	name, prefix string
	dialect      gateway.Dialect
	settings     string
	faults       []string
	plan         gateway.ReportPlan
	share        int // of a hundred recipients
	at           *gateway.Gateway
}

// within waits, as long as a scenario may take, until done says yes.
func within(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(size.within); !done(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// TestReportsSettleACampaign: one campaign through three gateways, of which two push reports in the wrong order, twice, late
// and beside forgers, of some messages push nothing, and cut some of the calls that they took; the third is asked. Callbacks
// are killed in the middle. The first calls of a gateway that can't be asked are answered after the reports about them are
// pushed, so that those count only when they are kept. In the end every recipient is what its gateway decided, and unknown is
// only who was in a call that was cut, and is never reported about.
func TestReportsSettleACampaign(t *testing.T) {
	t.Parallel()
	const everyCut = 7
	addr, cut, late := world.FreeAddr(t), fmt.Sprintf("cut-after%%%d", everyCut), "latency:4s@1-6"
	wild := gateway.ReportPlan{
		On: true, Undelivered: 0.2, Silent: 0.02, Transient: 0.5, Disorder: 0.5, Twice: 0.2, Forged: 0.2, Late: 0.1, LateBy: 2 * time.Second,
		Delay: 50 * time.Millisecond, Pause: 4 * time.Second, // of which MTTM makes three: longer than callbacks are away
	}
	single := wild
	single.Silent = 0 // the gateway can't be asked
	reporters := []*reporter{
		{name: "pushing", prefix: "45001", dialect: gateway.GatewayAPI{}, settings: fmt.Sprintf("max_recipients: %d", size.call), faults: []string{cut, "503@2"}, plan: wild, share: 49},
		{name: "single", prefix: "45002", dialect: gateway.MTTM{}, settings: "operation: send", faults: []string{cut, late}, plan: single, share: 49},
		{name: "asked", prefix: "45003", dialect: gateway.Ogangi{}, settings: "operation: sendSMS", plan: gateway.ReportPlan{On: true, Undelivered: 0.3}, share: 2},
	}
	var yaml, routes strings.Builder
	store := redistest.Start(t, "--appendonly", "yes")
	fmt.Fprintf(&yaml, "redis: {url: 'redis://%s/0'}\naccounts:\n", store)
	for _, r := range reporters {
		o := gateway.Options{Reports: r.plan, Seed: seed}
		for _, f := range r.faults {
			parsed, err := gateway.ParseFault(f)
			if err != nil {
				t.Fatal(err)
			}
			o.Faults = append(o.Faults, parsed)
		}
		r.at = gateway.New(r.dialect, o)
		if err := r.at.Start(""); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = r.at.Close() })
		fmt.Fprintf(&yaml, "  %s: {base_url: %s", r.name, r.at.URL())
		for k, v := range r.dialect.Account() {
			fmt.Fprintf(&yaml, ", %s: %q", k, v)
		}
		fmt.Fprintf(&yaml, ", %s}\n", r.settings)
		fmt.Fprintf(&routes, "    - {prefix: %q, use: [%s]}\n", r.prefix, r.name)
	}
	fmt.Fprintf(&yaml, "routes:\n  all:\n%sretry: {initial: 100ms, max: 1s}\nreports: {poll: 1s}\n", routes.String())
	fmt.Fprintf(&yaml, "callbacks: {listen: '%s', public_url: 'http://%s', secret: a-secret-for-tests}\n", addr, addr)

	o := world.New(t, yaml.String())
	rdb := redis.NewClient(&redis.Options{Addr: store})
	defer rdb.Close()
	producer, err := enqueue.New(&redis.UniversalOptions{Addrs: []string{store}}, enqueue.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer producer.Close()
	serve := func() *world.Process {
		p := o.Start("callbacks")
		o.Eventually("callbacks to be taken", func() bool { return strings.Contains(p.Log(), "callbacks are taken") })
		return p
	}
	callbacks := serve()
	o.Start("scheduler")
	worker := o.Start("worker")
	var file strings.Builder
	file.WriteString("to\n")
	for _, r := range reporters {
		for i := range size.reported * r.share / 100 {
			fmt.Fprintf(&file, "%s%06d\n", r.prefix, i)
		}
	}
	var receipt enqueue.Receipt
	o.JSON(&receipt, "import", o.Write("campaign.csv", file.String()), "--via", "all", "--from", sender, "--text", "Hello")
	if receipt.Queued != int64(size.reported) {
		t.Fatalf("receipt %+v", receipt)
	}
	status := func() enqueue.Status {
		st, err := producer.Status(t.Context(), receipt.JobID)
		if err != nil {
			t.Fatal(err)
		}
		return st
	}
	counts := func() enqueue.Counts { return status().Counts }
	var early int64 // the most that were seen to wait for their outcome; each waits for a second at least
	within(t, "half of the reports", func() bool {
		_, parked, err := report.Backlog(t.Context(), rdb)
		if err != nil {
			t.Fatal(err)
		}
		early = max(early, parked)
		c := counts()
		return int(c.Delivered+c.Undelivered) > size.reported/2
	})
	if early == 0 {
		t.Error("no report came before its outcome")
	}
	callbacks.Kill()
	callbacks = serve()

	within(t, "the job to be completed", func() bool { return status().State == enqueue.Completed })
	for _, r := range reporters {
		r.at.SetFaults() // they are for calls that send, and not for those that ask
	}
	ctx, cancel := context.WithTimeout(t.Context(), size.within)
	defer cancel()
	decided := map[sms.MSISDN]providers.Fate{}
	var want enqueue.Counts
	want.Total = int64(size.reported)
	for _, r := range reporters {
		if err := r.at.WaitPushed(ctx); err != nil {
			t.Fatal(err)
		}
		p := r.at.Pushed()
		if p.Believed > 0 || p.Dropped > 0 || r.plan.Forged > 0 && p.Forged == 0 {
			t.Errorf("%s counts %+v", r.name, p)
		}
		for to, fate := range r.at.Fates() {
			decided[to] = fate
		}
	}
	if len(decided) != size.reported {
		t.Fatalf("the gateways decided about %d", len(decided))
	}
	// never is said of whom nothing is pushed, and whose call was cut, so that there is nothing to ask by.
	never := func(to sms.MSISDN, o *enqueue.Outcome) bool {
		return o.ProviderMessageID == "" && o.Account == "pushing" && !wild.Tells(to)
	}
	var wrong []enqueue.Outcome
	within(t, "every fate to be known", func() bool {
		if counts().Accepted > 0 {
			return false
		}
		wrong, want.Delivered, want.Undelivered, want.Unknown = nil, 0, 0, 0
		for number, found := range o.Outcomes(receipt.JobID) {
			to, err := sms.ParseMSISDN(number)
			if err != nil {
				t.Fatal(err)
			}
			is := "delivered"
			switch fate := decided[to]; {
			case found.Status == "unknown" && never(to, &found):
				is = "unknown"
				want.Unknown++
			case fate == providers.Delivered:
				want.Delivered++
			default:
				is = "undelivered"
				want.Undelivered++
			}
			if found.Status != is {
				wrong = append(wrong, found)
			}
		}
		return len(wrong) == 0
	})
	if got := counts(); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	for _, r := range reporters[:2] {
		if n := r.at.Stats().Sends; n < everyCut {
			t.Errorf("%s got %d calls, and cut none", r.name, n)
		}
	}
	t.Logf("%d delivered, %d undelivered, %d unknown for good; %d at a time came before their outcome", want.Delivered, want.Undelivered, want.Unknown, early)
	if code, out, errs := o.Run("verify", receipt.JobID); code != 0 {
		t.Errorf("verify: %s%s", out, errs)
	}
	for name, p := range map[string]*world.Process{"callbacks": callbacks, "worker": worker} {
		if code := p.End(syscall.SIGTERM); code != 0 {
			t.Errorf("%s: exit status %d", name, code)
		}
	}
}
