package suppress

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// awaitEvery is how often Await looks.
const awaitEvery = 20 * time.Millisecond

// Await returns once what is on the lists counts with all followers of the names that living returns, which it asks again and
// again: they have read it, or what they had read before is believed no more, which is so after Believed.
func (l *Lists) Await(ctx context.Context, living func(context.Context) ([]string, error)) error {
	end := time.Now().Add(Believed)
	version, err := l.version(ctx)
	if err != nil {
		return err
	}
	for {
		names, err := living(ctx)
		if err != nil {
			return err
		}
		behind, err := l.behind(ctx, version, names)
		if err != nil || !behind || time.Now().After(end) {
			return err
		}
		select {
		case <-time.After(awaitEvery):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// behind reports whether one of the names has not read a version of the lists. What others told is forgotten.
func (l *Lists) behind(ctx context.Context, version uint64, names []string) (bool, error) {
	seen, err := l.rdb.HGetAll(ctx, keySeen).Result()
	if err != nil {
		return false, err
	}
	behind := false
	for _, name := range names {
		n, err := strconv.ParseUint(seen[name], 10, 64)
		behind = behind || err != nil || n < version
		delete(seen, name)
	}
	if len(seen) > 0 {
		err = l.rdb.HDel(ctx, keySeen, slices.Collect(maps.Keys(seen))...).Err()
	}
	return behind, err
}

// saw notes which version a follower has read.
func (l *Lists) saw(ctx context.Context, name string, version uint64) error {
	return l.rdb.HSet(ctx, keySeen, name, version).Err()
}

// version is how often anything has changed.
func (l *Lists) version(ctx context.Context) (uint64, error) {
	v, err := l.rdb.HGet(ctx, keyMeta, fieldVersion).Uint64()
	if errors.Is(err, redis.Nil) {
		return 0, nil
	}
	return v, err
}
