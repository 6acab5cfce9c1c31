package ledger

import (
	"context"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// VitalsAgenda has the jobs of which is looked at who has waited longest (see Oldest). Remove leaves a job on it, so that
// whoever looks takes it off the lists too.
const VitalsAgenda = "volley:vitals"

// Oldest is since when somebody waits at each account, in milliseconds since 1970: who is unknown for a decision, who is
// accepted for a report. Accounts at which nobody does are not in it.
type Oldest struct{ Unknown, Unreported map[string]int64 }

// Add makes o what both have.
func (o *Oldest) Add(p Oldest) {
	o.Unknown, o.Unreported = earlier(o.Unknown, p.Unknown), earlier(o.Unreported, p.Unreported)
}

func earlier(have, more map[string]int64) map[string]int64 {
	for account, at := range more {
		have = note(have, account, at)
	}
	return have
}

func note(m map[string]int64, account string, at int64) map[string]int64 {
	if m == nil {
		m = map[string]int64{}
	}
	if was, found := m[account]; !found || at < was {
		m[account] = at
	}
	return m
}

// OldestIn looks at the batches of a job from first to before last, in one round trip. Of the accepted only those count
// whose call was at or after since.
func (l *Ledger) OldestIn(ctx context.Context, job *Job, first, last int, since time.Time) (o Oldest, err error) {
	pipe := l.rdb.Pipeline()
	type read struct {
		head *redis.StringCmd
		rest *redis.SliceCmd
	}
	reads := make([]read, 0, last-first)
	for b := first; b < last; b++ {
		k := keysOf(job.Spec.ID, b)
		reads = append(reads, read{pipe.GetRange(ctx, k.recipients, 0, batchPeek-1), pipe.MGet(ctx, k.outcomes, k.reports)})
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return o, err
	}
	for _, r := range reads {
		n, err := batchLen([]byte(r.head.Val()))
		if err != nil {
			return o, err
		}
		v := r.rest.Val()
		outcomes, _ := v[0].(string)
		packed, _ := v[1].(string)
		if outcomes == "" {
			continue // all are queued
		}
		records, err := ReadRecords([]byte(outcomes), n)
		if err != nil {
			return o, err
		}
		reports, err := readReported([]byte(packed), n)
		if err != nil {
			return o, err
		}
		for i, rec := range records {
			o.note(job.Spec.Account(int(rec.Account)), rec, reports.over(i, rec).State, since.UnixMilli())
		}
	}
	return o, nil
}

func (o *Oldest) note(account string, rec Record, is State, since int64) {
	switch {
	case is == Unknown:
		o.Unknown = note(o.Unknown, account, rec.At)
	case is == Accepted && rec.At >= since:
		o.Unreported = note(o.Unreported, account, rec.At)
	}
}

// Waits are the lists of the jobs in which somebody waits, by account and by since when. It does not own its client.
type Waits struct{ rdb redis.UniversalClient }

// NewWaits returns the Waits in rdb.
func NewWaits(rdb redis.UniversalClient) *Waits { return &Waits{rdb} }

// waitsKeys are an account's lists.
func waitsKeys(account string) (unknown, unreported string) {
	return "volley:unknown:" + account, "volley:unreported:" + account
}

// Put writes since when somebody waits in a job, at each of the accounts; who is not in o does not wait.
func (w *Waits) Put(ctx context.Context, job string, accounts []string, o Oldest) error {
	pipe := w.rdb.Pipeline()
	put := func(key string, at int64, waits bool) {
		if waits {
			pipe.ZAdd(ctx, key, redis.Z{Score: float64(at), Member: job})
		} else {
			pipe.ZRem(ctx, key, job)
		}
	}
	for _, account := range accounts {
		unknown, unreported := waitsKeys(account)
		at, found := o.Unknown[account]
		put(unknown, at, found)
		at, found = o.Unreported[account]
		put(unreported, at, found)
	}
	_, err := pipe.Exec(ctx)
	return err
}

// AccountWait is what the lists say of an account: in how many jobs somebody waits, and since when; zero times are for nobody.
type AccountWait struct {
	UnknownJobs, UnreportedJobs   int64
	UnknownSince, UnreportedSince time.Time
}

// Of returns the AccountWait of each account. Of those who are accepted only who was so at or after since counts.
func (w *Waits) Of(ctx context.Context, accounts []string, since time.Time) ([]AccountWait, error) {
	type list struct {
		n      *redis.IntCmd
		oldest *redis.ZSliceCmd
	}
	pipe := w.rdb.Pipeline()
	ask := func(key, from string) list {
		return list{pipe.ZCount(ctx, key, from, "+inf"), pipe.ZRangeByScoreWithScores(ctx, key, &redis.ZRangeBy{Min: from, Max: "+inf", Count: 1})}
	}
	lists := make([][2]list, len(accounts))
	for i, account := range accounts {
		unknown, unreported := waitsKeys(account)
		lists[i] = [2]list{ask(unknown, "-inf"), ask(unreported, strconv.FormatInt(since.UnixMilli(), 10))}
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, err
	}
	out := make([]AccountWait, len(accounts))
	for i, l := range lists {
		out[i].UnknownJobs, out[i].UnknownSince = l[0].n.Val(), oldestOf(l[0].oldest)
		out[i].UnreportedJobs, out[i].UnreportedSince = l[1].n.Val(), oldestOf(l[1].oldest)
	}
	return out, nil
}

func oldestOf(c *redis.ZSliceCmd) time.Time {
	z := c.Val()
	if len(z) == 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(z[0].Score))
}
