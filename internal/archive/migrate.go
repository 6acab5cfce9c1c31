package archive

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

// The files are named by the version that they make, and never change once released.
//
//go:embed migrations/*.sql
var migrations embed.FS

// ErrNewer says that the tables are of a later version of the program.
var ErrNewer = errors.New("the tables in PostgreSQL were made by a newer volley; run that one")

// Migrate makes the tables, or brings those of an earlier version up to date. Any number of processes may do so at once.
func (s *Store) Migrate(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.migrated {
		return nil
	}
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "select pg_advisory_xact_lock($1, $2)", lockClass, lockSchema); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "create table if not exists volley_schema (version integer primary key, applied_at timestamptz not null default now())"); err != nil {
			return err
		}
		var at int
		if err := tx.QueryRow(ctx, "select coalesce(max(version), 0) from volley_schema").Scan(&at); err != nil {
			return err
		}
		return migrate(ctx, tx, at)
	})
	if err != nil {
		return plainly(err)
	}
	s.migrated = true
	return nil
}

// migrate brings tables of version at up to date.
func migrate(ctx context.Context, tx pgx.Tx, at int) error {
	files, err := fs.Glob(migrations, "migrations/*.sql") // in the order of their names
	if err != nil {
		return err
	}
	if at > len(files) {
		return ErrNewer
	}
	for _, name := range files[at:] {
		version, err := strconv.Atoi(strings.TrimSuffix(path.Base(name), ".sql"))
		if err != nil {
			return fmt.Errorf("migration %s: %w", name, err)
		}
		sql, err := migrations.ReadFile(name)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, string(sql)); err != nil {
			return fmt.Errorf("migration %d: %w", version, err)
		}
		if _, err := tx.Exec(ctx, "insert into volley_schema (version) values ($1)", version); err != nil {
			return err
		}
	}
	return nil
}
