package ledger

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"
)

// A job of a later format is told from one that is not there, and is in no list of jobs that can be worked on.
func TestFormat_NewerIsLeftAlone(t *testing.T) {
	rdb := connect(t, miniredis.RunT(t).Addr())
	l := New(rdb)
	id := "0197c1b2-7a4e-7000-8000-00000000f00d"
	spec, err := json.Marshal(Spec{ID: id, Format: Format() + 1, Via: "a", Accounts: []string{"a"}, Text: "x", Created: 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := rdb.HSet(t.Context(), "volley:{"+id+"}:job", "spec", spec, "sealed", "x", "batches", 1).Err(); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Job(t.Context(), id); !errors.Is(err, ErrNewer) || !strings.Contains(err.Error(), id) || !strings.Contains(err.Error(), "upgrade") {
		t.Errorf("%v, want ErrNewer with the job and what to do", err)
	}
	if jobs, err := l.Jobs(t.Context(), []string{id}); err != nil || len(jobs) != 0 {
		t.Errorf("%v, %v", jobs, err)
	}
	if err := l.Remove(t.Context(), id); !errors.Is(err, ErrNewer) {
		t.Errorf("it is removed: %v", err)
	}
}
