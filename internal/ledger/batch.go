package ledger

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/volleysms/volley/sms"
)

// Recipient is one recipient of a batch.
type Recipient struct {
	To sms.MSISDN
	// Row is the recipient's place in what the producer handed over, from 1.
	Row uint64
	// Ref is the producer's own name for the recipient; may be empty.
	Ref string
	// Values are the personal fields in the order of Spec.Fields.
	Values []string
}

// Refused is a recipient that was refused at the door.
type Refused struct {
	To     string
	Row    uint64
	Ref    string
	Reason string
}

// A packed batch is: a version byte; the fingerprint of the stream up to its end; flags; the number of recipients, of
// refused ones and of fields; the numbers as signed differences; then, by flags, rows, references and values, column by
// column; then the refused. All integers are varints.
const (
	batchVersion = 1
	// FingerprintLen is the size of a fingerprint in bytes.
	FingerprintLen = 16
	batchHeader    = 1 + FingerprintLen

	flagRows = 1 << 0 // rows are not consecutive: their differences follow
	flagRefs = 1 << 1
)

// How many recipients a batch has of a small job, and of a large one after its first, unless somebody says another number.
// LargeBatch is also the most that may be said.
const (
	SmallBatch = 1000
	LargeBatch = 4000
	inSmall    = 4 * SmallBatch
)

// BatchSize is how many recipients the batch may have that the nth of a job goes into, counted from 1, where nobody has said another
// number. The first of a job are in small batches, so that workers share a small job. The others are in large ones, which cost less per
// recipient. It depends on nothing else, so that a stream that is repeated has the same batches.
func BatchSize(n int64) int {
	if n <= inSmall {
		return SmallBatch
	}
	return LargeBatch
}

// BatchBuilder packs recipients as they come. The zero builder is empty; Reset makes it so again. It is not safe for
// concurrent use.
type BatchBuilder struct {
	n, nRefused, nFields int
	first, last          uint64
	prev                 uint64
	gaps                 bool
	refs                 bool
	numbers              []byte
	rows                 []byte
	refcol               []byte
	values               []byte
	refused              []byte
}

// Len is the number of recipients, without the refused.
func (b *BatchBuilder) Len() int { return b.n }

// Refusals is the number of the refused.
func (b *BatchBuilder) Refusals() int { return b.nRefused }

// Bytes is about how large the packed batch will be.
func (b *BatchBuilder) Bytes() int {
	return len(b.numbers) + len(b.rows) + len(b.refcol) + len(b.values) + len(b.refused)
}

// Add appends a recipient. Every recipient of a job has the same number of values.
func (b *BatchBuilder) Add(r Recipient) {
	if b.n == 0 {
		b.first, b.last, b.nFields = r.Row, r.Row-1, len(r.Values)
	}
	if r.Row != b.last+1 {
		b.gaps = true
	}
	b.rows = binary.AppendUvarint(b.rows, r.Row-b.last)
	b.last = r.Row
	b.numbers = binary.AppendVarint(b.numbers, int64(uint64(r.To)-b.prev))
	b.prev = uint64(r.To)
	b.refs = b.refs || r.Ref != ""
	b.refcol = appendString(b.refcol, r.Ref)
	for _, v := range r.Values {
		b.values = appendString(b.values, v)
	}
	b.n++
}

// Refuse appends a refused recipient.
func (b *BatchBuilder) Refuse(r Refused) {
	b.refused = binary.AppendUvarint(b.refused, r.Row)
	b.refused = appendString(b.refused, r.To)
	b.refused = appendString(b.refused, r.Ref)
	b.refused = appendString(b.refused, r.Reason)
	b.nRefused++
}

// AppendBody appends the packed batch without its version and fingerprint: what a fingerprint is made of.
func (b *BatchBuilder) AppendBody(dst []byte) []byte {
	var flags byte
	if b.gaps {
		flags |= flagRows
	}
	if b.refs {
		flags |= flagRefs
	}
	dst = append(dst, flags)
	for _, n := range []uint64{uint64(b.n), uint64(b.nRefused), uint64(b.nFields), b.first} {
		dst = binary.AppendUvarint(dst, n)
	}
	dst = append(dst, b.numbers...)
	if b.gaps {
		dst = append(dst, b.rows...)
	}
	if b.refs {
		dst = append(dst, b.refcol...)
	}
	dst = append(dst, b.values...)
	return append(dst, b.refused...)
}

// Reset empties the builder, keeping its memory.
func (b *BatchBuilder) Reset() {
	*b = BatchBuilder{
		numbers: b.numbers[:0], rows: b.rows[:0], refcol: b.refcol[:0], values: b.values[:0], refused: b.refused[:0],
	}
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// PackBatch puts version and fingerprint before a body.
func PackBatch(fingerprint [FingerprintLen]byte, body []byte) []byte {
	out := make([]byte, 0, batchHeader+len(body))
	out = append(out, batchVersion)
	out = append(out, fingerprint[:]...)
	return append(out, body...)
}

// ErrBatch says that a batch's recipients can't be read.
var ErrBatch = errors.New("ledger: the recipients of a batch can't be read")

// Batch is what was enqueued in one batch.
type Batch struct {
	Recipients []Recipient
	Refused    []Refused
}

// DecodeBatch unpacks a batch. It never panics, whatever the bytes.
func DecodeBatch(packed []byte) (*Batch, error) {
	out := &Batch{}
	if err := out.decode(packed); err != nil {
		return nil, err
	}
	return out, nil
}

// decode is DecodeBatch into b, whose memory is used again. After an error b holds anything.
func (b *Batch) decode(packed []byte) error {
	if len(packed) < batchHeader {
		return fmt.Errorf("%w: too short", ErrBatch)
	}
	if packed[0] != batchVersion {
		return fmt.Errorf("%w: format %d is newer than this program", ErrBatch, packed[0])
	}
	d := decoder{b: packed[batchHeader:]}
	flags := d.byte()
	n, nRefused, nFields, first := d.count(), d.count(), d.count(), d.uvarint()
	if d.bad || n*max(nFields, 1) > len(d.b) {
		return ErrBatch
	}
	b.Refused = nil
	b.Recipients = slices.Grow(b.Recipients[:0], n)[:n]
	var prev uint64
	for i := range b.Recipients {
		prev += uint64(d.varint())
		b.Recipients[i] = Recipient{To: sms.MSISDN(prev), Row: first + uint64(i)}
	}
	if flags&flagRows != 0 {
		row := first - 1
		for i := range b.Recipients {
			row += d.uvarint()
			b.Recipients[i].Row = row
		}
	}
	if flags&flagRefs != 0 {
		for i := range b.Recipients {
			b.Recipients[i].Ref = d.string()
		}
	}
	if nFields > 0 {
		all := make([]string, n*nFields)
		for i := range all {
			all[i] = d.string()
		}
		for i := range b.Recipients {
			b.Recipients[i].Values = all[i*nFields : (i+1)*nFields : (i+1)*nFields]
		}
	}
	for range nRefused {
		if d.bad {
			break
		}
		b.Refused = append(b.Refused, Refused{Row: d.uvarint(), To: d.string(), Ref: d.string(), Reason: d.string()})
	}
	if d.bad || len(d.b) != 0 {
		return ErrBatch
	}
	return nil
}

// maxBatch bounds the counts of a batch against damaged bytes.
const maxBatch = 1 << 20

type decoder struct {
	b   []byte
	bad bool
}

func (d *decoder) byte() byte {
	if len(d.b) == 0 {
		d.bad = true
		return 0
	}
	c := d.b[0]
	d.b = d.b[1:]
	return c
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.bad, d.b = true, nil
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.b)
	if n <= 0 {
		d.bad, d.b = true, nil
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) count() int {
	v := d.uvarint()
	if v > maxBatch {
		d.bad = true
		return 0
	}
	return int(v)
}

func (d *decoder) string() string {
	n := d.uvarint()
	if n > uint64(len(d.b)) {
		d.bad, d.b = true, nil
		return ""
	}
	s := string(d.b[:n])
	d.b = d.b[n:]
	return s
}
