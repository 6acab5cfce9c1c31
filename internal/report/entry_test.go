package report

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/sms"
)

var testTime = time.UnixMilli(1_700_000_000_000)

func TestEntry_RoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := Entry{
			Account: rapid.StringN(0, 20, 20).Draw(t, "account"), Received: testTime,
			Target: Target{
				Job: rapid.String().Draw(t, "job"), Batch: rapid.IntRange(0, maxBatch).Draw(t, "batch"),
				Position: rapid.IntRange(-1, maxPosition-1).Draw(t, "position"), Round: rapid.IntRange(-1, maxRound).Draw(t, "round"),
				Attempt: rapid.IntRange(0, maxAttempt).Draw(t, "attempt"),
			},
		}
		for range rapid.IntRange(0, 4).Draw(t, "reports") {
			want.Reports = append(want.Reports, providers.Report{
				Fate: providers.Fate(rapid.IntRange(0, 4).Draw(t, "fate")), To: sms.MSISDN(rapid.Uint64().Draw(t, "to")),
				ID: rapid.StringN(0, 30, maxID).Draw(t, "id"), Code: rapid.StringN(0, 9, maxCode).Draw(t, "code"),
				Detail: rapid.StringN(0, 50, providers.MaxDetail).Draw(t, "detail"),
				At:     testTime.Add(-time.Duration(rapid.IntRange(0, 1000).Draw(t, "ago")) * time.Second),
			})
		}
		got, err := decodeEntry(want.append(nil))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("got %+v, %v\nwant %+v", got, err, want)
		}
	})
}

func TestEntry_IsBounded(t *testing.T) {
	long := strings.Repeat("é", 10_000)
	e := Entry{Account: "dk", Received: testTime, Reports: []providers.Report{{ID: long, Code: long, Detail: long}}}
	b := e.append(nil)
	got, err := decodeEntry(b)
	if err != nil || len(b) > 500 {
		t.Fatalf("%d bytes, %v", len(b), err)
	}
	if r := got.Reports[0]; len(r.Detail) > providers.MaxDetail || !strings.HasPrefix(long, r.Detail) || !strings.HasPrefix(long, r.Code) {
		t.Errorf("got %+v", r)
	}
}

func TestEntry_At(t *testing.T) {
	tests := map[string]struct{ at, want time.Time }{
		"None":       {time.Time{}, testTime},
		"Earlier":    {testTime.Add(-time.Hour), testTime.Add(-time.Hour)},
		"FarAhead":   {testTime.Add(2 * time.Hour), testTime},
		"LongBefore": {time.Unix(5, 0), testTime},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			e := Entry{Received: testTime, Reports: []providers.Report{{Fate: providers.Delivered, At: tt.at}}}
			if got, ok := e.toLedger(0); !ok || got.At != tt.want.UnixMilli() {
				t.Errorf("got %v, %v, want %v", time.UnixMilli(got.At), ok, tt.want)
			}
		})
	}
}

func FuzzDecodeEntry(f *testing.F) {
	e := Entry{Account: "dk", Target: Target{testJob, 1, 2, 3, 1}, Received: testTime, Reports: []providers.Report{{Fate: providers.Delivered, To: 4500000001, ID: "1", Code: "DELIVRD", At: testTime}}}
	f.Add(e.append(nil))
	f.Add([]byte{2})
	f.Add([]byte{1})
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := decodeEntry(b)
		if err != nil {
			return
		}
		for i := range e.Reports {
			e.toLedger(i)
		}
		if _, err := decodeEntry(e.append(nil)); err != nil {
			t.Errorf("what was read can't be read again: %v", err)
		}
	})
}

func TestEntry_Kind(t *testing.T) {
	for fate, want := range map[providers.Fate]string{
		providers.Pending: "pending", providers.Taken: "accepted", providers.Delivered: "delivered", providers.Undelivered: "undelivered",
		providers.Unclear: "unknown", 99: "pending", // of a later version
	} {
		if got := (&Entry{Reports: []providers.Report{{Fate: fate}}}).kind(0); got != want {
			t.Errorf("fate %d is %q in metrics, want %q", fate, got, want)
		}
	}
}
