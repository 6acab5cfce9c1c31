package enqueue

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/redis/go-redis/v9"

	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/internal/redisx"
)

// Errors that callers tell apart with errors.Is.
var (
	// ErrNoRecipients: no recipient was valid, and so nothing was enqueued. The Receipt beside it tells each reason.
	ErrNoRecipients = errors.New("no valid recipient: nothing was enqueued")
	// ErrKeyConflict: the idempotency key stands for a job with another content. Nothing was enqueued.
	ErrKeyConflict = ledger.ErrConflict
	// ErrNotFound: there is no such job.
	ErrNotFound = ledger.ErrNotFound
	// ErrNewer: the job was made by a later version of Volley, and this one leaves it alone.
	ErrNewer = ledger.ErrNewer
	// ErrUnreachable: Redis does not answer. With an idempotency key the same call can be repeated later.
	ErrUnreachable = redisx.ErrUnreachable
	// ErrEvicting: Redis has a maxmemory-policy that may throw queued messages away.
	ErrEvicting = redisx.ErrEvicting
	// ErrFull: Redis has used nearly all of its maxmemory. What is queued is sent all the
	// same; with an idempotency key the same call can be repeated later.
	ErrFull = redisx.ErrFull
	// ErrBroken is for a stream of recipients to end with, wrapped around the reason, when reading it once more would end the
	// same way.
	ErrBroken = errors.New("the recipients can't be read")
)

// InvalidError says which part of a job is not acceptable, and why. Nothing was enqueued.
type InvalidError struct {
	// Field is the name of the Job's field, in lower case.
	Field  string
	Reason string
}

// Error returns "text: must not be empty".
func (e *InvalidError) Error() string { return e.Field + ": " + e.Reason }

func invalid(field, format string, args ...any) error {
	return &InvalidError{Field: field, Reason: fmt.Sprintf(format, args...)}
}

// reached marks what went wrong on the way to Redis, and not in it, as ErrUnreachable. What ctx ended is left as it is.
func reached(ctx context.Context, err error) error {
	if err == nil || ctx.Err() != nil || errors.Is(err, ErrUnreachable) {
		return err
	}
	if redis.HasErrorPrefix(err, "OOM") {
		return fmt.Errorf("%w: it refuses to store more; raise its maxmemory, and try again", ErrFull)
	}
	var wire net.Error
	if errors.As(err, &wire) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, redis.ErrPoolTimeout) {
		return fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	return err
}
