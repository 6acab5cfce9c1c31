package ledger

import (
	"cmp"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// noteLua is the beginning of every script that adds to a history.
//
//go:embed lua/note.lua
var noteLua string

//go:embed lua/history.lua
var historyLua string

var historyScript = redis.NewScript(noteLua + historyLua)

// MaxHistory is how many entries of a job's history are kept, the newest.
const MaxHistory = 100

// Entry is something that somebody asked to be done to a job.
type Entry struct {
	// At is when it was asked for, in milliseconds since 1970.
	At int64 `json:"at"`
	// By is who asked, and Reason why; both may be empty.
	By     string `json:"by,omitempty"`
	Action string `json:"action"`
	Reason string `json:"reason,omitempty"`
	// Detail is what the action needs to be understood, such as the new time of a job that was rescheduled.
	Detail string `json:"detail,omitempty"`
	// Changed is how many recipients it concerned; nil as long as that isn't known.
	Changed *int64 `json:"changed,omitempty"`

	number int64 // where it stands; 0 for one that is not written
}

// Note writes an entry of a job's history, for the first time or with what has become known since. Entries of jobs that
// are not there are dropped.
func (l *Ledger) Note(ctx context.Context, job string, e *Entry) error {
	packed, err := e.pack()
	if err != nil {
		return err
	}
	e.number, err = historyScript.Run(ctx, l.rdb, []string{jobKey(job), historyKey(job)}, packed, MaxHistory, e.number).Int64()
	if err != nil {
		return err
	}
	pipe := l.rdb.Pipeline()
	hasten(ctx, pipe, job, time.UnixMilli(e.At))
	_, err = pipe.Exec(ctx)
	return err
}

// Unnote takes an entry back that was written before it turned out that nothing can be done.
func (l *Ledger) Unnote(ctx context.Context, job string, e *Entry) error {
	if !e.Written() {
		return nil
	}
	return l.rdb.HDel(ctx, historyKey(job), strconv.FormatInt(e.number, 10)).Err()
}

// Written reports whether the entry stands in the history.
func (e *Entry) Written() bool { return e.number > 0 }

func (e *Entry) pack() ([]byte, error) {
	packed, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("ledger: %w", err)
	}
	return packed, nil
}

// History returns what was asked to be done to a job, the oldest entry first, MaxHistory at most.
func (l *Ledger) History(ctx context.Context, job string) ([]Entry, error) {
	all, err := l.Histories(ctx, []string{job})
	return all[job], err
}

// Histories is History for many jobs in one round trip.
func (l *Ledger) Histories(ctx context.Context, jobs []string) (map[string][]Entry, error) {
	pipe := l.rdb.Pipeline()
	cmds := make([]*redis.MapStringStringCmd, len(jobs))
	for i, id := range jobs {
		cmds[i] = pipe.HGetAll(ctx, historyKey(id))
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, err
	}
	out := make(map[string][]Entry, len(jobs))
	for i, id := range jobs {
		var entries []Entry
		for field, packed := range cmds[i].Val() {
			var e Entry
			if e.number, _ = strconv.ParseInt(field, 10, 64); e.number == 0 {
				continue // the counter
			}
			if err := json.Unmarshal([]byte(packed), &e); err != nil {
				return nil, fmt.Errorf("ledger: the history of job %s can't be read: %w", id, err)
			}
			entries = append(entries, e)
		}
		slices.SortFunc(entries, func(a, b Entry) int { return cmp.Compare(a.number, b.number) })
		out[id] = entries
	}
	return out, nil
}
