package inbound

import (
	"context"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/volleysms/volley/sms"
)

const perScan = 1000

// Of calls each with the messages that came from a number, the oldest first, until it returns an error.
func (s *Stream) Of(ctx context.Context, from sms.MSISDN, each func(Message) error) error {
	digits := from.String()
	for start := "-"; ; {
		records, err := s.rdb.XRangeN(ctx, keyStream, start, "+", perScan).Result()
		if err != nil {
			return err
		}
		for _, r := range records {
			if packed, _ := r.Values["m"].(string); !strings.Contains(packed, digits) {
				continue
			}
			if m, ok := parse(r); ok && m.From == digits {
				if err := each(m); err != nil {
					return err
				}
			}
		}
		if len(records) < perScan {
			return nil
		}
		start = "(" + records[len(records)-1].ID
	}
}

// Forget deletes the messages that came from a number, and returns how many they were.
func (s *Stream) Forget(ctx context.Context, from sms.MSISDN) (n int, err error) {
	var ids []string
	err = s.Of(ctx, from, func(m Message) error {
		ids = append(ids, m.ID)
		return nil
	})
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	pipe := s.rdb.Pipeline()
	deleted := pipe.XDel(ctx, keyStream, ids...)
	ack := pipe.XAck(ctx, keyStream, group, ids...)
	if _, err := pipe.Exec(ctx); err != nil && (deleted.Err() != nil || !redis.HasErrorPrefix(ack.Err(), "NOGROUP")) {
		return 0, err
	}
	return int(deleted.Val()), nil
}
