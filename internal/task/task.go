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

// Queue is the asynq queue of an account.
func Queue(account string) string { return "volley." + account }

const (
	// maxRetry leaves the counting of attempts to the ledger: asynq must never archive a batch.
	maxRetry = 1 << 30
	// Timeout is when asynq gives a handler up. Handlers return long before.
	Timeout = 6 * time.Hour
)

// Put puts the batch on its account's queue, to be taken at or after at; the zero time means at once. That it is there
// already is no error.
func Put(ctx context.Context, c *asynq.Client, account string, r Ref, at time.Time) error {
	return put(ctx, c, account, r, r.ID(), at)
}

// PutBeside puts the batch on its account's queue at once although a task for it may be there that nobody works on. mark
// tells it from that one: with the same mark it is put once.
func PutBeside(ctx context.Context, c *asynq.Client, account string, r Ref, mark string) error {
	return put(ctx, c, account, r, r.ID()+"~"+mark, time.Time{})
}

func put(ctx context.Context, c *asynq.Client, account string, r Ref, id string, at time.Time) error {
	opts := []asynq.Option{
		asynq.Queue(Queue(account)), asynq.TaskID(id), asynq.MaxRetry(maxRetry), asynq.Timeout(Timeout),
	}
	if !at.IsZero() {
		opts = append(opts, asynq.ProcessAt(at))
	}
	_, err := c.EnqueueContext(ctx, asynq.NewTask(Type, r.Payload(), opts...))
	if errors.Is(err, asynq.ErrTaskIDConflict) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("put batch %d on the queue of %s: %w", r.Batch, account, err)
	}
	return nil
}

// States returns the asynq state of each batch's task, by its queue and ID; empty when there is none.
func States(ctx context.Context, rdb redis.UniversalClient, accounts []string, refs []Ref) ([]string, error) {
	pipe := rdb.Pipeline()
	cmds := make([]*redis.StringCmd, len(refs))
	for i, r := range refs {
		cmds[i] = pipe.HGet(ctx, "asynq:{"+Queue(accounts[i])+"}:t:"+r.ID(), "state")
	}
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return nil, err
	}
	out := make([]string, len(refs))
	for i, c := range cmds {
		out[i] = c.Val()
	}
	return out, nil
}

// GivenUp reports whether asynq will not hand out a task in the state of its own accord.
func GivenUp(state string) bool { return state == "archived" || state == "completed" }

// Drop removes a task that asynq has given up, so that its ID is free.
func Drop(i *asynq.Inspector, account string, r Ref) error {
	err := i.DeleteTask(Queue(account), r.ID())
	if errors.Is(err, asynq.ErrTaskNotFound) || errors.Is(err, asynq.ErrQueueNotFound) {
		return nil
	}
	return err
}
