package report

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// keyStream is where entries wait to be applied.
const keyStream = "volley:reports"

// maxBacklog is how many records the stream may have, of some entries each, before no more are taken: Redis is to have
// room for sending, and gateways push again.
const maxBacklog = 500_000

// perRecord is how many entries share a record of the stream at most.
const perRecord = 64

const (
	putTimeout = 3 * time.Second
	// lookWhenFull is how often it is tried whether there is room again.
	lookWhenFull = time.Second
)

// ErrFull says that what came in before has to be applied first.
var ErrFull = errors.New("too many reports wait to be applied")

// Log writes entries to the stream. What many goroutines put at the same time goes in one round trip. It is safe for
// concurrent use.
type Log struct {
	rdb redis.UniversalClient
	max int64

	mu      sync.Mutex
	pending []*put
	busy    bool
	length  int64
	looked  time.Time
}

type put struct {
	entry []byte
	done  chan error
}

// NewLog returns a Log in rdb.
func NewLog(rdb redis.UniversalClient) *Log { return &Log{rdb: rdb, max: maxBacklog} }

// Put writes entries and returns when Redis has them. After an error some may have been written; putting the same again
// does no harm.
func (l *Log) Put(ctx context.Context, entries ...Entry) error {
	if len(entries) == 0 {
		return nil
	}
	puts := make([]*put, len(entries))
	for i := range entries {
		puts[i] = &put{entries[i].append(nil), make(chan error, 1)}
	}
	l.mu.Lock()
	if l.length >= l.max && time.Since(l.looked) < lookWhenFull {
		l.mu.Unlock()
		return ErrFull
	}
	l.pending = append(l.pending, puts...)
	if !l.busy {
		l.busy = true
		go l.write()
	}
	l.mu.Unlock()
	for _, p := range puts {
		select {
		case err := <-p.done:
			if err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// write writes what is pending until there is nothing more.
func (l *Log) write() {
	for {
		l.mu.Lock()
		some := l.pending[:min(len(l.pending), perRecord)]
		l.pending = l.pending[len(some):]
		if len(some) == 0 {
			l.busy, l.pending = false, nil
			l.mu.Unlock()
			return
		}
		l.mu.Unlock()
		err := l.add(some)
		for _, p := range some {
			p.done <- err
		}
	}
}

func (l *Log) add(puts []*put) error {
	ctx, cancel := context.WithTimeout(context.Background(), putTimeout)
	defer cancel()
	values := make([]any, 0, 2*len(puts))
	for i, p := range puts {
		values = append(values, strconv.Itoa(i), p.entry)
	}
	pipe := l.rdb.Pipeline()
	pipe.XAdd(ctx, &redis.XAddArgs{Stream: keyStream, Values: values})
	length := pipe.XLen(ctx, keyStream)
	_, err := pipe.Exec(ctx)
	if err != nil {
		return err
	}
	l.mu.Lock()
	l.length, l.looked = length.Val(), time.Now()
	l.mu.Unlock()
	return nil
}
