package enqueue

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/sms"
)

// Judged is what would become of one recipient.
type Judged struct {
	// Recipient is as it was given, with its Row, and Values in the order of Job.Fields.
	Recipient
	// MSISDN is the number, and Account the one that would send to it first. They are zero for who is left out.
	MSISDN  sms.MSISDN
	Account string
	// Leg tells recipients apart that never share a batch: those of one part of the route have the same.
	Leg int
	// At is the recipient's own time; the zero time when there is none.
	At time.Time
	// Reason is why the recipient would be refused, and Duplicate that it would be dropped, because its number was there
	// before.
	Reason    string
	Duplicate bool
}

// DryRun tells what Client.EnqueueStream would do with each recipient, and enqueues nothing. It needs no Redis: o names the
// accounts and routes. A Judged and what it holds are used up before the next. The Receipt counts, and has no JobID, State
// and Batches.
//
// Errors are those of EnqueueStream about its input, and what each returned, which ends it.
func DryRun(ctx context.Context, o Options, job Job, recipients iter.Seq2[Recipient, error], each func(*Judged) error) (Receipt, error) {
	o, err := o.withDefaults()
	if err != nil {
		return Receipt{}, err
	}
	ck, err := job.check()
	if err != nil {
		return Receipt{}, err
	}
	c := &Client{opts: o}
	if len(o.Accounts)+len(o.Routes)+len(o.Branching) == 0 {
		return Receipt{}, errors.New("enqueue: DryRun needs the names of accounts and routes")
	}
	if err := c.accounts(ctx, job.Via, &ck.spec); err != nil {
		return Receipt{}, err
	}
	now := time.Now()
	if err := job.hasPassed(now); err != nil {
		return Receipt{}, err
	}
	ck.spec.Created = now.UnixMilli()
	if ck.delay > 0 {
		ck.spec.At = now.Add(ck.delay).UnixMilli()
	}
	w := &writer{c: c, job: &job, ck: ck, row: max(job.FirstRow, 1) - 1, times: ck.times}
	for r, err := range recipients {
		if err != nil {
			return Receipt{}, err
		}
		if err := ctx.Err(); err != nil {
			return Receipt{}, err
		}
		if err := w.rehearse(r, each); err != nil {
			return Receipt{}, err
		}
	}
	if w.n == 0 {
		return Receipt{}, errors.Join(invalid("recipients", "there are none"), ErrNoRecipients)
	}
	w.receipt.Total = w.receipt.Queued + w.receipt.RefusedCount
	r := w.receiptOf(ledger.Job{Spec: w.ck.spec, Receipt: w.receipt}, false)
	r.JobID = ""
	if r.Queued == 0 {
		return r, ErrNoRecipients
	}
	return r, nil
}

// rehearse is add without writing anything.
func (w *writer) rehearse(r Recipient, each func(*Judged) error) error {
	given := r
	v, err := w.judge(&r)
	if err != nil {
		return err
	}
	given.Row = w.row
	j := Judged{Recipient: given, Reason: v.reason, Duplicate: v.again}
	switch {
	case v.again:
		w.receipt.Duplicates++
		w.tell(&r, duplicateReason)
	case v.reason != "":
		w.refuse(&build{}, r, v.reason)
	default:
		w.receipt.Queued++
		j.MSISDN, j.Leg, j.Account = v.to, v.via, w.spec().Account(v.via)
		if v.due != 0 {
			j.At = time.Unix(v.due, 0)
		}
	}
	return each(&j)
}
