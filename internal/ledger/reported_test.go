package ledger

import (
	"reflect"
	"strconv"
	"testing"

	"pgregory.net/rapid"
)

// anyReported draws the reports of a batch of n recipients.
func anyReported(t *rapid.T, n int) *reported {
	r := &reported{records: make([]Record, n), version: rapid.Uint32Max(1<<32-2).Draw(t, "version"), round: rapid.Uint8().Draw(t, "round")}
	for i := range n {
		if rapid.IntRange(0, 5).Draw(t, "again") == 0 {
			if r.since == nil {
				r.since = make([]uint8, n)
			}
			r.since[i] = rapid.Uint8Min(1).Draw(t, "since")
		}
		if rapid.Bool().Draw(t, "is told") {
			r.records[i] = Record{
				State: rapid.SampledFrom(reportedStates[1:]).Draw(t, "state"), At: rapid.Int64Range(0, 1<<48-1).Draw(t, "at"),
				Note: r.note(anyNote().Draw(t, "note")), ID: r.id(anyID().Draw(t, "id")),
			}
		}
	}
	return r
}

// told is what reports say of each recipient, in words.
func told(r *reported) []Outcome {
	out := make([]Outcome, len(r.records))
	for i, rec := range r.records {
		n := r.texts.Note(rec.Note)
		out[i] = Outcome{State: rec.State, At: rec.At, Code: n.Code, Detail: n.Detail, ID: r.texts.ID(rec.ID), Attempts: r.sinceOf(i)}
	}
	return out
}

func TestReported_RoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 20).Draw(t, "recipients")
		want := anyReported(t, n)
		packed := want.pack()
		got, err := readReported(packed, n)
		if err != nil || !reflect.DeepEqual(told(got), told(want)) {
			t.Fatalf("got %+v, %v\nwant %+v", told(got), err, told(want))
		}
		if got.version != want.version+1 || got.round != want.round {
			t.Fatalf("got version %d and round %d of %d and %d", got.version, got.round, want.version, want.round)
		}
	})
}

func TestReported_TextsThatNothingPointsAtAreLeftOut(t *testing.T) {
	r, _ := readReported(nil, 1)
	for i := range 1000 {
		r.records[0] = Record{State: Accepted, At: int64(i), Note: r.note(Note{"ENROUTE", strconv.Itoa(i)})}
		r, _ = readReported(r.pack(), 1)
	}
	if n := len(r.texts.entries); n != 1 {
		t.Errorf("%d texts are kept", n)
	}
}

func TestReported_IsSmall(t *testing.T) {
	const n = 1000
	r, _ := readReported(nil, n)
	at := int64(1_700_000_000_000)
	for i := range n {
		at += int64(i*7919%60_000 - 30_000) // each at a moment of its own, within minutes
		r.records[i] = Record{State: Delivered, At: at, Note: r.note(Note{Code: "DELIVRD"})}
	}
	if size := len(r.pack()); size > 6*n {
		t.Errorf("%d bytes for %d recipients", size, n)
	}
	for i := range n {
		r.records[i].At = at
	}
	if size := len(r.pack()); size > 64 {
		t.Errorf("%d bytes for %d recipients who are told the same", size, n)
	}
}

func FuzzReadReported(f *testing.F) {
	r, _ := readReported(nil, 3)
	r.round = 2
	r.again(1)
	r.records[0] = Record{State: Delivered, At: 5, Note: r.note(Note{"DELIVRD", "ok"}), ID: r.id("id-1")}
	r.records[2] = Record{State: Undelivered, At: 3}
	f.Add(r.pack(), 3)
	f.Add([]byte{}, 0)
	f.Fuzz(func(t *testing.T, b []byte, n int) {
		n = min(max(n, 0), 1000)
		r, err := readReported(b, n)
		if err != nil {
			return
		}
		again, err := readReported(r.pack(), n)
		if err != nil || !reflect.DeepEqual(told(again), told(r)) {
			t.Errorf("got %+v, %v\nwant %+v", told(again), err, told(r))
		}
	})
}

func FuzzDecodeNumbers(f *testing.F) {
	var b BatchBuilder
	b.Add(Recipient{To: testNumber(1), Row: 1, Ref: "a"})
	b.Add(Recipient{To: testNumber(2), Row: 5})
	f.Add(PackBatch(Fingerprint{1}, b.AppendBody(nil)))
	f.Fuzz(func(t *testing.T, packed []byte) {
		want, err := DecodeBatch(packed)
		numbers, other := DecodeNumbers(packed)
		if err != nil {
			return
		}
		if other != nil || len(numbers) != len(want.Recipients) {
			t.Fatalf("got %d numbers, %v, of %d recipients", len(numbers), other, len(want.Recipients))
		}
		for i, r := range want.Recipients {
			if numbers[i] != r.To {
				t.Errorf("number %d differs", i)
			}
		}
		if n, err := batchLen(packed[:min(len(packed), batchPeek)]); err != nil || n != len(numbers) {
			t.Errorf("the head says %d, %v", n, err)
		}
	})
}
