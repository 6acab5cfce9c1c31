package ledger

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"
)

// anyID draws identifiers as gateways give them: UUIDs in each of their spellings, numbers, and anything else.
func anyID() *rapid.Generator[string] {
	u := rapid.Custom(func(t *rapid.T) uuid.UUID {
		return uuid.UUID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "uuid"))
	})
	return rapid.OneOf(
		rapid.Just(""),
		rapid.Map(u, uuid.UUID.String),
		rapid.Map(u, func(u uuid.UUID) string { return strings.ToUpper(u.String()) }),
		rapid.Map(u, func(u uuid.UUID) string { return strings.ReplaceAll(u.String(), "-", "") }),
		rapid.Map(u, func(u uuid.UUID) string { return "{" + u.String() + "}" }),
		rapid.Map(u, func(u uuid.UUID) string { return strings.ReplaceAll(u.String(), "-", "x") }),
		rapid.Map(rapid.Uint64(), func(n uint64) string { return strconv.FormatUint(n, 10) }),
		rapid.SampledFrom([]string{"a", "b", "a"}),
		anyText(60),
	)
}

func anyNote() *rapid.Generator[Note] {
	return rapid.Custom(func(t *rapid.T) Note {
		code := rapid.OneOf(rapid.SampledFrom([]string{"", "0", "429", "OK"}), anyText(20)).Draw(t, "code")
		return Note{Code: strings.ReplaceAll(code, "\x00", ""), Detail: anyText(60).Draw(t, "detail")}
	})
}

// TestSide_RoundTrip adds notes and identifiers in several stays of a batch: whatever got a number is read under it.
func TestSide_RoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type entry struct {
			note Note
			id   string
			n    uint16
		}
		var all []entry
		var stored []byte
		numbers := map[Note]uint16{}
		for range rapid.IntRange(1, 3).Draw(t, "stays") {
			s, err := LoadSide(slices.Clone(stored))
			if err != nil {
				t.Fatal(err)
			}
			for range rapid.IntRange(1, 3).Draw(t, "commits") {
				for range rapid.IntRange(0, 6).Draw(t, "entries") {
					if rapid.Bool().Draw(t, "is a note") {
						note := anyNote().Draw(t, "note")
						n := s.Note(note)
						if known, ok := numbers[note]; ok && known != n {
							t.Fatalf("note %+v is %d and %d", note, known, n)
						}
						numbers[note] = n
						all = append(all, entry{note: note, n: n})
					} else {
						id := anyID().Draw(t, "id")
						n := s.ID(id)
						if n != s.ID(id) {
							t.Fatalf("identifier %q twice in a row has two numbers", id)
						}
						all = append(all, entry{id: id, n: n})
					}
				}
				at, fresh := s.Take()
				if at != len(stored) {
					t.Fatalf("to be written at %d, behind %d bytes", at, len(stored))
				}
				stored = append(stored, fresh...)
			}
		}
		v, err := ReadSide(stored)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range all {
			if got := v.Note(e.n); got != e.note {
				t.Fatalf("note %d: got %+v, want %+v", e.n, got, e.note)
			}
			if got := v.ID(e.n); got != e.id {
				t.Fatalf("identifier %d: got %q, want %q", e.n, got, e.id)
			}
		}
	})
}

func TestSide_SizeOfAnID(t *testing.T) {
	const canonical = "0190a0b1-c2d3-7e4f-8a9b-0c1d2e3f4a5b"
	tests := []struct {
		name string
		id   string
		want int
	}{
		{"ACanonicalUUIDIsPacked", canonical, 17},
		{"UpperCaseIsKeptAsItIs", strings.ToUpper(canonical), 38},
		{"OtherTextIsKeptAsItIs", "4242", 5},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var s Side
			s.ID(tt.id)
			if _, b := s.Take(); len(b) != tt.want {
				t.Errorf("got %d bytes, want %d", len(b), tt.want)
			}
		})
	}
}

func TestSide_IsFullAt65535(t *testing.T) {
	fill := func(s *Side, from, to int) {
		t.Helper()
		for i := from; i <= to; i++ {
			if got := s.ID("id" + strconv.Itoa(i)); int(got) != i {
				t.Fatalf("identifier %d has number %d", i, got)
			}
		}
	}
	full := func(t *testing.T, s *Side) {
		t.Helper()
		if got := s.ID("one more"); got != 0 {
			t.Errorf("one identifier more has number %d, want 0", got)
		}
		if got := s.Note(Note{Code: "one more"}); got != 0 {
			t.Errorf("one note more has number %d, want 0", got)
		}
		if got := s.Note(Note{Code: "first"}); got != 1 {
			t.Errorf("a note that is there has number %d, want 1", got)
		}
		if _, b := s.Take(); len(b) > 0 {
			t.Errorf("%d bytes are to be written for what has no number", len(b))
		}
	}
	var s Side
	if got := s.Note(Note{Code: "first"}); got != 1 {
		t.Fatalf("the first note has number %d", got)
	}
	fill(&s, 2, 40_000)
	_, stored := s.Take()

	t.Run("InOneStay", func(t *testing.T) {
		fill(&s, 40_001, 65_535)
		at, more := s.Take()
		if at != len(stored) {
			t.Fatalf("to be written at %d, behind %d bytes", at, len(stored))
		}
		stored = append(stored, more...)
		full(t, &s)
	})
	t.Run("AfterAnother", func(t *testing.T) {
		s, err := LoadSide(stored)
		if err != nil {
			t.Fatal(err)
		}
		full(t, s)
		v, err := ReadSide(stored)
		if err != nil {
			t.Fatal(err)
		}
		if got := v.ID(65_535); got != "id65535" {
			t.Errorf("the last identifier is %q", got)
		}
	})
}

func TestSideView_UnknownNumbers(t *testing.T) {
	var s Side
	note, id := s.Note(Note{Code: "1"}), s.ID("a")
	_, b := s.Take()
	v, err := ReadSide(b)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []uint16{0, id, 3, 65_535} {
		if got := v.Note(n); got != (Note{}) {
			t.Errorf("note %d: got %+v, want none", n, got)
		}
	}
	for _, n := range []uint16{0, note, 3, 65_535} {
		if got := v.ID(n); got != "" {
			t.Errorf("identifier %d: got %q, want none", n, got)
		}
	}
}

func FuzzSide(f *testing.F) {
	var s Side
	s.Note(Note{"429", "slow down"})
	s.ID("0190a0b1-c2d3-7e4f-8a9b-0c1d2e3f4a5b")
	s.ID("4242")
	_, b := s.Take()
	f.Add(b)
	f.Add([]byte{0, 1, 2, 3})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0})
	f.Fuzz(func(t *testing.T, stored []byte) {
		var v *SideView
		var s *Side
		var err, errLoad error
		if used := allocated(func() {
			v, err = ReadSide(stored)
			s, errLoad = LoadSide(stored)
		}); used > 64<<10+1024*uint64(len(stored)) {
			t.Fatalf("%d bytes of memory for %d bytes", used, len(stored))
		}
		if (err == nil) != (errLoad == nil) {
			t.Fatalf("ReadSide says %v, LoadSide %v", err, errLoad)
		}
		if err != nil {
			return
		}
		for i := range min(len(v.entries), maxSideEntries) + 1 {
			if v.Note(uint16(i)) != (Note{}) && v.ID(uint16(i)) != "" {
				t.Fatalf("entry %d is a note and an identifier", i)
			}
		}
		n := s.ID("one more")
		at, b := s.Take()
		if at != len(stored) {
			t.Fatalf("to be written at %d, behind %d bytes", at, len(stored))
		}
		if v, err = ReadSide(append(stored[:len(stored):len(stored)], b...)); err != nil || n != 0 && v.ID(n) != "one more" {
			t.Fatalf("what was added behind it is %q, %v", v.ID(n), err)
		}
	})
}
