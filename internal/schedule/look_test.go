package schedule

import (
	"testing"
	"time"
)

func TestLook(t *testing.T) {
	noon := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	at := func(s string) time.Time {
		d, err := time.Parse("15:04:05", s)
		if err != nil {
			t.Fatal(err)
		}
		return time.Date(2030, 1, 1, d.Hour(), d.Minute(), d.Second(), 0, time.UTC)
	}
	hour := Duration(time.Hour)
	for name, c := range map[string]struct {
		catchUp CatchUp
		within  time.Duration
		cursor  time.Time
		now     time.Time
		fire    string // empty is none
		missed  int
		again   string
	}{
		"before the tick nothing is due":            {None, 0, noon, at("12:09:59"), "", 0, "12:10:00"},
		"at the tick it is":                         {None, 0, noon, at("12:10:00"), "12:10:00", 0, ""},
		"none: a minute late is on time":            {None, 0, noon, at("12:11:00"), "12:10:00", 0, ""},
		"none: later is missed":                     {None, 0, noon, at("12:11:01"), "", 1, "12:20:00"},
		"none: after downtime all are":              {None, 0, noon, at("13:05:00"), "", 6, "13:10:00"},
		"none: but the one that is on time":         {None, 0, noon, at("13:10:30"), "13:10:00", 6, ""},
		"last: after downtime the last":             {Last, time.Hour, noon, at("13:05:00"), "13:00:00", 5, "13:10:00"},
		"last: not when it is too old":              {Last, 4 * time.Minute, noon, at("13:05:00"), "", 6, "13:10:00"},
		"last: the one on time replaces those late": {Last, time.Hour, noon, at("13:10:00"), "13:10:00", 6, "13:20:00"},
		"last: on time although nothing may be old": {Last, time.Second, noon, at("12:10:59"), "12:10:00", 0, "12:20:00"},
		"all: in their order":                       {All, time.Hour, noon, at("12:35:00"), "12:10:00", 0, ""},
		"all: those that are too old are missed":    {All, 20 * time.Minute, noon, at("12:35:00"), "12:20:00", 1, ""},
		"all: on time although nothing may be old":  {All, time.Second, noon, at("12:10:59"), "12:10:00", 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := Schedule{Cron: "*/10 * * * *", CatchUp: c.catchUp, CatchUpWithin: Duration(c.within)}
			tm, err := s.timing(noon)
			if err != nil {
				t.Fatal(err)
			}
			v := look(&s, &tm, &State{ID: "id", Cursor: c.cursor.Unix()}, c.now)
			show := func(t time.Time) string {
				if t.IsZero() {
					return ""
				}
				return t.UTC().Format("15:04:05")
			}
			if show(v.Fire) != c.fire || v.Missed != c.missed || show(v.Again) != c.again {
				t.Errorf("fires %q, misses %d, and looks again at %q; want %q, %d and %q", show(v.Fire), v.Missed, show(v.Again), c.fire, c.missed, c.again)
			}
		})
	}
	t.Run("years of downtime are counted to their end", func(t *testing.T) {
		s := Schedule{Every: Duration(time.Second), CatchUp: Last, CatchUpWithin: hour}
		tm, err := s.timing(noon)
		if err != nil {
			t.Fatal(err)
		}
		st := &State{ID: "id", Cursor: noon.Unix()}
		missed, fired, looks := 0, 0, 0
		for now := noon.Add(30 * maxSteps * time.Second / 20); looks < 10; looks++ {
			v := look(&s, &tm, st, now)
			missed += v.Missed
			if v.Missed > 0 {
				st.Cursor = v.LastMissed.Unix()
			}
			if !v.Fire.IsZero() {
				st.Cursor = v.Fire.Unix()
				fired++
				break
			}
		}
		if missed != 14_999 || fired != 1 || looks != 1 {
			t.Errorf("%d missed and %d fired after %d looks", missed, fired, looks)
		}
	})
	t.Run("jitter puts it off, and does not make it late", func(t *testing.T) {
		s := Schedule{Cron: "0 * * * *", Jitter: Duration(50 * time.Minute), CatchUp: None}
		tm, err := s.timing(noon)
		if err != nil {
			t.Fatal(err)
		}
		st := &State{ID: "id", Cursor: noon.Unix()}
		due := at("13:00:00").Add(delay("id", at("13:00:00"), 50*time.Minute))
		if v := look(&s, &tm, st, due.Add(-time.Millisecond)); !v.Fire.IsZero() || !v.Again.Equal(due) {
			t.Errorf("before: %+v", v)
		}
		if v := look(&s, &tm, st, due.Add(OnTime)); !v.Fire.Equal(at("13:00:00")) || v.Missed != 0 {
			t.Errorf("then: %+v", v)
		}
		if v := look(&s, &tm, st, due.Add(OnTime+1)); !v.Fire.IsZero() || v.Missed != 1 {
			t.Errorf("later: %+v", v)
		}
	})
}
