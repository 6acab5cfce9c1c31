package window_test

import (
	"testing"
	"time"

	"github.com/volleysms/volley/internal/window"
	"github.com/volleysms/volley/sms"
)

const dane, american sms.MSISDN = 4500000001, 12125550100

func TestGate_Look(t *testing.T) {
	created := "2030-06-03T10:00:00Z" // a Monday
	copenhagen, tokyo := mustZones(t, "Europe/Copenhagen"), mustZones(t, "Asia/Tokyo")
	office := mustParse(t, "mon-fri 09:00-17:00")
	never := mustParse(t, "03:00-04:00")
	night := mustParse(t, "21:00-08:00")
	tests := []struct {
		name   string
		times  window.Times
		guard  func(*window.Guard) error
		person window.Person
		now    string
		want   window.Verdict // Due is not compared when zero
	}{
		{"nothing is asked", window.Times{}, nil, window.Person{To: dane}, created, window.Verdict{Open: true}},
		{
			"before its time",
			window.Times{Due: at(t, "2030-06-04T07:00:00Z")},
			nil,
			window.Person{To: dane},
			"2030-06-04T06:59:59Z",
			window.Verdict{Until: at(t, "2030-06-04T07:00:00Z"), Why: window.Scheduled},
		},
		{
			"at its time",
			window.Times{Due: at(t, "2030-06-04T07:00:00Z")},
			nil,
			window.Person{To: dane},
			"2030-06-04T07:00:00Z",
			window.Verdict{Open: true, Due: at(t, "2030-06-04T07:00:00Z")},
		},
		{
			"the recipient's own time comes before the job's",
			window.Times{Due: at(t, "2030-06-04T07:00:00Z")},
			nil,
			window.Person{To: dane, Due: at(t, "2030-06-03T12:00:00Z")},
			"2030-06-03T12:00:00Z",
			window.Verdict{Open: true, Due: at(t, "2030-06-03T12:00:00Z")},
		},
		{
			"a time of day in the recipient's zone",
			window.Times{Local: mustWall(t, "2030-06-04 09:00")},
			nil,
			window.Person{To: dane, Zones: copenhagen},
			created,
			window.Verdict{Until: at(t, "2030-06-04T07:00:00Z"), Why: window.Scheduled},
		},
		{
			"with nothing known of the zone, in the job's",
			window.Times{Local: mustWall(t, "2030-06-04 09:00"), Zone: tokyo},
			nil,
			window.Person{To: dane},
			created,
			window.Verdict{Until: at(t, "2030-06-04T00:00:00Z"), Why: window.Scheduled},
		},
		{
			"and of the job's neither, in UTC",
			window.Times{Local: mustWall(t, "2030-06-04 09:00")},
			nil,
			window.Person{To: dane},
			created,
			window.Verdict{Until: at(t, "2030-06-04T09:00:00Z"), Why: window.Scheduled},
		},
		{
			"in several zones, when the last has reached it",
			window.Times{Local: mustWall(t, "2030-06-04 09:00")},
			nil,
			window.Person{To: dane, Zones: mustZones(t, "Asia/Tokyo", "Europe/Copenhagen")},
			created,
			window.Verdict{Until: at(t, "2030-06-04T07:00:00Z"), Why: window.Scheduled},
		},
		{
			"a time that had passed in the recipient's zone",
			window.Times{Local: mustWall(t, "2030-06-03 18:00")},
			nil,
			window.Person{To: dane, Zones: tokyo},
			created,
			window.Verdict{Expired: true, Why: window.Passed},
		},
		{
			"is sent when that is asked for",
			window.Times{Local: mustWall(t, "2030-06-03 18:00"), SendPast: true},
			nil,
			window.Person{To: dane, Zones: tokyo},
			created,
			window.Verdict{Open: true, Due: at(t, created)},
		},
		{
			"inside the window, until it closes",
			window.Times{Window: &office},
			nil,
			window.Person{To: dane, Zones: copenhagen},
			created,
			window.Verdict{Open: true, Until: at(t, "2030-06-03T15:00:00Z")},
		},
		{
			"outside of it",
			window.Times{Window: &office},
			nil,
			window.Person{To: dane, Zones: copenhagen},
			"2030-06-07T15:00:00Z",
			window.Verdict{Until: at(t, "2030-06-10T07:00:00Z"), Why: window.OutsideWindow},
		},
		{
			"quiet hours of everybody",
			window.Times{},
			func(g *window.Guard) error { return g.Always(night) },
			window.Person{To: dane, Zones: copenhagen},
			"2030-06-03T19:00:00Z",
			window.Verdict{Until: at(t, "2030-06-04T06:00:00Z"), Why: window.QuietHours},
		},
		{
			"quiet hours of a country",
			window.Times{},
			func(g *window.Guard) error { return g.Prefix("45", night) },
			window.Person{To: dane, Zones: copenhagen},
			"2030-06-03T19:00:00Z",
			window.Verdict{Until: at(t, "2030-06-04T06:00:00Z"), Why: window.QuietHours},
		},
		{
			"are not another's",
			window.Times{},
			func(g *window.Guard) error { return g.Prefix("46", night) },
			window.Person{To: dane, Zones: copenhagen},
			"2030-06-03T19:00:00Z",
			window.Verdict{Open: true},
		},
		{
			"the longest prefix counts",
			window.Times{},
			func(g *window.Guard) error {
				if err := g.Prefix("4500", mustParse(t, "12:00-13:00")); err != nil {
					return err
				}
				return g.Prefix("45", night)
			},
			window.Person{To: dane, Zones: copenhagen},
			"2030-06-03T19:00:00Z",
			window.Verdict{Open: true, Until: at(t, "2030-06-04T10:00:00Z")},
		},
		{
			"quiet hours of the rest",
			window.Times{},
			func(g *window.Guard) error { return g.Rest(night) },
			window.Person{To: dane, Zones: copenhagen},
			"2030-06-03T19:00:00Z",
			window.Verdict{Until: at(t, "2030-06-04T06:00:00Z"), Why: window.QuietHours},
		},
		{
			"a country of its own is not of the rest",
			window.Times{},
			func(g *window.Guard) error {
				if err := g.Rest(night); err != nil {
					return err
				}
				return g.Prefix("45", mustParse(t, "12:00-13:00"))
			},
			window.Person{To: dane, Zones: copenhagen},
			"2030-06-03T19:00:00Z",
			window.Verdict{Open: true, Until: at(t, "2030-06-04T10:00:00Z")},
		},
		{
			"too late",
			window.Times{NotAfter: at(t, "2030-06-03T12:00:00Z")},
			nil,
			window.Person{To: dane},
			"2030-06-03T12:00:00Z",
			window.Verdict{Expired: true, Why: window.TooLate},
		},
		{
			"open until it is too late",
			window.Times{NotAfter: at(t, "2030-06-03T12:00:00Z"), Window: &office},
			nil,
			window.Person{To: dane, Zones: copenhagen},
			created,
			window.Verdict{Open: true, Until: at(t, "2030-06-03T12:00:00Z")},
		},
		{
			"too late before the window opens",
			window.Times{NotAfter: at(t, "2030-06-03T23:00:00Z"), Window: &office},
			nil,
			window.Person{To: dane, Zones: copenhagen},
			"2030-06-03T20:00:00Z",
			window.Verdict{Until: at(t, "2030-06-03T23:00:00Z"), Why: window.OutsideWindow},
		},
		{
			"too late counts from the recipient's own time",
			window.Times{MaxLate: time.Hour},
			nil,
			window.Person{To: dane, Due: at(t, "2030-06-05T12:00:00Z")},
			"2030-06-05T12:30:00Z",
			window.Verdict{Open: true, Until: at(t, "2030-06-05T13:00:00Z")},
		},
		{
			"and is then too late",
			window.Times{MaxLate: time.Hour},
			nil,
			window.Person{To: dane, Due: at(t, "2030-06-05T12:00:00Z")},
			"2030-06-05T13:00:00Z",
			window.Verdict{Expired: true, Why: window.TooLate},
		},
		{
			"no time is left",
			window.Times{Window: &never},
			func(g *window.Guard) error { return g.Always(night) },
			window.Person{To: dane, Zones: copenhagen},
			created,
			window.Verdict{Expired: true, Why: window.Never},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.times.Created = at(t, created)
			guard := &window.Guard{}
			if tt.guard != nil {
				if err := tt.guard(guard); err != nil {
					t.Fatal(err)
				}
			}
			g, err := window.NewGate(tt.times, guard)
			if err != nil {
				t.Fatal(err)
			}
			for range 2 { // the second time from memory
				got := g.Look(at(t, tt.now), tt.person)
				if tt.want.Due.IsZero() {
					got.Due = time.Time{}
				}
				if got.Open != tt.want.Open || got.Expired != tt.want.Expired || got.Why != tt.want.Why ||
					!got.Until.Equal(tt.want.Until) || !got.Due.Equal(tt.want.Due) {
					t.Errorf("got %+v, want %+v", got, tt.want)
				}
			}
		})
	}
}

func TestGate_MemoryIsOfNoUseOnceTimeHasPassed(t *testing.T) {
	w := mustParse(t, "09:00-17:00")
	g, err := window.NewGate(window.Times{Created: at(t, "2030-06-03T00:00:00Z"), Window: &w}, nil)
	if err != nil {
		t.Fatal(err)
	}
	p := window.Person{To: dane, Zones: window.UTC}
	for _, step := range []struct {
		now  string
		open bool
	}{
		{"2030-06-03T08:59:59Z", false},
		{"2030-06-03T09:00:00Z", true},
		{"2030-06-03T16:59:59Z", true},
		{"2030-06-03T17:00:00Z", false},
		{"2030-06-03T10:00:00Z", true}, // a clock that was put back
	} {
		if v := g.Look(at(t, step.now), p); v.Open != step.open {
			t.Errorf("%s: open is %v", step.now, v.Open)
		}
	}
}

func TestGate_Ripe(t *testing.T) {
	guard := &window.Guard{}
	if err := guard.Prefix("45", mustParse(t, "21:00-08:00")); err != nil {
		t.Fatal(err)
	}
	g, err := window.NewGate(window.Times{Created: at(t, "2030-06-03T10:00:00Z")}, guard)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, due, want string }{
		{"due at once", "", "2030-06-03T10:00:00Z"},
		{"due in the day", "2030-06-04T12:00:00Z", "2030-06-04T12:00:00Z"},
		{"due at night", "2030-06-04T23:00:00Z", "2030-06-05T08:00:00Z"},
		{"due in the past", "2030-06-01T23:00:00Z", "2030-06-03T10:00:00Z"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := window.Person{To: dane, Zones: window.UTC}
			if tt.due != "" {
				p.Due = at(t, tt.due)
			}
			for range 2 {
				if got := g.Ripe(p); !got.Equal(at(t, tt.want)) {
					t.Errorf("got %s, want %s", got, tt.want)
				}
			}
		})
	}
	if !g.NeedsZones() {
		t.Error("quiet hours in each recipient's zone need no zones")
	}
	if g, err := window.NewGate(window.Times{NotAfter: time.Unix(1, 0)}, nil); err != nil || g.NeedsZones() {
		t.Errorf("an end alone needs zones (%v)", err)
	}
}

func TestGuard_Prefix_Refused(t *testing.T) {
	for _, p := range []string{"", "0", "045", "+45", "dk", "12345678"} {
		g := &window.Guard{}
		if err := g.Prefix(p, mustParse(t, "21:00-08:00")); err == nil || !g.Empty() {
			t.Errorf("%q was taken", p)
		}
	}
}

func TestIdle(t *testing.T) {
	w := mustParse(t, "09:00-17:00")
	night := &window.Guard{}
	if err := night.Prefix("45", w); err != nil {
		t.Fatal(err)
	}
	due := time.Unix(1, 0)
	if !window.Idle(&window.Times{Created: due, Due: due}, nil) {
		t.Error("a job with nothing but a schedule is not idle")
	}
	for _, tt := range []struct {
		t window.Times
		g *window.Guard
	}{{window.Times{}, night}, {window.Times{Window: &w}, nil}, {window.Times{NotAfter: due}, nil}, {window.Times{MaxLate: 1}, nil}, {window.Times{Local: mustWall(t, "2030-01-01 00:00")}, nil}} {
		if window.Idle(&tt.t, tt.g) {
			t.Errorf("%+v is idle", tt)
		}
	}
}

func mustZones(t *testing.T, names ...string) *window.Zones {
	t.Helper()
	z, err := window.ZonesOf(names...)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func mustWall(t *testing.T, s string) window.Wall {
	t.Helper()
	w, err := window.ParseWall(s)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func BenchmarkGate_Look(b *testing.B) {
	w, _ := window.Parse("mon-sat 09:00-20:00")
	night, _ := window.Parse("21:00-08:00")
	guard := &window.Guard{}
	_ = guard.Always(night)
	_ = guard.Prefix("1", night)
	created := time.Date(2030, 6, 3, 14, 0, 0, 0, time.UTC)
	z, _ := window.ZonesOf("America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles")
	b.Run("FromMemory", func(b *testing.B) {
		g, _ := window.NewGate(window.Times{Created: created, Window: &w}, guard)
		for range b.N {
			g.Look(created, window.Person{To: american, Zones: z})
		}
	})
	b.Run("WorkedOut", func(b *testing.B) {
		for range b.N {
			g, _ := window.NewGate(window.Times{Created: created, Window: &w}, guard)
			g.Look(created, window.Person{To: american, Zones: z})
		}
	})
}
