package enqueue

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
)

// keyHash is how the ledger knows an idempotency key.
func keyHash(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:16])
}

// JobOfKey returns the ID of the job that an idempotency key stands for; ErrNotFound when there is none, or its stream has
// not come to its end.
func (c *Client) JobOfKey(ctx context.Context, key string) (jobID string, err error) {
	if err := c.Check(ctx); err != nil {
		return "", err
	}
	id, err := c.ledger.JobOfKey(ctx, keyHash(key))
	if err != nil {
		return "", reached(ctx, err)
	}
	j, err := c.ledger.Job(ctx, id)
	if err != nil {
		return "", reached(ctx, err)
	}
	if j.Sealed == "" {
		return "", ErrNotFound
	}
	return id, nil
}
