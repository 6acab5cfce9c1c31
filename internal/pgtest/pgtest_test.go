package pgtest_test

import (
	"os"
	"testing"

	"github.com/volleysms/volley/internal/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

func TestURL(t *testing.T) {
	one, two := pgtest.Connect(t, pgtest.URL(t)), pgtest.Connect(t, pgtest.URL(t))
	if _, err := one.Exec(t.Context(), "create table things (name text)"); err != nil {
		t.Fatal(err)
	}
	t.Run("what a test writes no other sees", func(t *testing.T) {
		var seen bool
		if err := two.QueryRow(t.Context(), "select to_regclass('things') is not null").Scan(&seen); err != nil {
			t.Fatal(err)
		}
		if seen {
			t.Error("the table of one schema is seen in the other")
		}
	})
	t.Run("it is a PostgreSQL", func(t *testing.T) {
		var n int
		if err := one.QueryRow(t.Context(), "select count(*) from things").Scan(&n); err != nil || n != 0 {
			t.Errorf("got %d rows, %v", n, err)
		}
	})
}
