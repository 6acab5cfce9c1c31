// Package trail keeps who did what through the dashboard, when, and what came of it.
package trail

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"
)

const (
	key = "volley:trail"
	// kept is about how many entries there are at most.
	kept = 10_000
	// maxText bounds what an entry says in each of its parts, in bytes.
	maxText = 500
)

// Entry is something that somebody did, or tried to.
type Entry struct {
	// At is set by Add.
	At time.Time
	// Who is a user's name, From where they were.
	Who, From string
	// Did is what they did, such as "pause job", and To what they did it to, such as a job's ID; may be empty.
	Did, To string
	// Result is "done", or why it was not.
	Result string
}

// ErrPlace says that what Latest is to go on at is no place of the trail.
var ErrPlace = errors.New("there is no such place on the trail")

// Done is the Result of what was done.
const Done = "done"

// Trail keeps the latest entries. It is safe for concurrent use and does not own its Redis client.
type Trail struct {
	rdb redis.UniversalClient
	log *zap.Logger
}

// New returns the Trail in rdb. log gets each entry as well; nil is silent.
func New(rdb redis.UniversalClient, log *zap.Logger) *Trail {
	if log == nil {
		log = zap.NewNop()
	}
	return &Trail{rdb, log}
}

// Add adds an entry. When Redis does not take it the log has it alone, with the error.
func (t *Trail) Add(ctx context.Context, e Entry) {
	fields := []zap.Field{
		zap.String("who", e.Who), zap.String("from", e.From), zap.String("did", e.Did), zap.String("to", e.To), zap.String("result", e.Result),
	}
	err := t.rdb.XAdd(ctx, &redis.XAddArgs{
		Stream: key, MaxLen: kept, Approx: true,
		Values: []any{"who", cut(e.Who), "from", cut(e.From), "did", cut(e.Did), "to", cut(e.To), "result", cut(e.Result)},
	}).Err()
	if err != nil {
		t.log.Error("an action, which the trail in Redis lacks", append(fields, zap.Error(err))...)
		return
	}
	t.log.Info("an action", fields...)
}

func cut(s string) string {
	if len(s) > maxText {
		s = s[:maxText] + "…"
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// Latest returns n entries, the newest first, from the one that next named on; an empty next begins with the newest. The
// next it returns is empty when there are no more.
func (t *Trail) Latest(ctx context.Context, next string, n int) (list []Entry, after string, err error) {
	from := "+"
	if next != "" {
		if !isID(next) {
			return nil, "", ErrPlace
		}
		from = next
	}
	got, err := t.rdb.XRevRangeN(ctx, key, from, "-", int64(n)+1).Result()
	if err != nil {
		return nil, "", err
	}
	if len(got) > n {
		after, got = got[n].ID, got[:n]
	}
	for _, m := range got {
		text := func(field string) string { s, _ := m.Values[field].(string); return s }
		ms, _, _ := strings.Cut(m.ID, "-")
		at, _ := strconv.ParseInt(ms, 10, 64)
		list = append(list, Entry{time.UnixMilli(at).UTC(), text("who"), text("from"), text("did"), text("to"), text("result")})
	}
	return list, after, nil
}

// isID reports whether s is what Redis names an entry of a stream.
func isID(s string) bool {
	ms, seq, found := strings.Cut(s, "-")
	_, err1 := strconv.ParseUint(ms, 10, 63)
	_, err2 := strconv.ParseUint(seq, 10, 63)
	return found && err1 == nil && err2 == nil
}
