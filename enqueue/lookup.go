package enqueue

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// keyHash is how the ledger knows an idempotency key.
func keyHash(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:16])
}

// KeyState is what an idempotency key stands for.
type KeyState struct {
	JobID string
	// Begun is when the job was first asked for.
	Begun time.Time
	// Complete is false for a job whose stream has not come to its end: nothing of it is sent, and the same call with the same
	// key goes on with it.
	Complete bool
}

// LookupKey returns what an idempotency key stands for; ErrNotFound when it is free.
func (c *Client) LookupKey(ctx context.Context, key string) (KeyState, error) {
	if err := c.Check(ctx); err != nil {
		return KeyState{}, err
	}
	id, err := c.ledger.JobOfKey(ctx, keyHash(key))
	if err != nil {
		return KeyState{}, reached(ctx, err)
	}
	j, err := c.ledger.Job(ctx, id)
	if err != nil {
		return KeyState{}, reached(ctx, err)
	}
	return KeyState{JobID: id, Begun: time.UnixMilli(j.Spec.Created).UTC(), Complete: j.Sealed != ""}, nil
}

// JobOfKey returns the ID of the job that an idempotency key stands for; ErrNotFound when there is none, or its stream has
// not come to its end.
func (c *Client) JobOfKey(ctx context.Context, key string) (jobID string, err error) {
	k, err := c.LookupKey(ctx, key)
	if err == nil && !k.Complete {
		err = ErrNotFound
	}
	return k.JobID, err
}
