package scheduler

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/volleysms/volley/enqueue"
)

const (
	// partSize is how many recipients stand in one element of a list.
	partSize = 1000
	// listTTL is how long a tick's recipients are kept that is not fired to its end. A client's idempotency keys outlive it,
	// so that whoever still finds the list also finds the job, if there is one.
	listTTL = 48 * time.Hour
	keyTTL  = 7 * 24 * time.Hour
)

func listOf(list string) string { return "volley:{schedules." + list + "}:to" }

// errListGone: a tick was begun so long ago that nobody knows any more what it sends, or whether it was sent.
var errListGone = errors.New("it was begun more than two days ago, and its recipients are not known any more")

// writeList keeps recipients under a name that nobody else uses, and returns in how many parts.
func (s *Scheduler) writeList(ctx context.Context, list string, recipients iter.Seq2[enqueue.Recipient, error]) (parts int, err error) {
	var part [][]string
	var buf bytes.Buffer
	flush := func() error {
		buf.Reset()
		z := gzip.NewWriter(&buf)
		if err := errors.Join(json.NewEncoder(z).Encode(part), z.Close()); err != nil {
			return fmt.Errorf("scheduler: %w", err)
		}
		part = part[:0]
		parts++
		pipe := s.rdb.TxPipeline()
		pipe.RPush(ctx, listOf(list), buf.Bytes())
		pipe.PExpire(ctx, listOf(list), listTTL)
		_, err := pipe.Exec(ctx)
		return err
	}
	for r, err := range recipients {
		if err != nil {
			return parts, err
		}
		part = append(part, append([]string{r.To, r.Ref}, r.Values...))
		if len(part) == partSize {
			if err := flush(); err != nil {
				return parts, err
			}
		}
	}
	return parts, flush()
}

// readList yields what writeList kept; errListGone when a part of it is gone.
func (s *Scheduler) readList(ctx context.Context, list string, parts int) iter.Seq2[enqueue.Recipient, error] {
	return func(yield func(enqueue.Recipient, error) bool) {
		for i := range parts {
			packed, err := s.rdb.LIndex(ctx, listOf(list), int64(i)).Bytes()
			if errors.Is(err, redis.Nil) {
				err = errListGone
			}
			var part [][]string
			if err == nil {
				part, err = unpack(packed)
			}
			if err != nil {
				yield(enqueue.Recipient{}, err)
				return
			}
			for _, f := range part {
				if !yield(enqueue.Recipient{To: f[0], Ref: f[1], Values: f[2:]}, nil) {
					return
				}
			}
		}
	}
}

func unpack(packed []byte) (part [][]string, err error) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err == nil {
		err = json.NewDecoder(z).Decode(&part)
	}
	if err == nil && slices.ContainsFunc(part, func(f []string) bool { return len(f) < 2 }) {
		err = errors.New("a recipient is too short")
	}
	if err != nil {
		return nil, fmt.Errorf("scheduler: a list of recipients can't be read: %w", err)
	}
	return part, nil
}

func (s *Scheduler) dropList(ctx context.Context, list string) error {
	return s.rdb.Unlink(ctx, listOf(list)).Err()
}
