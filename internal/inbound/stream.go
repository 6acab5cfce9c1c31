// Package inbound keeps the messages that handsets send, whichever way they come in, and hands them on.
package inbound

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/json"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/redis/go-redis/v9"

	"github.com/volleysms/volley/providers"
)

// Keys. Both are in the slot of the stream's own name, so that one script may write them.
const (
	keyStream = "volley:inbound"
	keySeen   = "volley:seen:{volley:inbound}"
)

const (
	// Kept is about how many messages the stream has at most; the oldest go first.
	Kept = 100_000
	// seenFor is how long a repetition of a message is known as such.
	seenFor = 7 * 24 * time.Hour
	// maxText bounds a text, in bytes: some 255 segments.
	maxText = 40_000
	maxWord = 256
)

//go:embed lua/put.lua
var putLua string

var putScript = redis.NewScript(putLua)

// Message is a message from a handset, as it is kept and handed on.
type Message struct {
	// ID is the place in the stream.
	ID      string `json:"id"`
	Account string `json:"account"`
	// MessageID is the gateway's, or a hash where it gives none.
	MessageID string `json:"message_id"`
	From      string `json:"from"`
	To        string `json:"to"`
	Text      string `json:"text"`
	Keyword   string `json:"keyword,omitempty"`
	Carrier   string `json:"carrier,omitempty"`
	// SentAt is the gateway's time, nil when it names none; ReceivedAt when it came in here.
	SentAt     *time.Time `json:"sent_at"`
	ReceivedAt time.Time  `json:"received_at"`
}

// Stream is the messages in rdb. It is safe for concurrent use.
type Stream struct {
	rdb   redis.UniversalClient
	words map[string]Words
}

// NewStream returns the Stream in rdb.
func NewStream(rdb redis.UniversalClient) *Stream { return &Stream{rdb: rdb} }

// perPut bounds how many messages one script writes.
const perPut = 200

// Put keeps messages of an account, those that are kept already excepted, after what they ask for has been done (see Heed).
func (s *Stream) Put(ctx context.Context, account string, messages []providers.Inbound, now time.Time) error {
	if err := s.heed(ctx, account, messages, now); err != nil {
		return err
	}
	for len(messages) > 0 {
		some := messages[:min(len(messages), perPut)]
		messages = messages[len(some):]
		argv := []any{now.UnixMilli(), fmt.Sprintf("(%d", now.Add(-seenFor).UnixMilli()), Kept}
		for i := range some {
			packed, err := json.Marshal(newMessage(account, &some[i], now))
			if err != nil {
				return fmt.Errorf("inbound: %w", err)
			}
			argv = append(argv, identity(account, some[i].ID), packed)
		}
		if err := putScript.Run(ctx, s.rdb, []string{keyStream, keySeen}, argv...).Err(); err != nil {
			return err
		}
	}
	return nil
}

// identity tells a message from all others in 16 bytes.
func identity(account, id string) []byte {
	sum := sha256.Sum256([]byte(account + "\x00" + id))
	return sum[:16]
}

func newMessage(account string, in *providers.Inbound, now time.Time) Message {
	m := Message{
		Account: account, MessageID: cut(in.ID, maxWord), From: in.From.String(), To: cut(in.To, maxWord), Text: cut(in.Text, maxText),
		Keyword: cut(in.Keyword, maxWord), Carrier: cut(in.Carrier, maxWord), ReceivedAt: now.UTC().Truncate(time.Millisecond),
	}
	if !in.At.IsZero() {
		at := in.At.UTC()
		m.SentAt = &at
	}
	return m
}

func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// Last returns the n newest messages, the oldest of them first.
func (s *Stream) Last(ctx context.Context, n int64) ([]Message, error) {
	records, err := s.rdb.XRevRangeN(ctx, keyStream, "+", "-", n).Result()
	if err != nil {
		return nil, err
	}
	out := make([]Message, 0, len(records))
	for i := len(records) - 1; i >= 0; i-- {
		if m, ok := parse(records[i]); ok {
			out = append(out, m)
		}
	}
	return out, nil
}

// End returns the place after the newest message, for After.
func (s *Stream) End(ctx context.Context) (string, error) {
	records, err := s.rdb.XRevRangeN(ctx, keyStream, "+", "-", 1).Result()
	if err != nil || len(records) == 0 {
		return "0-0", err
	}
	return records[0].ID, nil
}

// After returns messages that came in after the one at a place, the oldest first, and waits for them as long as wait.
func (s *Stream) After(ctx context.Context, place string, wait time.Duration) ([]Message, error) {
	streams, err := s.rdb.XRead(ctx, &redis.XReadArgs{Streams: []string{keyStream, place}, Count: perPut, Block: wait}).Result()
	if err == redis.Nil || err == nil && len(streams) == 0 { //nolint:errorlint // go-redis returns it as it is
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []Message
	for _, r := range streams[0].Messages {
		if m, ok := parse(r); ok {
			out = append(out, m)
		}
	}
	return out, nil
}

// parse reads a message. ok is false for what is none.
func parse(r redis.XMessage) (m Message, ok bool) {
	packed, _ := r.Values["m"].(string)
	if json.Unmarshal([]byte(packed), &m) != nil {
		return m, false
	}
	m.ID = r.ID
	return m, true
}
