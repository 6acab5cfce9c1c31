package archive

import (
	"context"
	"encoding/json"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/sms"
)

// Row is what the record knows about a number in one job.
type Row struct {
	Job, Via, Label string
	JobCreated      time.Time
	Outcome         ledger.Outcome
	// Status is the word of the outcome's state.
	Status string
}

// Find calls each with what the record knows about a number, the newest job first, until each returns an error.
func (s *Store) Find(ctx context.Context, to sms.MSISDN, each func(*Row) error) error {
	if err := s.Migrate(ctx); err != nil {
		return err
	}
	return s.rows(ctx, "o.msisdn = $1 order by j.created_at desc, o.batch, o.position", to.String(), each)
}

// Outcomes calls each with every recipient of a job, in the order in which the ledger tells them, until it returns an error;
// those of a million are never held at once. found is false when the record has no such job.
func (s *Store) Outcomes(ctx context.Context, job string, each func(*Row) error) (found bool, err error) {
	id, err := uuid.Parse(job)
	if err != nil {
		return false, nil //nolint:nilerr // the record has no job with another kind of ID
	}
	if err := s.Migrate(ctx); err != nil {
		return false, err
	}
	if err := s.pool.QueryRow(ctx, "select exists (select from volley_jobs where job_id = $1)", id).Scan(&found); err != nil || !found {
		return false, plainly(err)
	}
	return true, s.rows(ctx, "o.job_id = $1 order by o.batch, o.position", id, each)
}

const selectRows = `select j.job_id, j.via, coalesce(j.label, ''), j.created_at, coalesce(o.msisdn, ''), o.row_no, coalesce(o.ref, ''),
	o.status, coalesce(o.account, ''), coalesce(o.provider_message_id, ''), coalesce(o.code, ''), coalesce(o.detail, ''), o.attempts,
	o.history, o.updated_at
from volley_outcomes o join volley_jobs j using (job_id) where `

// rows calls each with the rows that a condition takes.
func (s *Store) rows(ctx context.Context, condition string, arg any, each func(*Row) error) error {
	rows, err := s.pool.Query(ctx, selectRows+condition, arg)
	if err != nil {
		return plainly(err)
	}
	defer rows.Close()
	for rows.Next() {
		r, err := scanRow(rows)
		if err != nil {
			return plainly(err)
		}
		if err := each(r); err != nil {
			return err
		}
	}
	return plainly(rows.Err())
}

func scanRow(rows pgx.Rows) (*Row, error) {
	var r Row
	var id uuid.UUID
	var row int64
	var history []byte
	var updated time.Time
	o := &r.Outcome
	if err := rows.Scan(&id, &r.Via, &r.Label, &r.JobCreated, &o.To, &row, &o.Ref, &r.Status, &o.Account, &o.ID, &o.Code, &o.Detail,
		&o.Attempts, &history, &updated); err != nil {
		return nil, err
	}
	r.Job, o.Row, o.At = id.String(), uint64(row), updated.UnixMilli()
	o.State, _ = ledger.ParseState(r.Status)
	if len(history) > 0 {
		var steps []step
		if err := json.Unmarshal(history, &steps); err != nil {
			return nil, err
		}
		for _, h := range steps {
			o.History = append(o.History, ledger.Step{Account: h.Account, Code: h.Code, Detail: h.Detail, Attempts: h.Attempts, At: h.Left.UnixMilli()})
		}
	}
	return &r, nil
}

// ForgetNumber takes a number, and what is personal beside it, out of the record, and returns in how many rows it was. What
// the ledger still has of it is to be taken out before.
func (s *Store) ForgetNumber(ctx context.Context, to sms.MSISDN) (rows int64, err error) {
	err = s.forget(ctx, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `update volley_outcomes set msisdn = null, ref = null, provider_message_id = null, code = null,
	detail = null, history = null where msisdn = $1`, to.String())
		rows = tag.RowsAffected()
		return err
	})
	return rows, err
}

// ForgetJob deletes a job with its outcomes, and returns how many those were and whether there was such a job. It is to be
// removed from the ledger before.
func (s *Store) ForgetJob(ctx context.Context, job string) (rows int64, found bool, err error) {
	id, err := uuid.Parse(job)
	if err != nil {
		return 0, false, nil //nolint:nilerr // the record has no job with another kind of ID
	}
	err = s.forget(ctx, func(tx pgx.Tx) error {
		rows, err = deleteJobs(ctx, tx, []uuid.UUID{id})
		found = rows >= 0
		return err
	})
	return max(rows, 0), found, err
}

// forget runs f while nobody carries: what was read from the ledger before is written, or is never.
func (s *Store) forget(ctx context.Context, f func(pgx.Tx) error) error {
	if err := s.Migrate(ctx); err != nil {
		return err
	}
	return plainly(pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "select pg_advisory_xact_lock($1, $2)", lockClass, lockCarry); err != nil {
			return err
		}
		return f(tx)
	}))
}

// deleteJobs deletes jobs, and returns how many outcomes they had, -1 when there is none of them.
func deleteJobs(ctx context.Context, tx pgx.Tx, ids []uuid.UUID) (rows int64, err error) {
	tag, err := tx.Exec(ctx, "delete from volley_jobs where job_id = any($1)", ids)
	if err != nil || tag.RowsAffected() == 0 {
		return -1, err
	}
	tag, err = tx.Exec(ctx, "delete from volley_outcomes where job_id = any($1)", ids)
	return tag.RowsAffected(), err
}

// deletedAtOnce is how many jobs are deleted in one transaction.
const deletedAtOnce = 100

// DeleteBefore deletes the jobs that were created before a time and have completed, and returns how many they were.
func (s *Store) DeleteBefore(ctx context.Context, before time.Time) (jobs int, err error) {
	if err := s.Migrate(ctx); err != nil {
		return 0, err
	}
	for {
		n := 0
		err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
			rows, err := tx.Query(ctx, `select job_id from volley_jobs where created_at < $1 and completed_at < $1
order by created_at limit $2 for update skip locked`, before, deletedAtOnce)
			if err != nil {
				return err
			}
			ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
			if err != nil || len(ids) == 0 {
				return err
			}
			n = len(ids)
			_, err = deleteJobs(ctx, tx, ids)
			return err
		})
		jobs += n
		if err != nil || n < deletedAtOnce {
			return jobs, plainly(err)
		}
	}
}
