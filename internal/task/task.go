// Package task is what is on the asynq queues: which batch of which job, and nothing about people.
package task

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
)

// Type is the type of every task that asks for a batch to be sent.
const Type = "volley:batch"

// Ref names a batch.
type Ref struct {
	Job   string
	Batch int
}

// ID is the task's deterministic ID: a batch is on a queue at most once.
func (r Ref) ID() string { return r.Job + ":" + strconv.Itoa(r.Batch) }

const version = "1"

// Parse reads a task's payload.
func Parse(payload []byte) (Ref, error) {
	v, rest, _ := strings.Cut(string(payload), " ")
	if v != version {
		return Ref{}, errors.New("task: unknown version of payload")
	}
	job, n, _ := strings.Cut(rest, " ")
	b, err := strconv.Atoi(n)
	if err != nil || b < 0 || job == "" || len(job) > 64 {
		return Ref{}, errors.New("task: unreadable payload")
	}
	return Ref{job, b}, nil
}

// Payload is the inverse of Parse.
func (r Ref) Payload() []byte {
	return []byte(version + " " + r.Job + " " + strconv.Itoa(r.Batch))
}

// Priorities are those that an account has a queue for, the most urgent first.
var Priorities = []int{1, 0, -1}

// Queue is the asynq queue of an account's jobs of a priority: above 0 urgent, below 0 bulk.
func Queue(account string, priority int) string {
	switch {
	case priority > 0:
		return "volley." + account + ".urgent"
	case priority < 0:
		return "volley." + account + ".bulk"
	}
	return "volley." + account
}

const (
	// maxRetry leaves the counting of attempts to the ledger: asynq must never archive a batch.
	maxRetry = 1 << 30
	// Timeout is when asynq gives a handler up. Handlers return long before.
	Timeout = 6 * time.Hour
)

// Put puts the batch on a queue, to be taken at or after at; the zero time means at once. That it is there already is no
// error.
func Put(ctx context.Context, c *asynq.Client, queue string, r Ref, at time.Time) error {
	return put(ctx, c, queue, r, r.ID(), at)
}

// Ahead is how long before its time a worker is given a scheduled batch, to have it ready by then.
const Ahead = 8 * time.Second

// PutAhead puts the batch on a queue for a worker that is to have it ready at a moment; the zero time means at once. That it
// is there already is no error.
func PutAhead(ctx context.Context, c *asynq.Client, queue string, r Ref, due time.Time) error {
	if !due.IsZero() {
		due = due.Add(-Ahead)
	}
	return put(ctx, c, queue, r, r.ID(), due)
}

// PutBeside puts the batch on a queue at once although a task for it may be there that nobody works on. mark tells it from
// that one: with the same mark it is put once.
func PutBeside(ctx context.Context, c *asynq.Client, queue string, r Ref, mark string) error {
	return put(ctx, c, queue, r, r.ID()+"~"+mark, time.Time{})
}

func put(ctx context.Context, c *asynq.Client, queue string, r Ref, id string, at time.Time) error {
	opts := []asynq.Option{
		asynq.Queue(queue), asynq.TaskID(id), asynq.MaxRetry(maxRetry), asynq.Timeout(Timeout),
	}
	if !at.IsZero() {
		opts = append(opts, asynq.ProcessAt(at))
	}
	_, err := c.EnqueueContext(ctx, asynq.NewTask(Type, r.Payload(), opts...))
	if errors.Is(err, asynq.ErrTaskIDConflict) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("put batch %d on the queue %s: %w", r.Batch, queue, err)
	}
	return nil
}

// State is what asynq knows of a task.
type State struct {
	// Word is asynq's name of the state; empty when there is no task.
	Word string
	// Lease is until when an active task is its worker's, in seconds since 1970 by the clock of that worker, which moves it
	// on every five seconds. It is 0 for other tasks.
	Lease int64
}

// States returns the state of each batch's task, by its queue and ID.
func States(ctx context.Context, rdb redis.UniversalClient, queues []string, refs []Ref) ([]State, error) {
	pipe := rdb.Pipeline()
	words, leases := make([]*redis.StringCmd, len(refs)), make([]*redis.FloatCmd, len(refs))
	for i, r := range refs {
		words[i] = pipe.HGet(ctx, "asynq:{"+queues[i]+"}:t:"+r.ID(), "state")
		leases[i] = pipe.ZScore(ctx, "asynq:{"+queues[i]+"}:lease", r.ID())
	}
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return nil, err
	}
	out := make([]State, len(refs))
	for i := range out {
		out[i] = State{words[i].Val(), int64(leases[i].Val())}
	}
	return out, nil
}

// Active reports whether a worker was given the task.
func (s State) Active() bool { return s.Word == "active" }

// GivenUp reports whether asynq will not hand out the task of its own accord.
func (s State) GivenUp() bool { return s.Word == "archived" || s.Word == "completed" }

// Waits reports whether asynq will hand the task out again, as its last worker asked it to.
func (s State) Waits() bool { return s.Word == "retry" }

// Readable reports of each batch's task whether Parse can read its payload. A task that is not there is readable.
func Readable(ctx context.Context, rdb redis.UniversalClient, queues []string, refs []Ref) ([]bool, error) {
	pipe := rdb.Pipeline()
	cmds := make([]*redis.StringCmd, len(refs))
	for i, r := range refs {
		cmds[i] = pipe.HGet(ctx, "asynq:{"+queues[i]+"}:t:"+r.ID(), "msg")
	}
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return nil, err
	}
	out := make([]bool, len(refs))
	for i, c := range cmds {
		// asynq's message has the payload in it as it is.
		out[i] = c.Val() == "" || strings.Contains(c.Val(), string(refs[i].Payload()))
	}
	return out, nil
}

// Drop removes a task that asynq has given up, so that its ID is free.
func Drop(i *asynq.Inspector, queue string, r Ref) error {
	err := i.DeleteTask(queue, r.ID())
	if errors.Is(err, asynq.ErrTaskNotFound) || errors.Is(err, asynq.ErrQueueNotFound) {
		return nil
	}
	return err
}

// Depths returns how many tasks of each account are on its queues: waiting, due later, or with a worker. shards are how many
// queues an account has for each priority, where it has more than one. It takes one round trip.
func Depths(ctx context.Context, rdb redis.UniversalClient, accounts []string, shards map[string]int) ([]int64, error) {
	out := make([]int64, len(accounts))
	if len(accounts) == 0 {
		return out, nil
	}
	pipe := rdb.Pipeline()
	cmds := make([][]*redis.IntCmd, len(accounts))
	for i, a := range accounts {
		for _, p := range Priorities {
			for _, q := range Queues(a, p, shards[a]) {
				key := "asynq:{" + q + "}:"
				cmds[i] = append(cmds[i], pipe.LLen(ctx, key+"pending"), pipe.LLen(ctx, key+"active"),
					pipe.ZCard(ctx, key+"scheduled"), pipe.ZCard(ctx, key+"retry"))
			}
		}
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, err
	}
	for i := range cmds {
		for _, c := range cmds[i] {
			out[i] += c.Val()
		}
	}
	return out, nil
}

// BackAt returns when asynq hands out the task of a batch again that its last worker sent back; the zero time when it was not.
func BackAt(ctx context.Context, rdb redis.UniversalClient, queue string, r Ref) (time.Time, error) {
	s, err := rdb.ZScore(ctx, "asynq:{"+queue+"}:retry", r.ID()).Result()
	if errors.Is(err, redis.Nil) {
		return time.Time{}, nil
	}
	return time.Unix(int64(s), 0), err
}
