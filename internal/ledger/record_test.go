package ledger

import (
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

func TestRecord_RoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOfN(anyRecord(), 0, 20).Draw(t, "records")
		lacking := rapid.IntRange(0, 3).Draw(t, "lacking")
		var packed []byte
		for _, r := range want {
			packed = r.AppendTo(packed)
		}
		if len(packed) != len(want)*RecordLen {
			t.Fatalf("%d records are %d bytes", len(want), len(packed))
		}
		packed = append(packed, make([]byte, rapid.IntRange(0, RecordLen-1).Draw(t, "cut off"))...)
		got := DecodeRecords(packed, len(want)+lacking)
		for i, r := range got {
			if i < len(want) && r != want[i] || i >= len(want) && r != (Record{}) {
				t.Fatalf("record %d of %d: got %+v", i, len(want), r)
			}
		}
	})
}

func FuzzDecodeRecords(f *testing.F) {
	f.Add([]byte{}, uint16(3))
	f.Add(Record{State: Accepted, At: 1}.AppendTo(nil), uint16(2))
	f.Add(append(Record{State: Accepted, At: 1}.AppendTo(nil), 1), uint16(2))
	f.Fuzz(func(t *testing.T, packed []byte, n uint16) {
		got := DecodeRecords(packed, int(n))
		if len(got) != int(n) {
			t.Fatalf("got %d records, want %d", len(got), n)
		}
		for i, r := range got {
			var want []byte
			if whole := (i + 1) * RecordLen; whole <= len(packed) {
				want = packed[i*RecordLen : whole]
			} else {
				want = make([]byte, RecordLen)
			}
			if string(r.AppendTo(nil)) != string(want) {
				t.Fatalf("record %d: got %+v of % x", i, r, want)
			}
			_ = r.State.String()
			_ = r.State.Open()
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
