package ledger

import (
	"encoding/binary"
	"slices"
	"strings"
)

// Departure is what recipients had been through at an account when they left it for another. The zero Departure has none.
type Departure struct {
	// Account is an index into the job's accounts, Attempts the calls made there.
	Account, Attempts uint8
	// At is in milliseconds since 1970.
	At   int64
	Note Note

	stretches []int // first position and length, in turns
}

// Same reports whether a recipient of o has been through the same as those of d.
func (d *Departure) Same(o *Departure) bool {
	return d.Account == o.Account && d.Attempts == o.Attempts && d.At == o.At && d.Note == o.Note && len(o.stretches) > 0
}

// Include adds the recipient at a position, which is above those that it has.
func (d *Departure) Include(i int) {
	if n := len(d.stretches); n > 0 && d.stretches[n-2]+d.stretches[n-1] == i {
		d.stretches[n-1]++
		return
	}
	d.stretches = append(d.stretches, i, 1)
}

// Has reports whether the recipient at a position is one of them.
func (d *Departure) Has(i int) bool {
	for p := range slices.Chunk(d.stretches, 2) {
		if i >= p[0] && i < p[0]+p[1] {
			return true
		}
	}
	return false
}

// Depart keeps a departure, unless it is nobody's.
func (s *Side) Depart(d *Departure) {
	if len(d.stretches) == 0 {
		return
	}
	b := []byte{d.Account, d.Attempts}
	b = binary.AppendUvarint(b, uint64(d.At))
	b = appendString(b, d.Note.Code+"\x00"+d.Note.Detail)
	for _, n := range d.stretches {
		b = binary.AppendUvarint(b, uint64(n))
	}
	s.add(sideDeparture, string(b))
}

// Departures returns all that were kept, the earliest first.
func (v *SideView) Departures() []Departure {
	var out []Departure
	for _, e := range v.entries {
		if e.kind != sideDeparture {
			continue
		}
		d := decoder{b: e.b}
		x := Departure{Account: d.byte(), Attempts: d.byte(), At: int64(d.uvarint())}
		x.Note.Code, x.Note.Detail, _ = strings.Cut(d.string(), "\x00")
		for len(d.b) > 0 {
			x.stretches = append(x.stretches, d.count())
		}
		if !d.bad && len(x.stretches)%2 == 0 {
			out = append(out, x)
		}
	}
	return out
}
