// Package why tells what queued recipients wait for: the rule, the setting that it comes from, and when it goes on. It is
// told from what workers act on, the ledger, the queues, the accounts' records and their moments, and never guessed.
package why

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/internal/pace"
	"github.com/volleysms/volley/internal/standing"
	"github.com/volleysms/volley/internal/task"
	"github.com/volleysms/volley/internal/window"
)

// Rule is what recipients wait for.
type Rule string

// The rules.
const (
	BeingWritten Rule = "being enqueued"
	Paused       Rule = "paused"
	Scheduled    Rule = "scheduled"
	Window       Rule = "window"
	QuietHours   Rule = "quiet hours"
	Suspended    Rule = "suspended"
	Down         Rule = "down"
	NoWorker     Rule = "no worker"
	WorkerDied   Rule = "worker died"
	Backoff      Rule = "backoff"
	Rate         Rule = "rate"
	Behind       Rule = "behind others"
	Sending      Rule = "being sent"
)

// Reason is one thing that recipients of a job wait for. Several may hold at a time: all of them must be over.
type Reason struct {
	Rule Rule `json:"rule"`
	// Account is the one at which they wait; empty for what does not depend on it.
	Account string `json:"account,omitempty"`
	// Setting is where it comes from: a key of the configuration, a flag, or a command.
	Setting string `json:"setting"`
	// Detail is what there is to know about it, in words.
	Detail string `json:"detail"`
	// Until is when it goes on, or is looked at again; nil when that is not known, as of what somebody has to end.
	Until *time.Time `json:"until"`
}

// Account is what is configured of an account.
type Account struct {
	// Limits are its settings, in words, such as "rate: 50/s"; empty is none.
	Limits string
	// Attempts is how often a recipient is tried.
	Attempts int
}

// Finder finds out.
type Finder struct {
	Redis redis.UniversalClient
	// Accounts are those of the configuration, by name.
	Accounts map[string]Account
	// Guard returns an account's quiet hours.
	Guard func(account string) (*window.Guard, error)
	// Serves reports whether a worker that lives takes tasks from a queue; nil asks Redis.
	Serves func(queue string) bool
	// Now is the time.
	Now time.Time
}

// Job is a job, and what it waits for.
type Job struct {
	ID    string `json:"job_id"`
	State string `json:"state"`
	// Queued and Sending are how many recipients are so.
	Queued  int64 `json:"queued"`
	Sending int64 `json:"sending"`
	// Reasons are what the queued recipients wait for; empty when nobody is queued.
	Reasons []Reason `json:"reasons"`
}

// Job tells about one job; ledger.ErrNotFound when there is none.
func (f *Finder) Job(ctx context.Context, id string) (Job, error) {
	l := ledger.New(f.Redis)
	j, err := l.Job(ctx, id)
	if err == nil && j.Gone {
		err = ledger.ErrNotFound
	}
	if err != nil {
		return Job{}, err
	}
	counts, err := l.Counts(ctx, id)
	if err != nil {
		return Job{}, err
	}
	out := Job{ID: id, State: j.State(f.Now), Queued: counts[ledger.Queued], Sending: counts[ledger.Sending], Reasons: []Reason{}}
	if j.Sealed == "" {
		out.Reasons = append(out.Reasons, Reason{
			Rule: BeingWritten, Detail: "its producer has not come to the end of the recipients: nobody is sent to before",
			Setting: "an import that was cut off goes on when it is run again",
		})
		return out, nil
	}
	if out.Queued == 0 {
		return out, nil
	}
	out.Reasons, err = f.reasons(ctx, l, &j)
	return out, err
}

// reasons are those of a job with queued recipients.
func (f *Finder) reasons(ctx context.Context, l *ledger.Ledger, j *ledger.Job) ([]Reason, error) {
	if j.Control == ledger.Paused {
		r, err := f.paused(ctx, l, j)
		return []Reason{r}, err
	}
	if at := time.UnixMilli(j.Spec.At); j.Fed == 0 && !j.Spec.AtGateway && at.After(f.Now) {
		return []Reason{{Rule: Scheduled, Setting: "the job's time; volley reschedule moves it", Detail: "nobody is sent to before", Until: utc(at)}}, nil
	}
	var out []Reason
	waits, err := l.WaitingOf(ctx, []string{j.Spec.ID}, f.Now)
	if err != nil {
		return nil, err
	}
	if w := waits[0]; w.Why != "" {
		out = append(out, f.timed(j, window.Why(w.Why), w.Until))
	}
	at, err := f.batches(ctx, l, j)
	if err != nil {
		return nil, err
	}
	for _, account := range at.accounts() {
		some, err := f.account(ctx, l, j, account, at)
		if err != nil {
			return nil, err
		}
		out = append(out, some...)
	}
	return out, nil
}

func (f *Finder) paused(ctx context.Context, l *ledger.Ledger, j *ledger.Job) (Reason, error) {
	history, err := l.History(ctx, j.Spec.ID)
	if err != nil {
		return Reason{}, err
	}
	r := Reason{Rule: Paused, Setting: "volley resume " + j.Spec.ID + " ends it", Detail: "by somebody"}
	for _, e := range slices.Backward(history) {
		if e.Action == "pause" {
			r.Detail = "by " + cmp.Or(e.By, "somebody") + " at " + utc(time.UnixMilli(e.At)).Format(time.DateTime) + " UTC"
			break
		}
	}
	if j.Reason != "" {
		r.Detail += ": " + j.Reason
	}
	return r, nil
}

// timed is what a batch that waits for a time waits for.
func (f *Finder) timed(j *ledger.Job, why window.Why, until time.Time) Reason {
	r := Reason{Rule: Rule(why), Until: utc(until), Detail: "the first of those who wait for a time may be sent to then"}
	switch why {
	case window.Scheduled:
		r.Setting = "the recipients' own times"
		if j.Spec.Time != nil && j.Spec.Time.Local != "" {
			r.Setting = "the job's time, " + j.Spec.Time.Local + " in each recipient's zone"
		}
	case window.OutsideWindow:
		r.Setting = "the job's window"
		if j.Spec.Time != nil {
			r.Setting += ", " + j.Spec.Time.Window
		}
	case window.QuietHours:
		r.Setting = "quiet_hours, or an account's quiet"
	}
	return r
}

// account tells what holds at an account with which batches of the job are.
func (f *Finder) account(ctx context.Context, l *ledger.Ledger, j *ledger.Job, account string, at *places) (out []Reason, err error) {
	trouble, err := standing.New(f.Redis).Of(ctx, account)
	if err != nil {
		return nil, err
	}
	if t := trouble[account]; t != nil {
		r := Reason{
			Rule: Rule(t.Why), Account: account, Setting: "volley accounts resume " + account + " has it tried at once",
			Detail: fmt.Sprintf("since %s UTC: %s; it is probed until it is over", utc(t.Since).Format(time.DateTime), words(t.Code, t.Detail)),
		}
		if t.Probe.After(f.Now) {
			r.Until = utc(t.Probe)
		}
		out = append(out, r)
	}
	served, err := f.served(account, j.Spec.Priority)
	if err != nil {
		return nil, err
	}
	if !served {
		out = append(out, Reason{Rule: NoWorker, Account: account, Setting: "volley worker --accounts " + account, Detail: "no worker that lives serves the account"})
	}
	out = append(out, at.backoff(account, f.Accounts[account].Attempts)...)
	if len(out) > 0 {
		return out, nil
	}
	booked, err := pace.Booked(ctx, f.Redis, account)
	if err != nil {
		return nil, err
	}
	if booked > 0 {
		out = append(out, Reason{
			Rule: Rate, Account: account, Setting: "accounts." + account + ": " + cmp.Or(f.Accounts[account].Limits, "its limits"),
			Detail: "the account's calls are made one after the other at its limit; the next free moment is told", Until: utc(f.Now.Add(booked)),
		})
	}
	others, err := f.others(ctx, l, j, account)
	if err != nil {
		return nil, err
	}
	if others != nil {
		out = append(out, *others)
	}
	if n := at.held(account); n > 0 {
		out = append(out, Reason{
			Rule: Sending, Account: account, Setting: "accounts." + account + ".concurrency",
			Detail: fmt.Sprintf("workers have %s of it and are sending", plural(n, "batch", "batches")),
		})
	}
	if len(out) == 0 && at.n[account] > 0 {
		out = append(out, Reason{
			Rule: Behind, Account: account, Setting: "accounts." + account + ".concurrency",
			Detail: fmt.Sprintf("%s on the account's queue, for the next worker that has room", plural(at.n[account], "batch is", "batches are")),
		})
	}
	return out, nil
}

// maxOthers bounds how many unfinished jobs are looked at for those that share an account.
const maxOthers = 1000

// others tells of the jobs that share the account, those of a lower priority left out.
func (f *Finder) others(ctx context.Context, l *ledger.Ledger, j *ledger.Job, account string) (*Reason, error) {
	live, err := l.Live(ctx)
	if err != nil {
		return nil, err
	}
	live = live[:min(len(live), maxOthers)]
	jobs, err := l.Jobs(ctx, live)
	if err != nil {
		return nil, err
	}
	before, same := 0, 0
	var queued int64
	for id, o := range jobs {
		if id == j.Spec.ID || o.Sealed == "" || o.Control != ledger.Run || o.Spec.Priority < j.Spec.Priority ||
			o.Fed == 0 && o.Spec.At > f.Now.UnixMilli() || !slices.Contains(o.Spec.Accounts[o.From:], account) {
			continue
		}
		c, err := l.Counts(ctx, id)
		if err != nil {
			return nil, err
		}
		if c[ledger.Queued] == 0 {
			continue
		}
		if queued += c[ledger.Queued]; o.Spec.Priority > j.Spec.Priority {
			before++
		} else {
			same++
		}
	}
	if before+same == 0 {
		return nil, nil
	}
	return &Reason{Rule: Behind, Account: account, Setting: "--priority, and accounts." + account + ".concurrency", Detail: fmt.Sprintf(
		"%s of a higher priority first, and %s of the same in turns with it: %s queued in them",
		plural(before, "job goes", "jobs go"), plural(same, "job", "jobs"), plural(int(queued), "recipient is", "recipients are"),
	)}, nil
}

// served reports whether a worker that lives serves an account.
func (f *Finder) served(account string, priority int) (bool, error) {
	queue := task.Queue(account, priority)
	if f.Serves != nil {
		return f.Serves(queue), nil
	}
	servers, err := servers(f.Redis)
	if err != nil {
		return false, fmt.Errorf("which workers live: %w", err)
	}
	for _, s := range servers {
		if _, is := s.Queues[queue]; is && s.Status == "active" {
			return true, nil
		}
	}
	return false, nil
}

func words(code, detail string) string {
	if code == "" || detail == "" {
		return cmp.Or(code+detail, "no reason was given")
	}
	return code + ": " + detail
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func utc(t time.Time) *time.Time {
	t = t.UTC()
	return &t
}

// ignoreGone passes over what was removed meanwhile.
func ignoreGone(err error) error {
	if errors.Is(err, ledger.ErrNotFound) {
		return nil
	}
	return err
}
