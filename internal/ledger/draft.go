package ledger

import (
	"context"
	_ "embed"

	"github.com/redis/go-redis/v9"
)

// A draft is a claim that is laid down beside a batch before its time, so that at its time, when thousands may be due at once, it
// takes two plain commands to claim, and one more to write down what came of the call. None of them moves outcomes or counters:
// that is done by the owner's next commit, or by Take for who takes the batch over when there is none.

//go:embed lua/draft.lua
var draftLua string

var draftScript = redis.NewScript(draftLua)

// unfired is what firings of a draft are counted from. Who fires a draft that is gone counts from 0, and never comes near it, however
// often the network repeats that.
const unfired = 1_000_000

// Draft lays down that all recipients of a batch are claimed for one call, all of whom are queued, for Fire. Until then nothing is
// claimed. ErrLost when the batch is another's by now. After any other error it may be drafted, or not, and Fire must not be used.
func (l *Ledger) Draft(ctx context.Context, h *Held, claim *Changes) error {
	n, err := draftScript.Run(ctx, l.rdb, []string{h.keys.batch}, h.Token, claim.entries(), -claim.delta[Queued], unfired).Int()
	if err == nil && n == 0 {
		return ErrLost
	}
	return err
}

// Fire claims what was drafted. Outcomes and counters say queued all the same, until the owner's next Commit. It reports whether that was granted and the job's control word, as Commit does; ErrLost when the
// batch is another's by now. After any other error the caller fires again: it can't know whether it is claimed. A draft whose
// claim was not granted may be taken for claimed by others until the owner's next Commit, which has Drafted set.
func (l *Ledger) Fire(ctx context.Context, h *Held) (granted bool, ctl Control, err error) {
	var fired *redis.IntCmd
	var order *redis.SliceCmd
	_, err = l.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		fired = p.HIncrBy(ctx, h.keys.batch, "fired:"+h.Token, 1)
		order = p.HMGet(ctx, h.keys.counts, "ctl", "from")
		return nil
	})
	if err != nil {
		return false, "", err
	}
	if fired.Val() <= unfired { // the draft is gone
		return false, "", ErrLost
	}
	var o struct {
		Control string `redis:"ctl"`
		From    int    `redis:"from"`
	}
	if err := order.Scan(&o); err != nil {
		return false, "", err
	}
	ctl = Control(o.Control)
	if ctl == Run && h.Via < o.From {
		ctl = Moved
	}
	return ctl == Run, ctl, nil
}

// Jottable reports whether Jot can write c down: after it all who are not queued any more are in one state.
func (c *Commit) Jottable() bool {
	_, ok := c.Records.delta.move()
	return ok && c.Claims.Empty() && c.Via < 0
}

// Jot writes down what came of a call whose claim was fired, which c, a Jottable one with Drafted set, is to record later. So whoever takes the
// batch over finds it. After an error the caller jots again. It is in vain when the batch is another's by now.
func (l *Ledger) Jot(ctx context.Context, h *Held, c *Commit) error {
	to, _ := c.Records.delta.move()
	n := -c.Records.delta[Queued]
	_, err := l.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		return p.HSet(ctx, h.keys.batch, "jot", c.Records.entries(), "jot.state", to.String(), "drafted", n, "jot.side", c.Side, "jot.at", c.SideAt).Err()
	})
	return err
}

// move returns the state that recipients come into who all were queued; false when they come into several, or from others.
func (c *Counts) move() (to State, ok bool) {
	for s, n := range c {
		if n == 0 || State(s) == Queued {
			continue
		}
		if ok || n != -c[Queued] {
			return 0, false
		}
		to, ok = State(s), true
	}
	return to, ok
}
