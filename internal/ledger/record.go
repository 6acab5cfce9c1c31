package ledger

import "encoding/binary"

// RecordLen is the size of one packed Record in bytes.
const RecordLen = 14

// Record is one recipient's outcome as it is packed in a batch's outcomes, by position. The zero Record is a recipient
// that is queued and untouched.
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

// AppendTo appends the packed record to b.
func (r Record) AppendTo(b []byte) []byte {
	b = append(b, byte(r.State), r.Attempts, r.Account, r.Kind,
		byte(r.At>>40), byte(r.At>>32), byte(r.At>>24), byte(r.At>>16), byte(r.At>>8), byte(r.At))
	b = binary.BigEndian.AppendUint16(b, r.Note)
	return binary.BigEndian.AppendUint16(b, r.ID)
}

func decodeRecord(b []byte) Record {
	_ = b[RecordLen-1]
	return Record{
		State: State(b[0]), Attempts: b[1], Account: b[2], Kind: b[3],
		At:   int64(b[4])<<40 | int64(b[5])<<32 | int64(b[6])<<24 | int64(b[7])<<16 | int64(b[8])<<8 | int64(b[9]),
		Note: binary.BigEndian.Uint16(b[10:]), ID: binary.BigEndian.Uint16(b[12:]),
	}
}

// DecodeRecords returns n records; what packed lacks is queued.
func DecodeRecords(packed []byte, n int) []Record {
	out := make([]Record, n)
	for i := range out {
		if len(packed) < (i+1)*RecordLen {
			break
		}
		out[i] = decodeRecord(packed[i*RecordLen:])
	}
	return out
}
