package mttm

import (
	"testing"
	"time"

	"github.com/volleysms/volley/providers"
)

func TestWishesOf(t *testing.T) {
	tests := []struct {
		name string
		o    providers.Options
		want wishes
	}{
		{"Nothing", providers.Options{}, wishes{}},
		{"FlashAndLabelAreIgnored", providers.Options{Flash: true, Label: "spring"}, wishes{}},
		{"Urgent", providers.Options{Priority: providers.Urgent}, wishes{priority: 2}},
		{"BulkIsTheDefault", providers.Options{Priority: providers.Bulk}, wishes{}},
		{"Validity", providers.Options{Validity: time.Hour}, wishes{validity: 60}},
		{"ValidityIsRoundedUp", providers.Options{Validity: time.Second}, wishes{validity: 1}},
		{"At", providers.Options{At: noon.Add(time.Hour)}, wishes{sdt: "260102130000000+"}},
		{"AtInAnotherZone", providers.Options{At: noon.Add(time.Hour).In(time.FixedZone("", 3600))}, wishes{sdt: "260102130000000+"}},
		{"AtIsRoundedUp", providers.Options{At: noon.Add(time.Hour + time.Millisecond)}, wishes{sdt: "260102130001000+"}},
		{"Now", providers.Options{At: noon}, wishes{}},
		{"Past", providers.Options{At: noon.Add(-time.Hour)}, wishes{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := wishesOf(&providers.Call{Options: tt.o}, "", noon)
			if got.priority != tt.want.priority || got.validity != tt.want.validity || got.sdt != tt.want.sdt || got.reportTo != nil {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestSchedule(t *testing.T) {
	tests := []struct {
		name, format, zone string
		wait               time.Duration
		want               string
	}{
		{"ADay", "", "", 24 * time.Hour, "86400s"},
		{"RoundedUp", relative, "", time.Second + 1, "2s"},
		{"AMoment", relative, "", 1, "1s"},
		{"Absolute", absolute, "Europe/Amsterdam", 24 * time.Hour, "2026-01-03 13:00:00"},
		{"AbsoluteInSummer", absolute, "Europe/Amsterdam", 181 * 24 * time.Hour, "2026-07-02 14:00:00"},
		{"AbsoluteRoundedUp", absolute, "UTC", time.Hour + 1, "2026-01-02 13:00:01"},
		{"NearbyIsAWait", absolute, "UTC", 59 * time.Second, "59s"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := newSchedule(tt.format, tt.zone)
			if err != nil {
				t.Fatal(err)
			}
			if got := s.at(noon.Add(tt.wait), noon); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}
