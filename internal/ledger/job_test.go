package ledger

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

func TestJob_WrittenAndRead(t *testing.T) {
	onBoth(t, func(t *testing.T, rdb *redis.Client) {
		l := New(rdb)
		c := newContent("job", [2]int{3, 1}, [2]int{2, 0})
		c.spec = Spec{
			ID: "job", Format: Format(), Via: "route", Accounts: []string{"first", "second"}, From: "Sender", Text: "a <b> & {{c}}\x00\n€",
			UDH: []byte{5, 0, 3}, Payload: []byte{0, 255}, Fields: []string{"c"}, Label: "label", Created: 5, At: 7,
		}
		c.receipt.Refused = []Refused{{To: "abc", Row: 4, Ref: "ref", Reason: "has letters"}}
		got := c.seal(t, l)
		want := Job{Spec: c.spec, Sealed: string(c.fp[:]), Receipt: c.receipt, Batches: 2}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v\nwant %+v", got, want)
		}
		if n := agree(t, l, got); n[Queued] != 5 || n[Rejected] != 1 || n.Total() != 6 {
			t.Errorf("counts %v", n)
		}
		out := collect(t, l, got)
		first := Outcome{To: testNumber(1).String(), Row: 1, Ref: "r1", State: Queued, Account: "first", At: 5}
		if !reflect.DeepEqual(out[0], first) {
			t.Errorf("got %+v\nwant %+v", out[0], first)
		}
		refused := Outcome{To: "abc", Row: 4, State: Rejected, Code: CodeRefused, Detail: "has letters", At: 5}
		if !reflect.DeepEqual(out[3], refused) {
			t.Errorf("got %+v\nwant %+v", out[3], refused)
		}
		if ids, err := l.Recent(t.Context(), 10); err != nil || !reflect.DeepEqual(ids, []string{"job"}) {
			t.Errorf("Recent: got %v, %v", ids, err)
		}
	})
}

func TestJob_NotThere(t *testing.T) {
	onBoth(t, func(t *testing.T, rdb *redis.Client) {
		l, ctx := New(rdb), t.Context()
		tests := map[string]func() error{
			"Job":      func() error { _, err := l.Job(ctx, "none"); return err },
			"JobOfKey": func() error { _, err := l.JobOfKey(ctx, "none"); return err },
			"Take":     func() error { _, err := l.Take(ctx, "none", 0, "w/1", ""); return err },
			"Finish":   func() error { _, err := l.Finish(ctx, "none", 0, time.Now()); return err },
			"Seal": func() error {
				c := newContent("none", [2]int{1, 0})
				_, err := l.Seal(ctx, c.spec, c.fp, c.receipt, &c.tally)
				return err
			},
		}
		for name, call := range tests {
			t.Run(name, func(t *testing.T) {
				if err := call(); !errors.Is(err, ErrNotFound) {
					t.Errorf("got %v, want ErrNotFound", err)
				}
			})
		}
		if from, err := l.SetFed(ctx, "none", 3); err != nil || from != 3 {
			t.Errorf("SetFed: got %d, %v; nothing is to be put on the queue", from, err)
		}
		if keys := keysLike(t, rdb, "*"); len(keys) > 0 {
			t.Errorf("left behind: %v", keys)
		}
	})
}

func TestBegin(t *testing.T) {
	onBoth(t, func(t *testing.T, rdb *redis.Client) {
		l, ctx := New(rdb), t.Context()
		begin := func(key string, c *content) (Job, error) { return l.Begin(ctx, key, time.Hour, c.spec, c.begun()) }

		t.Run("TheSameKeyAndContentIsTheSameJob", func(t *testing.T) {
			one, two := newContent("same-1"), newContent("same-2")
			if j, err := begin("same", one); err != nil || j.Spec.ID != "same-1" {
				t.Fatalf("got %q, %v", j.Spec.ID, err)
			}
			if j, err := begin("same", two); err != nil || j.Spec.ID != "same-1" || j.Sealed != "" {
				t.Errorf("got %+v, %v", j, err)
			}
			if id, err := l.JobOfKey(ctx, "same"); err != nil || id != "same-1" {
				t.Errorf("JobOfKey: got %q, %v", id, err)
			}
			if _, err := l.Job(ctx, "same-2"); !errors.Is(err, ErrNotFound) {
				t.Errorf("the second ID: got %v, want ErrNotFound", err)
			}
		})
		t.Run("AnotherContentIsAConflict", func(t *testing.T) {
			one, two := newContent("other-1"), newContent("other-2")
			two.fp[0]++
			if _, err := begin("other", one); err != nil {
				t.Fatal(err)
			}
			if j, err := begin("other", two); !errors.Is(err, ErrConflict) || !reflect.DeepEqual(j, Job{}) {
				t.Errorf("got %+v, %v, want ErrConflict", j, err)
			}
			if j, err := l.Job(ctx, "other-1"); err != nil || !reflect.DeepEqual(j.Spec, one.spec) {
				t.Errorf("the first job: got %+v, %v", j, err)
			}
		})
		t.Run("NoKeyIsAlwaysAnotherJob", func(t *testing.T) {
			for _, id := range []string{"nokey-1", "nokey-2"} {
				if j, err := begin("", newContent(id)); err != nil || j.Spec.ID != id {
					t.Errorf("got %q, %v, want %q", j.Spec.ID, err, id)
				}
			}
		})
		t.Run("TheKeyIsKeptForItsTTL", func(t *testing.T) {
			if _, err := begin("ttl", newContent("ttl-1")); err != nil {
				t.Fatal(err)
			}
			if ttl, err := rdb.TTL(ctx, keyKey("ttl")).Result(); err != nil || ttl <= 59*time.Minute || ttl > time.Hour {
				t.Errorf("got %v, %v, want about an hour", ttl, err)
			}
		})
		t.Run("AKeyWhoseProducerDiedBeforeTheJobIsContinued", func(t *testing.T) {
			if err := rdb.Set(ctx, keyKey("early"), "early-1", time.Hour).Err(); err != nil {
				t.Fatal(err)
			}
			if j, err := begin("early", newContent("early-2")); err != nil || j.Spec.ID != "early-1" {
				t.Errorf("got %q, %v", j.Spec.ID, err)
			}
		})
	})
}

// TestBegin_Race lets producers write the same job at the same time, from Begin to Seal.
func TestBegin_Race(t *testing.T) {
	onBoth(t, func(t *testing.T, rdb *redis.Client) {
		const producers, rounds = 4, 20
		l, ctx := New(rdb), t.Context()
		for round := range rounds {
			var (
				wg    sync.WaitGroup
				ids   [producers]string
				first [producers]bool
				errs  [producers]error
			)
			for p := range producers {
				wg.Go(func() {
					c := newContent(fmt.Sprintf("race-%d-%d", round, p), [2]int{2, 1}, [2]int{1, 0})
					j, err := l.Begin(ctx, fmt.Sprintf("race-%d", round), time.Hour, c.spec, c.begun())
					if err != nil {
						errs[p] = err
						return
					}
					ids[p] = j.Spec.ID
					if errs[p] = l.Put(ctx, j.Spec, c.batches); errs[p] == nil {
						first[p], errs[p] = l.Seal(ctx, j.Spec, c.fp, c.receipt, &c.tally)
					}
				})
			}
			wg.Wait()
			sealed := 0
			for p := range producers {
				if errs[p] != nil || ids[p] != ids[0] {
					t.Fatalf("producer %d wrote %q, %v; producer 0 wrote %q", p, ids[p], errs[p], ids[0])
				}
				if first[p] {
					sealed++
				}
			}
			if sealed != 1 {
				t.Errorf("%d producers were the first to seal, want 1", sealed)
			}
			j, err := l.Job(ctx, ids[0])
			if err != nil {
				t.Fatal(err)
			}
			if n := agree(t, l, j); n.Total() != 4 {
				t.Errorf("%d recipients, want 4", n.Total())
			}
		}
		if keys := keysLike(t, rdb, "volley:{race-*}:job"); len(keys) != rounds {
			t.Errorf("%d jobs, want %d", len(keys), rounds)
		}
	})
}

func TestPut(t *testing.T) {
	onBoth(t, func(t *testing.T, rdb *redis.Client) {
		l, ctx := New(rdb), t.Context()

		t.Run("AHalfWrittenJobIsContinued", func(t *testing.T) {
			c := newContent("half", [2]int{2, 0}, [2]int{2, 1}, [2]int{1, 0})
			if _, err := l.Begin(ctx, "half", time.Hour, c.spec, c.begun()); err != nil {
				t.Fatal(err)
			}
			if err := l.Put(ctx, c.spec, c.batches[:2]); err != nil {
				t.Fatal(err)
			}
			again := newContent("half-again", [2]int{2, 0}, [2]int{2, 1}, [2]int{1, 0})
			j, err := l.Begin(ctx, "half", time.Hour, again.spec, again.begun())
			if err != nil || j.Spec.ID != "half" || j.Sealed != "" {
				t.Fatalf("got %+v, %v", j, err)
			}
			if err := l.Put(ctx, j.Spec, again.batches); err != nil {
				t.Fatal(err)
			}
			if first, err := l.Seal(ctx, j.Spec, again.fp, again.receipt, &again.tally); err != nil || !first {
				t.Fatalf("Seal: %v, %v", first, err)
			}
			if j, err = l.Job(ctx, "half"); err != nil {
				t.Fatal(err)
			}
			if n := agree(t, l, j); n[Queued] != 5 || n[Rejected] != 1 {
				t.Errorf("counts %v", n)
			}
		})
		t.Run("AnotherContentIsAConflictAndChangesNothing", func(t *testing.T) {
			c := newContent("conflict", [2]int{2, 0}, [2]int{2, 0})
			if err := l.Put(ctx, c.spec, c.batches); err != nil {
				t.Fatal(err)
			}
			other := newContent("conflict", [2]int{2, 0}, [2]int{1, 0})
			other.batches[1].Packed[1]++
			if err := l.Put(ctx, other.spec, other.batches); !errors.Is(err, ErrConflict) {
				t.Errorf("got %v, want ErrConflict", err)
			}
			got, err := rdb.Get(ctx, keysOf("conflict", 1).recipients).Bytes()
			if err != nil || !reflect.DeepEqual(got, c.batches[1].Packed) {
				t.Errorf("the batch was changed, or %v", err)
			}
		})
		t.Run("AJobBeingWrittenIsLive", func(t *testing.T) {
			c := newContent("live", [2]int{1, 0})
			if err := l.Put(ctx, c.spec, c.batches); err != nil {
				t.Fatal(err)
			}
			if err := rdb.ZScore(ctx, keyLive, "live").Err(); err != nil {
				t.Error(err)
			}
		})
		t.Run("AnErrorOfRedisIsNoConflict", func(t *testing.T) {
			c := newContent("broken", [2]int{1, 0}, [2]int{1, 0})
			if err := rdb.HSet(ctx, keysOf("broken", 1).recipients, "a", "b").Err(); err != nil {
				t.Fatal(err)
			}
			if err := l.Put(ctx, c.spec, c.batches); err == nil || errors.Is(err, ErrConflict) {
				t.Errorf("got %v", err)
			}
		})
	})
}

func TestSeal(t *testing.T) {
	onBoth(t, func(t *testing.T, rdb *redis.Client) {
		l, ctx := New(rdb), t.Context()
		seal := func(c *content) (bool, error) { return l.Seal(ctx, c.spec, c.fp, c.receipt, &c.tally) }

		t.Run("AgainIsTheSame", func(t *testing.T) {
			c := newContent("again", [2]int{2, 1}, [2]int{1, 0})
			before := c.seal(t, l)
			if first, err := seal(c); err != nil || first {
				t.Errorf("got first %v, %v", first, err)
			}
			after, err := l.Job(ctx, "again")
			if err != nil || !reflect.DeepEqual(after, before) {
				t.Errorf("got %+v, %v\nwant %+v", after, err, before)
			}
			agree(t, l, after)
		})
		t.Run("AgainAfterBatchesFinishedChangesNothing", func(t *testing.T) {
			c := newContent("late", [2]int{2, 0}, [2]int{1, 0})
			j := c.seal(t, l)
			h := take(t, l, "late", 0, "w/1", "")
			var ch Changes
			ch.Set(0, Queued, Record{State: Accepted})
			if _, _, err := l.Commit(ctx, h, &Commit{Seq: 1, Records: ch, Via: -1}); err != nil {
				t.Fatal(err)
			}
			if _, err := l.Finish(ctx, "late", 0, time.UnixMilli(9)); err != nil {
				t.Fatal(err)
			}
			if _, err := seal(c); err != nil {
				t.Fatal(err)
			}
			if n := agree(t, l, j); n[Accepted] != 1 || n[Queued] != 2 {
				t.Errorf("counts %v", n)
			}
			if j, err := l.Job(ctx, "late"); err != nil || j.Done != 1 {
				t.Errorf("done %d, %v", j.Done, err)
			}
		})
		t.Run("AnotherContentIsAConflict", func(t *testing.T) {
			c := newContent("other", [2]int{2, 0})
			j := c.seal(t, l)
			c.fp[1]++
			c.tally.Add(0, 100, 100)
			if _, err := seal(c); !errors.Is(err, ErrConflict) {
				t.Errorf("got %v, want ErrConflict", err)
			}
			agree(t, l, j)
		})
		t.Run("ACrashBeforeTheCountersIsRepaired", func(t *testing.T) {
			for _, opened := range []int{0, 1, 3} {
				t.Run(fmt.Sprintf("%dOf17BatchesCounted", opened), func(t *testing.T) {
					sizes := make([][2]int, Shards+1)
					for i := range sizes {
						sizes[i] = [2]int{2, 1}
					}
					c := newContent(fmt.Sprintf("crash-%d", opened), sizes...)
					j := c.seal(t, l)
					for s := opened; s < Shards; s++ {
						if err := rdb.Del(ctx, countsKey(c.spec.ID, s)).Err(); err != nil {
							t.Fatal(err)
						}
					}
					if err := rdb.ZRem(ctx, keyJobs, c.spec.ID).Err(); err != nil {
						t.Fatal(err)
					}
					if _, err := seal(c); err != nil {
						t.Fatal(err)
					}
					agree(t, l, j)
					if err := rdb.ZScore(ctx, keyJobs, c.spec.ID).Err(); err != nil {
						t.Errorf("the list of jobs: %v", err)
					}
				})
			}
		})
		t.Run("ACrashBeforeTheCountersIsRepairedAlsoAfterSendingBegan", func(t *testing.T) {
			c := newContent("started", [2]int{2, 1})
			j := c.seal(t, l)
			if err := rdb.Del(ctx, countsKey("started", 0)).Err(); err != nil {
				t.Fatal(err)
			}
			h := take(t, l, "started", 0, "w/1", "")
			var ch Changes
			ch.Set(0, Queued, Record{State: Accepted})
			if _, _, err := l.Commit(ctx, h, &Commit{Seq: 1, Records: ch, Via: -1}); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if _, err := seal(c); err != nil {
					t.Fatal(err)
				}
				agree(t, l, j)
			}
		})
		t.Run("AnErrorOfRedisIsTold", func(t *testing.T) {
			c := newContent("broken", [2]int{1, 0}, [2]int{1, 0})
			if _, err := l.Begin(ctx, "", 0, c.spec, c.begun()); err != nil {
				t.Fatal(err)
			}
			if err := rdb.Set(ctx, countsKey("broken", 1), "no hash", 0).Err(); err != nil {
				t.Fatal(err)
			}
			if _, err := seal(c); err == nil {
				t.Error("no error")
			}
		})
	})
}

func TestDiscard_LeavesNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, rdb *redis.Client) {
		l, ctx := New(rdb), t.Context()
		for _, key := range []string{"", "key"} {
			t.Run("Key"+strings.ToUpper(key), func(t *testing.T) {
				sizes := make([][2]int, 20)
				for i := range sizes {
					sizes[i] = [2]int{1, 1}
				}
				c := newContent("gone", sizes...)
				if _, err := l.Begin(ctx, key, time.Hour, c.spec, c.begun()); err != nil {
					t.Fatal(err)
				}
				if err := l.Put(ctx, c.spec, c.batches); err != nil {
					t.Fatal(err)
				}
				if err := l.Discard(ctx, "gone", key, len(sizes)); err != nil {
					t.Fatal(err)
				}
				if keys := keysLike(t, rdb, "*"); len(keys) > 0 {
					t.Errorf("left behind: %v", keys)
				}
			})
		}
	})
}

func TestFinish(t *testing.T) {
	onBoth(t, func(t *testing.T, rdb *redis.Client) {
		l, ctx := New(rdb), t.Context()

		t.Run("TheLastBatchEndsTheJobOnce", func(t *testing.T) {
			c := newContent("once", [2]int{1, 0}, [2]int{1, 0}, [2]int{1, 0})
			c.seal(t, l)
			if _, err := l.SetFed(ctx, "once", 2); err != nil {
				t.Fatal(err)
			}
			steps := []struct {
				batch, done int
				ended       bool
			}{{1, 1, false}, {1, 1, false}, {0, 2, false}, {2, 3, true}, {2, 3, false}, {0, 3, false}}
			for i, s := range steps {
				p, err := l.Finish(ctx, "once", s.batch, time.UnixMilli(int64(1000+i)))
				if err != nil {
					t.Fatal(err)
				}
				if want := (Progress{Done: s.done, Batches: 3, Fed: 2, Ended: s.ended}); p != want {
					t.Errorf("step %d: got %+v, want %+v", i, p, want)
				}
				live, err := l.Live(ctx)
				if err != nil || (len(live) == 0) != (s.done == 3) {
					t.Errorf("step %d: live jobs %v, %v", i, live, err)
				}
			}
			if j, err := l.Job(ctx, "once"); err != nil || !j.Completed.Equal(time.UnixMilli(1003)) || j.Done != 3 {
				t.Errorf("completed %v with %d done, %v", j.Completed, j.Done, err)
			}
		})
		t.Run("WhoFinishesIsGivenTheFirstBatchThatIsNotOnTheQueue", func(t *testing.T) {
			newContent("chain", [2]int{1, 0}, [2]int{1, 0}, [2]int{1, 0}, [2]int{1, 0}, [2]int{1, 0}).seal(t, l)
			for i, step := range []struct {
				fed       int // put on the queue before, 0 is none
				batches   []Finished
				following []int
				progress  Progress
			}{
				// Before the first batch has come up there is none.
				{0, []Finished{{4, true}}, []int{0}, Progress{Done: 1, Batches: 5}},
				// Who does not ask is given none.
				{2, []Finished{{0, false}}, []int{0}, Progress{Done: 2, Batches: 5, Fed: 2}},
				{0, []Finished{{0, true}, {1, false}, {0, true}}, []int{2, 0, 3}, Progress{Done: 3, Batches: 5, Fed: 4}},
				{0, []Finished{{2, true}, {2, true}, {3, true}}, []int{4, 0, 0}, Progress{Done: 5, Batches: 5, Fed: 5, Ended: true}},
				{0, []Finished{{2, true}}, []int{0}, Progress{Done: 5, Batches: 5, Fed: 5}},
			} {
				if step.fed > 0 {
					if _, err := l.SetFed(ctx, "chain", step.fed); err != nil {
						t.Fatal(err)
					}
				}
				p, following, err := l.FinishAll(ctx, "chain", step.batches, time.UnixMilli(1))
				if err != nil || p != step.progress || !slices.Equal(following, step.following) {
					t.Errorf("step %d: got %+v, %v, %v", i, p, following, err)
				}
			}
		})
		t.Run("ARepeatedCallTakesTheJobOffTheListAfterACrash", func(t *testing.T) {
			c := newContent("listed", [2]int{1, 0})
			c.seal(t, l)
			for range 2 {
				if _, err := l.Finish(ctx, "listed", 0, time.UnixMilli(1)); err != nil {
					t.Fatal(err)
				}
				if err := rdb.ZScore(ctx, keyLive, "listed").Err(); !errors.Is(err, redis.Nil) {
					t.Errorf("got %v, want it not to be there", err)
				}
				if err := rdb.ZAdd(ctx, keyLive, redis.Z{Member: "listed"}).Err(); err != nil {
					t.Fatal(err)
				}
			}
			if err := rdb.ZRem(ctx, keyLive, "listed").Err(); err != nil {
				t.Fatal(err)
			}
		})
		t.Run("OfManyAtOnceOneEndsIt", func(t *testing.T) {
			sizes := make([][2]int, 40)
			for i := range sizes {
				sizes[i] = [2]int{1, 0}
			}
			newContent("many", sizes...).seal(t, l)
			var wg sync.WaitGroup
			ended := make(chan int, 2*len(sizes))
			for b := range 2 * len(sizes) {
				wg.Go(func() {
					p, err := l.Finish(ctx, "many", b/2, time.UnixMilli(1))
					if err != nil {
						t.Error(err)
					} else if p.Ended {
						ended <- b
					}
				})
			}
			wg.Wait()
			if len(ended) != 1 {
				t.Errorf("%d calls ended the job, want 1", len(ended))
			}
		})
		t.Run("AJobThatIsNotSealedCanNotEnd", func(t *testing.T) {
			c := newContent("open", [2]int{1, 0})
			if _, err := l.Begin(ctx, "", 0, c.spec, c.begun()); err != nil {
				t.Fatal(err)
			}
			if _, err := l.Finish(ctx, "open", 0, time.UnixMilli(1)); !errors.Is(err, ErrNotFound) {
				t.Errorf("got %v, want ErrNotFound", err)
			}
			if j, err := l.Job(ctx, "open"); err != nil || !j.Completed.IsZero() {
				t.Errorf("completed %v, %v", j.Completed, err)
			}
		})
	})
}

func TestLive_OldestFirst(t *testing.T) {
	onBoth(t, func(t *testing.T, rdb *redis.Client) {
		l, ctx := New(rdb), t.Context()
		for i, id := range []string{"b", "c", "a"} {
			c := newContent(id, [2]int{1, 0})
			c.spec.Created = int64(100 * (i + 1))
			c.seal(t, l)
		}
		if got, err := l.Live(ctx); err != nil || !reflect.DeepEqual(got, []string{"b", "c", "a"}) {
			t.Errorf("Live: got %v, %v", got, err)
		}
		if got, err := l.Recent(ctx, 2); err != nil || !reflect.DeepEqual(got, []string{"a", "c"}) {
			t.Errorf("Recent: got %v, %v", got, err)
		}
	})
}

func TestSetFed_NeverGoesBack(t *testing.T) {
	onBoth(t, func(t *testing.T, rdb *redis.Client) {
		l, ctx := New(rdb), t.Context()
		newContent("fed", [2]int{1, 0}).seal(t, l)
		was := 0
		for _, s := range []struct{ set, want int }{{3, 3}, {2, 3}, {10, 10}, {9, 10}, {0, 10}} {
			if from, err := l.SetFed(ctx, "fed", s.set); err != nil || from != was {
				t.Fatalf("before %d: got %d, %v, want %d", s.set, from, err, was)
			}
			was = s.want
			if j, err := l.Job(ctx, "fed"); err != nil || j.Fed != s.want {
				t.Errorf("after %d: got %d, %v, want %d", s.set, j.Fed, err, s.want)
			}
		}
	})
}

func TestAnnounce_AddsToWhatOthersAnnounced(t *testing.T) {
	onBoth(t, func(t *testing.T, rdb *redis.Client) {
		l, ctx := New(rdb), t.Context()
		if err := l.Announce(ctx, nil, nil); err != nil {
			t.Fatal(err)
		}
		if err := l.Announce(ctx, map[string]string{"a": "mttm", "b": "mgage"}, map[string][]Branch{"r": {{Use: []string{"a", "b"}}}}); err != nil {
			t.Fatal(err)
		}
		if err := l.Announce(ctx, map[string]string{"c": "ogangi"}, map[string][]Branch{"s": {{Prefix: "45", Use: []string{"c"}}}}); err != nil {
			t.Fatal(err)
		}
		accounts, routes, err := l.Announced(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if want := map[string]string{"a": "mttm", "b": "mgage", "c": "ogangi"}; !reflect.DeepEqual(accounts, want) {
			t.Errorf("accounts: got %v, want %v", accounts, want)
		}
		if want := map[string][]Branch{"r": {{"", []string{"a", "b"}}}, "s": {{"45", []string{"c"}}}}; !reflect.DeepEqual(routes, want) {
			t.Errorf("routes: got %v, want %v", routes, want)
		}
	})
}

func TestAlive(t *testing.T) {
	onBoth(t, func(t *testing.T, rdb *redis.Client) {
		l, ctx := New(rdb), t.Context()
		alive := func(token string) bool {
			t.Helper()
			ok, err := l.Alive(ctx, token)
			if err != nil {
				t.Fatal(err)
			}
			return ok
		}
		if alive("w1/1") {
			t.Error("a worker that never was is alive")
		}
		if _, _, err := l.Heartbeat(ctx, "w1", time.Minute); err != nil {
			t.Fatal(err)
		}
		if !alive("w1/1") || !alive("w1/22") || alive("w11/1") || alive("w/1") {
			t.Error("a heartbeat is for all tokens of one worker and no other")
		}
		if ttl := rdb.TTL(ctx, workerKey("w1")).Val(); ttl <= 0 || ttl > time.Minute {
			t.Errorf("the heartbeat lasts %v, want a minute", ttl)
		}
		if err := l.Gone(ctx, "w1"); err != nil {
			t.Fatal(err)
		}
		if alive("w1/1") {
			t.Error("a worker that is gone is alive")
		}
	})
}
