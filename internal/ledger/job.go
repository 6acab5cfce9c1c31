package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// Spec is what a job is. It is written once and never changed, but for At, which Reschedule may move, and for the accounts,
// which Reroute adds to.
type Spec struct {
	ID string `json:"id"`
	// Format is the version of the program that made the job, see Format; 0 is the first. Begin sets it.
	Format int `json:"format,omitempty"`
	// Via is the account or route as the producer named it, Accounts what it stood for then, in the order of use. With
	// Legs they are those of one leg after the other.
	Via      string   `json:"via"`
	Accounts []string `json:"accounts"`
	Legs     []Leg    `json:"legs,omitempty"`
	// Shards are how many queues the accounts had when the job was made, of those that had more than one.
	Shards map[string]int `json:"shards,omitempty"`
	From   string         `json:"from,omitempty"`
	// Text is the text or template; empty for a binary message.
	Text    string `json:"text,omitempty"`
	UDH     []byte `json:"udh,omitempty"`
	Payload []byte `json:"payload,omitempty"`
	// Fields name the recipients' values, in their order.
	Fields []string `json:"fields,omitempty"`
	Label  string   `json:"label,omitempty"`
	// By is who enqueued it, as the producer says; may be empty.
	By string `json:"by,omitempty"`
	// Priority is above 0 for urgent jobs, below for bulk.
	Priority int `json:"priority,omitempty"`
	// ResendUnknown makes of what may have been sent what was not: at least once instead of at most once.
	ResendUnknown bool `json:"resend_unknown,omitempty"`
	// Flash, ValidFor (in milliseconds) and AtGateway are wishes that only some gateways know. With AtGateway sending
	// starts at once, and the gateway is told At.
	Flash     bool  `json:"flash,omitempty"`
	ValidFor  int64 `json:"valid_for,omitempty"`
	AtGateway bool  `json:"at_gateway,omitempty"`
	// Created and At are in milliseconds since 1970; At is when sending may start, 0 for at once.
	Created int64 `json:"created"`
	At      int64 `json:"at,omitempty"`
	// Time is nil for a job without further rules.
	Time *TimeRules `json:"time,omitempty"`
	// Trace is the producer's span, as a W3C traceparent; may be empty.
	Trace string `json:"trace,omitempty"`
	// Hook is nil for a job whose producer is told nothing.
	Hook *Hook `json:"hook,omitempty"`
}

// Receipt is what a producer was told when its job was sealed.
type Receipt struct {
	Total        int64     `json:"total"`
	Queued       int64     `json:"queued"`
	Refused      []Refused `json:"refused,omitempty"`
	RefusedCount int64     `json:"refused_count"`
	Duplicates   int64     `json:"duplicates"`
	Batches      int       `json:"batches"`
}

// Job is a job and how far it has come.
type Job struct {
	Spec Spec
	// Sealed is the fingerprint of all of it; empty while it is still being written.
	Sealed  string
	Receipt Receipt
	// Batches is how many there are, Fed how many have been put on the queue, Done how many have nothing left to send.
	Batches, Fed, Done int
	Control            Control
	// From is the index of the first account that batches are sent through: above 0 when the job was re-routed.
	From int
	// Reason is why somebody set the control word; may be empty.
	Reason string
	// Begun is true once sending has started, so that Spec.At can't be moved by Reschedule any more.
	Begun bool
	// Completed is when the last recipient got an outcome; zero when that has not happened.
	Completed time.Time
	// Gone is true when Remove left no more of the job than its idempotency key needs.
	Gone bool
}

// Fingerprint is what tells one content from another.
type Fingerprint = [FingerprintLen]byte

// Begin creates the job spec describes, unless key, when not empty, already stands for another: then that job is
// returned, and spec.ID is not used. ErrConflict when that job was begun with another fingerprint.
//
// ttl is how long the key is kept.
func (l *Ledger) Begin(ctx context.Context, key string, ttl time.Duration, spec Spec, fp Fingerprint) (Job, error) {
	if key != "" {
		id, err := l.claimKey(ctx, key, spec.ID, ttl)
		if err != nil {
			return Job{}, err
		}
		spec.ID = id
	}
	spec.Format = stamp()
	packed, err := json.Marshal(spec)
	if err != nil {
		return Job{}, fmt.Errorf("ledger: %w", err)
	}
	got, err := beginScript.Run(ctx, l.rdb, []string{jobKey(spec.ID)}, fp[:], packed, key, MaxUnsealed.Milliseconds()).StringSlice()
	if err != nil {
		return Job{}, err
	}
	if len(got) == 0 {
		return Job{Spec: spec}, nil
	}
	if got[0] != string(fp[:]) {
		return Job{}, ErrConflict
	}
	return l.Job(ctx, spec.ID)
}

func (l *Ledger) claimKey(ctx context.Context, key, job string, ttl time.Duration) (string, error) {
	for {
		ok, err := l.rdb.SetNX(ctx, keyKey(key), job, ttl).Result()
		if err != nil || ok {
			return job, err
		}
		have, err := l.rdb.Get(ctx, keyKey(key)).Result()
		if !errors.Is(err, redis.Nil) {
			return have, err
		}
	}
}

// JobOfKey returns the ID of the job that key stands for; ErrNotFound when it is free.
func (l *Ledger) JobOfKey(ctx context.Context, key string) (string, error) {
	id, err := l.rdb.Get(ctx, keyKey(key)).Result()
	if errors.Is(err, redis.Nil) {
		return "", ErrNotFound
	}
	return id, err
}

// PackedBatch is a batch ready to be written.
type PackedBatch struct {
	Number int
	// Via is an index into the job's accounts: the first of the batch's leg.
	Via             int
	Packed          []byte
	Queued, Refused int
}

// Put writes batches of a job that is not sealed, in one round trip. Writing the same again changes nothing; ErrConflict
// when another content is there.
func (l *Ledger) Put(ctx context.Context, spec Spec, batches []PackedBatch) error {
	cmds, err := l.evalAll(ctx, putScript, len(batches), func(i int) ([]string, []any) {
		b := &batches[i]
		k := keysOf(spec.ID, b.Number)
		return []string{k.recipients, k.batch}, []any{b.Packed, batchHeader, b.Via}
	}, func(pipe redis.Pipeliner) {
		pipe.ZAddNX(ctx, keyLive, redis.Z{Score: float64(spec.Created), Member: spec.ID})
	})
	if err != nil {
		return err
	}
	for _, c := range cmds {
		if n, err := c.Int(); err != nil {
			return err
		} else if n < 0 {
			return ErrConflict
		}
	}
	return nil
}

// Tally is how many recipients of a job, by shard, were queued and refused.
type Tally [Shards]struct{ Queued, Rejected int64 }

// Add counts a batch.
func (t *Tally) Add(batch, queued, rejected int) {
	t[batch%Shards].Queued += int64(queued)
	t[batch%Shards].Rejected += int64(rejected)
}

// Seal ends the writing of a job, after which it may be sent. Doing it again with the same content repairs what a crash
// may have left undone, and changes nothing else. It reports whether this call was the first; ErrConflict when the job
// was sealed with another content.
func (l *Ledger) Seal(ctx context.Context, spec Spec, fp Fingerprint, r Receipt, t *Tally) (bool, error) {
	packed, err := json.Marshal(r)
	if err != nil {
		return false, fmt.Errorf("ledger: %w", err)
	}
	n, err := sealScript.Run(ctx, l.rdb, []string{jobKey(spec.ID)}, fp[:], r.Batches, packed).Int()
	switch {
	case err != nil:
		return false, err
	case n == -1:
		return false, ErrConflict
	case n == -2:
		return false, ErrNotFound
	}
	_, err = l.evalAll(ctx, openScript, min(r.Batches, Shards), func(s int) ([]string, []any) {
		return []string{countsKey(spec.ID, s)}, []any{t[s].Queued, t[s].Rejected}
	}, func(pipe redis.Pipeliner) {
		pipe.ZAdd(ctx, keyJobs, redis.Z{Score: float64(spec.Created), Member: spec.ID})
		spec.list(ctx, pipe)
		if spec.Hook != nil {
			pipe.ZAddNX(ctx, HookAgenda, redis.Z{Score: float64(spec.Created), Member: spec.ID})
		}
	})
	return n == 1, err
}

// Discard removes a job that was not sealed, with its first n batches and its key.
func (l *Ledger) Discard(ctx context.Context, job, key string, n int) error {
	pipe := l.rdb.Pipeline()
	if key != "" {
		pipe.Del(ctx, keyKey(key))
	}
	for b := range n {
		k := keysOf(job, b)
		pipe.Unlink(ctx, k.recipients, k.batch)
	}
	pipe.Del(ctx, jobKey(job))
	pipe.ZRem(ctx, keyLive, job)
	_, err := pipe.Exec(ctx)
	return err
}

var jobFields = []string{"spec", "sealed", "receipt", "batches", "fed", "done", "ctl", "reason", "completed", "at", "begun", "gone", "from"}

// Job returns a job; ErrNotFound when there is none, ErrNewer when it is not for this program.
func (l *Ledger) Job(ctx context.Context, id string) (Job, error) {
	v, err := l.rdb.HMGet(ctx, jobKey(id), jobFields...).Result()
	if err != nil {
		return Job{}, err
	}
	return parseJob(v)
}

// TraceOf returns a job's Spec.Trace; it is empty as well when there is no such job.
func (l *Ledger) TraceOf(ctx context.Context, id string) (string, error) {
	j, err := l.Job(ctx, id)
	if errors.Is(err, ErrNotFound) {
		return "", nil
	}
	return j.Spec.Trace, err
}

func parseJob(v []any) (Job, error) {
	var j Job
	spec, ok := v[0].(string)
	if !ok {
		return j, ErrNotFound
	}
	if err := json.Unmarshal([]byte(spec), &j.Spec); err != nil {
		return j, fmt.Errorf("ledger: the job can't be read: %w", err)
	}
	if err := j.Spec.known(); err != nil {
		return j, err
	}
	j.Sealed, _ = v[1].(string)
	if s, ok := v[2].(string); ok {
		if err := json.Unmarshal([]byte(s), &j.Receipt); err != nil {
			return j, fmt.Errorf("ledger: the job's receipt can't be read: %w", err)
		}
	}
	j.Batches, j.Fed, j.Done = int(parseInt(v[3])), int(parseInt(v[4])), int(parseInt(v[5]))
	ctl, _ := v[6].(string)
	j.Control = Control(ctl)
	j.Reason, _ = v[7].(string)
	if v[8] != nil {
		j.Completed = time.UnixMilli(parseInt(v[8]))
	}
	if v[9] != nil {
		j.Spec.At = parseInt(v[9])
	}
	j.Begun = v[10] != nil || j.Fed > 0
	j.Gone = v[11] != nil
	j.From = int(parseInt(v[12]))
	return j, nil
}

// State returns the word of the outward interface for how far a job has come by now.
func (j *Job) State(now time.Time) string {
	switch {
	case j.Control == Withdrawn:
		return "cancelled"
	case !j.Completed.IsZero():
		return "completed"
	case j.Control == Paused:
		return "paused"
	case j.Fed > 0:
		return "running"
	case j.Spec.At > now.UnixMilli():
		return "scheduled"
	}
	return "queued"
}

// Recent returns the IDs of the n newest jobs, the newest first; of all with n = 0.
func (l *Ledger) Recent(ctx context.Context, n int) ([]string, error) {
	return l.rdb.ZRevRange(ctx, keyJobs, 0, int64(n)-1).Result()
}

// Live returns the IDs of the jobs that have not completed, the oldest first.
func (l *Ledger) Live(ctx context.Context) ([]string, error) {
	return l.rdb.ZRange(ctx, keyLive, 0, -1).Result()
}

// LiveCount is how many jobs have not completed.
func (l *Ledger) LiveCount(ctx context.Context) (int64, error) {
	return l.rdb.ZCard(ctx, keyLive).Result()
}

// Counts adds up a job's recipients by state.
func (l *Ledger) Counts(ctx context.Context, job string) (Counts, error) {
	pipe := l.rdb.Pipeline()
	cmds := make([]*redis.MapStringStringCmd, Shards)
	for s := range cmds {
		cmds[s] = pipe.HGetAll(ctx, countsKey(job, s))
	}
	var c Counts
	if _, err := pipe.Exec(ctx); err != nil {
		return c, err
	}
	for _, cmd := range cmds {
		c.add(cmd.Val())
	}
	return c, nil
}

// Progress is how far a job is after one of its batches has finished.
type Progress struct {
	Done, Batches, Fed int
	// Ended is true for the one call that completed the job.
	Ended bool
}

// Finish notes that a batch has nothing left to send. Doing it again changes nothing. ErrNotFound when there is no such
// job, or it is not sealed; nothing is written then.
func (l *Ledger) Finish(ctx context.Context, job string, batch int, now time.Time) (Progress, error) {
	p, _, err := l.FinishAll(ctx, job, []Finished{{Batch: batch}}, now)
	return p, err
}

// Finished is a batch that has nothing left to send.
type Finished struct {
	Batch int
	// Next is set by who can go on with another batch of the job: it is given the first that has not been put on the queue, if
	// there is one, and nobody else is. Whoever dies before it has taken that one leaves it to the sweep.
	Next bool
}

// FinishAll is Finish for some batches of a job at once. following has the batch that is to be gone on with for each of them; 0 is
// none.
func (l *Ledger) FinishAll(ctx context.Context, job string, batches []Finished, now time.Time) (p Progress, following []int, err error) {
	argv := make([]any, 0, 1+2*len(batches))
	argv = append(argv, now.UnixMilli())
	for _, b := range batches {
		argv = append(argv, b.Batch, b.Next)
	}
	v, err := finishScript.Run(ctx, l.rdb, []string{jobKey(job), doneKey(job)}, argv...).Int64Slice()
	if err != nil {
		return p, nil, err
	}
	if len(v) == 0 {
		return p, nil, ErrNotFound
	}
	p = Progress{Done: int(v[0]), Batches: int(v[1]), Fed: int(v[2]), Ended: v[3] == 1}
	for _, b := range v[4:] {
		following = append(following, int(b))
	}
	if p.Done >= p.Batches {
		// Repeated by every later call, so that a crash in between leaves no completed job in the list.
		pipe := l.rdb.Pipeline()
		pipe.ZRem(ctx, keyLive, job)
		hasten(ctx, pipe, job, now)
		_, err = pipe.Exec(ctx)
	}
	return p, following, err
}

// SetFed notes that the batches below n are on the queue, and returns where that cursor was. It never goes back. The batches in
// between are for the caller to put there, and nobody else does; if it dies before, the sweep does.
func (l *Ledger) SetFed(ctx context.Context, job string, n int) (from int, err error) {
	return fedScript.Run(ctx, l.rdb, []string{jobKey(job)}, n).Int()
}
