package schedule

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

const minutes = "2006-01-02 15:04 -0700"

// ticks returns the first n ticks after a time.
func ticks(t *testing.T, s Schedule, created, after time.Time, n int) []string {
	t.Helper()
	tm, err := s.timing(created)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for range n {
		if after = tm.next(after); after.IsZero() {
			return append(out, "none")
		}
		out = append(out, after.In(tm.zone).Format(minutes))
	}
	return out
}

func equal(t *testing.T, got, want []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("got %q, want %q", got, want)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Errorf("tick %d is %s, want %s", i+1, got[i], want[i])
		}
	}
}

func TestCron_WhenClocksChange(t *testing.T) {
	for name, c := range map[string]struct {
		cron, zone, after string
		want              []string
	}{
		"a time that does not exist fires at the first moment after": {
			"30 2 * * *", "Europe/Copenhagen", "2030-03-30 12:00 +0100",
			[]string{"2030-03-31 03:00 +0200", "2030-04-01 02:30 +0200"},
		},
		"several that do not exist fire once": {
			"*/15 2 * * *", "Europe/Copenhagen", "2030-03-31 00:00 +0100",
			[]string{"2030-03-31 03:00 +0200", "2030-04-01 02:00 +0200"},
		},
		"one that does not exist and the first after it fire once": {
			"0 * * * *", "America/New_York", "2030-03-10 00:30 -0500",
			[]string{"2030-03-10 01:00 -0500", "2030-03-10 03:00 -0400", "2030-03-10 04:00 -0400"},
		},
		"a time that exists twice fires the first time": {
			"30 2 * * *", "Europe/Copenhagen", "2030-10-26 12:00 +0200",
			[]string{"2030-10-27 02:30 +0200", "2030-10-28 02:30 +0100"},
		},
		"each minute of an hour that exists twice fires once": {
			"*/30 * * * *", "America/New_York", "2030-11-03 00:45 -0400",
			[]string{"2030-11-03 01:00 -0400", "2030-11-03 01:30 -0400", "2030-11-03 02:00 -0500"},
		},
		"between the two readings there is nothing to fire": {
			"30 1 * * *", "America/New_York", "2030-11-03 01:10 -0500",
			[]string{"2030-11-04 01:30 -0500"},
		},
		"at midnight, where the day begins at one": {
			"0 0 * * *", "America/Havana", "2030-03-09 12:00 -0500",
			[]string{"2030-03-10 01:00 -0400", "2030-03-11 00:00 -0400"},
		},
		"a change of half an hour": {
			"15 2 * * *", "Australia/Lord_Howe", "2030-10-05 12:00 +1030",
			[]string{"2030-10-06 02:30 +1100", "2030-10-07 02:15 +1100"},
		},
		"half an hour that exists twice": {
			"45 1 * * *", "Australia/Lord_Howe", "2030-04-06 12:00 +1100",
			[]string{"2030-04-07 01:45 +1100", "2030-04-08 01:45 +1030"},
		},
		"a day that does not exist": {
			"0 9 30 12 *", "Pacific/Apia", "2011-12-29 12:00 -1000",
			[]string{"2011-12-31 00:00 +1400", "2012-12-30 09:00 +1400"},
		},
		"clocks that are put forward in winter": {
			"30 1 * * *", "Europe/Dublin", "2030-03-30 12:00 +0000",
			[]string{"2030-03-31 02:00 +0100", "2030-04-01 01:30 +0100"},
		},
		"a zone without changes": {
			"30 2 * * *", "Asia/Kolkata", "2030-03-30 12:00 +0530",
			[]string{"2030-03-31 02:30 +0530", "2030-04-01 02:30 +0530"},
		},
		"weekdays are those of the zone": {
			"0 9 * * mon", "Asia/Tokyo", "2030-01-06 20:00 +0000",
			[]string{"2030-01-07 09:00 +0900", "2030-01-14 09:00 +0900"},
		},
		"the shorthand for a day": {
			"@daily", "UTC", "2030-01-06 20:00 +0000",
			[]string{"2030-01-07 00:00 +0000", "2030-01-08 00:00 +0000"},
		},
		"a day that is rare": {
			"0 12 29 2 *", "UTC", "2030-01-01 00:00 +0000",
			[]string{"2032-02-29 12:00 +0000", "2036-02-29 12:00 +0000"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			after, err := time.Parse(minutes, c.after)
			if err != nil {
				t.Fatal(err)
			}
			equal(t, ticks(t, Schedule{Cron: c.cron, Zone: c.zone}, after, after, len(c.want)), c.want)
		})
	}
}

// TestCron_OnceForEachWallClock compares with the definition, minute by minute, over every change of many zones.
func TestCron_OnceForEachWallClock(t *testing.T) {
	zones := []string{
		"Europe/Copenhagen", "America/New_York", "America/Havana", "America/Sao_Paulo", "Australia/Lord_Howe", "Pacific/Apia",
		"Africa/Casablanca", "Asia/Tehran", "America/St_Johns", "Asia/Gaza", "Antarctica/Troll", "Pacific/Chatham", "UTC",
	}
	exprs := []string{"30 2 * * *", "*/20 * * * *", "0 0 * * *", "15 1-3 * * *", "59 23 * * *", "0 * * * *"}
	rapid.Check(t, func(rt *rapid.T) {
		zone, err := time.LoadLocation(rapid.SampledFrom(zones).Draw(rt, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		s := Schedule{Cron: rapid.SampledFrom(exprs).Draw(rt, "cron"), Zone: zone.String()}
		tm, err := s.timing(time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		from := time.Unix(rapid.Int64Range(1_000_000_000, 2_200_000_000).Draw(rt, "from"), 0).Truncate(time.Minute)
		if _, change := from.In(zone).ZoneBounds(); rapid.Bool().Draw(rt, "at a change") && !change.IsZero() && change.Year() < 2037 {
			from = change.Add(-25 * time.Hour)
		}
		var got, want []time.Time
		for tick := tm.next(from); !tick.After(from.Add(50 * time.Hour)); tick = tm.next(tick) {
			got = append(got, tick)
		}
		// By definition: a wall clock that matches fires when it is shown for the first time, or was passed over. What was
		// shown before from was fired then.
		latest := asUTC(from.In(zone))
		for at := from.Add(-3 * time.Hour); !at.After(from); at = at.Add(time.Minute) {
			if w := asUTC(at.In(zone)); w.After(latest) {
				latest = w
			}
		}
		for at := from.Add(time.Minute); !at.After(from.Add(50 * time.Hour)); at = at.Add(time.Minute) {
			shown := asUTC(at.In(zone))
			if !shown.After(latest) {
				continue
			}
			if due := tm.cron.Next(latest); !due.After(shown) {
				want = append(want, at)
			}
			latest = shown
		}
		if len(got) != len(want) {
			rt.Fatalf("%s in %s from %s: %d ticks, want %d", s.Cron, zone, from.In(zone), len(got), len(want))
		}
		for i := range got {
			if !got[i].Equal(want[i]) {
				rt.Fatalf("%s in %s: %s, want %s", s.Cron, zone, got[i].In(zone), want[i].In(zone))
			}
		}
	})
}

func TestEvery(t *testing.T) {
	created := time.Date(2030, 3, 31, 0, 30, 0, 0, time.UTC)
	start := time.Date(2030, 3, 31, 0, 0, 0, 0, time.UTC)
	hour := Duration(time.Hour)
	for name, c := range map[string]struct {
		s     Schedule
		after time.Time
		want  []string
	}{
		"from when it was added": {Schedule{Every: hour}, created, []string{"2030-03-31 01:30 +0000", "2030-03-31 02:30 +0000"}},
		"the start is a tick":    {Schedule{Every: hour, Start: start}, start.Add(-time.Hour), []string{"2030-03-31 00:00 +0000", "2030-03-31 01:00 +0000"}},
		"counted from the start": {Schedule{Every: hour, Start: start}, created, []string{"2030-03-31 01:00 +0000", "2030-03-31 02:00 +0000"}},
		"the end is a tick, and the last": {
			Schedule{Every: hour, Start: start, End: start.Add(time.Hour)}, created, []string{"2030-03-31 01:00 +0000", "none"},
		},
		"clocks that change do not change it": {
			Schedule{Every: hour, Start: start, Zone: "Europe/Copenhagen"},
			start,
			[]string{"2030-03-31 03:00 +0200", "2030-03-31 04:00 +0200"},
		},
	} {
		t.Run(name, func(t *testing.T) { equal(t, ticks(t, c.s, created, c.after, len(c.want)), c.want) })
	}
}

func TestCron_StartAndEnd(t *testing.T) {
	s := Schedule{Cron: "0 9 * * *", Start: time.Date(2030, 1, 2, 9, 0, 0, 0, time.UTC), End: time.Date(2030, 1, 3, 9, 0, 0, 0, time.UTC)}
	equal(t, ticks(t, s, s.Start, s.Start.Add(-72*time.Hour), 3), []string{"2030-01-02 09:00 +0000", "2030-01-03 09:00 +0000", "none"})
}

func TestDelay(t *testing.T) {
	jitter := time.Minute
	seen := map[time.Duration]bool{}
	for i := range 1000 {
		tick := time.Unix(1_900_000_000+int64(i)*60, 0)
		d := delay("id", tick, jitter)
		if d < 0 || d > jitter {
			t.Fatalf("%v is not between 0 and %v", d, jitter)
		}
		if d != delay("id", tick, jitter) {
			t.Fatal("another scheduler has another delay")
		}
		seen[d/(6*time.Second)] = true
	}
	if len(seen) < 10 {
		t.Errorf("they are all in %v", seen)
	}
	if delay("id", time.Unix(1, 0), 0) != 0 {
		t.Error("a delay without jitter")
	}
}

func FuzzParseCron(f *testing.F) {
	for _, s := range []string{"0 9 * * mon-fri", "@daily", "*/5 * * * *", "TZ=UTC 0 9 * * *", "@every 1s", "1-5/0 * * * *", "a b c d e"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, expr string) {
		c, err := parseCron(expr)
		if err != nil {
			return
		}
		at := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
		if next := c.Next(at); !next.IsZero() && !next.After(at) {
			t.Errorf("%q: %v is not after %v", expr, next, at)
		}
	})
}
