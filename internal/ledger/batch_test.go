package ledger

import (
	"errors"
	"math"
	"reflect"
	"runtime"
	"testing"

	"pgregory.net/rapid"

	"github.com/volleysms/volley/sms"
)

// anyText draws texts of any bytes, valid UTF-8 or not.
func anyText(longest int) *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.Just(""),
		rapid.StringN(-1, -1, longest),
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, longest), func(b []byte) string { return string(b) }),
	)
}

// anyBatch draws batches as a producer may make them: numbers in any order, and rows that rise but for gaps.
func anyBatch() *rapid.Generator[Batch] {
	return rapid.Custom(func(t *rapid.T) Batch {
		var b Batch
		nFields := rapid.SampledFrom([]int{0, 0, 1, 3, 32}).Draw(t, "fields")
		refs := rapid.Bool().Draw(t, "refs")
		gaps := rapid.Bool().Draw(t, "gaps")
		row := rapid.Uint64Range(0, 1<<40).Draw(t, "rows before")
		next := func() uint64 {
			row++
			if gaps {
				row += rapid.Uint64Range(0, 1<<30).Draw(t, "gap")
			}
			return row
		}
		for range rapid.IntRange(0, 40).Draw(t, "recipients") {
			r := Recipient{To: sms.MSISDN(rapid.Uint64Range(1, 999_999_999_999_999).Draw(t, "number")), Row: next()}
			if refs {
				r.Ref = anyText(128).Draw(t, "ref")
			}
			for range nFields {
				r.Values = append(r.Values, anyText(40).Draw(t, "value"))
			}
			b.Recipients = append(b.Recipients, r)
		}
		for range rapid.IntRange(0, 5).Draw(t, "refused") {
			b.Refused = append(b.Refused, Refused{
				To: anyText(64).Draw(t, "to"), Row: next(), Ref: anyText(128).Draw(t, "ref"), Reason: anyText(64).Draw(t, "reason"),
			})
		}
		return b
	})
}

// pack packs b with bb, which may have been used before.
func pack(bb *BatchBuilder, b Batch) []byte {
	bb.Reset()
	for _, r := range b.Recipients {
		bb.Add(r)
	}
	for _, r := range b.Refused {
		bb.Refuse(r)
	}
	return PackBatch(Fingerprint{1, 2, 3}, bb.AppendBody(nil))
}

// same compares batches; no recipients and an empty slice of them are alike.
func same(a, b *Batch) bool {
	if len(a.Recipients)+len(b.Recipients) > 0 && !reflect.DeepEqual(a.Recipients, b.Recipients) {
		return false
	}
	return len(a.Refused)+len(b.Refused) == 0 || reflect.DeepEqual(a.Refused, b.Refused)
}

func TestBatch_RoundTrip(t *testing.T) {
	var bb BatchBuilder // used again and again, as a producer does
	rapid.Check(t, func(t *rapid.T) {
		want := anyBatch().Draw(t, "batch")
		packed := pack(&bb, want)
		if bb.Len() != len(want.Recipients) || bb.Refusals() != len(want.Refused) {
			t.Fatalf("the builder counts %d and %d", bb.Len(), bb.Refusals())
		}
		got, err := DecodeBatch(packed)
		if err != nil {
			t.Fatal(err)
		}
		if !same(got, &want) {
			t.Fatalf("got %+v\nwant %+v", got, want)
		}
	})
}

func TestBatch_Edges(t *testing.T) {
	tests := map[string]Batch{
		"Nothing":                  {},
		"OnlyRefused":              {Refused: []Refused{{To: "abc", Row: 1, Reason: "has letters"}}},
		"NumbersFallAndRise":       {Recipients: []Recipient{{To: 999_999_999_999_999, Row: 1}, {To: 1, Row: 2}, {To: 999_999_999_999_999, Row: 3}}},
		"TheLargestUint64":         {Recipients: []Recipient{{To: math.MaxUint64, Row: 1}, {To: 0, Row: 2}, {To: math.MaxUint64, Row: 3}}},
		"RowsStartLate":            {Recipients: []Recipient{{To: 45_00000001, Row: 900}, {To: 45_00000002, Row: 901}}},
		"ARowIsLeftOut":            {Recipients: []Recipient{{To: 45_00000001, Row: 1}, {To: 45_00000002, Row: 3}}},
		"OnlyOneHasARef":           {Recipients: []Recipient{{To: 45_00000001, Row: 1}, {To: 45_00000002, Row: 2, Ref: "b"}}},
		"ValuesWithNULAndBadUTF8":  {Recipients: []Recipient{{To: 45_00000001, Row: 1, Values: []string{"\x00\xff", ""}}}},
		"RefusedRowsAmongTheTaken": {Recipients: []Recipient{{To: 45_00000001, Row: 1}, {To: 45_00000002, Row: 3}}, Refused: []Refused{{Row: 2}}},
	}
	for name, want := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := DecodeBatch(pack(new(BatchBuilder), want))
			if err != nil {
				t.Fatal(err)
			}
			if !same(got, &want) {
				t.Errorf("got %+v\nwant %+v", got, want)
			}
		})
	}
}

func TestDecodeBatch_Refuses(t *testing.T) {
	good := pack(new(BatchBuilder), Batch{
		Recipients: []Recipient{{To: 45_00000001, Row: 1, Ref: "a", Values: []string{"b"}}, {To: 45_00000002, Row: 3, Values: []string{"c"}}},
		Refused:    []Refused{{To: "abc", Row: 2, Ref: "d", Reason: "has letters"}},
	})
	for n := range good {
		if _, err := DecodeBatch(good[:n]); !errors.Is(err, ErrBatch) {
			t.Errorf("cut to %d of %d bytes: got %v, want ErrBatch", n, len(good), err)
		}
	}
	if _, err := DecodeBatch(append(good[:len(good):len(good)], 0)); !errors.Is(err, ErrBatch) {
		t.Errorf("a byte more: got %v, want ErrBatch", err)
	}
	good[0]++
	if _, err := DecodeBatch(good); !errors.Is(err, ErrBatch) {
		t.Errorf("another version: got %v, want ErrBatch", err)
	}
}

func FuzzDecodeBatch(f *testing.F) {
	for seed := range 20 {
		f.Add(pack(new(BatchBuilder), anyBatch().Example(seed)))
	}
	f.Add(PackBatch(Fingerprint{}, []byte{0, 0xff, 0xff, 0x3f, 0, 0, 1, 1}))             // a million recipients in a few bytes
	f.Add(PackBatch(Fingerprint{}, []byte{0, 2, 0, 0xff, 0xff, 0x3f, 1, 2, 2}))          // a million fields
	f.Add(PackBatch(Fingerprint{}, []byte{0, 0, 0xff, 0xff, 0x3f, 0, 1, 1, 0xff, 0x7f})) // a million refused
	f.Fuzz(func(t *testing.T, packed []byte) {
		var got *Batch
		var err error
		if used := allocated(func() { got, err = DecodeBatch(packed) }); used > 64<<10+256*uint64(len(packed)) {
			t.Fatalf("%d bytes of memory for %d bytes", used, len(packed))
		}
		if err != nil {
			if !errors.Is(err, ErrBatch) {
				t.Fatalf("got %v, want ErrBatch", err)
			}
			return
		}
		again, err := DecodeBatch(pack(new(BatchBuilder), *got))
		if err != nil || !same(got, again) {
			t.Fatalf("got %+v, packed again %+v, %v", got, again, err)
		}
	})
}

// allocated returns how many bytes f allocates, and what else the process allocates meanwhile.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
