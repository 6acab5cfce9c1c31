package ledger

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/redis/go-redis/v9"
)

// Event is something that a job's producer is told.
type Event struct {
	// ID tells it from all other events of all jobs.
	ID string `json:"id"`
	// Body is what is posted; empty once it was taken, or given up.
	Body json.RawMessage `json:"body,omitempty"`
	// Tries is how often it was posted in vain, Due when it is posted next, and At when it happened, in milliseconds since
	// 1970.
	Tries int   `json:"tries,omitempty"`
	Due   int64 `json:"due,omitempty"`
	At    int64 `json:"at"`
}

// Events returns what a job's producer is told, by ID.
func (l *Ledger) Events(ctx context.Context, job string) (map[string]Event, error) {
	all, err := l.rdb.HGetAll(ctx, eventsKey(job)).Result()
	if err != nil {
		return nil, err
	}
	out := make(map[string]Event, len(all))
	for id, packed := range all {
		var e Event
		if err := json.Unmarshal([]byte(packed), &e); err != nil {
			return nil, fmt.Errorf("ledger: an event of the job can't be read: %w", err)
		}
		out[id] = e
	}
	return out, nil
}

// AddEvent notes an event, once: when it is there already that one is returned.
func (l *Ledger) AddEvent(ctx context.Context, job string, e Event) (Event, error) {
	packed, err := json.Marshal(e)
	if err != nil {
		return e, fmt.Errorf("ledger: %w", err)
	}
	pipe := l.rdb.TxPipeline()
	pipe.HSetNX(ctx, eventsKey(job), e.ID, packed)
	have := pipe.HGet(ctx, eventsKey(job), e.ID)
	if _, err := pipe.Exec(ctx); err != nil {
		return e, err
	}
	return e, json.Unmarshal([]byte(have.Val()), &e)
}

// SetEvent changes an event that is there, unless its job was removed.
func (l *Ledger) SetEvent(ctx context.Context, job string, e Event) error {
	packed, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("ledger: %w", err)
	}
	return setEventScript.Run(ctx, l.rdb, []string{eventsKey(job)}, e.ID, packed).Err()
}

var setEventScript = redis.NewScript(`if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 then redis.call('HSET', KEYS[1], ARGV[1], ARGV[2]) end return 1`)
