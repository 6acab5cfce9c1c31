package ledger

import (
	"encoding/binary"
	"errors"
	"slices"
)

// Record is one recipient's outcome. The zero Record is a recipient that is queued and untouched.
type Record struct {
	State State
	// Attempts counts the calls that were made for the recipient and spent its retry budget.
	Attempts uint8
	// Account is an index into the job's accounts.
	Account uint8
	// Kind is 1 + the kind of the last error, 0 for none; for operators, nothing depends on it.
	Kind uint8
	// At is the time of the last change in milliseconds since 1970, 0 for never.
	At int64
	// Note and ID are entries of the batch's Side, 0 for none.
	Note, ID uint16
}

// A batch's outcomes are a log. An entry gives one record to a stretch of recipients, and the last entry for a recipient
// counts; whoever has none is queued. So a call costs two small entries, whether it has one recipient or a thousand. An
// entry is: first position and length of the stretch as varints; state, attempts, account and kind as bytes; time, note
// and identifier as varints.

// stretch is recipients in a row with the same record.
type stretch struct {
	first, n int
	rec      Record
}

func (s *stretch) appendTo(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(s.first))
	b = binary.AppendUvarint(b, uint64(s.n))
	b = append(b, byte(s.rec.State), s.rec.Attempts, s.rec.Account, s.rec.Kind)
	b = binary.AppendUvarint(b, uint64(s.rec.At))
	b = binary.AppendUvarint(b, uint64(s.rec.Note))
	return binary.AppendUvarint(b, uint64(s.rec.ID))
}

// PackRecords returns the shortest log that gives these records.
func PackRecords(records []Record) []byte {
	var b []byte
	for i := 0; i < len(records); {
		s := stretch{first: i, n: 1, rec: records[i]}
		for i++; i < len(records) && records[i] == s.rec; i++ {
			s.n++
		}
		if s.rec != (Record{}) {
			b = s.appendTo(b)
		}
	}
	return b
}

// ErrOutcomes says that a batch's outcomes can't be read.
var ErrOutcomes = errors.New("ledger: the outcomes of a batch can't be read")

// ReadRecords returns the n records that a log gives. It never panics, whatever the bytes.
func ReadRecords(log []byte, n int) ([]Record, error) { return readRecords(nil, log, n) }

// readRecords is ReadRecords into the memory of into.
func readRecords(into []Record, log []byte, n int) ([]Record, error) {
	out := slices.Grow(into[:0], n)[:n]
	clear(out)
	d := decoder{b: log}
	for len(d.b) > 0 {
		first, count := d.count(), d.count()
		rec := Record{State: State(d.byte()), Attempts: d.byte(), Account: d.byte(), Kind: d.byte(), At: int64(d.uvarint())}
		note, id := d.uvarint(), d.uvarint()
		if d.bad || first+count > n || note > maxSideEntries || id > maxSideEntries {
			return out, ErrOutcomes
		}
		rec.Note, rec.ID = uint16(note), uint16(id)
		for i := range out[first : first+count] {
			out[first+i] = rec
		}
	}
	return out, nil
}
