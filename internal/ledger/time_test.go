package ledger

import (
	"errors"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

func TestParseDue(t *testing.T) {
	whole := time.Date(2030, 6, 1, 9, 30, 0, 0, time.UTC)
	if got := ParseDue(PackDue(whole)); !got.Equal(whole) {
		t.Errorf("got %s, want %s", got, whole)
	}
	if got := ParseDue(PackDue(whole.Add(time.Millisecond))); !got.Equal(whole.Add(time.Second)) {
		t.Errorf("a fraction of a second became %s: never before", got)
	}
	if s := PackDue(whole); len(s) > 6 {
		t.Errorf("%q takes more than six bytes", s)
	}
	for _, s := range []string{"", "2030-06-01", "~"} {
		if got := ParseDue(s); !got.IsZero() {
			t.Errorf("%q: got %s", s, got)
		}
	}
}

func TestWaiting(t *testing.T) {
	onBoth(t, func(t *testing.T, rdb *redis.Client) {
		l, ctx := New(rdb), t.Context()
		now := time.Now().Truncate(time.Second)
		set := func(batch int, in time.Duration, why string) {
			t.Helper()
			if err := l.SetWaiting(ctx, "j", batch, now.Add(in), now, why); err != nil {
				t.Fatal(err)
			}
		}
		check := func(at, want time.Duration, why string) {
			t.Helper()
			w, err := l.WaitingOf(ctx, []string{"other", "j"}, now.Add(at))
			if err != nil || w[0] != (Wait{}) || w[1].Why != why || why != "" && !w[1].Until.Equal(now.Add(want)) {
				t.Errorf("after %v: %v, %v; want %v, %q", at, w, err, want, why)
			}
		}
		check(0, 0, "")
		set(0, time.Hour, "quiet hours")
		set(1, 2*time.Hour, "window")
		set(0, 3*time.Hour, "window")
		check(0, time.Hour, "quiet hours")
		check(61*time.Minute, 2*time.Hour, "window")
		check(121*time.Minute, 3*time.Hour, "window")
		check(181*time.Minute, 0, "")
		if ttl := rdb.PTTL(ctx, waitKey("j")).Val(); ttl < 3*time.Hour || ttl > 5*time.Hour {
			t.Errorf("the key stays for %v", ttl)
		}
	})
}

func TestCancelRef(t *testing.T) {
	onBoth(t, func(t *testing.T, rdb *redis.Client) {
		l, ctx := New(rdb), t.Context()
		now := time.UnixMilli(1_900_000_000_000)
		// Three recipients in two batches, two of them with the ref "twice".
		newJob := func(id string) Job {
			c := newContent(id, [2]int{2, 0})
			var b BatchBuilder
			b.Add(Recipient{To: testNumber(3), Row: 3, Ref: "r1"})
			c.add(1, &b)
			return c.seal(t, l)
		}
		t.Run("those with the ref and no others", func(t *testing.T) {
			j := newJob("j1")
			if n, err := l.CancelRef(ctx, j, "r1", now); n != 2 || err != nil {
				t.Errorf("got %d, %v", n, err)
			}
			if c := agree(t, l, j); c[Cancelled] != 2 || c[Queued] != 1 {
				t.Errorf("counts %v", c)
			}
		})
		t.Run("again changes nothing", func(t *testing.T) {
			j := newJob("j2")
			for i, want := range []int64{1, 0} {
				if n, err := l.CancelRef(ctx, j, "r2", now); n != want || err != nil {
					t.Errorf("time %d: got %d, %v", i+1, n, err)
				}
			}
		})
		t.Run("the last one completes the job", func(t *testing.T) {
			j := newJob("j3")
			for _, ref := range []string{"r1", "r2"} {
				if _, err := l.CancelRef(ctx, j, ref, now); err != nil {
					t.Fatal(err)
				}
			}
			if j := read(t, l, "j3"); j.Completed.IsZero() {
				t.Errorf("%+v", j)
			}
		})
		t.Run("nobody has it", func(t *testing.T) {
			if n, err := l.CancelRef(ctx, newJob("j4"), "r9", now); n != 0 || !errors.Is(err, ErrNoRef) {
				t.Errorf("got %d, %v", n, err)
			}
		})
		t.Run("a worker is waited for", func(t *testing.T) {
			j := newJob("j5")
			held := take(t, l, "j5", 0, "w/1", "")
			done := make(chan error, 1)
			go func() {
				n, err := l.CancelRef(ctx, j, "r2", now)
				if n != 1 {
					err = errors.Join(err, errors.New("nobody was cancelled"))
				}
				done <- err
			}()
			commit(t, l, held, &Commit{Seq: 1, Via: -1, Release: true})
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	})
}
