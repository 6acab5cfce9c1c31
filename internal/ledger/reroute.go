package ledger

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

//go:embed lua/reroute.lua
var rerouteLua string

var rerouteScript = redis.NewScript(noteLua + rerouteLua)

// MaxAccounts is how many accounts a job may have, those that it was re-routed from included.
const MaxAccounts = 255

// Reroute lets what is queued of a job go to other accounts, in the order of use, and writes who asked for it to the job's
// history. When it returns without an error no further call of the job is claimed for the accounts that it had. Its tasks are
// for the caller to move. It returns the job as it is then; ErrCompleted, ErrCancelled and ErrNotFound as SetControl.
//
// The accounts are added to the job's as another leg, so that outcomes keep theirs. Batches are not touched: one that is with
// an account before Job.From is with that one.
func (l *Ledger) Reroute(ctx context.Context, job string, accounts []string, e *Entry) (Job, error) {
	packedEntry, err := e.pack()
	if err != nil {
		return Job{}, err
	}
	for {
		v, err := l.rdb.HMGet(ctx, jobKey(job), jobFields...).Result()
		if err != nil {
			return Job{}, err
		}
		j, err := parseJob(v)
		if err != nil {
			return j, err
		}
		was, _ := v[0].(string)
		spec := j.Spec
		if len(spec.Legs) == 0 {
			spec.Legs = []Leg{{N: len(spec.Accounts)}}
		}
		j.From = len(spec.Accounts)
		spec.Accounts, spec.Legs = append(spec.Accounts, accounts...), append(spec.Legs, Leg{N: len(accounts)})
		if len(spec.Accounts) > MaxAccounts {
			return j, fmt.Errorf("the job was re-routed too often: it may have %d accounts in all", MaxAccounts)
		}
		packed, err := json.Marshal(spec)
		if err != nil {
			return j, fmt.Errorf("ledger: %w", err)
		}
		n, err := rerouteScript.Run(ctx, l.rdb, []string{jobKey(job), historyKey(job)}, was, packed, j.From, packedEntry, MaxHistory).Int()
		if err != nil {
			return j, err
		}
		if err := controlError(n); err != nil {
			return j, err
		}
		if n == 0 {
			continue // somebody else re-routed it meanwhile
		}
		e.number, j.Spec = int64(n), spec
		pipe := l.rdb.Pipeline()
		pipe.ZAddNX(ctx, keyPolls, redis.Z{Score: float64(time.Now().UnixMilli()), Member: job})
		hasten(ctx, pipe, job, time.Now())
		if _, err := pipe.Exec(ctx); err != nil {
			return j, err
		}
		return j, l.Spread(ctx, job)
	}
}

// orders are what a job's shards have a copy of: its control word, and from which of its accounts on batches are sent.
type orders struct{ ctl, from string }

func (o orders) of(c *redis.SliceCmd) orders {
	v := c.Val()
	o.ctl, _ = v[0].(string)
	o.from, _ = v[1].(string)
	return o
}

// Spread writes what was ordered for a job to its shards, where claims look at it. Repeating it repairs what a crash has left
// undone.
func (l *Ledger) Spread(ctx context.Context, job string) error {
	// Of two who write at once the later one finds that the order has changed since it read it, and writes again.
	for {
		c := l.rdb.HMGet(ctx, jobKey(job), "ctl", "from")
		if err := c.Err(); err != nil {
			return err
		}
		want := orders{}.of(c)
		pipe := l.rdb.Pipeline()
		for s := range Shards {
			if want.ctl == string(Run) {
				pipe.HDel(ctx, countsKey(job, s), "ctl")
			} else {
				pipe.HSet(ctx, countsKey(job, s), "ctl", want.ctl)
			}
			if want.from != "" {
				pipe.HSet(ctx, countsKey(job, s), "from", want.from)
			}
		}
		if _, err := pipe.Exec(ctx); err != nil {
			return err
		}
		if c = l.rdb.HMGet(ctx, jobKey(job), "ctl", "from"); c.Err() != nil {
			return c.Err()
		}
		if (orders{}).of(c) == want {
			return nil
		}
	}
}

// auditAgain is after how long copies that differ are looked at again: somebody may be writing them.
const auditAgain = 300 * time.Millisecond

// auditOrders compares what was ordered for a job with the copies in its shards.
func (l *Ledger) auditOrders(ctx context.Context, job *Job) (problems []string, err error) {
	for try := range 2 {
		pipe := l.rdb.Pipeline()
		ordered := pipe.HMGet(ctx, jobKey(job.Spec.ID), "ctl", "from")
		copies := make([]*redis.SliceCmd, min(Shards, job.Batches))
		for s := range copies {
			copies[s] = pipe.HMGet(ctx, countsKey(job.Spec.ID, s), "ctl", "from")
		}
		if _, err := pipe.Exec(ctx); err != nil {
			return nil, err
		}
		problems = nil
		want := orders{}.of(ordered)
		for s, c := range copies {
			if got := (orders{}).of(c); got != want {
				problems = append(problems, fmt.Sprintf("shard %d goes by %s, and the job by %s: pausing or resuming the job again repairs it", s, got, want))
			}
		}
		if len(problems) == 0 || try > 0 {
			break
		}
		select {
		case <-time.After(auditAgain):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return problems, nil
}

func (o orders) String() string {
	word := o.ctl
	if word == string(Run) {
		word = "running"
	}
	if o.from != "" {
		word += " from account " + o.from + " on"
	}
	return strconv.Quote(word)
}
