package ledger

import (
	"context"
	_ "embed"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"

	"github.com/volleysms/volley/sms"
)

//go:embed lua/forget.lua
var forgetLua string

var forgetScript = redis.NewScript(forgetLua)

// DetailForgotten is the detail of the outcome of somebody who was forgotten.
const DetailForgotten = "forgotten"

// ErrBeingWritten says that a job is not sealed yet, so that nobody in it can be forgotten.
var ErrBeingWritten = errors.New("a job with the number is still being written")

// Forgotten is what ForgetNumber has done.
type Forgotten struct {
	// Recipients is how many recipients were forgotten, in how many Jobs; so many of them were Cancelled before.
	Recipients, Jobs, Cancelled int
	// By has, of each of the jobs, how many recipients were forgotten.
	By map[string]int
}

// ForgetNumber takes a number out of every job, with what is personal beside it: the reference, the values, the gateway's
// identifier and words. What is left is that there was somebody, and what became of them. Who is queued is cancelled before.
// ErrBusy when a worker does not let go of a batch, ErrBeingWritten when a job is not sealed; then others may have been done,
// and it can be repeated.
func (l *Ledger) ForgetNumber(ctx context.Context, to sms.MSISDN, now time.Time) (done Forgotten, err error) {
	type place struct {
		job   string
		batch int
	}
	var places []place
	var jobs []string
	var unsealed bool
	done.By = map[string]int{}
	for f, err := range l.Find(ctx, to) {
		if err != nil {
			return done, err
		}
		p := place{f.Job.Spec.ID, f.Batch}
		if f.Job.Sealed == "" {
			unsealed = true
			continue
		}
		if !slices.Contains(places, p) {
			places = append(places, p)
		}
		if !slices.Contains(jobs, p.job) {
			jobs = append(jobs, p.job)
		}
	}
	for _, p := range places {
		n, cancelled, err := l.forget(ctx, p.job, p.batch, to, now)
		done.Recipients += n
		done.By[p.job] += n
		done.Cancelled += cancelled
		if err != nil {
			return done, fmt.Errorf("job %s: %w", p.job, err)
		}
	}
	for _, id := range jobs {
		if err := l.forgetRefused(ctx, id, to); err != nil {
			return done, err
		}
		done.Jobs++
	}
	if unsealed {
		return done, ErrBeingWritten
	}
	return done, nil
}

// forget becomes the owner of a batch, as soon as nobody else is, and takes a number out of it.
func (l *Ledger) forget(ctx context.Context, job string, batch int, to sms.MSISDN, now time.Time) (n, cancelled int, err error) {
	held, err := l.takeSoon(ctx, job, batch, "control/"+uuid.NewString())
	if err != nil {
		return 0, 0, err
	}
	if cancelled, err = l.cancelNumber(ctx, &held, to, now); err != nil {
		return 0, cancelled, err
	}
	k := keysOf(job, batch)
	for {
		v, err := l.rdb.MGet(ctx, k.recipients, k.outcomes, k.side, k.reports).Result()
		if err != nil {
			return 0, cancelled, err
		}
		view, err := readView(job, batch, v)
		if err != nil {
			return 0, cancelled, err
		}
		packed, _ := v[0].(string)
		stored, _ := v[3].(string)
		n = view.forget(to)
		done, err := forgetScript.Run(ctx, l.rdb, []string{k.batch, k.recipients, k.outcomes, k.side, k.reports},
			held.Token, head([]byte(stored)), view.packRecipients(Fingerprint([]byte(packed[1:batchHeader]))),
			PackRecords(view.recorded), view.packSide(), view.reports.pack()).Int()
		switch {
		case err != nil:
			return 0, cancelled, err
		case done == -1:
			return 0, cancelled, ErrLost
		case done == 1 && !view.has([]State{Queued, Sending}):
			_, err = l.Finish(ctx, job, batch, now)
			return n, cancelled, err
		case done == 1:
			return n, cancelled, nil
		}
	}
}

// takeSoon is Take, for as long as the caller's patience lasts.
func (l *Ledger) takeSoon(ctx context.Context, job string, batch int, token string) (Held, error) {
	for end := time.Now().Add(refPatience); ; {
		held, err := l.Take(ctx, job, batch, token, "")
		if !errors.Is(err, ErrLost) {
			return held, err
		}
		if time.Now().After(end) {
			return held, ErrBusy
		}
		select {
		case <-time.After(refPause):
		case <-ctx.Done():
			return held, ctx.Err()
		}
	}
}

// cancelNumber cancels who is queued with a number in a batch that is held, and keeps it.
func (l *Ledger) cancelNumber(ctx context.Context, held *Held, to sms.MSISDN, now time.Time) (n int, err error) {
	c := Commit{Seq: 1, Via: -1}
	for i, rec := range held.Records {
		if held.Recipients[i].To != to {
			continue
		}
		if rec.State == Sending {
			return 0, ErrBusy
		}
		if rec.State == Queued {
			rec.State, rec.At = Cancelled, now.UnixMilli()
			c.Records.Set(i, Queued, rec)
			n++
		}
	}
	if n > 0 {
		_, _, err = l.Commit(ctx, held, &c)
	}
	return n, err
}

// forget takes a number out of a batch as it was read, and returns how many recipients had it.
func (v *view) forget(to sms.MSISDN) (n int) {
	for i := range v.batch.Recipients {
		r := &v.batch.Recipients[i]
		if r.To != to {
			continue
		}
		n++
		r.To, r.Ref = 0, ""
		clear(r.Values)
		v.recorded[i].Note, v.recorded[i].ID = 0, 0
		v.reports.records[i].Note, v.reports.records[i].ID = 0, 0
	}
	for i := range v.batch.Refused {
		if r := &v.batch.Refused[i]; isNumber(r.To, to) {
			n++
			r.To, r.Ref = "", ""
		}
	}
	return n
}

// packRecipients returns the batch under the fingerprint that it was written with.
func (v *view) packRecipients(fp Fingerprint) []byte {
	var b BatchBuilder
	for _, r := range v.batch.Recipients {
		b.Add(r)
	}
	for _, r := range v.batch.Refused {
		b.Refuse(r)
	}
	return PackBatch(fp, b.AppendBody(nil))
}

// packSide returns the texts of the batch, with nothing in the place of those that no record points at.
func (v *view) packSide() []byte {
	used := make([]bool, len(v.side.entries)+1)
	for _, r := range v.recorded {
		for _, i := range []uint16{r.Note, r.ID} {
			if int(i) < len(used) {
				used[i] = true
			}
		}
	}
	var out []byte
	for i, e := range v.side.entries {
		if !used[i+1] && e.kind != sideDeparture {
			e = sideEntry{kind: sideID}
		}
		out = binary.AppendUvarint(out, uint64(len(e.b))<<2|uint64(e.kind))
		out = append(out, e.b...)
	}
	return out
}

// forgetRefused takes a number out of a job's receipt.
func (l *Ledger) forgetRefused(ctx context.Context, id string, to sms.MSISDN) error {
	job, err := l.Job(ctx, id)
	if err != nil {
		return err
	}
	n := 0
	for i := range job.Receipt.Refused {
		if r := &job.Receipt.Refused[i]; isNumber(r.To, to) {
			r.To, r.Ref = "", ""
			n++
		}
	}
	if n == 0 {
		return nil
	}
	packed, err := json.Marshal(job.Receipt)
	if err != nil {
		return fmt.Errorf("ledger: %w", err)
	}
	return l.rdb.HSet(ctx, jobKey(id), "receipt", packed).Err()
}
