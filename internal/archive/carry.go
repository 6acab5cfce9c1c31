package archive

import (
	"context"
	"encoding/json"
	"iter"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/sms"
)

// piece is what is carried of one job in a transaction.
type piece struct {
	id      uuid.UUID
	batches []int
}

// carried is what one transaction has written, and which batches could not be read.
type carried struct {
	rows, batches int64
	damaged       []error
}

var outcomeColumns = []string{
	"job_id", "batch", "position", "version", "msisdn", "ref", "row_no", "status", "account", "provider_message_id", "code", "detail",
	"attempts", "history", "updated_at",
}

const upsertJob = `insert into volley_jobs (job_id, via, accounts, sender, text, fields, label, state, reason, created_at, schedule_at,
	completed_at, total, refused, duplicates, enqueued_by, history)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
on conflict (job_id) do update set accounts = excluded.accounts, state = excluded.state, reason = excluded.reason,
	schedule_at = excluded.schedule_at, completed_at = excluded.completed_at, history = excluded.history
where (volley_jobs.accounts, volley_jobs.state, volley_jobs.reason, volley_jobs.schedule_at, volley_jobs.completed_at, volley_jobs.history)
	is distinct from (excluded.accounts, excluded.state, excluded.reason, excluded.schedule_at, excluded.completed_at, excluded.history)`

const upsertBatch = `insert into volley_batches (job_id, batch, version) values ($1, $2, $3)
on conflict (job_id, batch) do update set version = excluded.version, carried_at = now()`

const incoming = `create temporary table if not exists volley_incoming (like volley_outcomes) on commit delete rows`

const merge = `insert into volley_outcomes select * from volley_incoming
on conflict (job_id, batch, position) do update set version = excluded.version, msisdn = excluded.msisdn, ref = excluded.ref,
	status = excluded.status, account = excluded.account, provider_message_id = excluded.provider_message_id, code = excluded.code,
	detail = excluded.detail, attempts = excluded.attempts, history = excluded.history, updated_at = excluded.updated_at
where volley_outcomes.version < excluded.version
	and (volley_outcomes.msisdn, volley_outcomes.ref, volley_outcomes.status, volley_outcomes.account,
		volley_outcomes.provider_message_id, volley_outcomes.code, volley_outcomes.detail, volley_outcomes.attempts,
		volley_outcomes.history, volley_outcomes.updated_at)
	is distinct from (excluded.msisdn, excluded.ref, excluded.status, excluded.account, excluded.provider_message_id,
		excluded.code, excluded.detail, excluded.attempts, excluded.history, excluded.updated_at)`

// carry writes jobs and batches of theirs in one transaction. The ledger is read while nobody else can carry the same jobs,
// so that what is written is never older than what is there. Jobs that are no longer in the ledger are left out.
func (s *Store) carry(ctx context.Context, l *ledger.Ledger, pieces []piece) (done carried, err error) {
	ids, names := make([]uuid.UUID, len(pieces)), make([]string, len(pieces))
	for i, p := range pieces {
		ids[i], names[i] = p.id, p.id.String()
	}
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if err := lockJobs(ctx, tx, ids); err != nil {
			return err
		}
		jobs, err := l.Jobs(ctx, names)
		if err != nil {
			return err
		}
		histories, err := l.Histories(ctx, names)
		if err != nil {
			return err
		}
		now := time.Now()
		send := &pgx.Batch{}
		for _, p := range pieces {
			if j, ok := jobs[p.id.String()]; ok {
				row, err := jobRow(p.id, &j, histories[p.id.String()], now)
				if err != nil {
					return err
				}
				send.Queue(upsertJob, row...)
			}
		}
		if err := tx.SendBatch(ctx, send).Close(); err != nil {
			return err
		}
		have, err := carriedOf(ctx, tx, pieces)
		if err != nil {
			return err
		}
		var fresh, again []settled
		for _, p := range pieces {
			j, ok := jobs[p.id.String()]
			if !ok || len(p.batches) == 0 {
				continue
			}
			read, damaged, err := l.Settled(ctx, &j, p.batches)
			if err != nil {
				return err
			}
			done.damaged = append(done.damaged, damaged...)
			for _, b := range read {
				switch was, ok := have[place{p.id, b.Batch}]; {
				case !ok:
					fresh = append(fresh, settled{p.id, b})
				case was < b.Version:
					again = append(again, settled{p.id, b})
				}
			}
		}
		done.rows, err = write(ctx, tx, fresh, again)
		done.batches = int64(len(fresh) + len(again))
		return err
	})
	if err != nil {
		return carried{}, plainly(err)
	}
	return done, nil
}

// place is a batch of a job.
type place struct {
	job   uuid.UUID
	batch int
}

// settled is a batch as the ledger has it.
type settled struct {
	job uuid.UUID
	ledger.Settled
}

// carriedOf returns the versions of the batches that are carried.
func carriedOf(ctx context.Context, tx pgx.Tx, pieces []piece) (map[place]uint32, error) {
	var ids []uuid.UUID
	var batches []int32
	for _, p := range pieces {
		for _, b := range p.batches {
			ids, batches = append(ids, p.id), append(batches, int32(b))
		}
	}
	rows, err := tx.Query(ctx, `select b.job_id, b.batch, b.version from volley_batches b
join unnest($1::uuid[], $2::integer[]) as w (job_id, batch) on b.job_id = w.job_id and b.batch = w.batch`, ids, batches)
	if err != nil {
		return nil, err
	}
	out := map[place]uint32{}
	var at place
	var version int64
	_, err = pgx.ForEachRow(rows, []any{&at.job, &at.batch, &version}, func() error {
		out[at] = uint32(version)
		return nil
	})
	return out, err
}

// write writes the rows of batches that are new, and of those that have changed, and which versions they are.
func write(ctx context.Context, tx pgx.Tx, fresh, again []settled) (rows int64, err error) {
	if len(fresh) > 0 {
		if rows, err = tx.CopyFrom(ctx, pgx.Identifier{"volley_outcomes"}, outcomeColumns, newSource(fresh)); err != nil {
			return 0, err
		}
	}
	if len(again) > 0 {
		if _, err := tx.Exec(ctx, incoming); err != nil {
			return 0, err
		}
		if _, err := tx.CopyFrom(ctx, pgx.Identifier{"volley_incoming"}, outcomeColumns, newSource(again)); err != nil {
			return 0, err
		}
		tag, err := tx.Exec(ctx, merge, pgx.QueryExecModeExec)
		if err != nil {
			return 0, err
		}
		rows += tag.RowsAffected()
	}
	send := &pgx.Batch{}
	for _, list := range [][]settled{fresh, again} {
		for i := range list {
			send.Queue(upsertBatch, list[i].job, list[i].Batch, int64(list[i].Version))
		}
	}
	return rows, tx.SendBatch(ctx, send).Close()
}

// newSource yields the rows of batches for COPY.
func newSource(batches []settled) pgx.CopyFromSource {
	next, stop := iter.Pull2(func(yield func([]any, error) bool) {
		for i := range batches {
			b := &batches[i]
			position := int32(0)
			for o := range b.Outcomes() {
				row, err := outcomeRow(b, position, &o)
				if !yield(row, err) || err != nil {
					return
				}
				position++
			}
		}
	})
	return pgx.CopyFromFunc(func() ([]any, error) {
		row, err, ok := next()
		if !ok || err != nil {
			stop()
			return nil, err
		}
		return row, nil
	})
}

func outcomeRow(b *settled, position int32, o *ledger.Outcome) ([]any, error) {
	to := o.To
	if o.Code == ledger.CodeRefused {
		if n, err := sms.ParseMSISDN(to); err == nil {
			to = n.String() // so that it is found as the others are
		}
	}
	var history any
	if len(o.History) > 0 {
		steps := make([]step, len(o.History))
		for i, h := range o.History {
			steps[i] = step{h.Account, clean(h.Code), clean(h.Detail), h.Attempts, time.UnixMilli(h.At).UTC()}
		}
		packed, err := json.Marshal(steps)
		if err != nil {
			return nil, err
		}
		history = packed
	}
	return []any{
		b.job, int32(b.Batch), position, int64(b.Version), text(to), text(o.Ref), int64(o.Row), o.State.String(), text(o.Account),
		text(o.ID), text(o.Code), text(o.Detail), int16(o.Attempts), history, time.UnixMilli(o.At),
	}, nil
}

// step is a recipient's time at an account that it left for another, in the column history.
type step struct {
	Account  string    `json:"account"`
	Code     string    `json:"code,omitempty"`
	Detail   string    `json:"detail,omitempty"`
	Attempts int       `json:"attempts"`
	Left     time.Time `json:"left"`
}

// asked is an entry of a job's history, in the column history of volley_jobs.
type asked struct {
	At      time.Time `json:"at"`
	Action  string    `json:"action"`
	By      string    `json:"by,omitempty"`
	Reason  string    `json:"reason,omitempty"`
	Detail  string    `json:"detail,omitempty"`
	Changed *int64    `json:"changed"`
}

func jobRow(id uuid.UUID, j *ledger.Job, entries []ledger.Entry, now time.Time) ([]any, error) {
	var history any
	if len(entries) > 0 {
		list := make([]asked, len(entries))
		for i, e := range entries {
			list[i] = asked{time.UnixMilli(e.At).UTC(), e.Action, clean(e.By), clean(e.Reason), e.Detail, e.Changed}
		}
		packed, err := json.Marshal(list)
		if err != nil {
			return nil, err
		}
		history = packed
	}
	var at, completed *time.Time
	if j.Spec.At > 0 {
		t := time.UnixMilli(j.Spec.At)
		at = &t
	}
	if !j.Completed.IsZero() {
		completed = &j.Completed
	}
	accounts, fields := append([]string{}, j.Spec.Accounts...), []string{}
	for _, f := range j.Spec.Fields {
		if f != ledger.FieldDue && f != ledger.FieldZone {
			fields = append(fields, clean(f))
		}
	}
	return []any{
		id, j.Spec.Via, accounts, text(j.Spec.From), text(j.Spec.Text), fields, text(j.Spec.Label), j.State(now), text(j.Reason),
		time.UnixMilli(j.Spec.Created), at, completed, j.Receipt.Total, j.Receipt.RefusedCount, j.Receipt.Duplicates,
		text(j.Spec.By), history,
	}, nil
}

// text is NULL for what is empty. PostgreSQL takes no NUL character.
func text(s string) *string {
	if s == "" {
		return nil
	}
	s = clean(s)
	return &s
}
