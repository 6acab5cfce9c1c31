package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// Held is a batch as its new owner finds it.
type Held struct {
	Job   string
	Batch int
	// Token is the owner's mark; every Commit carries it.
	Token string
	// Via is an index into the job's accounts: the one that the batch is with.
	Via int
	// Was is the one that it was with before; another than Via when the job was re-routed, and nobody has had the batch since.
	Was     int
	Control Control
	// Recipients are decoded, Records are by the same positions.
	Recipients []Recipient
	Records    []Record
	Side       *Side
	// Round is how often recipients of the batch were queued again. The addresses for reports carry it, so that a late
	// report of an earlier attempt is known as such.
	Round int

	keys   batchKeys
	memory *heldMemory
}

// heldMemory is what a batch that is held takes up, kept for the next one.
type heldMemory struct {
	batch   Batch
	records []Record
}

var heldPool = sync.Pool{New: func() any { return &heldMemory{} }}

// Free gives the memory of Recipients and Records back, once nobody looks at them any more. It is no part of giving up the
// batch, and may be left out.
func (h *Held) Free() {
	if h.memory != nil {
		heldPool.Put(h.memory)
		h.memory, h.Recipients, h.Records = nil, nil, nil
	}
}

// Take makes token the only owner of a batch. When another owns it, Take fails with ErrLost and returns the owner's
// token as held.Token; a caller that knows that owner to be dead passes it as dead and takes over. What the dead one
// had claimed is found in state Sending, and what it had jotted down is found as that.
func (l *Ledger) Take(ctx context.Context, job string, batch int, token, dead string) (held Held, err error) {
	k := keysOf(job, batch)
	v, err := takeScript.Run(ctx, l.rdb, []string{k.batch, k.recipients, k.outcomes, k.side, k.counts, k.reports}, token, dead, unfired).Slice()
	if err != nil {
		return held, err
	}
	switch code, _ := v[0].(int64); code {
	case 0:
		owner, _ := v[1].(string)
		return Held{Token: owner}, ErrLost
	case -1:
		return held, ErrNotFound
	}
	via, _ := v[1].(int64)
	ctl, _ := v[2].(string)
	packed, _ := v[3].(string)
	outcomes, _ := v[4].(string)
	side, _ := v[5].(string)
	head, _ := v[6].(string)
	was, _ := v[7].(int64)
	m := heldPool.Get().(*heldMemory)
	if err := m.batch.decode([]byte(packed)); err != nil {
		return held, fmt.Errorf("job %s, batch %d: %w", job, batch, err)
	}
	held = Held{Job: job, Batch: batch, Token: token, Via: int(via), Was: int(was), Control: Control(ctl), Recipients: m.batch.Recipients, keys: k, memory: m}
	if held.Records, err = readRecords(m.records, []byte(outcomes), len(held.Recipients)); err != nil {
		return held, fmt.Errorf("job %s, batch %d: %w", job, batch, err)
	}
	m.records = held.Records
	if held.Side, err = LoadSide([]byte(side)); err != nil {
		return held, fmt.Errorf("job %s, batch %d: %w", job, batch, err)
	}
	if len(head) > reportedHead {
		held.Round = int(head[reportedHead])
	}
	return held, nil
}

// Changes are records to be written, and what that does to the counters.
type Changes struct {
	delta     Counts
	stretches []stretch
}

// Set adds the change of position i from one record to another. Equal records of consecutive positions are written as
// one.
func (c *Changes) Set(i int, from State, to Record) { c.SetAll(i, 1, from, to) }

// SetAll is Set for n positions from first on, which all change from one state to the same record.
func (c *Changes) SetAll(first, n int, from State, to Record) {
	c.count(from, to.State, n)
	if k := len(c.stretches) - 1; k >= 0 {
		if s := &c.stretches[k]; s.first+s.n == first && s.rec == to {
			s.n += n
			return
		}
	}
	c.stretches = append(c.stretches, stretch{first: first, n: n, rec: to})
}

// Empty reports whether there is nothing to write.
func (c *Changes) Empty() bool { return len(c.stretches) == 0 }

// Precede puts changes before those that are in c.
func (c *Changes) Precede(first *Changes) {
	for s, d := range first.delta {
		c.delta[s] += d
	}
	c.stretches = append(slices.Clone(first.stretches), c.stretches...)
}

// count moves n recipients from one counter to another.
func (c *Changes) count(from, to State, n int) {
	c.delta[from] -= int64(n)
	c.delta[to] += int64(n)
}

func (c *Changes) entries() []byte {
	var b []byte
	for i := range c.stretches {
		b = c.stretches[i].appendTo(b)
	}
	return b
}

// appendDelta appends how many counters change, and then which, and by how much.
func (c *Changes) appendDelta(argv []any) []any {
	at := len(argv)
	argv = c.delta.appendChanges(append(argv, 0))
	argv[at] = (len(argv) - at) / 2
	return argv
}

// appendChanges appends the counters that are not zero, each with its name.
func (c *Counts) appendChanges(argv []any) []any {
	for s, d := range c {
		if d != 0 {
			argv = append(argv, State(s).String(), d)
		}
	}
	return argv
}

// Commit is one step of a batch's owner: Records are always written, Claims only while the job may run.
type Commit struct {
	// Seq numbers the owner's commits from 1. A commit that is sent again, because its answer was lost, is done once.
	Seq     uint64
	Records Changes
	Claims  Changes
	// Side is what Held.Side.Take returned when the records were made, SideAt its offset.
	Side   []byte
	SideAt int
	// Drafted ends the batch's draft, if it has one. When that was fired, Records begin with its claim.
	Drafted bool
	// Release gives the batch up.
	Release bool
	// Compact trims what the batch occupies; for the last commit of a finished batch. Outcomes, when not empty, are then
	// what PackRecords gives for all its records as they are after this commit.
	Compact  bool
	Outcomes []byte
	// Via moves the batch to another of the job's accounts; -1 leaves it.
	Via int
}

// Commit writes c. It reports whether the claims were granted and the job's control word; ErrLost when the batch is
// another's by now. The word is Moved when the batch is to be sent through another account, and its owner gives it up. After any other error the caller commits the same c again: it can't know whether it was written.
// Commits of one batch follow each other; of h, which Take returned, only what never changes is read.
func (l *Ledger) Commit(ctx context.Context, h *Held, c *Commit) (granted bool, ctl Control, err error) {
	k := &h.keys
	var flags string
	if c.Drafted {
		flags = "d"
	}
	if c.Release {
		flags += "r"
	}
	if c.Compact {
		flags += "c"
	}
	argv := make([]any, 0, 24)
	argv = append(argv, h.Token, c.Seq, flags, c.Via, c.SideAt, c.Side, c.Outcomes, c.Records.entries(), c.Claims.entries())
	argv = c.Records.appendDelta(argv)
	if !c.Claims.Empty() {
		both := c.Records.delta
		for s, d := range c.Claims.delta {
			both[s] += d
		}
		argv = both.appendChanges(argv)
	}
	v, err := commitScript.Run(ctx, l.rdb, []string{k.batch, k.outcomes, k.side, k.counts}, argv...).Slice()
	if err != nil {
		return false, "", err
	}
	code, _ := v[0].(int64)
	word, _ := v[1].(string)
	if code == -1 || code == -2 && !c.Release {
		return false, "", ErrLost
	}
	// Code -2 and a release: this very commit, whose answer was lost, gave the batch up.
	return code == 1, Control(word), nil
}

// Heartbeat says that a worker lives, for ttl, and returns how many do, and Redis' time of now.
func (l *Ledger) Heartbeat(ctx context.Context, worker string, ttl time.Duration) (living int, now time.Time, err error) {
	if err := l.rdb.Set(ctx, workerKey(worker), "1", ttl).Err(); err != nil {
		return 0, now, err
	}
	v, err := beatScript.Run(ctx, l.rdb, []string{keyWorkers}, worker, ttl.Milliseconds()).Int64Slice()
	if err != nil {
		return 0, now, err
	}
	return int(v[0]), time.UnixMilli(v[1]), nil
}

// Gone takes a worker off the list of the living.
func (l *Ledger) Gone(ctx context.Context, worker string) error {
	return errors.Join(l.rdb.Del(ctx, workerKey(worker)).Err(), l.rdb.ZRem(ctx, keyWorkers, worker).Err())
}

// Alive reports whether the worker that made token still lives.
func (l *Ledger) Alive(ctx context.Context, token string) (bool, error) {
	err := l.rdb.Get(ctx, workerKey(WorkerOf(token))).Err()
	if errors.Is(err, redis.Nil) {
		return false, nil
	}
	return err == nil, err
}

// WorkerOf returns the worker that made a token.
func WorkerOf(token string) string {
	worker, _, _ := strings.Cut(token, "/")
	return worker
}

// Workers returns the living workers.
func (l *Ledger) Workers(ctx context.Context) ([]string, error) {
	names, err := l.rdb.ZRange(ctx, keyWorkers, 0, -1).Result()
	if err != nil || len(names) == 0 {
		return nil, err
	}
	pipe := l.rdb.Pipeline()
	lives := make([]*redis.IntCmd, len(names))
	for i, name := range names {
		lives[i] = pipe.Exists(ctx, workerKey(name))
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, err
	}
	living := names[:0]
	for i, name := range names {
		if lives[i].Val() > 0 {
			living = append(living, name)
		}
	}
	return living, nil
}

func workerKey(worker string) string { return "volley:worker:" + worker }
