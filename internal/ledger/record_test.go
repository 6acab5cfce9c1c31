package ledger

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// anyRecord draws records within what is stored: times are 48 bits.
func anyRecord() *rapid.Generator[Record] {
	return rapid.Custom(func(t *rapid.T) Record {
		return Record{
			State:    State(rapid.IntRange(0, NumStates-1).Draw(t, "state")),
			Attempts: rapid.Uint8().Draw(t, "attempts"), Account: rapid.Uint8().Draw(t, "account"), Kind: rapid.Uint8().Draw(t, "kind"),
			At:   rapid.Int64Range(0, 1<<48-1).Draw(t, "at"),
			Note: rapid.Uint16().Draw(t, "note"), ID: rapid.Uint16().Draw(t, "id"),
		}
	})
}

func TestPackRecords_RoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOfN(rapid.OneOf(anyRecord(), rapid.SampledFrom([]Record{{}, {State: Accepted, At: 5}})), 0, 30).Draw(t, "records")
		got, err := ReadRecords(PackRecords(want), len(want))
		if err != nil || !slices.Equal(got, want) {
			t.Fatalf("got %+v, %v; want %+v", got, err, want)
		}
	})
}

// TestChanges_Entries: whatever is set, in whatever order, the last one counts.
func TestChanges_Entries(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 20).Draw(t, "recipients")
		want := make([]Record, n)
		var log []byte
		for range rapid.IntRange(1, 4).Draw(t, "commits") {
			var c Changes
			for range rapid.IntRange(0, 6).Draw(t, "changes") {
				first := rapid.IntRange(0, n-1).Draw(t, "first")
				rec := anyRecord().Draw(t, "record")
				for i := first; i < min(n, first+rapid.IntRange(1, 8).Draw(t, "length")); i++ {
					c.Set(i, want[i].State, rec)
					want[i] = rec
				}
			}
			log = append(log, c.entries()...)
		}
		got, err := ReadRecords(log, n)
		if err != nil || !slices.Equal(got, want) {
			t.Fatalf("got %+v, %v; want %+v", got, err, want)
		}
	})
}

func TestPackRecords_ACallIsOneEntry(t *testing.T) {
	records := make([]Record, 1000)
	for i := range records {
		records[i] = Record{State: Accepted, Attempts: 1, At: 1_700_000_000_000, Note: 1, ID: uint16(1 + i/250)}
	}
	if n := len(PackRecords(records)); n > 4*20 {
		t.Errorf("four calls are %d bytes", n)
	}
}

func FuzzReadRecords(f *testing.F) {
	f.Add([]byte{}, uint16(3))
	f.Add(PackRecords([]Record{{State: Accepted, At: 1}, {State: Unknown}}), uint16(2))
	f.Add(append(PackRecords([]Record{{State: Accepted, At: 1}}), 1), uint16(2))
	f.Add([]byte{0, 0xff, 0xff, 0xff, 0xff, 0x0f, 1, 1, 1, 1, 1, 1, 1}, uint16(2))
	f.Fuzz(func(t *testing.T, log []byte, n uint16) {
		got, err := ReadRecords(log, int(n))
		if len(got) != int(n) {
			t.Fatalf("got %d records, want %d", len(got), n)
		}
		for _, r := range got {
			_ = r.State.String()
			_ = r.State.Open()
		}
		if err != nil {
			return
		}
		again, err := ReadRecords(PackRecords(got), int(n))
		if err != nil || !slices.Equal(again, got) {
			t.Fatalf("got %+v, %v; want %+v", again, err, got)
		}
	})
}

func TestState_Words(t *testing.T) {
	for s := range NumStates {
		got, ok := ParseState(State(s).String())
		if !ok || got != State(s) {
			t.Errorf("state %d is %q, which reads as %d, %v", s, State(s), got, ok)
		}
	}
	for _, word := range []string{"", "Queued", "ctl", "open", "invalid"} {
		if s, ok := ParseState(word); ok {
			t.Errorf("%q reads as %v", word, s)
		}
	}
	if got := State(NumStates).String(); got != "invalid" {
		t.Errorf("a state that there is not: got %q", got)
	}
}
