package worker

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"
)

// joined returns a client that sends what many goroutines ask for at the same time in one round trip. Where the
// connection can't do that, it is returned as it is.
func joined(c redis.UniversalClient) (redis.UniversalClient, error) {
	if p, ok := c.(interface {
		AutoPipeline() (*redis.AutoPipeliner, error)
	}); ok {
		return p.AutoPipeline()
	}
	return c, nil
}

// reviveAcks mends asynq's acknowledgements. asynq repeats one that met a network error with a context that it has
// cancelled by then, so that the repetition fails at once, and a minute later the task is run again. Scripts whose
// context is cancelled get a fresh one. The client must serve nothing but asynq servers.
type reviveAcks struct{ redis.UniversalClient }

const ackTimeout = 3 * time.Second

func revived(ctx context.Context) (context.Context, context.CancelFunc) {
	if errors.Is(ctx.Err(), context.Canceled) {
		return context.WithTimeout(context.WithoutCancel(ctx), ackTimeout)
	}
	return ctx, func() {}
}

// Eval runs a script.
func (r reviveAcks) Eval(ctx context.Context, script string, keys []string, args ...any) *redis.Cmd {
	ctx, cancel := revived(ctx)
	defer cancel()
	return r.UniversalClient.Eval(ctx, script, keys, args...)
}

// EvalSha runs a script that the server knows.
func (r reviveAcks) EvalSha(ctx context.Context, sha1 string, keys []string, args ...any) *redis.Cmd {
	ctx, cancel := revived(ctx)
	defer cancel()
	return r.UniversalClient.EvalSha(ctx, sha1, keys, args...)
}
