package worker

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"
)

// reviveAcks mends asynq's acknowledgements. asynq repeats one that met a network error with a context that it has
// cancelled by then, so that the repetition fails at once, and a minute later the task is run again. Scripts whose
// context is cancelled get a fresh one; those whose deadline, the task's lease, has passed are not run. The client must
// serve nothing but asynq servers.
type reviveAcks struct{ redis.UniversalClient }

const ackTimeout = 3 * time.Second

// Eval runs a script.
func (r reviveAcks) Eval(ctx context.Context, script string, keys []string, args ...any) *redis.Cmd {
	return revive(ctx, func(ctx context.Context) *redis.Cmd { return r.UniversalClient.Eval(ctx, script, keys, args...) })
}

// EvalSha runs a script that the server knows.
func (r reviveAcks) EvalSha(ctx context.Context, sha1 string, keys []string, args ...any) *redis.Cmd {
	return revive(ctx, func(ctx context.Context) *redis.Cmd { return r.UniversalClient.EvalSha(ctx, sha1, keys, args...) })
}

func revive(ctx context.Context, run func(context.Context) *redis.Cmd) *redis.Cmd {
	switch err := ctx.Err(); {
	case errors.Is(err, context.Canceled):
		fresh, cancel := context.WithTimeout(context.WithoutCancel(ctx), ackTimeout)
		defer cancel()
		return run(fresh)
	case err != nil:
		cmd := redis.NewCmd(ctx)
		cmd.SetErr(err)
		return cmd
	}
	return run(ctx)
}
