package enqueue

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/internal/numset"
	"github.com/volleysms/volley/internal/task"
	"github.com/volleysms/volley/sms"
)

// Enqueue validates and enqueues a job with job.Recipients. Once it has returned without an error, every recipient has
// an outcome, whatever dies.
//
// Errors: an *InvalidError or several joined, ErrNoRecipients, ErrKeyConflict, ErrUnreachable, ErrEvicting, ErrFull, or
// what Redis said. After an error of Redis it is not known whether the job was enqueued: repeat the call with the same Key.
func (c *Client) Enqueue(ctx context.Context, job Job) (Receipt, error) {
	return c.EnqueueStream(ctx, job, func(yield func(Recipient, error) bool) {
		for _, r := range job.Recipients {
			if !yield(r, nil) {
				return
			}
		}
	})
}

// EnqueueStream is Enqueue with the recipients as a stream, which is never held whole: memory is bounded by batches,
// but for some three bytes a recipient by which duplicates are known. A Recipient and its Values are used up before the
// next is asked for, and may be written over. Sending starts when the stream has ended.
//
// An error in the stream ends the call with that error, and nothing is sent. A stream that broke off is repeated from its
// start with the same Key: what was written then is recognised, so that there is no gap and no repetition. After an error that
// is an ErrBroken nothing is kept to go on with.
func (c *Client) EnqueueStream(ctx context.Context, job Job, recipients iter.Seq2[Recipient, error]) (receipt Receipt, err error) {
	end := c.traced(ctx, &job)
	defer func() { end(receipt, err) }()
	ck, err := job.check()
	if err != nil {
		return Receipt{}, err
	}
	if err = c.route(ctx, job.Via, &ck.spec); err != nil {
		return Receipt{}, reached(ctx, err)
	}
	if err := c.Check(ctx); err != nil {
		return Receipt{}, err
	}
	if err := c.room(ctx); err != nil {
		return Receipt{}, err
	}
	w := &writer{c: c, job: &job, ck: ck, row: max(job.FirstRow, 1) - 1, times: ck.times}
	if err := w.begin(ctx); err != nil {
		return Receipt{}, reached(ctx, err)
	}
	for r, err := range recipients {
		if err == nil {
			err = reached(ctx, w.add(ctx, r))
		}
		if err != nil {
			return Receipt{}, errors.Join(err, reached(ctx, w.abandon(ctx, errors.Is(err, ErrBroken))))
		}
	}
	receipt, err = w.end(ctx)
	return receipt, reached(ctx, err)
}

// chunkBytes is how much goes to Redis at once, about.
const chunkBytes = 512 << 10

// maxBatchBytes ends a batch whose personal fields are long before it has all its recipients.
const maxBatchBytes = 128 << 10

// writer turns a stream of recipients into a job in the ledger.
type writer struct {
	c   *Client
	job *Job
	ck  checked

	have    ledger.Job // what the key stood for, or the new job
	keyHash string
	written bool               // the job is in the ledger
	message ledger.Fingerprint // of all but the recipients
	fp      ledger.Fingerprint // of that and the batches so far

	seen   numset.Set
	builds []build
	body   []byte
	chunk  []ledger.PackedBatch
	bytes  int
	// firstVia is the account of batch 0.
	firstVia int
	row      uint64 // of the recipient at hand
	n        int64  // recipients so far
	tally    ledger.Tally
	receipt  ledger.Receipt
	flight   chan error // a chunk on its way

	times  *rowTimes // nil when recipients have no time or zone of their own
	sorted sorter
}

// begin finds out whether the key is known, and gives a new job its ID and time.
func (w *writer) begin(ctx context.Context) error {
	var err error
	if w.message, err = w.ck.fingerprint(); err != nil {
		return err
	}
	w.fp = w.message
	id, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("enqueue: %w", err)
	}
	now := time.Now()
	spec := &w.ck.spec
	spec.ID, spec.Created = id.String(), now.UnixMilli()
	if w.ck.delay > 0 {
		spec.At = now.Add(w.ck.delay).UnixMilli()
	}
	if w.ck.key != "" {
		w.keyHash = keyHash(w.ck.key)
		_, err := w.c.ledger.JobOfKey(ctx, w.keyHash)
		if err == nil {
			return w.create(ctx)
		}
		if !errors.Is(err, ErrNotFound) {
			return err
		}
	}
	return w.job.hasPassed(now)
}

// create puts the job into the ledger, or finds the one that its key stands for. It is put off until there is something
// to write, so that bad input leaves no trace.
func (w *writer) create(ctx context.Context) error {
	if w.written {
		return nil
	}
	ttl := w.c.opts.KeyTTL
	if at := w.ck.spec.At; at > 0 {
		ttl += max(0, time.Until(time.UnixMilli(at)))
	}
	var err error
	w.have, err = w.c.ledger.Begin(ctx, w.keyHash, ttl, w.ck.spec, w.message)
	w.written = err == nil
	return err
}

// verdict is what the door says of a recipient.
type verdict struct {
	to     sms.MSISDN
	via    int    // index into the job's accounts: the first of the leg that serves it
	due    int64  // the recipient's own time in seconds since 1970; 0 is none
	reason string // why it is refused; empty when it is not
	again  bool   // it is dropped, because its number was there before
}

// judge counts a recipient and says what becomes of it. r.Values become those that are stored.
func (w *writer) judge(r *Recipient) (v verdict, err error) {
	if err := w.place(r.Row); err != nil {
		return v, err
	}
	v.to, v.reason = w.vet(r)
	if v.reason == "" {
		r.Values, v.due, v.reason = w.times.place(r.Values, time.UnixMilli(w.spec().Created))
	}
	if v.reason == "" {
		var served bool
		if v.via, served = w.spec().First(v.to); !served {
			v.reason = "the route has no account for numbers that begin like this one"
		}
	}
	switch {
	case v.reason != "" || w.seen.Add(uint64(v.to)):
	case v.due == 0:
		v.again = true
	default:
		v.reason = "its number has a time in this job already; enqueue it in another"
	}
	return v, nil
}

// place gives the next recipient its row.
func (w *writer) place(row uint64) error {
	if w.n++; w.n > w.c.opts.MaxRecipients {
		return invalid("recipients", "are more than %d", w.c.opts.MaxRecipients)
	}
	if row == 0 {
		row = w.row + 1
	}
	if row <= w.row {
		return invalid("recipients", "are not in the order of their rows: %d comes after %d", row, w.row)
	}
	w.row = row
	return nil
}

func (w *writer) add(ctx context.Context, r Recipient) error {
	v, err := w.judge(&r)
	if err != nil {
		return err
	}
	if v.again {
		w.receipt.Duplicates++
		w.tell(&r, duplicateReason)
		return nil
	}
	b := w.building(v.via)
	if v.reason != "" {
		w.refuse(b, r, v.reason)
	} else if v.due != 0 {
		w.receipt.Queued++
		full := w.sorted.add(v.via, v.due, ledger.Recipient{To: v.to, Row: w.row, Ref: r.Ref, Values: r.Values})
		if full || len(w.sorted.list) >= w.c.sorted {
			return w.spill(ctx)
		}
	} else {
		b.Add(ledger.Recipient{To: v.to, Row: w.row, Ref: r.Ref, Values: r.Values})
		w.receipt.Queued++
	}
	if most := w.most(w.n); b.Len() >= most || b.Refusals() >= most || b.Bytes() >= maxBatchBytes {
		return w.closeBatch(ctx, b)
	}
	return nil
}

// most is how many recipients the batch may have that the nth of the job goes into.
func (w *writer) most(n int64) int {
	if size := w.c.opts.BatchSize; size > 0 {
		return size
	}
	return ledger.BatchSize(n)
}

// duplicateReason is what Job.OnRefused is told of a duplicate.
const duplicateReason = "duplicate: its number stands in a row before"

// tell tells the application who is left out.
func (w *writer) tell(r *Recipient, reason string) {
	if w.job.OnRefused != nil {
		w.job.OnRefused(Refused{To: clip(r.To, maxRefusedTo), Row: w.row, Reason: reason})
	}
}

// spec is the job as it was begun, which may be by an earlier call with the same key.
func (w *writer) spec() *ledger.Spec {
	if w.written {
		return &w.have.Spec
	}
	return &w.ck.spec
}

// build is the batch that is being filled of one leg of the route.
type build struct {
	ledger.BatchBuilder
	via int
}

// building returns the batch that is being filled for an account.
func (w *writer) building(via int) *build {
	for i := range w.builds {
		if w.builds[i].via == via {
			return &w.builds[i]
		}
	}
	w.builds = append(w.builds, build{via: via})
	return &w.builds[len(w.builds)-1]
}

// vet returns the number, or why the recipient is refused.
func (w *writer) vet(r *Recipient) (sms.MSISDN, string) {
	if r.Refuse != "" {
		return 0, r.Refuse
	}
	to, err := sms.ParseMSISDN(r.To)
	if err != nil {
		return 0, err.Error()
	}
	if len(r.Ref) > MaxRef || !utf8.ValidString(r.Ref) {
		return 0, fmt.Sprintf("its ref is not UTF-8 of at most %d bytes", MaxRef)
	}
	if len(r.Values) != len(w.job.Fields) {
		return 0, fmt.Sprintf("it has %d values for %d fields", len(r.Values), len(w.job.Fields))
	}
	for i, v := range r.Values {
		if len(v) > MaxValue || !utf8.ValidString(v) {
			return 0, fmt.Sprintf("its field %q is not UTF-8 of at most %d bytes", w.job.Fields[i], MaxValue)
		}
	}
	if reason := w.ck.personal.vet(r.Values); reason != "" {
		return 0, reason
	}
	return to, ""
}

// maxRefusedTo is how much is kept of what should have been a number, in bytes.
const maxRefusedTo = 64

func (w *writer) refuse(b *build, r Recipient, reason string) {
	f := ledger.Refused{To: clip(r.To, maxRefusedTo), Row: w.row, Ref: clip(r.Ref, MaxRef), Reason: reason}
	b.Refuse(f)
	w.tell(&r, reason)
	if len(w.receipt.Refused) < maxListed {
		w.receipt.Refused = append(w.receipt.Refused, f)
	}
	w.receipt.RefusedCount++
}

// clip returns at most max bytes of s, as valid UTF-8. The result shares no memory with s.
func clip(s string, maxBytes int) string {
	if len(s) > maxBytes {
		n := maxBytes
		for n > maxBytes-utf8.UTFMax && !utf8.RuneStart(s[n]) {
			n--
		}
		s = s[:n]
	}
	return strings.Clone(strings.ToValidUTF8(s, "?"))
}

func (w *writer) closeBatch(ctx context.Context, b *build) error {
	if b.Len() == 0 && b.Refusals() == 0 {
		return nil
	}
	w.body = b.AppendBody(w.body[:0])
	w.fp = extend(w.fp, w.body)
	packed := ledger.PackedBatch{
		Number: w.receipt.Batches, Via: b.via, Packed: ledger.PackBatch(w.fp, w.body), Queued: b.Len(), Refused: b.Refusals(),
	}
	w.tally.Add(packed.Number, packed.Queued, packed.Refused)
	if packed.Number == 0 {
		w.firstVia = b.via
	}
	w.receipt.Batches++
	b.Reset()
	w.chunk = append(w.chunk, packed)
	if w.bytes += len(packed.Packed); w.bytes >= w.c.chunk {
		return w.flush(ctx)
	}
	return nil
}

// extend chains fingerprints: each covers all that came before.
func extend(fp ledger.Fingerprint, body []byte) ledger.Fingerprint {
	h := sha256.New()
	h.Write(fp[:])
	h.Write(body)
	var sum [sha256.Size]byte
	return ledger.Fingerprint(h.Sum(sum[:0])[:ledger.FingerprintLen])
}

// flush sends the chunk on its way, after the one before it has arrived.
func (w *writer) flush(ctx context.Context) error {
	if err := w.land(); err != nil {
		return err
	}
	if len(w.chunk) == 0 {
		return nil
	}
	if err := w.create(ctx); err != nil {
		return err
	}
	chunk := w.chunk
	w.chunk, w.bytes = nil, 0
	if w.have.Sealed != "" {
		return nil // it is all there; only its fingerprint is to be compared
	}
	w.flight = make(chan error, 1)
	go func() { w.flight <- w.c.ledger.Put(ctx, w.have.Spec, chunk) }()
	return nil
}

func (w *writer) land() error {
	if w.flight == nil {
		return nil
	}
	err := <-w.flight
	w.flight = nil
	return err
}

// abandon ends a stream that broke off. A job with a key stays, so that it can be continued, unless that is hopeless; without
// one it goes.
func (w *writer) abandon(ctx context.Context, hopeless bool) error {
	err := w.land()
	if errors.Is(err, ErrKeyConflict) || !w.written || w.have.Sealed != "" {
		return nil
	}
	if w.keyHash == "" || hopeless {
		return w.c.ledger.Discard(context.WithoutCancel(ctx), w.have.Spec.ID, w.keyHash, w.receipt.Batches)
	}
	return nil
}

func (w *writer) end(ctx context.Context) (Receipt, error) {
	w.receipt.Total = w.receipt.Queued + w.receipt.RefusedCount
	if w.n == 0 {
		return Receipt{}, errors.Join(invalid("recipients", "there are none"), ErrNoRecipients)
	}
	if w.receipt.Queued == 0 {
		return w.none(ctx)
	}
	if err := w.rest(ctx); err != nil {
		return Receipt{}, errors.Join(err, w.abandon(ctx, false))
	}
	first, err := w.c.ledger.Seal(ctx, w.have.Spec, w.fp, w.receipt, &w.tally)
	if err != nil {
		return Receipt{}, err
	}
	if !first {
		if w.have, err = w.c.ledger.Job(ctx, w.have.Spec.ID); err != nil {
			return Receipt{}, err
		}
	} else {
		w.have.Receipt, w.have.Batches = w.receipt, w.receipt.Batches
	}
	if w.have.Fed == 0 && w.have.Control == ledger.Run {
		if err := w.start(ctx); err != nil {
			return Receipt{}, err
		}
	}
	return w.receiptOf(w.have, !first), nil
}

// rest writes what has not been written yet, and waits until all of it has arrived.
func (w *writer) rest(ctx context.Context) error {
	err := w.spill(ctx)
	for i := range w.builds {
		if err == nil {
			err = w.closeBatch(ctx, &w.builds[i])
		}
	}
	if err == nil {
		err = w.flush(ctx)
	}
	if err == nil {
		err = w.create(ctx)
	}
	return errors.Join(err, w.land())
}

// none ends a stream without a valid recipient: what it has written goes.
func (w *writer) none(ctx context.Context) (Receipt, error) {
	var err error
	if w.written {
		// The key may stand for another job, which is not to be touched: compare all of it first. What is sealed has a
		// recipient.
		if w.have.Sealed != "" {
			return Receipt{}, ErrKeyConflict
		}
		if err := w.rest(ctx); err != nil {
			return Receipt{}, errors.Join(err, w.abandon(ctx, false))
		}
		err = w.c.ledger.Discard(context.WithoutCancel(ctx), w.have.Spec.ID, w.keyHash, w.receipt.Batches)
	}
	w.receipt.Batches = 0
	return w.receiptOf(ledger.Job{Receipt: w.receipt}, false), errors.Join(ErrNoRecipients, err)
}

// start puts the job's first batch on the queue; the worker that gets it puts the others there.
func (w *writer) start(ctx context.Context) error {
	spec := &w.have.Spec
	var at time.Time
	if spec.At > 0 && !spec.AtGateway {
		at = time.UnixMilli(spec.At)
	}
	return task.PutAhead(ctx, w.c.queue, task.QueueFor(spec, spec.Account(w.firstVia), 0), task.Ref{Job: spec.ID}, at)
}

func (w *writer) receiptOf(j ledger.Job, duplicate bool) Receipt {
	r := Receipt{
		JobID: j.Spec.ID, Total: j.Receipt.Total, Queued: j.Receipt.Queued, Refused: []Refused{},
		RefusedCount: j.Receipt.RefusedCount, Duplicates: j.Receipt.Duplicates, Batches: j.Receipt.Batches,
		Duplicate: duplicate,
	}
	for _, f := range j.Receipt.Refused {
		r.Refused = append(r.Refused, Refused{To: f.To, Row: f.Row, Reason: f.Reason})
	}
	if j.Spec.ID != "" {
		r.State = stateOf(&j, time.Now())
		r.ScheduleAt = scheduleAt(&j)
	}
	return r
}
