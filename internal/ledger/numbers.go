package ledger

import "github.com/volleysms/volley/sms"

// batchPeek is how many bytes of a packed batch tell how many recipients it has.
const batchPeek = batchHeader + 1 + 10

// openBatch reads the head of a packed batch, of which the rest may be missing, up to the numbers.
func openBatch(packed []byte) (d decoder, n int, err error) {
	if len(packed) < batchHeader || packed[0] != batchVersion {
		return d, 0, ErrBatch
	}
	d = decoder{b: packed[batchHeader:]}
	d.byte()
	if n = d.count(); d.bad {
		return d, 0, ErrBatch
	}
	return d, n, nil
}

// batchLen returns how many recipients a batch has, from its first batchPeek bytes.
func batchLen(packed []byte) (int, error) {
	_, n, err := openBatch(packed)
	return n, err
}

// DecodeNumbers unpacks nothing of a batch but the MSISDNs. It never panics, whatever the bytes.
func DecodeNumbers(packed []byte) ([]sms.MSISDN, error) {
	d, n, err := openBatch(packed)
	if err != nil {
		return nil, err
	}
	d.count()
	d.count()
	d.uvarint()
	if d.bad || n > len(d.b) {
		return nil, ErrBatch
	}
	out := make([]sms.MSISDN, n)
	var prev uint64
	for i := range out {
		prev += uint64(d.varint())
		out[i] = sms.MSISDN(prev)
	}
	if d.bad {
		return nil, ErrBatch
	}
	return out, nil
}
