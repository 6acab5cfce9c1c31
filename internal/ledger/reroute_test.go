package ledger

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

func TestReroute(t *testing.T) {
	onBoth(t, func(t *testing.T, rdb *redis.Client) {
		l, ctx := New(rdb), t.Context()
		reroute := func(t *testing.T, job string, accounts ...string) Job {
			t.Helper()
			j, err := l.Reroute(ctx, job, accounts, &Entry{By: "ann", Action: "reroute"})
			if err != nil {
				t.Fatal(err)
			}
			return j
		}
		t.Run("an owner's claims are refused, and its records kept", func(t *testing.T) {
			job := newContent("held", [2]int{2, 0}, [2]int{2, 0}).seal(t, l)
			old := len(job.Spec.Accounts)
			held, err := l.Take(ctx, "held", 0, "w/1", "")
			if err != nil {
				t.Fatal(err)
			}
			c := Commit{Seq: 1, Via: -1}
			c.Claims.Set(0, Queued, Record{State: Sending})
			if granted, ctl, err := l.Commit(ctx, &held, &c); err != nil || !granted || ctl != Run {
				t.Fatal(granted, ctl, err)
			}
			j := reroute(t, "held", "x", "y")
			if got := j.Spec.Accounts[j.From:]; !slices.Equal(got, []string{"x", "y"}) || j.From != old {
				t.Errorf("from %d: %v", j.From, j.Spec.Accounts)
			}
			c = Commit{Seq: 2, Via: -1}
			c.Records.Set(0, Sending, Record{State: Accepted})
			c.Claims.Set(1, Queued, Record{State: Sending})
			if granted, ctl, err := l.Commit(ctx, &held, &c); err != nil || granted || ctl != Moved {
				t.Errorf("got %v, %q, %v", granted, ctl, err)
			}
			c = Commit{Seq: 3, Via: -1, Release: true}
			if _, _, err := l.Commit(ctx, &held, &c); err != nil {
				t.Fatal(err)
			}
			for b := range 2 {
				h, err := l.Take(ctx, "held", b, "w/2", "")
				if err != nil || h.Via != old || h.Was != 0 {
					t.Errorf("batch %d: via %d, was %d, %v", b, h.Via, h.Was, err)
				}
				if h, err = l.Take(ctx, "held", b, "w/2", ""); err != nil || h.Was != old {
					t.Errorf("batch %d again: was %d, %v", b, h.Was, err)
				}
			}
			holders, err := l.Holders(ctx, "held", []int{0, 1})
			if err != nil || holders[1].Via != old {
				t.Errorf("got %v, %v", holders, err)
			}
			if wrong, err := l.Audit(ctx, "held"); err != nil || len(wrong) > 0 {
				t.Errorf("the books: %v, %v", wrong, err)
			}
		})
		t.Run("the route of the last one counts", func(t *testing.T) {
			newContent("twice", [2]int{1, 0}).seal(t, l)
			first := reroute(t, "twice", "x", "y")
			second := reroute(t, "twice", "x")
			if second.From != first.From+2 || second.Spec.Next(second.From) != -1 || first.Spec.Next(first.From) != first.From+1 {
				t.Errorf("got %+v, %+v", first.Spec, second.Spec)
			}
		})
		t.Run("a copy that a crash left out is found and repaired", func(t *testing.T) {
			newContent("crashed", [2]int{1, 0}, [2]int{1, 0}).seal(t, l)
			reroute(t, "crashed", "x")
			if err := rdb.HDel(ctx, countsKey("crashed", 1), "from").Err(); err != nil {
				t.Fatal(err)
			}
			if err := rdb.HSet(ctx, countsKey("crashed", 0), "ctl", "paused").Err(); err != nil {
				t.Fatal(err)
			}
			wrong, err := l.Audit(ctx, "crashed")
			if err != nil || len(wrong) != 2 || !strings.HasPrefix(wrong[0], "shard 0 goes by ") || !strings.HasPrefix(wrong[1], "shard 1 goes by ") {
				t.Errorf("got %q, %v", wrong, err)
			}
			if err := l.SetControl(ctx, "crashed", Run, &Entry{}); err != nil {
				t.Fatal(err)
			}
			if wrong, err := l.Audit(ctx, "crashed"); err != nil || len(wrong) > 0 {
				t.Errorf("got %q, %v", wrong, err)
			}
		})
		t.Run("what has ended is left alone", func(t *testing.T) {
			newContent("over", [2]int{1, 0}).seal(t, l)
			if err := l.SetControl(ctx, "over", Withdrawn, &Entry{}); err != nil {
				t.Fatal(err)
			}
			if _, err := l.Reroute(ctx, "over", []string{"x"}, &Entry{}); !errors.Is(err, ErrCancelled) {
				t.Errorf("got %v", err)
			}
			if _, err := l.Reroute(ctx, "none", []string{"x"}, &Entry{}); !errors.Is(err, ErrNotFound) {
				t.Errorf("got %v", err)
			}
		})
		t.Run("reports of an account that a reporter did not know", func(t *testing.T) {
			newContent("reported", [2]int{1, 0}, [2]int{1, 0}).seal(t, l)
			records(t, l, "reported", 0, Record{State: Accepted})
			r := NewReporter(l)
			report := func(batch int, account string) Verdict {
				b := []*BatchReports{{Job: "reported", Batch: batch, Reports: []Report{{Round: -1, Account: account, State: Delivered, At: 1}}}}
				if err := r.Apply(ctx, b); err != nil {
					t.Fatal(err)
				}
				return b[0].Verdicts[0]
			}
			if v := report(0, "first"); v != Applied {
				t.Errorf("got %v", v)
			}
			j := reroute(t, "reported", "x")
			records(t, l, "reported", 1, Record{State: Accepted, Account: uint8(j.From)})
			if v := report(1, "x"); v != Applied {
				t.Errorf("got %v", v)
			}
		})
	})
}

func TestReopen_BeginsWithTheFirstAccount(t *testing.T) {
	onBoth(t, func(t *testing.T, rdb *redis.Client) {
		l, ctx := New(rdb), t.Context()
		job := newContent("job", [2]int{1, 0}).seal(t, l)
		held, err := l.Take(ctx, "job", 0, "w/1", "")
		if err != nil {
			t.Fatal(err)
		}
		c := Commit{Seq: 1, Via: 1, Release: true}
		c.Records.Set(0, Queued, Record{State: Failed, Account: 1})
		if _, _, err := l.Commit(ctx, &held, &c); err != nil {
			t.Fatal(err)
		}
		finish(t, l, "job", 0)
		if n, _, err := l.Reopen(ctx, job, Failed); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		if h, err := l.Holders(ctx, "job", []int{0}); err != nil || h[0].Via != 0 {
			t.Errorf("got %v, %v", h, err)
		}
	})
}

func TestLabelled(t *testing.T) {
	onBoth(t, func(t *testing.T, rdb *redis.Client) {
		l, ctx := New(rdb), t.Context()
		labelled := func(id, label string, created int64) {
			c := newContent(id, [2]int{1, 0})
			c.spec.Label, c.spec.Created = label, created
			c.seal(t, l)
		}
		labelled("one", "summer", 1)
		labelled("two", "winter", 2)
		labelled("three", "summer", 3)
		want := func(label string, want ...string) {
			t.Helper()
			if got, err := l.Labelled(ctx, label); err != nil || !slices.Equal(got, want) {
				t.Errorf("%s: got %v, %v, want %v", label, got, err, want)
			}
		}
		want("summer", "three", "one")
		want("autumn")
		records(t, l, "one", 0, Record{State: Accepted})
		finish(t, l, "one", 0)
		if err := l.Remove(ctx, "one"); err != nil {
			t.Fatal(err)
		}
		want("summer", "three")
		t.Run("a label that has more than are listed is looked for in all jobs", func(t *testing.T) {
			for i := range maxLabelled {
				z := redis.Z{Score: float64(10 + i), Member: fmt.Sprint("gone-", i)}
				if err := rdb.ZAdd(ctx, labelKey("summer"), z).Err(); err != nil {
					t.Fatal(err)
				}
			}
			labelled("four", "summer", 5000)
			if n := rdb.ZCard(ctx, labelKey("summer")).Val(); n != maxLabelled {
				t.Errorf("%d are listed", n)
			}
			want("summer", "four", "three")
		})
	})
}
