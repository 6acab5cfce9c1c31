package signin

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// tries counts attempts to sign in, over all processes that share a Redis.
type tries struct{ rdb redis.UniversalClient }

// window is the time for which attempts are counted together.
const window = 15 * time.Minute

// How many attempts there may be in a window: at one name from one place, from one place, and at one name.
const (
	maxPair  = 5
	maxPlace = 30
	maxName  = 100
)

// keysOf are the counters of an attempt. Names are not in them as they are: some people type their password there.
func (t tries) keysOf(now time.Time, from, name string) [3]string {
	of := func(kind, what string) string {
		sum := sha256.Sum256([]byte(kind + "\x00" + what))
		return "volley:tries:" + strconv.FormatInt(now.Unix()/int64(window.Seconds()), 10) + ":" + hex.EncodeToString(sum[:12])
	}
	return [3]string{of("pair", from+"\x00"+name), of("place", from), of("name", name)}
}

// count counts an attempt, and returns ErrTooMany when it is one too many.
func (t tries) count(ctx context.Context, now time.Time, from, name string) error {
	pipe := t.rdb.Pipeline()
	var n [3]*redis.IntCmd
	for i, k := range t.keysOf(now, from, name) {
		n[i] = pipe.Incr(ctx, k)
		pipe.Expire(ctx, k, 2*window)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return err
	}
	if n[0].Val() > maxPair || n[1].Val() > maxPlace || n[2].Val() > maxName {
		return ErrTooMany
	}
	return nil
}

// forget takes back an attempt that was right, and those before it at the name from the place.
func (t tries) forget(ctx context.Context, now time.Time, from, name string) error {
	k := t.keysOf(now, from, name)
	pipe := t.rdb.Pipeline()
	pipe.Del(ctx, k[0])
	pipe.Decr(ctx, k[1])
	pipe.Decr(ctx, k[2])
	_, err := pipe.Exec(ctx)
	return err
}
