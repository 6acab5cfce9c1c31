package window_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/volleysms/volley/internal/window"
)

func TestParse(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"every day, each in their own zone", "09:00-20:00", "09:00-20:00 recipient"},
		{"days in a row", "mon-sat 09:00-20:00", "mon-sat 09:00-20:00 recipient"},
		{"days over the end of the week", "fri-mon 09:00-20:00", "mon,fri-sun 09:00-20:00 recipient"},
		{"single days", "sun,wed 09:00-20:00", "wed,sun 09:00-20:00 recipient"},
		{"names written out", "Monday,TUESDAY 09:00-20:00", "mon,tue 09:00-20:00 recipient"},
		{"daily", "daily 09:00-20:00", "09:00-20:00 recipient"},
		{"all seven are daily", "mon-sun 09:00-20:00", "09:00-20:00 recipient"},
		{"over midnight", "22:00-04:00", "22:00-04:00 recipient"},
		{"to the end of the day", "sat 18:00-24:00", "sat 18:00-24:00 recipient"},
		{"a zone", "mon-fri 09:00-17:00 Europe/Copenhagen", "mon-fri 09:00-17:00 Europe/Copenhagen"},
		{"recipient in so many words", "09:00-17:00 recipient", "09:00-17:00 recipient"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w, err := window.Parse(tt.in)
			if err != nil {
				t.Fatal(err)
			}
			if w.String() != tt.want {
				t.Errorf("got %q, want %q", w, tt.want)
			}
		})
	}
}

func TestParse_Refused(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"nothing", "", "is written"},
		{"days alone", "mon-fri", "no window"},
		{"an unknown day", "mon-fry 09:00-17:00", "mon-sat"},
		{"hours of one digit", "9:00-17:00", "09:00"},
		{"an hour that is not there", "09:00-25:00", "09:00"},
		{"a minute that is not there", "09:60-10:00", "09:00"},
		{"past the end of the day", "09:00-24:01", "09:00"},
		{"one time alone", "09:00", "09:00"},
		{"no time between", "09:00-09:00", "no time at all"},
		{"beginning at the end of the day", "24:00-09:00", "outside a day"},
		{"an unknown zone", "09:00-17:00 Mars/Olympus", "no time zone"},
		{"the machine's zone", "09:00-17:00 Local", "no time zone"},
		{"too much", "mon 09:00-17:00 UTC now", "no window"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if w, err := window.Parse(tt.in); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %q, %v; want %q in the error", w, err, tt.want)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"", "mon-sat 09:00-20:00", "fri,sat 22:00-04:00 UTC", "-,- -:-"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		w, err := window.Parse(s)
		if err != nil {
			return
		}
		again, err := window.Parse(w.String())
		if err != nil || again != w {
			t.Errorf("%q is %+v, and %q is %+v (%v)", s, w, w, again, err)
		}
	})
}

func TestWindow_Text(t *testing.T) {
	want := window.Window{Days: 1 << time.Saturday, From: 9 * 60, To: 20 * 60, Zone: "recipient"}
	t.Run("JSON", func(t *testing.T) {
		b, err := json.Marshal(want)
		if err != nil || string(b) != `"sat 09:00-20:00 recipient"` {
			t.Errorf("got %s, %v", b, err)
		}
		for _, in := range []string{string(b), `{"days":"sat","from":"09:00","to":"20:00"}`} {
			var w window.Window
			if err := json.Unmarshal([]byte(in), &w); err != nil || w != want {
				t.Errorf("%s: got %+v, %v", in, w, err)
			}
		}
		var w window.Window
		if err := json.Unmarshal([]byte(`{"from":"09:00","to":"09:00"}`), &w); err == nil {
			t.Error("a window without time was taken")
		}
	})
	t.Run("YAML", func(t *testing.T) {
		for _, in := range []string{`sat 09:00-20:00 recipient`, `{days: sat, from: "09:00", to: "20:00", zone: recipient}`} {
			var w window.Window
			if err := yaml.Unmarshal([]byte(in), &w); err != nil || w != want {
				t.Errorf("%s: got %+v, %v", in, w, err)
			}
		}
	})
}

func TestNext(t *testing.T) {
	tests := []struct {
		name, zones string
		allow       []string
		quiet       []string
		at          string
		open        bool
		until       string // empty: not in sight
	}{
		{"inside", "Europe/Copenhagen", []string{"mon-sat 09:00-20:00"}, nil, "2030-06-03T10:00:00Z", true, "2030-06-03T18:00:00Z"},
		{"the first moment is inside", "Europe/Copenhagen", []string{"09:00-20:00"}, nil, "2030-06-03T07:00:00Z", true, "2030-06-03T18:00:00Z"},
		{"the last is not", "Europe/Copenhagen", []string{"09:00-20:00"}, nil, "2030-06-03T18:00:00Z", false, "2030-06-04T07:00:00Z"},
		{"over Sunday to Monday", "Europe/Copenhagen", []string{"mon-sat 09:00-20:00"}, nil, "2030-06-01T19:00:00Z", false, "2030-06-03T07:00:00Z"},
		{"over midnight it belongs to the day before", "UTC", []string{"fri 22:00-04:00"}, nil, "2030-06-01T03:00:00Z", true, "2030-06-01T04:00:00Z"},
		{"and not to the day itself", "UTC", []string{"fri 22:00-04:00"}, nil, "2030-05-31T03:00:00Z", false, "2030-05-31T22:00:00Z"},
		{"quiet hours end", "UTC", nil, []string{"21:00-08:00"}, "2030-06-01T23:00:00Z", false, "2030-06-02T08:00:00Z"},
		{"a whole quiet day", "UTC", nil, []string{"sun 00:00-24:00"}, "2030-06-02T00:00:00Z", false, "2030-06-03T00:00:00Z"},
		{"a window can't widen quiet hours", "UTC", []string{"00:00-24:00"}, []string{"21:00-08:00"}, "2030-06-01T22:00:00Z", false, "2030-06-02T08:00:00Z"},
		{"quiet hours shorten a window", "UTC", []string{"07:00-22:00"}, []string{"21:00-08:00"}, "2030-06-01T07:30:00Z", false, "2030-06-01T08:00:00Z"},
		{"and end it", "UTC", []string{"07:00-22:00"}, []string{"21:00-08:00"}, "2030-06-01T20:30:00Z", true, "2030-06-01T21:00:00Z"},
		{"two zones: not yet in the western", "America/New_York,America/Los_Angeles", []string{"09:00-20:00"}, nil, "2030-06-03T14:00:00Z", false, "2030-06-03T16:00:00Z"},
		{"no more in the eastern", "America/New_York,America/Los_Angeles", []string{"09:00-20:00"}, nil, "2030-06-03T23:59:00Z", true, "2030-06-04T00:00:00Z"},
		{"a window in a zone of its own", "America/Los_Angeles", []string{"09:00-17:00 Europe/Copenhagen"}, nil, "2030-06-03T08:00:00Z", true, "2030-06-03T15:00:00Z"},
		{"zones without a common hour", "Asia/Tokyo,America/New_York", []string{"12:00-13:00"}, nil, "2030-06-03T08:00:00Z", false, ""},
		{"nothing forbids", "UTC", []string{"00:00-24:00"}, nil, "2030-06-03T08:00:00Z", true, ""},
		{"no rule", "UTC", nil, nil, "2030-06-03T08:00:00Z", true, ""},
		{"a day that clocks leave out an hour of", "Europe/Copenhagen", []string{"sun 02:00-03:00"}, nil, "2030-03-30T12:00:00Z", false, "2030-04-07T00:00:00Z"},
		{"an hour that is shown twice is twice inside", "Europe/Copenhagen", []string{"sun 02:00-03:00"}, nil, "2030-10-27T00:30:00Z", true, "2030-10-27T02:00:00Z"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			z, err := window.ZonesOf(strings.Split(tt.zones, ",")...)
			if err != nil {
				t.Fatal(err)
			}
			var rules []window.Rule
			for _, s := range tt.allow {
				r, err := window.Allow(mustParse(t, s))
				if err != nil {
					t.Fatal(err)
				}
				rules = append(rules, r)
			}
			for _, s := range tt.quiet {
				r, err := window.Quiet(mustParse(t, s))
				if err != nil {
					t.Fatal(err)
				}
				rules = append(rules, r)
			}
			open, until := window.Next(at(t, tt.at), z, rules...)
			var want time.Time
			if tt.until != "" {
				want = at(t, tt.until)
			}
			if open != tt.open || !until.Equal(want) {
				t.Errorf("got %v until %s, want %v until %s", open, until.UTC(), tt.open, want)
			}
		})
	}
}

func TestAt(t *testing.T) {
	tests := []struct{ name, in, zone, want string }{
		{"winter", "2026-12-24 09:00", "Europe/Copenhagen", "2026-12-24T08:00:00Z"},
		{"with seconds", "2026-06-24 09:00:30", "Europe/Copenhagen", "2026-06-24T07:00:30Z"},
		{"with a T", "2026-06-24T09:00", "Europe/Copenhagen", "2026-06-24T07:00:00Z"},
		{"left out: the first moment after the gap", "2030-03-31 02:30", "Europe/Copenhagen", "2030-03-31T01:00:00Z"},
		{"twice: the first", "2030-10-27 02:30", "Europe/Copenhagen", "2030-10-27T00:30:00Z"},
		{"twice, west of Greenwich", "2030-11-03 01:30", "America/New_York", "2030-11-03T05:30:00Z"},
		{"a day that an island left out", "2011-12-30 12:00", "Pacific/Apia", "2011-12-30T10:00:00Z"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			loc, err := window.Load(tt.zone)
			if err != nil {
				t.Fatal(err)
			}
			got, err := window.At(tt.in, loc)
			if err != nil || got.Format(time.RFC3339) != tt.want {
				t.Errorf("got %s, %v; want %s", got, err, tt.want)
			}
		})
	}
	for _, in := range []string{"", "tomorrow", "2026-12-24", "2026-13-24 09:00", "2026-12-24 09:00 UTC", "09:00"} {
		if got, err := window.At(in, time.UTC); err == nil {
			t.Errorf("%q: got %s, want an error", in, got)
		}
	}
}

func TestZonesOf(t *testing.T) {
	a, err := window.ZonesOf("Europe/Madrid", "Atlantic/Canary", "Europe/Madrid")
	if err != nil || a.String() != "Atlantic/Canary,Europe/Madrid" {
		t.Fatalf("got %v, %v", a, err)
	}
	if b, _ := window.ZonesOf("Atlantic/Canary", "Europe/Madrid"); a != b {
		t.Error("equal sets are not the same")
	}
	for _, names := range [][]string{nil, {""}, {"UTC", "Mars/Olympus"}} {
		if z, err := window.ZonesOf(names...); err == nil {
			t.Errorf("%q: got %s, want an error", names, z)
		}
	}
}

func at(t *testing.T, s string) time.Time {
	t.Helper()
	v, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}
