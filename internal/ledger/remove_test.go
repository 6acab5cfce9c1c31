package ledger

import (
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// settleAll sends nothing and gives every queued recipient of a job an outcome.
func settleAll(t tb, l *Ledger, job Job, to State, now time.Time) {
	t.Helper()
	for b := range job.Batches {
		h := take(t, l, job.Spec.ID, b, "w/1", "")
		c := Commit{Seq: 1, Via: -1, Release: true}
		for i, rec := range h.Records {
			if rec.State == Queued {
				rec.State, rec.At = to, now.UnixMilli()
				c.Records.Set(i, Queued, rec)
			}
		}
		if _, _, err := l.Commit(t.Context(), h, &c); err != nil {
			t.Fatalf("Commit: %v", err)
		}
		if _, err := l.Finish(t.Context(), job.Spec.ID, b, now); err != nil {
			t.Fatalf("Finish: %v", err)
		}
	}
}

func TestRemove(t *testing.T) {
	now := time.UnixMilli(1_700_000_000_000)
	onBoth(t, func(t *testing.T, rdb *redis.Client) {
		l := New(rdb)
		t.Run("nothing is left of a job without a key", func(t *testing.T) {
			c := newContent("gone", make([][2]int, 300)...)
			for i := range c.batches {
				var b BatchBuilder
				b.Add(Recipient{To: testNumber(uint64(i)), Row: uint64(i + 1)})
				c.batches[i].Packed = PackBatch(c.fp, b.AppendBody(nil))
			}
			c.spec.Hook = &Hook{URL: "https://example.com/hook"}
			job := c.seal(t, l)
			settleAll(t, l, job, Failed, now)
			if err := l.SetWaiting(t.Context(), "gone", 1, now.Add(time.Hour), now, "a window"); err != nil {
				t.Fatal(err)
			}
			report := []*BatchReports{{Job: "gone", Batch: 1, Reports: []Report{{Account: "first", State: Delivered, At: now.UnixMilli()}}}}
			if err := NewReporter(l).Apply(t.Context(), report); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if err := l.Remove(t.Context(), "gone"); err != nil {
					t.Fatal(err)
				}
				if left := keysLike(t, rdb, "*"); len(left) > 0 {
					t.Fatalf("%d keys are left: %v", len(left), left)
				}
			}
		})
		t.Run("one that was never sealed goes whole", func(t *testing.T) {
			c := newContent("half", [2]int{3, 1}, [2]int{2, 0})
			if _, err := l.Begin(t.Context(), "", 0, c.spec, c.begun()); err != nil {
				t.Fatal(err)
			}
			if ttl := rdb.PTTL(t.Context(), jobKey("half")).Val(); ttl <= 0 || ttl > MaxUnsealed {
				t.Errorf("before it is sealed it is kept for %v", ttl)
			}
			if err := l.Put(t.Context(), c.spec, c.batches); err != nil {
				t.Fatal(err)
			}
			rdb.Del(t.Context(), jobKey("half")) // its time passed
			if err := l.Remove(t.Context(), "half"); err != nil {
				t.Fatal(err)
			}
			if left := keysLike(t, rdb, "*"); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
		})
		t.Run("as long as its key is remembered the receipt is", func(t *testing.T) {
			c := newContent("keyed", [2]int{3, 2})
			c.receipt.Refused = []Refused{{To: "+45 00 00 00 01 x", Reason: "has letters"}}
			c.spec.Label, c.spec.From = "secret label", "secret sender"
			begin := func() Job {
				t.Helper()
				j, err := l.Begin(t.Context(), "hash", time.Hour, c.spec, c.begun())
				if err != nil {
					t.Fatal(err)
				}
				return j
			}
			begin()
			if err := l.Put(t.Context(), c.spec, c.batches); err != nil {
				t.Fatal(err)
			}
			if _, err := l.Seal(t.Context(), c.spec, c.fp, c.receipt, &c.tally); err != nil {
				t.Fatal(err)
			}
			if ttl := rdb.PTTL(t.Context(), jobKey("keyed")).Val(); ttl > 0 {
				t.Errorf("sealed, it ends after %v", ttl)
			}
			job, _ := l.Job(t.Context(), "keyed")
			settleAll(t, l, job, Accepted, now)
			if err := l.Remove(t.Context(), "keyed"); err != nil {
				t.Fatal(err)
			}
			again := begin()
			if !again.Gone || again.Sealed == "" || again.Receipt.Total != 5 {
				t.Errorf("got %+v", again)
			}
			if first, err := l.Seal(t.Context(), c.spec, c.fp, c.receipt, &c.tally); first || err != nil {
				t.Errorf("it is sealed anew: %v, %v", first, err)
			}
			for k, v := range rdb.HGetAll(t.Context(), jobKey("keyed")).Val() {
				for _, word := range []string{"hello", "secret", "+45"} {
					if strings.Contains(v, word) {
						t.Errorf("%s has %q: %s", k, word, v)
					}
				}
			}
			if ttl := rdb.PTTL(t.Context(), jobKey("keyed")).Val(); ttl <= 0 || ttl > 2*time.Hour {
				t.Errorf("it stays for %v", ttl)
			}
			if jobs, err := l.Jobs(t.Context(), []string{"keyed", "never"}); err != nil || len(jobs) != 0 {
				t.Errorf("it is among the jobs: %v, %v", jobs, err)
			}
		})
	})
}

func TestSettled(t *testing.T) {
	now := time.UnixMilli(1_700_000_000_000)
	onBoth(t, func(t *testing.T, rdb *redis.Client) {
		l := New(rdb)
		job := newContent("job", [2]int{2, 1}, [2]int{2, 0}).seal(t, l)
		versions := func() []BatchVersion {
			t.Helper()
			v, err := l.Finished(t.Context(), []Job{job})
			if err != nil {
				t.Fatal(err)
			}
			return v["job"]
		}
		if v := versions(); len(v) != 0 {
			t.Errorf("before it is sent: %v", v)
		}
		if s, damaged, err := l.Settled(t.Context(), &job, []int{0, 1}); len(damaged) > 0 || err != nil || len(s) != 0 {
			t.Errorf("what is queued counts as settled: %v, %v", s, err)
		}
		settleAll(t, l, job, Failed, now)
		s, damaged, err := l.Settled(t.Context(), &job, []int{0, 1, 2})
		if err != nil || len(damaged) != 1 || len(s) != 2 || s[0].Len() != 3 {
			t.Fatalf("got %v, %v", s, err)
		}
		n := 0
		for o := range s[0].Outcomes() {
			if n++; n == 3 && (o.To != "abc" || o.State != Rejected) || n < 3 && o.State != Failed {
				t.Errorf("%d: %+v", n, o)
			}
		}
		first := versions()
		if _, _, err := l.Reopen(t.Context(), job, Failed); err != nil {
			t.Fatal(err)
		}
		if v := versions(); len(v) != 0 {
			t.Errorf("queued again: %v", v)
		}
		settleAll(t, l, job, Accepted, now)
		second := versions()
		for i := range second {
			if second[i].Version <= first[i].Version {
				t.Errorf("after it was sent again a batch has version %d, and had %d", second[i].Version, first[i].Version)
			}
		}
		report := []*BatchReports{{Job: "job", Batch: 1, Reports: []Report{{Position: 1, Round: -1, Account: "first", State: Delivered, At: 1}}}}
		if err := NewReporter(l).Apply(t.Context(), report); err != nil {
			t.Fatal(err)
		}
		if v := versions(); v[0] != second[0] || v[1].Version <= second[1].Version {
			t.Errorf("after a report about batch 1: %v, before %v", v, second)
		}
	})
}
