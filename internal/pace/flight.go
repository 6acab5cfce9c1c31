package pace

import (
	"context"
	"math/rand/v2"
	"time"
)

// lookAgain is how often a place is asked for that other processes have.
const lookAgain = 20 * time.Millisecond

// Enter waits for a place among the calls in flight and takes it for token, for ttl at most: a process that dies gives
// its places back when its calls must have ended. Enter with a token that has a place prolongs it.
func (p *Pacer) Enter(ctx context.Context, token string, ttl time.Duration) error {
	if p == nil || p.limits.InFlight <= 0 {
		return nil
	}
	for {
		ok, err := enterScript.Run(ctx, p.rdb, []string{p.flight}, p.limits.InFlight, token, ttl.Milliseconds()).Bool()
		if err != nil || ok {
			return err
		}
		select {
		case <-time.After(lookAgain/2 + rand.N(lookAgain)):
		case <-p.left:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Leave gives token's place back. When it fails the place comes free by itself.
func (p *Pacer) Leave(ctx context.Context, token string) error {
	if p == nil || p.limits.InFlight <= 0 {
		return nil
	}
	err := p.rdb.ZRem(ctx, p.flight, token).Err()
	select {
	case p.left <- struct{}{}:
	default:
	}
	return err
}
