package ledger

import (
	"encoding/binary"
	"errors"
	"strings"

	"github.com/google/uuid"
)

// Note is a gateway's code and its text. A code has no NUL byte: what follows one is read as text.
type Note struct{ Code, Detail string }

// Side collects the identifiers and notes that a batch's records point at by number. Entries are only ever appended.
// The zero Side is empty. It is not safe for concurrent use.
type Side struct {
	n     int
	size  int
	fresh []byte
	notes map[Note]uint16
	last  string
	lastN uint16
}

// An entry is its length and kind, and then its bytes.
const (
	sideNote = iota
	sideID
	sideUUID
	sideDeparture
)

const maxSideEntries = 1<<16 - 1

// Note returns the number of n, adding it when it is new; 0 for the empty note, and when 65,535 entries are used up.
func (s *Side) Note(n Note) uint16 {
	if n == (Note{}) {
		return 0
	}
	if i, ok := s.notes[n]; ok {
		return i
	}
	i := s.add(sideNote, n.Code+"\x00"+n.Detail)
	if i != 0 {
		if s.notes == nil {
			s.notes = map[Note]uint16{}
		}
		s.notes[n] = i
	}
	return i
}

// Lookup returns note i; the empty Note for 0 and for numbers that are no note.
func (s *Side) Lookup(i uint16) Note {
	for n, k := range s.notes {
		if k == i && i > 0 {
			return n
		}
	}
	return Note{}
}

// ID returns the number of an identifier, adding it unless it is the one that was added last; 0 for none.
func (s *Side) ID(id string) uint16 {
	if id == "" {
		return 0
	}
	if id == s.last {
		return s.lastN
	}
	var i uint16
	if u, ok := canonicalUUID(id); ok {
		i = s.add(sideUUID, string(u[:]))
	} else {
		i = s.add(sideID, id)
	}
	s.last, s.lastN = id, i
	return i
}

// canonicalUUID packs id only when unpacking gives the same text again.
func canonicalUUID(id string) (u uuid.UUID, ok bool) {
	if len(id) != 36 {
		return u, false
	}
	u, err := uuid.Parse(id)
	return u, err == nil && u.String() == id
}

func (s *Side) add(kind int, v string) uint16 {
	if s.n >= maxSideEntries {
		return 0
	}
	before := len(s.fresh)
	s.fresh = binary.AppendUvarint(s.fresh, uint64(len(v))<<2|uint64(kind))
	s.fresh = append(s.fresh, v...)
	s.size += len(s.fresh) - before
	s.n++
	return uint16(s.n)
}

// Take returns what has been added since the last call and the offset at which it goes, for one Commit.
func (s *Side) Take() (offset int, b []byte) {
	b, s.fresh = s.fresh, nil
	return s.size - len(b), b
}

var errSide = errors.New("ledger: the texts of a batch can't be read")

// LoadSide reads a stored side for appending to it.
func LoadSide(b []byte) (*Side, error) {
	s := &Side{size: len(b)}
	v, err := ReadSide(b)
	if err != nil {
		return nil, err
	}
	s.n = len(v.entries)
	for i, e := range v.entries {
		if e.kind == sideNote && s.notes == nil {
			s.notes = map[Note]uint16{}
		}
		if e.kind == sideNote {
			s.notes[v.Note(uint16(i+1))] = uint16(i + 1)
		}
	}
	return s, nil
}

// SideView looks up entries of a stored side.
type SideView struct{ entries []sideEntry }

type sideEntry struct {
	kind int
	b    []byte
}

// ReadSide indexes a stored side. It keeps b.
func ReadSide(b []byte) (*SideView, error) {
	v := &SideView{}
	for len(b) > 0 {
		h, n := binary.Uvarint(b)
		if n <= 0 || h>>2 > uint64(len(b)-n) {
			return nil, errSide
		}
		size := int(h >> 2)
		v.entries = append(v.entries, sideEntry{int(h & 3), b[n : n+size]})
		b = b[n+size:]
	}
	return v, nil
}

func (v *SideView) at(i uint16) (sideEntry, bool) {
	if i == 0 || int(i) > len(v.entries) {
		return sideEntry{}, false
	}
	return v.entries[i-1], true
}

// Note returns note i; the empty Note for 0 and for numbers that are no note.
func (v *SideView) Note(i uint16) Note {
	e, ok := v.at(i)
	if !ok || e.kind != sideNote {
		return Note{}
	}
	code, detail, _ := strings.Cut(string(e.b), "\x00")
	return Note{code, detail}
}

// ID returns identifier i; "" for 0 and for numbers that are no identifier.
func (v *SideView) ID(i uint16) string {
	e, ok := v.at(i)
	switch {
	case ok && e.kind == sideID:
		return string(e.b)
	case ok && e.kind == sideUUID && len(e.b) == 16:
		return uuid.UUID(e.b).String()
	}
	return ""
}
