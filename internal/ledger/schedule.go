package ledger

import (
	"context"
	_ "embed"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"
)

//go:embed lua/reschedule.lua
var rescheduleLua string

//go:embed lua/begin_sending.lua
var beginSendingLua string

var (
	rescheduleScript   = redis.NewScript(rescheduleLua)
	beginSendingScript = redis.NewScript(beginSendingLua)
)

// ErrBegun says that the job's sending has started, so that its time can't be moved any more.
var ErrBegun = errors.New("the job's sending has started")

// Reschedule moves the time at which the sending of a scheduled job starts: once it has returned without an error, it starts
// at that time, neither before nor by the old one. ErrBegun when it has started; ErrCompleted, ErrCancelled and ErrNotFound
// say why else it can't be moved. The job's task is for the caller to move.
func (l *Ledger) Reschedule(ctx context.Context, job string, at time.Time) error {
	n, err := rescheduleScript.Run(ctx, l.rdb, []string{jobKey(job)}, at.UnixMilli()).Int()
	if err != nil {
		return err
	}
	if n == -4 {
		return ErrBegun
	}
	return controlError(n)
}

// BeginSending lets the sending of a scheduled job start if its time has come by now, and reports whether it has started.
// at is the time by the job's spec; the one that holds, in milliseconds since 1970, is returned. ErrNotFound when there is
// no such job.
func (l *Ledger) BeginSending(ctx context.Context, job string, at int64, now time.Time) (begun bool, holds int64, err error) {
	v, err := beginSendingScript.Run(ctx, l.rdb, []string{jobKey(job)}, at, now.UnixMilli()).Int64Slice()
	if err != nil {
		return false, 0, err
	}
	if len(v) == 0 {
		return false, 0, ErrNotFound
	}
	return v[0] == 1, v[1], nil
}
