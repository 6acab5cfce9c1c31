package ledger

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"sync"

	"github.com/redis/go-redis/v9"

	"github.com/volleysms/volley/sms"
)

//go:embed lua/report.lua
var reportLua string

var reportScript = redis.NewScript(reportLua)

// Report is what a gateway said later about one recipient of a batch.
type Report struct {
	// Position is the recipient's in the batch. When it is negative the recipient is the one with the number To, or, when
	// that is zero, the only one whose message has the ID.
	Position int
	To       sms.MSISDN
	// ID is the gateway's identifier; may be empty.
	ID string
	// Round is the round of the call that the report is about (see Held); negative when that isn't known. Then identifiers
	// that differ tell an earlier attempt from the last one.
	Round int
	// Attempt is which of the recipient's calls in that round it was; 0 when that isn't known. What comes late about one
	// before the last counts only when the message was delivered, and then more than what came of the last.
	Attempt int
	// Account is the name of the account whose gateway said so.
	Account string
	// State is Accepted, Delivered or Undelivered; Unknown, when the gateway will not tell what becomes of who is accepted; or
	// Queued, when the report has words alone, which who is accepted or unknown gets and stays that.
	State State
	Note  Note
	// At is in milliseconds since 1970.
	At int64
}

// Verdict is what became of a Report.
type Verdict uint8

// The verdicts. The zero Verdict is none yet.
const (
	// Applied: the outcome is another one, or has other words.
	Applied Verdict = iota + 1
	// Known: it says nothing new, or is older than what is known.
	Known
	// Early: the recipient has no outcome yet. The report is to be kept, and applied when it has.
	Early
	// Stale: it is about an earlier attempt, or one through another account.
	Stale
	// Nobody: there is no such recipient.
	Nobody
	// Gone: there is no such job.
	Gone
	// Damaged: the batch can't be read. Nothing is changed; a newer program may be able to.
	Damaged
)

// String returns the verdict's word in metrics.
func (v Verdict) String() string {
	return [...]string{"none", "applied", "known", "early", "stale", "nobody", "gone", "damaged"}[v]
}

// BatchReports are reports about recipients of one batch, in any order, and what became of each.
type BatchReports struct {
	Job      string
	Batch    int
	Reports  []Report
	Verdicts []Verdict

	known int // how many accounts the job had when an outcome of another was found
}

// Reporter applies reports to outcomes. Its rules give the same end for every order and any repetition of the same
// reports: a report changes only who has an outcome; it makes unknown what it says, accepted what it says in the end, or
// unknown until then, and a final state never changes (but see Report.Attempt); failed and rejected become delivered when the
// gateway says so, and nothing else. Words go with the state that they came with, and of the same state the latest count; before the end words
// of any state do.
//
// It is safe for concurrent use, and by any number of processes.
type Reporter struct {
	l  *Ledger
	mu sync.Mutex
	// accounts are those of the jobs that reports came in for, by job.
	accounts map[string][]string
}

// NewReporter returns a Reporter for l.
func NewReporter(l *Ledger) *Reporter { return &Reporter{l: l, accounts: map[string][]string{}} }

const (
	maxReportedJobs = 4096
	// batchesAtOnce bounds how many batches are in memory, and in a pipeline, at a time.
	batchesAtOnce = 64
	// maxConflicts bounds how often a batch is read again because others write its reports too.
	maxConflicts = 100
)

// Apply applies reports and fills in their verdicts. After an error some may have been applied; doing it again changes
// nothing about those.
func (r *Reporter) Apply(ctx context.Context, batches []*BatchReports) error {
	for len(batches) > 0 {
		some := batches[:min(len(batches), batchesAtOnce)]
		batches = batches[len(some):]
		for range maxConflicts {
			if err := r.meet(ctx, some); err != nil {
				return err
			}
			var err error
			if some, err = r.apply(ctx, some); err != nil {
				return err
			}
			if len(some) == 0 {
				break
			}
		}
		if len(some) > 0 {
			return errors.New("ledger: too many write reports of the same batch at once")
		}
	}
	return nil
}

// meet learns the accounts of jobs that are new to it.
func (r *Reporter) meet(ctx context.Context, batches []*BatchReports) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.accounts) > maxReportedJobs {
		clear(r.accounts)
	}
	pipe := r.l.rdb.Pipeline()
	asked := map[string]*redis.StringCmd{}
	for _, b := range batches {
		if r.accounts[b.Job] == nil && asked[b.Job] == nil {
			asked[b.Job] = pipe.HGet(ctx, jobKey(b.Job), "spec")
		}
	}
	if len(asked) == 0 {
		return nil
	}
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return err
	}
	for job, cmd := range asked {
		packed, err := cmd.Bytes()
		if errors.Is(err, redis.Nil) {
			continue
		}
		var spec struct {
			Accounts []string `json:"accounts"`
		}
		if err != nil {
			return err
		}
		_ = json.Unmarshal(packed, &spec) // a job that can't be read has no account that could report about it
		r.accounts[job] = append([]string{}, spec.Accounts...)
	}
	return nil
}

// apply applies reports to batches that it reads and writes in a round trip each, and returns those in which somebody
// else was faster, or whose job has accounts that were not known.
func (r *Reporter) apply(ctx context.Context, batches []*BatchReports) (again []*BatchReports, err error) {
	read, again, err := r.read(ctx, batches)
	if err != nil {
		return nil, err
	}
	var changed []*reporting
	for _, b := range read {
		if b.run(); b.changed {
			changed = append(changed, b)
		}
	}
	if len(changed) == 0 {
		return again, nil
	}
	cmds, err := r.l.evalAll(ctx, reportScript, len(changed), func(i int) ([]string, []any) {
		b := changed[i]
		k := keysOf(b.of.Job, b.of.Batch)
		return []string{k.reports, k.counts}, b.delta.appendDelta([]any{head(b.stored), b.reports.pack()})
	}, nil)
	if err != nil {
		return nil, err
	}
	for i, c := range cmds {
		if n, err := c.Int(); err != nil {
			return nil, err
		} else if n == 0 {
			again = append(again, changed[i].of)
		}
	}
	return again, nil
}

// read reads what the batches' reports need to be judged. Of outcomes that are changed after that only those matter that
// were not open, and who changes them writes the reports too. Those of a job that was re-routed since its accounts were read
// are behind.
func (r *Reporter) read(ctx context.Context, batches []*BatchReports) (out []*reporting, behind []*BatchReports, err error) {
	type cmds struct {
		recipients *redis.StringCmd
		rest       *redis.SliceCmd
	}
	pipe := r.l.rdb.Pipeline()
	sent := make([]cmds, len(batches))
	for i, b := range batches {
		k := keysOf(b.Job, b.Batch)
		numbers, ids := needs(b.Reports)
		if numbers {
			sent[i].recipients = pipe.Get(ctx, k.recipients)
		} else {
			sent[i].recipients = pipe.GetRange(ctx, k.recipients, 0, batchPeek-1)
		}
		if ids {
			sent[i].rest = pipe.MGet(ctx, k.outcomes, k.reports, k.side)
		} else {
			sent[i].rest = pipe.MGet(ctx, k.outcomes, k.reports)
		}
	}
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return nil, nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, b := range batches {
		packed, err := sent[i].recipients.Bytes()
		accounts, known := r.accounts[b.Job]
		next := &reporting{of: b, accounts: accounts}
		switch {
		case !known:
			b.all(Gone)
		case errors.Is(err, redis.Nil), err == nil && len(packed) == 0:
			b.all(Nobody)
		case err != nil:
			return nil, nil, err
		case next.load(packed, sent[i].rest.Val()) != nil:
			b.all(Damaged)
		case next.accountsNeeded() > len(accounts) && b.known != len(accounts):
			b.known = len(accounts)
			delete(r.accounts, b.Job)
			behind = append(behind, b)
		default:
			b.all(0)
			out = append(out, next)
		}
	}
	return out, behind, nil
}

// all gives every report the same verdict.
func (b *BatchReports) all(v Verdict) {
	b.Verdicts = make([]Verdict, len(b.Reports))
	for i := range b.Verdicts {
		b.Verdicts[i] = v
	}
}

// needs tells whether reports can only be matched by the numbers of the recipients, and by the identifiers of messages.
func needs(reports []Report) (numbers, ids bool) {
	for i := range reports {
		r := &reports[i]
		numbers = numbers || r.Position < 0 && r.To != 0
		ids = ids || r.ID != "" && (r.Round < 0 || r.Position < 0 && r.To == 0)
	}
	return numbers, ids
}
