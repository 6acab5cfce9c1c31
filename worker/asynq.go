package worker

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/redis/go-redis/v9"
)

// reviveAcks mends asynq's acknowledgements. asynq repeats one that met a network error with a context that it has
// cancelled by then, so that the repetition fails at once, and a minute later the task is run again. Scripts whose
// context is cancelled get a fresh one. The client must serve nothing but asynq servers.
type reviveAcks struct{}

const ackTimeout = 3 * time.Second

func (reviveAcks) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

func (reviveAcks) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if errors.Is(ctx.Err(), context.Canceled) && (cmd.Name() == "eval" || cmd.Name() == "evalsha") {
			fresh, cancel := context.WithTimeout(context.WithoutCancel(ctx), ackTimeout)
			defer cancel()
			ctx = fresh
		}
		return next(ctx, cmd)
	}
}

func (reviveAcks) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// backError sends a task back to its queue, to be taken again after a pause. It is no failure: nothing is counted, and
// the task is never archived.
type backError struct{ pause time.Duration }

func (e *backError) Error() string { return "back to the queue" }

// pauseOf is how long asynq keeps a task whose handler returned err. asynq cuts to whole seconds, so one is added.
func pauseOf(_ int, err error) time.Duration {
	var b *backError
	if errors.As(err, &b) && b.pause <= 0 {
		return 0
	}
	if b != nil {
		return b.pause + time.Second
	}
	return 5 * time.Second
}
