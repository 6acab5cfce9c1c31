package enqueue_test

import (
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/volleysms/volley/enqueue"
)

func TestParseWhen(t *testing.T) {
	now := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	tests := []struct {
		name, in, zone, want string
	}{
		{"RFC 3339 in UTC", "2030-06-01T09:30:00Z", "", "2030-06-01T09:30:00Z"},
		{"RFC 3339 has a zone of its own", "2030-06-01T09:30:00+02:00", "America/Lima", "2030-06-01T07:30:00Z"},
		{"RFC 3339 with a fraction", "2030-06-01T09:30:00.25Z", "", "2030-06-01T09:30:00.25Z"},
		{"no zone is UTC", "2030-06-01 09:30:00", "", "2030-06-01T09:30:00Z"},
		{"an hour of one digit", "2030-06-01 9:30:00", "", "2030-06-01T09:30:00Z"},
		{"summer in Copenhagen", "2030-06-01 09:30:00", "Europe/Copenhagen", "2030-06-01T07:30:00Z"},
		{"winter in Copenhagen", "2030-12-01 09:30:00", "Europe/Copenhagen", "2030-12-01T08:30:00Z"},
		{"an hour that occurs twice is the first", "2030-10-27 02:30:00", "Europe/Copenhagen", "2030-10-27T00:30:00Z"},
		{"and so west of Greenwich", "2030-11-03 01:30:00", "America/New_York", "2030-11-03T05:30:00Z"},
		{"the hour after it occurs once", "2030-10-27 03:00:00", "Europe/Copenhagen", "2030-10-27T02:00:00Z"},
		{"a half-hour change", "2030-04-07 01:45:00", "Australia/Lord_Howe", "2030-04-06T14:45:00Z"},
		{"seconds from now", "86400s", "", "2030-01-03T03:04:05Z"},
		{"hours and minutes from now", "1h30m", "Europe/Copenhagen", "2030-01-02T04:34:05Z"},
		{"nothing from now", "0s", "", "2030-01-02T03:04:05Z"},
		{"a leap day", "2028-02-29 00:00:00", "", "2028-02-29T00:00:00Z"},
		{"a time that has passed", "1999-12-31 23:59:59", "", "1999-12-31T23:59:59Z"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := enqueue.ParseWhen(tt.in, zone(t, tt.zone), now)
			if err != nil {
				t.Fatal(err)
			}
			if s := got.Format(time.RFC3339Nano); s != tt.want {
				t.Errorf("got %s, want %s", s, tt.want)
			}
		})
	}
}

func TestParseWhen_Refused(t *testing.T) {
	tests := []struct {
		name, in, zone, want string
	}{
		{"nothing", "", "", "none of RFC 3339"},
		{"words", "tomorrow", "", "none of RFC 3339"},
		{"a bare number", "86400", "", "none of RFC 3339"},
		{"a date alone", "2030-06-01", "", "none of RFC 3339"},
		{"RFC 3339 without a zone", "2030-06-01T09:30:00", "", "none of RFC 3339"},
		{"a day that is not in the calendar", "2030-02-29 00:00:00", "", "none of RFC 3339"},
		{"an hour that is left out", "2030-03-31 02:30:00", "Europe/Copenhagen", "clocks are put forward"},
		{"a negative duration", "-5s", "", "negative"},
		{"a duration beyond measure", "99999999999h", "", "none of RFC 3339"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := enqueue.ParseWhen(tt.in, zone(t, tt.zone), time.Now())
			if err == nil {
				t.Fatalf("got %s, want an error", got)
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %q, want %q in it", err, tt.want)
			}
		})
	}
}

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	if name == "" {
		return nil
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}
