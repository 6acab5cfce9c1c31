// Package standing is what all workers and operators know about an account in trouble: since when, why, and whose turn it is
// to find out whether it is over. An account without trouble has no record.
package standing

import (
	"context"
	_ "embed"
	"errors"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

//go:embed lua/report.lua
var reportLua string

//go:embed lua/turn.lua
var turnLua string

//go:embed lua/clear.lua
var clearLua string

var (
	reportScript = redis.NewScript(reportLua)
	turnScript   = redis.NewScript(turnLua)
	clearScript  = redis.NewScript(clearLua)
)

// Why an account's calls are not made.
const (
	// Suspended: the gateway refuses the account: login, address, balance, permission.
	Suspended = "suspended"
	// Down: one call after the other got no answer.
	Down = "down"
)

// Trouble is what is wrong with an account.
type Trouble struct {
	// Why is Suspended or Down.
	Why   string
	Since time.Time
	// Code and Detail are the gateway's, or what the network said; without credentials.
	Code, Detail string
	// Settings are those the account had; empty when whoever reported it did not say.
	Settings string
	// Probe is when somebody probes the account next, as far as it is known.
	Probe time.Time
}

// The pause before the account is probed, which doubles each time until a call has been taken again.
const (
	firstPause = 2 * time.Second
	maxPause   = 5 * time.Minute
	// forget is when it starts over by itself.
	forget = 24 * time.Hour
)

// Book has the records of a Redis. It is safe for concurrent use and does not own its client.
type Book struct{ rdb redis.UniversalClient }

// New returns the Book in rdb.
func New(rdb redis.UniversalClient) *Book { return &Book{rdb} }

// keysOf are the record, and how often there was trouble or a probe since a call was taken.
func keysOf(account string) []string {
	k := "volley:trouble:{" + account + "}"
	return []string{k, k + ":strikes"}
}

// Report notes trouble. It reports whether it is news: a record that is there stays as it is, but that Suspended replaces
// Down.
func (b *Book) Report(ctx context.Context, account string, t Trouble) (news bool, err error) {
	return reportScript.Run(ctx, b.rdb, keysOf(account), t.Why, strconv.FormatInt(t.Since.UnixMilli(), 10), t.Code, t.Detail,
		t.Settings, firstPause.Milliseconds(), maxPause.Milliseconds(), forget.Milliseconds()).Bool()
}

// Of returns the records of those of the accounts that have one.
func (b *Book) Of(ctx context.Context, accounts ...string) (map[string]*Trouble, error) {
	pipe := b.rdb.Pipeline()
	cmds := make([]*redis.MapStringStringCmd, len(accounts))
	for i, a := range accounts {
		cmds[i] = pipe.HGetAll(ctx, keysOf(a)[0])
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, err
	}
	out := map[string]*Trouble{}
	for i, c := range cmds {
		v := c.Val()
		if v["why"] == "" {
			continue
		}
		ms, err := strconv.ParseInt(v["since"], 10, 64)
		if err != nil {
			return nil, errors.New("standing: the record of account " + accounts[i] + " can't be read")
		}
		t := &Trouble{Why: v["why"], Since: time.UnixMilli(ms), Code: v["code"], Detail: v["detail"], Settings: v["settings"]}
		if ms, err := strconv.ParseInt(v["probe"], 10, 64); err == nil {
			t.Probe = time.UnixMilli(ms)
		}
		out[accounts[i]] = t
	}
	return out, nil
}

// Turn reports whether it is the caller's turn to probe the account: its pause is over, and nobody else was given the
// turn. The next one comes after a longer pause.
func (b *Book) Turn(ctx context.Context, account string) (bool, error) {
	return turnScript.Run(ctx, b.rdb, keysOf(account), firstPause.Milliseconds(), maxPause.Milliseconds(), forget.Milliseconds()).Bool()
}

// Clear removes the record, for what a probe found. It reports whether there was one. Trouble that comes back is probed
// after the pauses that had been reached.
func (b *Book) Clear(ctx context.Context, account string) (bool, error) {
	return clearScript.Run(ctx, b.rdb, keysOf(account), 0).Bool()
}

// Resume removes the record and all memory of it, because somebody says so, or because the gateway took a call.
func (b *Book) Resume(ctx context.Context, account string) (bool, error) {
	return clearScript.Run(ctx, b.rdb, keysOf(account), 1).Bool()
}
