// Package archive is the long-term record of jobs and outcomes, in PostgreSQL.
//
// A Carrier carries what the ledger knows there, batch by batch, once nothing of a batch is queued or sending. A batch is
// carried with the version that the ledger gives its content, in one transaction with the note that it was: so what is
// carried twice changes nothing, and what was reported later updates the rows.
package archive

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"sync"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Store is the record. It is safe for concurrent use; whoever opened it closes it.
type Store struct {
	pool     *pgxpool.Pool
	mu       sync.Mutex
	migrated bool
}

// Advisory locks, in the key space of two numbers.
const (
	lockClass = 0x766f6c6c // the program's
	// lockSchema is held while tables are changed.
	lockSchema = 1
	// lockCarry is shared by whoever carries, and held alone by whoever forgets: what is being carried was read before.
	lockCarry = 2
)

// maxConns bounds the connections of one process.
const maxConns = 4

// Open returns the Store at a URL that begins with postgres:// or postgresql://. It does not connect; the first call does.
// Errors don't have the URL.
func Open(url string) (*Store, error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, errors.New("the address of PostgreSQL can't be read; it looks like postgres://user:password@host:5432/database")
	}
	cfg.MaxConns = min(cfg.MaxConns, maxConns)
	if cfg.ConnConfig.ConnectTimeout == 0 {
		cfg.ConnConfig.ConnectTimeout = connectTimeout
	}
	pool, err := pgxpool.NewWithConfig(context.Background(), cfg)
	if err != nil {
		return nil, plainly(err)
	}
	return &Store{pool: pool}, nil
}

// Close closes the connections.
func (s *Store) Close() { s.pool.Close() }

// versions returns what is carried of jobs.
func (s *Store) versions(ctx context.Context, jobs []uuid.UUID) (map[uuid.UUID]map[int]uint32, error) {
	rows, err := s.pool.Query(ctx, "select job_id, batch, version from volley_batches where job_id = any($1)", jobs)
	if err != nil {
		return nil, plainly(err)
	}
	out := map[uuid.UUID]map[int]uint32{}
	var id uuid.UUID
	var batch int
	var version int64
	_, err = pgx.ForEachRow(rows, []any{&id, &batch, &version}, func() error {
		if out[id] == nil {
			out[id] = map[int]uint32{}
		}
		out[id][batch] = uint32(version)
		return nil
	})
	return out, plainly(err)
}

// lockJobs makes this the only transaction that carries these jobs, and keeps whoever forgets waiting.
func lockJobs(ctx context.Context, tx pgx.Tx, jobs []uuid.UUID) error {
	if _, err := tx.Exec(ctx, "select pg_advisory_xact_lock_shared($1, $2)", lockClass, lockCarry); err != nil {
		return err
	}
	keys := make([]int64, len(jobs))
	for i, id := range jobs {
		h := fnv.New64a()
		_, _ = h.Write(id[:]) // it never fails
		keys[i] = int64(h.Sum64())
	}
	slices.Sort(keys) // all wait in the same order
	for _, k := range slices.Compact(keys) {
		if _, err := tx.Exec(ctx, "select pg_advisory_xact_lock($1)", k); err != nil {
			return err
		}
	}
	return nil
}

// plainly takes out of an error what PostgreSQL quotes of rows and addresses.
func plainly(err error) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return fmt.Errorf("PostgreSQL: %s (SQLSTATE %s)", pg.Message, pg.Code)
	}
	var c *pgconn.ConnectError
	if errors.As(err, &c) {
		return &unreachableError{err}
	}
	return err
}

// unreachableError shows neither the address nor the user.
type unreachableError struct{ err error }

func (*unreachableError) Error() string   { return "PostgreSQL can't be reached" }
func (e *unreachableError) Unwrap() error { return e.err }

// clean takes out of a text what PostgreSQL does not take.
func clean(s string) string { return strings.ReplaceAll(strings.ToValidUTF8(s, "?"), "\x00", "") }
