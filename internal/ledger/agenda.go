package ledger

import (
	"context"
	_ "embed"
	"errors"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

//go:embed lua/due.lua
var dueLua string

var dueScript = redis.NewScript(dueLua)

// The agendas, beside that of Polls.
const (
	// CarryAgenda has the jobs whose outcomes are to be carried to the long-term record.
	CarryAgenda = "volley:carry"
	// HookAgenda has the jobs whose producers are told about them.
	HookAgenda = "volley:hooks"
)

// Agenda is when jobs are looked at next, for some purpose, by any number of processes.
type Agenda struct {
	rdb redis.UniversalClient
	key string
}

// NewAgenda returns the agenda of one of the names above.
func NewAgenda(rdb redis.UniversalClient, name string) *Agenda { return &Agenda{rdb, name} }

// Find lists the jobs that are unfinished, or were created since a time, for a look at first, unless they are listed. It
// returns the time of creation of the newest.
func (a *Agenda) Find(ctx context.Context, since, first time.Time) (newest time.Time, err error) {
	const page = 1000
	newest = since
	add := func(ids []string) error {
		if len(ids) == 0 {
			return nil
		}
		z := make([]redis.Z, len(ids))
		for i, id := range ids {
			z[i] = redis.Z{Score: float64(first.UnixMilli()), Member: id}
		}
		return a.rdb.ZAddNX(ctx, a.key, z...).Err()
	}
	live, err := a.rdb.ZRange(ctx, keyLive, 0, -1).Result()
	if err == nil {
		err = add(live)
	}
	for offset := int64(0); err == nil; offset += page {
		var some []redis.Z
		some, err = a.rdb.ZRangeByScoreWithScores(ctx, keyJobs, &redis.ZRangeBy{
			Min: strconv.FormatInt(since.UnixMilli(), 10), Max: "+inf", Offset: offset, Count: page,
		}).Result()
		ids := make([]string, len(some))
		for i, z := range some {
			ids[i], _ = z.Member.(string)
			newest = time.UnixMilli(int64(z.Score))
		}
		if err == nil {
			err = add(ids)
		}
		if len(some) < page {
			break
		}
	}
	return newest, err
}

// Claim returns a job whose time has come, which nobody else gets for the time of hold; "" when there is none.
func (a *Agenda) Claim(ctx context.Context, now time.Time, hold time.Duration) (string, error) {
	due, err := a.ClaimMany(ctx, 1, now, hold)
	if err != nil || len(due) == 0 {
		return "", err
	}
	return due[0].Job, nil
}

// Due is a job whose time has come.
type Due struct {
	Job string
	At  time.Time
}

// ClaimMany is Claim for at most n jobs, those first whose time came first.
func (a *Agenda) ClaimMany(ctx context.Context, n int, now time.Time, hold time.Duration) ([]Due, error) {
	v, err := dueScript.Run(ctx, a.rdb, []string{a.key}, now.UnixMilli(), now.Add(hold).UnixMilli(), n).StringSlice()
	if errors.Is(err, redis.Nil) {
		return nil, nil
	}
	var out []Due
	for i := 0; i+1 < len(v); i += 2 {
		ms, _ := strconv.ParseFloat(v[i+1], 64)
		out = append(out, Due{v[i], time.UnixMilli(int64(ms))})
	}
	return out, err
}

// Next says when a listed job is to be looked at next.
func (a *Agenda) Next(ctx context.Context, job string, at time.Time) error {
	return a.rdb.ZAddXX(ctx, a.key, redis.Z{Score: float64(at.UnixMilli()), Member: job}).Err()
}

// Overdue returns the time of the job that has waited longest for its look; the zero time when none waits.
func (a *Agenda) Overdue(ctx context.Context, now time.Time) (time.Time, error) {
	z, err := a.rdb.ZRangeByScoreWithScores(ctx, a.key, &redis.ZRangeBy{
		Min: "-inf", Max: strconv.FormatInt(now.UnixMilli(), 10), Count: 1,
	}).Result()
	if err != nil || len(z) == 0 {
		return time.Time{}, err
	}
	return time.UnixMilli(int64(z[0].Score)), nil
}

// Drop takes jobs off the list.
func (a *Agenda) Drop(ctx context.Context, jobs ...string) error {
	if len(jobs) == 0 {
		return nil
	}
	members := make([]any, len(jobs))
	for i, id := range jobs {
		members[i] = id
	}
	return a.rdb.ZRem(ctx, a.key, members...).Err()
}

// hasten puts a listed job's next look at now, in a pipeline.
func hasten(ctx context.Context, pipe redis.Pipeliner, job string, now time.Time) {
	for _, key := range []string{CarryAgenda, HookAgenda} {
		pipe.ZAddArgs(ctx, key, redis.ZAddArgs{XX: true, LT: true, Members: []redis.Z{{Score: float64(now.UnixMilli()), Member: job}}})
	}
}
