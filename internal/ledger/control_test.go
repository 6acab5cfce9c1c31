package ledger

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// ofOne are the sizes of n batches with one recipient each.
func ofOne(n int) [][2]int {
	sizes := make([][2]int, n)
	for i := range sizes {
		sizes[i] = [2]int{1, 0}
	}
	return sizes
}

// read returns a job as it is stored.
func read(t tb, l *Ledger, id string) Job {
	t.Helper()
	j, err := l.Job(t.Context(), id)
	if err != nil {
		t.Fatalf("Job: %v", err)
	}
	return j
}

// records gives the recipients of a free batch these records, in their order, and gives the batch up.
func records(t tb, l *Ledger, job string, batch int, to ...Record) {
	t.Helper()
	h := take(t, l, job, batch, fmt.Sprintf("setup/%d", batch), "")
	c := Commit{Seq: 1, Via: -1, Release: true}
	for i, r := range to {
		c.Records.Set(i, h.Records[i].State, r)
	}
	commit(t, l, h, &c)
}

// finish notes batches as finished.
func finish(t tb, l *Ledger, job string, batches ...int) {
	t.Helper()
	for _, b := range batches {
		if _, err := l.Finish(t.Context(), job, b, time.UnixMilli(1_700_000_100_000)); err != nil {
			t.Fatalf("Finish: %v", err)
		}
	}
}

// states are the states of a job's recipients in the order of Outcomes.
func states(t tb, l *Ledger, job Job) []State {
	t.Helper()
	var out []State
	for _, o := range collect(t, l, job) {
		out = append(out, o.State)
	}
	return out
}

// live reports whether a job is in the list of those that have not completed.
func live(t tb, l *Ledger, id string) bool {
	t.Helper()
	ids, err := l.Live(t.Context())
	if err != nil {
		t.Fatalf("Live: %v", err)
	}
	return slices.Contains(ids, id)
}

func TestSetControl(t *testing.T) {
	type step struct {
		word   Control
		reason string
		want   error
	}
	tests := []struct {
		name     string
		finished bool
		steps    []step
		word     Control
		reason   string
	}{
		{name: "Pause", steps: []step{{Paused, "too early", nil}}, word: Paused, reason: "too early"},
		{name: "PauseAndResume", steps: []step{{Paused, "too early", nil}, {Run, "", nil}}},
		{
			name: "PauseResumeAndPause", steps: []step{{Paused, "one", nil}, {Run, "", nil}, {Paused, "two", nil}},
			word: Paused, reason: "two",
		},
		{name: "PausingAgainChangesNothing", steps: []step{{Paused, "one", nil}, {Paused, "two", nil}}, word: Paused, reason: "one"},
		{name: "RunningAgainChangesNothing", steps: []step{{Run, "", nil}}},
		{name: "CancelWhatIsPaused", steps: []step{{Paused, "one", nil}, {Withdrawn, "two", nil}}, word: Withdrawn, reason: "two"},
		{
			name:  "CancelledIsForGood",
			steps: []step{{Withdrawn, "wrong text", nil}, {Run, "", ErrCancelled}, {Paused, "x", ErrCancelled}, {Withdrawn, "x", nil}},
			word:  Withdrawn, reason: "wrong text",
		},
		{
			name: "ACompletedJobIsLeftAlone", finished: true,
			steps: []step{{Paused, "x", ErrCompleted}, {Withdrawn, "x", ErrCompleted}, {Run, "", nil}},
		},
	}
	onBoth(t, func(t *testing.T, rdb *redis.Client) {
		l, ctx := New(rdb), t.Context()
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				newContent(tt.name, [2]int{1, 0}).seal(t, l)
				if tt.finished {
					records(t, l, tt.name, 0, Record{State: Accepted})
					finish(t, l, tt.name, 0)
				}
				for i, s := range tt.steps {
					if err := l.SetControl(ctx, tt.name, s.word, &Entry{Reason: s.reason}); !errors.Is(err, s.want) {
						t.Errorf("step %d, %q: got %v, want %v", i, s.word, err, s.want)
					}
				}
				if j := read(t, l, tt.name); j.Control != tt.word || j.Reason != tt.reason {
					t.Errorf("got %q because %q, want %q because %q", j.Control, j.Reason, tt.word, tt.reason)
				}
				for s := range Shards {
					got, err := rdb.HGet(ctx, countsKey(tt.name, s), "ctl").Result()
					if Control(got) != tt.word || err != nil && !errors.Is(err, redis.Nil) {
						t.Errorf("the copy in shard %d is %q, %v, want %q", s, got, err, tt.word)
					}
				}
			})
		}

		t.Run("ACopyThatACrashLeftOutIsWritten", func(t *testing.T) {
			newContent("crashed", [2]int{1, 0}).seal(t, l)
			for _, word := range []Control{Paused, Run} {
				if err := l.SetControl(ctx, "crashed", word, &Entry{}); err != nil {
					t.Fatal(err)
				}
				old := map[Control]Control{Paused: Run, Run: Paused}[word]
				if err := rdb.HSet(ctx, countsKey("crashed", 7), "ctl", string(old)).Err(); err != nil {
					t.Fatal(err)
				}
				if err := l.SetControl(ctx, "crashed", word, &Entry{}); err != nil {
					t.Fatal(err)
				}
				if got := rdb.HGet(ctx, countsKey("crashed", 7), "ctl").Val(); Control(got) != word {
					t.Errorf("got %q, want %q", got, word)
				}
			}
		})
		t.Run("NoSuchJob", func(t *testing.T) {
			written := newContent("written", [2]int{1, 0})
			if _, err := l.Begin(ctx, "", 0, written.spec, written.begun()); err != nil {
				t.Fatal(err)
			}
			before := keysLike(t, rdb, "*")
			for _, id := range []string{"none", "written"} {
				if err := l.SetControl(ctx, id, Paused, &Entry{}); !errors.Is(err, ErrNotFound) {
					t.Errorf("%s: got %v, want ErrNotFound", id, err)
				}
			}
			if after := keysLike(t, rdb, "*"); !slices.Equal(after, before) {
				t.Errorf("keys %v, want %v", after, before)
			}
		})
	})
}

// TestSetControl_Claims: once SetControl has returned, no batch of the job gets a claim, whoever held it before.
func TestSetControl_Claims(t *testing.T) {
	onBoth(t, func(t *testing.T, rdb *redis.Client) {
		l, ctx := New(rdb), t.Context()
		const batches = 2*Shards + 1
		for _, word := range []Control{Paused, Withdrawn} {
			t.Run(string(word), func(t *testing.T) {
				id := string(word)
				j := newContent(id, ofOne(batches)...).seal(t, l)
				held := make([]*Held, batches)
				for b := range held {
					held[b] = take(t, l, id, b, fmt.Sprintf("w1/%d", b), "")
				}
				if err := l.SetControl(ctx, id, word, &Entry{}); err != nil {
					t.Fatal(err)
				}
				claim := func(seq uint64, want bool, ctl Control) {
					t.Helper()
					for b, h := range held {
						c := &Commit{Seq: seq, Claims: change(0, Queued, Record{State: Sending}), Via: -1}
						if granted, got := commit(t, l, h, c); granted != want || got != ctl {
							t.Errorf("batch %d: granted %v, control %q, want %v, %q", b, granted, got, want, ctl)
						}
					}
				}
				claim(1, false, word)
				if n := agree(t, l, j); n[Queued] != batches {
					t.Errorf("counts %v", n)
				}
				if word == Withdrawn {
					return
				}
				if err := l.SetControl(ctx, id, Run, &Entry{}); err != nil {
					t.Fatal(err)
				}
				claim(2, true, Run)
				if n := agree(t, l, j); n[Sending] != batches {
					t.Errorf("counts %v after it runs again", n)
				}
			})
		}
	})
}

func TestWithdraw(t *testing.T) {
	onBoth(t, func(t *testing.T, rdb *redis.Client) {
		l, ctx := New(rdb), t.Context()
		now := time.UnixMilli(1_700_000_200_000)
		withdraw := func(t *testing.T, job Job) int64 {
			t.Helper()
			if err := l.SetControl(ctx, job.Spec.ID, Withdrawn, &Entry{}); err != nil {
				t.Fatal(err)
			}
			n, err := l.Withdraw(ctx, job, now)
			if err != nil {
				t.Fatalf("Withdraw: %v", err)
			}
			return n
		}

		t.Run("AJobThatNobodyWorksOn", func(t *testing.T) {
			const batches = 2*Shards + 1
			j := newContent("idle", ofOne(batches)...).seal(t, l)
			if n := withdraw(t, j); n != batches {
				t.Errorf("%d are cancelled, want %d", n, batches)
			}
			if n := agree(t, l, j); n[Cancelled] != batches {
				t.Errorf("counts %v", n)
			}
			if got := read(t, l, "idle"); got.Done != batches || !got.Completed.Equal(now) || live(t, l, "idle") {
				t.Errorf("got %+v, live %v, want it completed", got, live(t, l, "idle"))
			}
			for _, o := range collect(t, l, j) {
				if o.At != now.UnixMilli() {
					t.Errorf("%s was cancelled at %d, want %d", o.To, o.At, now.UnixMilli())
				}
			}
			if n := withdraw(t, j); n != 0 {
				t.Errorf("again: %d are cancelled, want none", n)
			}
		})

		t.Run("AnAnswerThatWasLost", func(t *testing.T) {
			j := newContent("lost", [2]int{3, 0}, [2]int{2, 0}, [2]int{1, 0}).seal(t, l)
			records(t, l, "lost", 2, Record{State: Accepted, Attempts: 1})
			for range 2 {
				n, begun, err := l.withdrawWhole(ctx, "lost", []int{0, 1, 2}, now)
				if err != nil || n != 5 || !slices.Equal(begun, []int{2}) {
					t.Errorf("%d are cancelled, and %v are not whole, %v, want 5, and batch 2", n, begun, err)
				}
				if got := agree(t, l, j); got[Cancelled] != 5 || got[Accepted] != 1 {
					t.Errorf("counts %v", got)
				}
			}
		})

		t.Run("HeldOrDamaged", func(t *testing.T) {
			j := newContent("odd", [2]int{3, 0}, [2]int{2, 0}, [2]int{1, 0}).seal(t, l)
			take(t, l, "odd", 0, "w1/1", "") // and nothing claimed
			if err := rdb.Set(ctx, keysOf("odd", 1).recipients, "\xffnewer", 0).Err(); err != nil {
				t.Fatal(err)
			}
			if err := l.SetControl(ctx, "odd", Withdrawn, &Entry{}); err != nil {
				t.Fatal(err)
			}
			n, err := l.Withdraw(ctx, j, now)
			if n != 1 || !errors.Is(err, ErrBatch) {
				t.Errorf("%d are cancelled, %v, want 1, and that one can't be read", n, err)
			}
			if c, err := l.Counts(ctx, "odd"); err != nil || c[Cancelled] != 1 || c[Queued] != 5 {
				t.Errorf("counts %v, %v", c, err)
			}
		})

		t.Run("OutcomesAndHeldBatchesStay", func(t *testing.T) {
			j := newContent("busy", [2]int{2, 1}, [2]int{2, 0}, [2]int{2, 0}).seal(t, l)
			records(t, l, "busy", 2, Record{State: Accepted, Attempts: 1})
			h := take(t, l, "busy", 1, "w1/1", "")
			commit(t, l, h, &Commit{Seq: 1, Claims: change(0, Queued, Record{State: Sending}), Via: -1})

			if n := withdraw(t, j); n != 3 {
				t.Errorf("%d are cancelled, want 3", n)
			}
			want := []State{Cancelled, Cancelled, Rejected, Sending, Queued, Accepted, Cancelled}
			if got := states(t, l, j); !slices.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
			agree(t, l, j)
			if got := read(t, l, "busy"); got.Done != 2 || !got.Completed.IsZero() || !live(t, l, "busy") {
				t.Errorf("got %+v, want it open while a batch is held", got)
			}
			for _, b := range []int{0, 2} {
				if owner := rdb.HGet(ctx, keysOf("busy", b).batch, "own").Val(); owner != "" {
					t.Errorf("batch %d is left with owner %q", b, owner)
				}
			}

			var c Commit
			c.Seq, c.Via, c.Release = 2, -1, true
			c.Records.Set(0, Sending, Record{State: Accepted})
			if _, _, err := l.Commit(ctx, h, &c); err != nil {
				t.Fatalf("the owner of the held batch can't record: %v", err)
			}
			if n := withdraw(t, j); n != 1 {
				t.Errorf("once it was given up: %d are cancelled, want 1", n)
			}
			if n := agree(t, l, j); n[Cancelled] != 4 || n[Accepted] != 2 || n[Rejected] != 1 {
				t.Errorf("counts %v", n)
			}
			if got := read(t, l, "busy"); got.Done != 3 || got.Completed.IsZero() || live(t, l, "busy") {
				t.Errorf("got %+v, want it completed", got)
			}
			if n := withdraw(t, j); n != 0 {
				t.Errorf("again: %d are cancelled, want none", n)
			}
		})
	})
}

func TestReopen(t *testing.T) {
	accepted, failed, unknown := Record{State: Accepted, Attempts: 1}, Record{State: Failed, Attempts: 5}, Record{State: Unknown, Attempts: 2}
	// ended is a completed job: a failed and an unknown recipient in batch 0, an unknown one in the last.
	ended := func(t *testing.T, l *Ledger, id string) Job {
		t.Helper()
		newContent(id, [2]int{3, 1}, [2]int{1, 0}, [2]int{1, 0}).seal(t, l)
		records(t, l, id, 0, accepted, failed, unknown)
		records(t, l, id, 1, accepted)
		records(t, l, id, 2, unknown)
		if _, err := l.SetFed(t.Context(), id, 3); err != nil {
			t.Fatal(err)
		}
		finish(t, l, id, 0, 1, 2)
		j := read(t, l, id)
		if j.Completed.IsZero() || live(t, l, id) {
			t.Fatalf("the job has not completed: %+v", j)
		}
		return j
	}
	tests := []struct {
		name    string
		states  []State
		queued  int64
		batches []int
		want    []State
	}{
		{"Failed", []State{Failed}, 1, []int{0}, []State{Accepted, Queued, Unknown, Rejected, Accepted, Unknown}},
		{"Unknown", []State{Unknown}, 2, []int{0, 2}, []State{Accepted, Failed, Queued, Rejected, Accepted, Queued}},
		{"Both", []State{Unknown, Failed}, 3, []int{0, 2}, []State{Accepted, Queued, Queued, Rejected, Accepted, Queued}},
	}
	onBoth(t, func(t *testing.T, rdb *redis.Client) {
		l, ctx := New(rdb), t.Context()
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				j := ended(t, l, tt.name)
				queued, batches, err := l.Reopen(ctx, j, tt.states...)
				if err != nil || queued != tt.queued || !slices.Equal(batches, tt.batches) {
					t.Fatalf("got %d in %v, %v, want %d in %v", queued, batches, err, tt.queued, tt.batches)
				}
				if got := states(t, l, j); !slices.Equal(got, tt.want) {
					t.Errorf("got %v, want %v", got, tt.want)
				}
				agree(t, l, j)
				for _, o := range collect(t, l, j) {
					if (o.State == Queued || o.State == Rejected) != (o.Attempts == 0) {
						t.Errorf("%s is %s with %d attempts", o.To, o.State, o.Attempts)
					}
				}
				got := read(t, l, tt.name)
				if !got.Completed.IsZero() || got.Done != 3-len(tt.batches) || !live(t, l, tt.name) {
					t.Errorf("got %+v, live %v, want it open", got, live(t, l, tt.name))
				}
				if open, err := l.Unfinished(ctx, got, 9); err != nil || !slices.Equal(open, tt.batches) {
					t.Errorf("unfinished are %v, %v, want %v", open, err, tt.batches)
				}
				finish(t, l, tt.name, tt.batches...)
				if got := read(t, l, tt.name); got.Completed.IsZero() || live(t, l, tt.name) {
					t.Errorf("finished again, and it is not completed: %+v", got)
				}
			})
		}

		t.Run("NobodyIsSo", func(t *testing.T) {
			j := ended(t, l, "nobody")
			queued, batches, err := l.Reopen(ctx, j, Expired)
			if err != nil || queued != 0 || len(batches) > 0 {
				t.Errorf("got %d in %v, %v", queued, batches, err)
			}
			if got := read(t, l, "nobody"); !reflect.DeepEqual(got, j) || live(t, l, "nobody") {
				t.Errorf("got %+v\nwant %+v", got, j)
			}
		})
		t.Run("AHeldBatchStays", func(t *testing.T) {
			j := newContent("held", [2]int{2, 0}, [2]int{1, 0}).seal(t, l)
			records(t, l, "held", 1, unknown)
			h := take(t, l, "held", 0, "w1/1", "")
			commit(t, l, h, &Commit{Seq: 1, Records: change(0, Queued, unknown), Via: -1})
			if queued, _, err := l.Reopen(ctx, j, Unknown); err != nil || queued != 1 {
				t.Errorf("got %d, %v, want 1", queued, err)
			}
			if got, want := states(t, l, j), []State{Unknown, Queued, Queued}; !slices.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
			if _, _, err := l.Commit(ctx, h, &Commit{Seq: 2, Records: change(1, Queued, accepted), Via: -1, Release: true}); err != nil {
				t.Errorf("its owner can't record: %v", err)
			}
			agree(t, l, j)
		})
		t.Run("ACancelledJobIsRefused", func(t *testing.T) {
			newContent("cancelled", [2]int{2, 0}).seal(t, l)
			records(t, l, "cancelled", 0, unknown)
			if err := l.SetControl(ctx, "cancelled", Withdrawn, &Entry{}); err != nil {
				t.Fatal(err)
			}
			if _, err := l.Withdraw(ctx, read(t, l, "cancelled"), time.UnixMilli(1)); err != nil {
				t.Fatal(err)
			}
			j := read(t, l, "cancelled")
			if _, _, err := l.Reopen(ctx, j, Unknown); !errors.Is(err, ErrCancelled) {
				t.Errorf("got %v, want ErrCancelled", err)
			}
			if got := read(t, l, "cancelled"); !reflect.DeepEqual(got, j) || live(t, l, "cancelled") {
				t.Errorf("got %+v, live %v\nwant %+v", got, live(t, l, "cancelled"), j)
			}
			if got, want := states(t, l, j), []State{Unknown, Cancelled}; !slices.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	})
}
