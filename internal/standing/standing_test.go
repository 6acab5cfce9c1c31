package standing

import (
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

func TestBook(t *testing.T) {
	m := miniredis.RunT(t)
	rdb := redis.NewClient(&redis.Options{Addr: m.Addr()})
	defer rdb.Close()
	b, ctx := New(rdb), t.Context()
	since := time.UnixMilli(1_700_000_000_123)
	now := time.UnixMilli(1_900_000_000_000)
	pass := func(d time.Duration) {
		now = now.Add(d)
		m.SetTime(now)
	}
	pass(0)
	report := func(why, code string) bool {
		t.Helper()
		news, err := b.Report(ctx, "dk", Trouble{Why: why, Since: since, Code: code, Detail: "no", Settings: "abcd"})
		if err != nil {
			t.Fatal(err)
		}
		return news
	}
	turn := func() bool {
		t.Helper()
		mine, err := b.Turn(ctx, "dk")
		if err != nil {
			t.Fatal(err)
		}
		return mine
	}
	of := func() *Trouble {
		t.Helper()
		all, err := b.Of(ctx, "moon", "dk")
		if err != nil {
			t.Fatal(err)
		}
		if all["moon"] != nil {
			t.Error("an account without trouble has a record")
		}
		return all["dk"]
	}

	if of() != nil || turn() {
		t.Error("there is trouble before any was reported")
	}
	if !report(Down, "") || report(Down, "") {
		t.Error("the first report is news, and the second is none")
	}
	if !report(Suspended, "401") || report(Down, "") || report(Suspended, "403") {
		t.Error("only what is worse replaces a record")
	}
	if got := of(); got == nil || *got != (Trouble{Why: Suspended, Since: since, Code: "401", Detail: "no", Settings: "abcd", Probe: got.Probe}) {
		t.Errorf("the record is %+v", got)
	}
	t.Run("probes come after growing pauses, one for all", func(t *testing.T) {
		for _, pause := range []time.Duration{4, 8, 16, 32, 64, 128, 256, 300, 300} {
			if turn() {
				t.Error("a turn before its time")
			}
			pass(pause*time.Second - time.Millisecond)
			if turn() {
				t.Errorf("a turn after less than %d s", pause)
			}
			pass(time.Millisecond)
			if !turn() {
				t.Errorf("no turn after %d s", pause)
			}
		}
	})
	t.Run("trouble that comes back is probed at the pauses reached", func(t *testing.T) {
		if had, err := b.Clear(ctx, "dk"); err != nil || !had || of() != nil {
			t.Errorf("Clear = %v, %v", had, err)
		}
		report(Suspended, "401")
		pass(time.Minute)
		if turn() {
			t.Error("it starts over")
		}
	})
	t.Run("resume forgets", func(t *testing.T) {
		if had, err := b.Resume(ctx, "dk"); err != nil || !had || of() != nil {
			t.Errorf("Resume = %v, %v", had, err)
		}
		if had, err := b.Resume(ctx, "dk"); err != nil || had {
			t.Errorf("a second Resume = %v, %v", had, err)
		}
		report(Suspended, "401")
		pass(firstPause)
		if !turn() {
			t.Error("the pauses do not start over")
		}
	})
}
