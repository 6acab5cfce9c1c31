package ledger

import (
	"context"
	_ "embed"
	"errors"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

//go:embed lua/backup.lua
var backupLua string

var backupScript = redis.NewScript(backupLua)

// keyBackup is there while a backup is being made, and so in what is restored from it, on another server.
const keyBackup = "volley:backup"

// BeginBackup marks what is in Redis from now on as being backed up, until EndBackup. A server that is started from such a
// backup is known by the mark, and nothing is sent from it before it is settled.
func (l *Ledger) BeginBackup(ctx context.Context, now time.Time) error {
	return backupScript.Run(ctx, l.rdb, []string{keyBackup}, "begin", now.UnixMilli()).Err()
}

// EndBackup takes the mark away, and returns when the backup began; ErrNotFound when there is no mark.
func (l *Ledger) EndBackup(ctx context.Context) (time.Time, error) {
	at, _, err := l.backup(ctx, "end")
	return at, err
}

// Restored returns when the backup began that this server was restored from; the zero time when it was not restored from a
// marked one, or has been settled.
func (l *Ledger) Restored(ctx context.Context) (time.Time, error) {
	at, other, err := l.backup(ctx, "look")
	if errors.Is(err, ErrNotFound) || err == nil && !other {
		return time.Time{}, nil
	}
	return at, err
}

func (l *Ledger) backup(ctx context.Context, what string) (at time.Time, other bool, err error) {
	v, err := backupScript.Run(ctx, l.rdb, []string{keyBackup}, what).Slice()
	if errors.Is(err, redis.Nil) {
		return at, false, ErrNotFound
	}
	if err != nil {
		return at, false, err
	}
	text, _ := v[0].(string)
	ms, err := strconv.ParseInt(text, 10, 64)
	code, _ := v[1].(int64)
	return time.UnixMilli(ms), code == 1, err
}

// Doubt makes unknown those of a job's recipients that are queued and that may says of, and all that are being sent, with a
// detail for people; it returns how many they are. ErrLost when a worker that lives holds one of the batches: nobody may be
// sending. A batch that a dead worker holds is given up.
func (l *Ledger) Doubt(ctx context.Context, job Job, token string, now time.Time, detail string, may func(account string, r *Recipient) bool) (n int64, err error) {
	job.Fed = job.Batches
	batches, err := l.Unfinished(ctx, job, job.Batches)
	if err != nil {
		return 0, err
	}
	for _, b := range batches {
		k, open, err := l.doubt(ctx, &job, b, token, now, detail, may)
		if err != nil {
			return n, err
		}
		n += k
		if open {
			continue
		}
		if _, err := l.Finish(ctx, job.Spec.ID, b, now); err != nil {
			return n, err
		}
	}
	return n, nil
}

func (l *Ledger) doubt(ctx context.Context, job *Job, batch int, token string, now time.Time, detail string, may func(string, *Recipient) bool) (n int64, open bool, err error) {
	token += strconv.Itoa(batch)
	held, err := l.Take(ctx, job.Spec.ID, batch, token, "")
	if errors.Is(err, ErrLost) {
		owner := held.Token
		if alive, aerr := l.Alive(ctx, owner); aerr != nil || alive {
			return 0, false, errors.Join(aerr, ErrLost)
		}
		held, err = l.Take(ctx, job.Spec.ID, batch, token, owner)
	}
	if err != nil {
		return 0, false, err
	}
	account := job.Spec.Account(held.Via)
	c := Commit{Seq: 1, Via: -1, Release: true}
	for i, rec := range held.Records {
		from := rec.State
		if from != Sending && (from != Queued || !may(account, &held.Recipients[i])) {
			open = open || from == Queued
			continue
		}
		rec.State, rec.At, rec.Note = Unknown, now.UnixMilli(), held.Side.Note(Note{Detail: detail})
		c.Records.Set(i, from, rec)
		n++
	}
	c.SideAt, c.Side = held.Side.Take()
	_, _, err = l.Commit(ctx, &held, &c)
	return n, open, err
}
