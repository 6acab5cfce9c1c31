package inbound

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"github.com/volleysms/volley/internal/hook"
)

// Deliverer posts each message to a hook until it is taken. Any number of them share the work; a message may be posted
// more than once, always with the same identifier.
type Deliverer struct {
	rdb  redis.UniversalClient
	hook *hook.Hook
	log  *zap.Logger
	name string
}

const (
	group = "hook"
	// atOnce is how many messages are posted at a time.
	atOnce    = 8
	readBlock = time.Second
	lookEvery = time.Second
	// A message that was not taken is posted again after a pause that doubles.
	firstPause = 10 * time.Second
	lastPause  = time.Hour
	// giveUp is how old a message may be.
	giveUp = 72 * time.Hour
)

// NewDeliverer returns a Deliverer to h; a nil log is silent.
func NewDeliverer(rdb redis.UniversalClient, h *hook.Hook, log *zap.Logger) *Deliverer {
	if log == nil {
		log = zap.NewNop()
	}
	return &Deliverer{rdb, h, log, uuid.NewString()[:13]}
}

// Run posts messages until ctx ends.
func (d *Deliverer) Run(ctx context.Context) {
	for ctx.Err() == nil {
		n, err := d.fresh(ctx)
		if err == nil {
			err = d.again(ctx)
		}
		if err != nil && ctx.Err() == nil {
			d.log.Warn("inbound messages wait: Redis does not answer", zap.Error(err))
		}
		if n == 0 || err != nil {
			select {
			case <-time.After(lookEvery):
			case <-ctx.Done():
			}
		}
	}
}

// fresh posts messages that nobody has, and returns how many they were.
func (d *Deliverer) fresh(ctx context.Context) (int, error) {
	streams, err := d.rdb.XReadGroup(ctx, &redis.XReadGroupArgs{
		Group: group, Consumer: d.name, Streams: []string{keyStream, ">"}, Count: atOnce, Block: readBlock,
	}).Result()
	switch {
	case errors.Is(err, redis.Nil):
		return 0, nil
	case redis.HasErrorPrefix(err, "NOGROUP"):
		// From the beginning: what came in before the hook was set is handed on too.
		if err := d.rdb.XGroupCreateMkStream(ctx, keyStream, group, "0").Err(); err != nil && !redis.HasErrorPrefix(err, "BUSYGROUP") {
			return 0, err
		}
		return 1, nil
	case err != nil:
		return 0, err
	}
	d.post(ctx, streams[0].Messages)
	return len(streams[0].Messages), nil
}

// again posts messages whose pause has passed, whoever had them.
func (d *Deliverer) again(ctx context.Context) error {
	for start := "-"; ; {
		pending, err := d.rdb.XPendingExt(ctx, &redis.XPendingExtArgs{
			Stream: keyStream, Group: group, Idle: firstPause, Start: start, End: "+", Count: 100,
		}).Result()
		if err != nil || len(pending) == 0 {
			return err
		}
		for _, p := range pending {
			pause := pauseAfter(p.RetryCount)
			if p.Idle < pause {
				continue
			}
			messages, err := d.rdb.XClaim(ctx, &redis.XClaimArgs{
				Stream: keyStream, Group: group, Consumer: d.name, MinIdle: pause, Messages: []string{p.ID},
			}).Result()
			if err != nil {
				return err
			}
			if len(messages) == 0 && len(d.rdb.XRange(ctx, keyStream, p.ID, p.ID).Val()) == 0 {
				d.rdb.XAck(ctx, keyStream, group, p.ID) // it made room for newer ones
			}
			if d.post(ctx, messages) > 0 && len(messages) > 0 {
				break // nobody is there: the others wait for the next look
			}
		}
		if len(pending) < 100 {
			return nil
		}
		start = "(" + pending[len(pending)-1].ID
	}
}

// pauseAfter is how long a message rests that was posted so often.
func pauseAfter(posted int64) time.Duration {
	return min(firstPause<<min(max(posted-1, 0), 20), lastPause)
}

// post posts messages, and returns how many were not taken.
func (d *Deliverer) post(ctx context.Context, messages []redis.XMessage) (failed int) {
	var wg sync.WaitGroup
	errs := make([]error, len(messages))
	for i, r := range messages {
		wg.Go(func() { errs[i] = d.one(ctx, r) })
	}
	wg.Wait()
	for i, err := range errs {
		switch {
		case err == nil:
			if err := d.rdb.XAck(context.WithoutCancel(ctx), keyStream, group, messages[i].ID).Err(); err != nil {
				d.log.Warn("an inbound message will be posted again: Redis does not answer", zap.Error(err))
			}
		case ctx.Err() == nil:
			failed++
			d.log.Warn("an inbound message was not taken; it is posted again later", zap.String("message", messages[i].ID), zap.Error(err))
		}
	}
	return failed
}

// one posts a message. No error: it was taken, or is given up.
func (d *Deliverer) one(ctx context.Context, r redis.XMessage) error {
	m, ok := parse(r)
	if !ok {
		return nil
	}
	ms, _, _ := strings.Cut(r.ID, "-")
	if n, err := strconv.ParseInt(ms, 10, 64); err == nil && time.Since(time.UnixMilli(n)) > giveUp {
		d.log.Error("an inbound message was never taken, and is given up", zap.String("message", r.ID))
		return nil
	}
	body, err := json.Marshal(struct {
		Type      string    `json:"type"`
		Timestamp time.Time `json:"timestamp"`
		Data      Message   `json:"data"`
	}{"message.received", m.ReceivedAt, m})
	if err != nil {
		return err
	}
	return d.hook.Post(ctx, "in_"+r.ID, time.Now(), body)
}
