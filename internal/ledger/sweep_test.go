package ledger

import (
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

func TestUnfinished(t *testing.T) {
	onBoth(t, func(t *testing.T, rdb *redis.Client) {
		l, ctx := New(rdb), t.Context()
		sizes := make([][2]int, 20)
		for i := range sizes {
			sizes[i] = [2]int{1, 0}
		}
		newContent("job", sizes...).seal(t, l)
		unfinished := func(n int) []int {
			t.Helper()
			job, err := l.Job(ctx, "job")
			if err != nil {
				t.Fatal(err)
			}
			got, err := l.Unfinished(ctx, job, n)
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		if got := unfinished(9); len(got) > 0 {
			t.Errorf("before the first was put on the queue: %v", got)
		}
		if _, err := l.SetFed(ctx, "job", 18); err != nil {
			t.Fatal(err)
		}
		if got, want := unfinished(3), []int{0, 1, 2}; !slices.Equal(got, want) {
			t.Errorf("at most 3: got %v, want %v", got, want)
		}
		for b := range 17 {
			if b == 7 || b == 8 {
				continue
			}
			if _, err := l.Finish(ctx, "job", b, time.UnixMilli(1)); err != nil {
				t.Fatal(err)
			}
		}
		if got, want := unfinished(99), []int{7, 8, 17}; !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

func TestHolders(t *testing.T) {
	onBoth(t, func(t *testing.T, rdb *redis.Client) {
		l := New(rdb)
		newContent("job", [2]int{1, 0}, [2]int{1, 0}, [2]int{1, 0}).seal(t, l)
		take(t, l, "job", 0, "w1/1", "")
		commit(t, l, take(t, l, "job", 1, "w1/2", ""), &Commit{Seq: 1, Via: 1, Release: true})
		commit(t, l, take(t, l, "job", 2, "w1/3", ""), &Commit{Seq: 1, Via: 1})
		got, err := l.Holders(t.Context(), "job", []int{2, 0, 1})
		if want := []Holder{{"w1/3", 1}, {"w1/1", 0}, {"", 1}}; err != nil || !slices.Equal(got, want) {
			t.Errorf("got %+v, %v, want %+v", got, err, want)
		}
	})
}
