package ledger

import (
	"context"
	_ "embed"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// TimeRules say when a job's recipients may be sent to, beside Spec.At.
type TimeRules struct {
	// NotAfter is when it is too late, in milliseconds since 1970; 0 is never. MaxLate is how long after it was due, in
	// milliseconds; 0 is never.
	NotAfter int64 `json:"not_after,omitempty"`
	MaxLate  int64 `json:"max_late,omitempty"`
	// Window is the text of a window; empty is always.
	Window string `json:"window,omitempty"`
	// Local is a date and time of day in each recipient's zone; empty is none.
	Local string `json:"local,omitempty"`
	// Zone is where recipients are of whom nothing tells it; empty is not given.
	Zone string `json:"zone,omitempty"`
	// SendPast lets what was due before Spec.Created go at once.
	SendPast bool `json:"send_past,omitempty"`
}

// Names in Spec.Fields that no text can ask for: a recipient's own time, and the name of a recipient's zone.
const (
	FieldDue  = "@at"
	FieldZone = "@tz"
)

// PackDue returns a recipient's own time as it is kept, a moment that is not in whole seconds as the next one that is.
func PackDue(t time.Time) string {
	s := t.Unix()
	if t.Nanosecond() > 0 {
		s++
	}
	return strconv.FormatInt(s, 36)
}

// ParseDue is the inverse of PackDue. The zero time is none, and what can't be read.
func ParseDue(s string) time.Time {
	n, err := strconv.ParseInt(s, 36, 64)
	if err != nil {
		return time.Time{}
	}
	return time.Unix(n, 0)
}

//go:embed lua/wait.lua
var waitLua string

var waitScript = redis.NewScript(waitLua)

func waitKey(job string) string { return "volley:{" + job + "}:wait" }

// SetWaiting notes that recipients of a batch wait until a moment, and for what. It is for people: nothing depends on it.
func (l *Ledger) SetWaiting(ctx context.Context, job string, batch int, until, now time.Time, why string) error {
	return waitScript.Run(ctx, l.rdb, []string{waitKey(job)}, until.UnixMilli(), now.UnixMilli(), strconv.Itoa(batch)+" "+why).Err()
}

// Wait is until when recipients of a job wait, and for what. The zero Wait is of a job of which none is known to.
type Wait struct {
	Until time.Time
	Why   string
}

// WaitingOf returns the next moment until which recipients of each job wait, by the jobs' index, in one round trip.
func (l *Ledger) WaitingOf(ctx context.Context, ids []string, now time.Time) ([]Wait, error) {
	out := make([]Wait, len(ids))
	if len(ids) == 0 {
		return out, nil
	}
	pipe := l.rdb.Pipeline()
	cmds := make([]*redis.ZSliceCmd, len(ids))
	for i, id := range ids {
		cmds[i] = pipe.ZRangeByScoreWithScores(ctx, waitKey(id), &redis.ZRangeBy{
			Min: strconv.FormatInt(now.UnixMilli(), 10), Max: "+inf", Count: 1,
		})
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, err
	}
	for i, cmd := range cmds {
		if z := cmd.Val(); len(z) > 0 {
			member, _ := z[0].Member.(string)
			_, why, _ := strings.Cut(member, " ")
			out[i] = Wait{time.UnixMilli(int64(z[0].Score)), why}
		}
	}
	return out, nil
}
