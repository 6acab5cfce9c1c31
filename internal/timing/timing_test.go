package timing_test

import (
	"testing"
	"time"

	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/internal/timing"
)

var created = time.Date(2030, 1, 7, 12, 0, 0, 0, time.UTC) // a Monday

func TestOf(t *testing.T) {
	quiet, err := timing.Guard("", map[string]string{"45": "21:00-08:00 Europe/Copenhagen", timing.Everybody: "00:00-00:01 UTC"})
	if err != nil {
		t.Fatal(err)
	}
	spec := ledger.Spec{Created: created.UnixMilli()}
	if got, err := timing.Of(&spec, nil); got != nil || err != nil {
		t.Errorf("a job without rules: got %v, %v", got, err)
	}
	if got, err := timing.Always(&spec, nil); got == nil || err != nil {
		t.Errorf("Always: got %v, %v", got, err)
	}
	spec.Fields = []string{"name", ledger.FieldDue, ledger.FieldZone}
	due := created.Add(10 * time.Hour) // 23 o'clock in Copenhagen
	for name, tt := range map[string]struct {
		spec ledger.Spec
		to   ledger.Recipient
		want time.Time
	}{
		"QuietHoursOfACountry": {spec, ledger.Recipient{To: 4512340001, Values: []string{"Ann", ledger.PackDue(due), ""}}, time.Date(2030, 1, 8, 7, 0, 0, 0, time.UTC)},
		"NoneOfAnother":        {spec, ledger.Recipient{To: 4612340001, Values: []string{"Ann", ledger.PackDue(due), ""}}, due},
		"LocalInTheFieldsZone": {
			ledger.Spec{Created: created.UnixMilli(), Fields: spec.Fields, Time: &ledger.TimeRules{Local: "2030-01-09 09:00:00"}},
			ledger.Recipient{To: 4612340001, Values: []string{"Ann", "", "Asia/Kolkata"}},
			time.Date(2030, 1, 9, 3, 30, 0, 0, time.UTC),
		},
		"LocalInTheNumbersZone": {
			ledger.Spec{Created: created.UnixMilli(), Fields: spec.Fields, Time: &ledger.TimeRules{Local: "2030-01-09 09:00:00"}},
			ledger.Recipient{To: 4512340001, Values: []string{"Ann", "", ""}},
			time.Date(2030, 1, 9, 8, 0, 0, 0, time.UTC),
		},
	} {
		t.Run(name, func(t *testing.T) {
			turns, err := timing.Of(&tt.spec, quiet)
			if err != nil {
				t.Fatal(err)
			}
			if got := turns.Gate.Ripe(turns.Person(&tt.to)); !got.Equal(tt.want) || !turns.Sliding {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
	for _, rules := range []ledger.TimeRules{{Local: "tomorrow"}, {Window: "25:00"}, {Zone: "Nowhere"}} {
		if _, err := timing.Of(&ledger.Spec{Time: &rules}, nil); err == nil {
			t.Errorf("%+v is taken", rules)
		}
	}
}

func TestGuard_Refuses(t *testing.T) {
	for own, prefixes := range map[string]map[string]string{"always": nil, "": {"45": "x"}} {
		if _, err := timing.Guard(own, prefixes); err == nil {
			t.Errorf("%q, %v is taken", own, prefixes)
		}
	}
}
