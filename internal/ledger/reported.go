package ledger

import (
	"encoding/binary"
	"errors"
	"slices"
)

// reported is what gateways said later about the recipients of a batch. Its key stands beside the outcomes, so that the
// batch's owner, who writes those from what it knows, and whoever applies a report never write the same key. Only
// recipients that have an outcome are in it.
//
// It is: a format byte; the version, four bytes; the round; what is known about rounds; the length of the texts and the
// texts (as in a Side); and an entry per stretch of recipients who are told the same. An entry is a varint (positions left out,
// two bits of state, whether there is an identifier, whether it is more than one recipient), the further recipients, the
// difference in time to the entry before, the note and the identifier.
type reported struct {
	// version counts the writes: whoever writes says which version it has seen.
	version uint32
	// round is how often some of the batch were queued again.
	round uint8
	// since has, by position, the round in which the recipient was queued the last time; nil when that is 0 for all.
	since []uint8
	texts SideView
	// records has, by position, State, At, Note and ID of the last word that counts; state Queued is none, and Unknown are
	// words alone. Note and ID are entries of texts.
	records []Record
}

const (
	reportedVersion = 1
	// reportedHead is how much of the stored form names its version.
	reportedHead = 5
	maxRound     = 255
)

// The states of an entry, in two bits.
var reportedStates = [4]State{Unknown, Accepted, Delivered, Undelivered}

// errReported says that a batch's reports can't be read.
var errReported = errors.New("ledger: the reports of a batch can't be read")

// readReported reads the reports of a batch of n recipients. It never panics, whatever the bytes.
func readReported(b []byte, n int) (*reported, error) {
	r := &reported{records: make([]Record, n)}
	if len(b) == 0 {
		return r, nil
	}
	if len(b) < reportedHead+1 || b[0] != reportedVersion {
		return nil, errReported
	}
	r.version, r.round = binary.BigEndian.Uint32(b[1:]), b[5]
	d := decoder{b: b[6:]}
	pos := 0
	for range d.count() {
		gap, count, round := d.count(), d.count(), d.byte()
		if pos += gap; d.bad || pos+count > n {
			return nil, errReported
		}
		if r.since == nil {
			r.since = make([]uint8, n)
		}
		for i := range count {
			r.since[pos+i] = round
		}
		pos += count
	}
	texts, err := ReadSide([]byte(d.string()))
	if err != nil {
		return nil, errReported
	}
	r.texts = *texts
	pos = 0
	var at int64
	for len(d.b) > 0 {
		head, count := d.uvarint(), 1
		if head&1 != 0 {
			count += d.count()
		}
		at += d.varint()
		rec := Record{State: reportedStates[head>>2&3], At: at}
		note, id := d.uvarint(), uint64(0)
		if head&2 != 0 {
			id = d.uvarint()
		}
		gap := head >> 4
		if d.bad || gap > uint64(n) || note > uint64(len(r.texts.entries)) || id > uint64(len(r.texts.entries)) {
			return nil, errReported
		}
		rec.Note, rec.ID = uint16(note), uint16(id)
		if pos += int(gap); pos+count > n {
			return nil, errReported
		}
		for i := range count {
			r.records[pos+i] = rec
		}
		pos += count
	}
	if d.bad {
		return nil, errReported
	}
	return r, nil
}

// pack returns the stored form, of the version after the one that was read. Texts that nothing points at are left out.
func (r *reported) pack() []byte {
	b := make([]byte, 0, 512+8*len(r.records))
	b = append(b, reportedVersion)
	b = binary.BigEndian.AppendUint32(b, r.version+1)
	b = append(b, r.round)
	b = r.appendSince(b)
	texts, number := r.used()
	b = appendString(b, string(texts))
	end := 0
	var at int64
	for i := 0; i < len(r.records); {
		rec, first := r.records[i], i
		for i++; i < len(r.records) && r.records[i] == rec; i++ {
		}
		if rec.State == Queued {
			continue
		}
		head := uint64(first-end)<<4 | uint64(slices.Index(reportedStates[:], rec.State))<<2
		if rec.ID != 0 {
			head |= 2
		}
		if i-first > 1 {
			b = binary.AppendUvarint(b, head|1)
			b = binary.AppendUvarint(b, uint64(i-first-1))
		} else {
			b = binary.AppendUvarint(b, head)
		}
		b = binary.AppendVarint(b, rec.At-at)
		b = binary.AppendUvarint(b, uint64(number[rec.Note]))
		if rec.ID != 0 {
			b = binary.AppendUvarint(b, uint64(number[rec.ID]))
		}
		end, at = i, rec.At
	}
	return b
}

// used returns the texts that a record points at, and by the old numbers their new ones.
func (r *reported) used() (texts []byte, number []uint16) {
	number = make([]uint16, len(r.texts.entries)+1)
	var n uint16
	keep := func(i uint16) {
		if i == 0 || int(i) >= len(number) || number[i] != 0 {
			return
		}
		n++
		number[i] = n
		e := r.texts.entries[i-1]
		texts = binary.AppendUvarint(texts, uint64(len(e.b))<<2|uint64(e.kind))
		texts = append(texts, e.b...)
	}
	for i := range r.records {
		keep(r.records[i].Note)
		keep(r.records[i].ID)
	}
	return texts, number
}

// text returns the number of a text, adding it when it is new; 0 for the empty one, and when all numbers are used up.
func (r *reported) text(kind int, v string) uint16 {
	if v == "" || v == "\x00" {
		return 0
	}
	for i, e := range r.texts.entries {
		if e.kind == kind && string(e.b) == v {
			return uint16(i + 1)
		}
	}
	if len(r.texts.entries) >= maxSideEntries {
		return 0
	}
	r.texts.entries = append(r.texts.entries, sideEntry{kind, []byte(v)})
	return uint16(len(r.texts.entries))
}

func (r *reported) note(n Note) uint16 { return r.text(sideNote, n.Code+"\x00"+n.Detail) }

func (r *reported) id(id string) uint16 { return r.text(sideID, id) }

func (r *reported) appendSince(b []byte) []byte {
	var runs []byte
	n, end := 0, 0
	for i := 0; i < len(r.since); {
		round, first := r.since[i], i
		for i++; i < len(r.since) && r.since[i] == round; i++ {
		}
		if round == 0 {
			continue
		}
		runs = binary.AppendUvarint(runs, uint64(first-end))
		runs = binary.AppendUvarint(runs, uint64(i-first))
		runs = append(runs, round)
		n, end = n+1, i
	}
	return append(binary.AppendUvarint(b, uint64(n)), runs...)
}

// again notes that a recipient is queued again in the current round: what was reported about it is of the past.
func (r *reported) again(i int) {
	if r.since == nil {
		r.since = make([]uint8, len(r.records))
	}
	r.since[i], r.records[i] = r.round, Record{}
}

// sinceOf is the round in which recipient i was queued the last time.
func (r *reported) sinceOf(i int) int {
	if r.since == nil {
		return 0
	}
	return int(r.since[i])
}

// over returns a recipient's record as it is with what was reported. Note and ID stay those of the outcome.
func (r *reported) over(i int, rec Record) Record {
	if rep := &r.records[i]; rep.State != Queued && !rec.State.Open() {
		rec.State, rec.At = rep.State, rep.At
	}
	return rec
}
