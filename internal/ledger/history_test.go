package ledger

import (
	"fmt"
	"testing"

	"github.com/redis/go-redis/v9"
)

func TestHistory(t *testing.T) {
	onBoth(t, func(t *testing.T, rdb *redis.Client) {
		l, ctx := New(rdb), t.Context()
		history := func(t *testing.T, job string) (got []string) {
			t.Helper()
			all, err := l.History(ctx, job)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range all {
				changed := "?"
				if e.Changed != nil {
					changed = fmt.Sprint(*e.Changed)
				}
				got = append(got, fmt.Sprintf("%s by %s: %s, %s", e.Action, e.By, e.Reason, changed))
			}
			return got
		}
		want := func(t *testing.T, job string, want ...string) {
			t.Helper()
			if got := history(t, job); fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
				t.Errorf("got %q, want %q", got, want)
			}
		}

		t.Run("control words write it with the word", func(t *testing.T) {
			newContent("job", [2]int{1, 0}).seal(t, l)
			pause := &Entry{By: "ann", Action: "pause", Reason: "lunch"}
			for _, e := range []*Entry{pause, {By: "bob", Action: "pause", Reason: "too"}} {
				if err := l.SetControl(ctx, "job", Paused, e); err != nil {
					t.Fatal(err)
				}
			}
			want(t, "job", "pause by ann: lunch, ?")
			n := int64(1)
			pause.Changed = &n
			if err := l.Note(ctx, "job", pause); err != nil {
				t.Fatal(err)
			}
			want(t, "job", "pause by ann: lunch, 1")
		})
		t.Run("what came to nothing is taken back", func(t *testing.T) {
			e := &Entry{By: "ann", Action: "retry"}
			for _, do := range []func() error{
				func() error { return l.Note(ctx, "job", e) }, func() error { return l.Unnote(ctx, "job", e) },
			} {
				if err := do(); err != nil {
					t.Fatal(err)
				}
			}
			want(t, "job", "pause by ann: lunch, 1")
		})
		t.Run("the newest are kept", func(t *testing.T) {
			newContent("long", [2]int{1, 0}).seal(t, l)
			first := &Entry{By: "0", Action: "retry"}
			if err := l.Note(ctx, "long", first); err != nil {
				t.Fatal(err)
			}
			for i := range MaxHistory {
				if err := l.Note(ctx, "long", &Entry{By: fmt.Sprint(i + 1), Action: "retry"}); err != nil {
					t.Fatal(err)
				}
			}
			if err := l.Note(ctx, "long", first); err != nil { // what fell out does not come back
				t.Fatal(err)
			}
			got := history(t, "long")
			if len(got) != MaxHistory || got[0] != "retry by 1: , ?" || got[MaxHistory-1] != fmt.Sprintf("retry by %d: , ?", MaxHistory) {
				t.Errorf("%d entries, from %q to %q", len(got), got[0], got[len(got)-1])
			}
		})
		t.Run("a job that was removed has none", func(t *testing.T) {
			records(t, l, "job", 0, Record{State: Accepted})
			if err := l.Remove(ctx, "job"); err != nil {
				t.Fatal(err)
			}
			if err := l.Note(ctx, "job", &Entry{Action: "retry"}); err != nil {
				t.Fatal(err)
			}
			if n := rdb.Exists(ctx, historyKey("job")).Val(); n != 0 {
				t.Error("it is still there")
			}
		})
	})
}
