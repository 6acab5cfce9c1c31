package ledger

import (
	"fmt"
	"slices"
	"testing"

	"github.com/redis/go-redis/v9"
)

func TestReasons(t *testing.T) {
	onBoth(t, func(t *testing.T, rdb *redis.Client) {
		l, ctx := New(rdb), t.Context()
		job := newContent("j", [2]int{3, 1}, [2]int{2, 0}).seal(t, l)
		h := take(t, l, "j", 0, "w/0", "")
		note := h.Side.Note(Note{"7", "no credit"})
		c := Commit{Seq: 1, Via: -1, Release: true}
		c.Records.Set(0, Queued, Record{State: Failed, Account: 1, Note: note, At: 5})
		c.Records.Set(1, Queued, Record{State: Failed, Account: 1, Note: note, At: 9, ID: h.Side.ID("a")})
		c.Records.Set(2, Queued, Record{State: Accepted, At: 5, ID: h.Side.ID("b")})
		c.SideAt, c.Side = h.Side.Take()
		commit(t, l, h, &c)
		got, err := l.Reasons(ctx, job)
		want := []Reasoned{
			{Reason{Queued, "first", "", ""}, 2},
			{Reason{Failed, "second", "7", "no credit"}, 2},
			{Reason{Accepted, "first", "", ""}, 1},
			{Reason{Rejected, "", CodeRefused, "has letters"}, 1},
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%v, %v; want %v", got, err, want)
		}
	})
}

func TestReasons_OfManyWordsAreBounded(t *testing.T) {
	onBoth(t, func(t *testing.T, rdb *redis.Client) {
		l := New(rdb)
		job := newContent("j", [2]int{1000, 0}, [2]int{1000, 0}).seal(t, l)
		for b := range 2 {
			h := take(t, l, "j", b, "w", "")
			c := Commit{Seq: 1, Via: -1, Release: true}
			for i := range h.Records {
				c.Records.Set(i, Queued, Record{State: Failed, Note: h.Side.Note(Note{"1", fmt.Sprint("of its own: ", b, i)}), At: 5})
			}
			c.SideAt, c.Side = h.Side.Take()
			commit(t, l, h, &c)
		}
		got, err := l.Reasons(t.Context(), job)
		if err != nil || len(got) != maxReasons+1 || got[0] != (Reasoned{Reason{State: Failed}, 1000}) {
			t.Errorf("%d reasons, %v, the first %v", len(got), err, got[0])
		}
	})
}

func TestOutcomesFrom_GoesOnWhereItWas(t *testing.T) {
	onBoth(t, func(t *testing.T, rdb *redis.Client) {
		l := New(rdb)
		job := newContent("j", [2]int{3, 1}, [2]int{2, 0}, [2]int{0, 2}).seal(t, l)
		all := collect(t, l, job)
		var got []string
		for at, end := (Place{}), false; !end; {
			end = true
			n := 0
			for o, err := range l.OutcomesFrom(t.Context(), job, at) {
				if err != nil {
					t.Fatal(err)
				}
				if n++; n > 3 { // a page
					end = false
					break
				}
				got, at = append(got, fmt.Sprint(o.Row)), o.Next
			}
		}
		var want []string
		for _, o := range all {
			want = append(want, fmt.Sprint(o.Row))
		}
		if len(want) != 8 || !slices.Equal(got, want) {
			t.Errorf("rows %v, want %v", got, want)
		}
	})
}
