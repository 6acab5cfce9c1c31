package enqueue

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/volleysms/volley/internal/ledger"
)

func TestStateOf(t *testing.T) {
	now := time.Date(2030, 1, 31, 9, 30, 0, 0, time.UTC)
	later, earlier := ledger.Spec{At: now.Add(1e6).UnixMilli()}, ledger.Spec{At: now.UnixMilli()}
	tests := map[string]struct {
		job  ledger.Job
		want State
	}{
		"AtOnce":              {ledger.Job{}, Queued},
		"BeforeItsTime":       {ledger.Job{Spec: later}, Scheduled},
		"AtItsTime":           {ledger.Job{Spec: earlier}, Queued},
		"Fed":                 {ledger.Job{Spec: earlier, Fed: 1}, Running},
		"Paused":              {ledger.Job{Fed: 1, Control: ledger.Paused}, Paused},
		"PausedBeforeTime":    {ledger.Job{Spec: later, Control: ledger.Paused}, Paused},
		"Completed":           {ledger.Job{Fed: 1, Completed: now}, Completed},
		"CompletedThenPaused": {ledger.Job{Fed: 1, Completed: now, Control: ledger.Paused}, Completed},
		"Cancelled":           {ledger.Job{Control: ledger.Withdrawn}, Cancelled},
		"CancelledAndSettled": {ledger.Job{Fed: 1, Completed: now, Control: ledger.Withdrawn}, Cancelled},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := stateOf(&tt.job, now); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestClip(t *testing.T) {
	tests := map[string]struct{ s, want string }{
		"Short":            {"abc", "abc"},
		"Full":             {"12345678", "12345678"},
		"Long":             {"123456789", "12345678"},
		"CharacterCut":     {"1234567é", "1234567"},
		"WideCharacterCut": {"12345😀", "12345"},
		"WideCharacter":    {"1234😀5", "1234😀"},
		"NotUTF8":          {"12\xff\xfe34", "12?34"},
		"NothingIsUTF8":    {strings.Repeat("\x80", 20), "?"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := clip(tt.s, 8)
			if got != tt.want || !utf8.ValidString(got) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// BenchmarkDoor is what a recipient costs before it is on its way to Redis: validation, duplicates, packing, fingerprint.
func BenchmarkDoor(b *testing.B) {
	tests := map[string][]string{"Plain": nil, "TwoFields": {"name", "city"}}
	for name, fields := range tests {
		b.Run(name, func(b *testing.B) {
			o, err := Options{}.withDefaults()
			if err != nil {
				b.Fatal(err)
			}
			const n = 100_000
			rs := make([]Recipient, n)
			for i := range rs {
				rs[i].To = fmt.Sprintf("+45 %08d", i*31)
				for _, f := range fields {
					rs[i].Values = append(rs[i].Values, fmt.Sprint(f, " ", i))
				}
			}
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				// A job that is all there: only compared, and not written.
				w := &writer{c: &Client{opts: o, chunk: chunkBytes}, job: &Job{Fields: fields}, written: true, have: ledger.Job{Sealed: "x"}}
				for _, r := range rs {
					if err := w.add(context.Background(), r); err != nil {
						b.Fatal(err)
					}
				}
				if err := w.rest(context.Background()); err != nil {
					b.Fatal(err)
				}
				if w.receipt.Queued != n {
					b.Fatalf("%d were taken", w.receipt.Queued)
				}
			}
			b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "recipients/s")
		})
	}
}
