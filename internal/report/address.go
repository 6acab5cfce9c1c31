package report

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strconv"
	"strings"

	"github.com/google/uuid"
)

// Target is what an address for reports stands for.
type Target struct {
	// Job is a UUID in its canonical form.
	Job   string
	Batch int
	// Position is the recipient's in the batch; negative is any recipient of the batch.
	Position int
	// Round is the round of the batch in which the call was made (see ledger.Held); negative when it isn't known.
	Round int
}

// Signer makes and reads the addresses that gateways are given. It is safe for concurrent use.
type Signer struct {
	base string
	keys [][]byte // the first signs, all are valid
}

// The paths below the public URL.
const (
	reportPath  = "/r/"
	inboundPath = "/in/"
)

// NewSigner returns a Signer for addresses below publicURL. secret signs; previous, unless it is empty, is valid too.
func NewSigner(publicURL, secret, previous string) *Signer {
	s := &Signer{base: strings.TrimRight(publicURL, "/"), keys: [][]byte{[]byte(secret)}}
	if previous != "" {
		s.keys = append(s.keys, []byte(previous))
	}
	return s
}

// A token is, in the URL form of base64: a version byte; the job's UUID; batch, position + 1 and round + 1 as varints;
// the first macLen bytes of an HMAC-SHA-256 over the kind of address, the account's name and all of that.
const (
	tokenVersion = 1
	macLen       = 16
	minToken     = 1 + 16 + 3 + macLen
	maxToken     = 1 + 16 + 3*binary.MaxVarintLen32 + macLen
	maxPosition  = 1 << 20
	maxBatch     = 1 << 30
)

var encoding = base64.RawURLEncoding.Strict()

// Address returns the address to which a gateway is to report about the recipient at a position of a batch, or, with
// position below 0, about any of the batch. It is empty when the job's ID is no UUID.
func (s *Signer) Address(account, job string, batch, position int) string {
	return s.AddressOf(account, Target{Job: job, Batch: batch, Position: position, Round: -1})
}

// AddressOf is Address for a target whose round may be known.
func (s *Signer) AddressOf(account string, t Target) string {
	id, err := uuid.Parse(t.Job)
	if err != nil || id.String() != t.Job {
		return ""
	}
	b := make([]byte, 0, maxToken)
	b = append(b, tokenVersion)
	b = append(b, id[:]...)
	b = binary.AppendUvarint(b, uint64(t.Batch))
	b = binary.AppendUvarint(b, uint64(max(t.Position, -1)+1))
	b = binary.AppendUvarint(b, uint64(max(t.Round, -1)+1))
	b = append(b, mac(s.keys[0], "report", account, b)...)
	return s.base + reportPath + account + "/" + encoding.EncodeToString(b)
}

// ErrToken says that a token was not signed by this installation, or with a key that is no longer valid.
var ErrToken = errors.New("the address was not made here")

// Target returns what a token of an account's address stands for; ErrToken when it is not one.
func (s *Signer) Target(account, token string) (Target, error) {
	if len(token) > encoding.EncodedLen(maxToken) {
		return Target{}, ErrToken
	}
	b, err := encoding.DecodeString(token)
	if err != nil || len(b) < minToken || b[0] != tokenVersion {
		return Target{}, ErrToken
	}
	body := b[:len(b)-macLen]
	if !s.signed("report", account, body, b[len(body):]) {
		return Target{}, ErrToken
	}
	t := Target{Job: uuid.UUID(body[1:17]).String()}
	var v [3]uint64
	rest := body[17:]
	for i, most := range [3]uint64{maxBatch, maxPosition, 256} {
		n := 0
		if v[i], n = binary.Uvarint(rest); n <= 0 || v[i] > most {
			return Target{}, ErrToken
		}
		rest = rest[n:]
	}
	if len(rest) > 0 {
		return Target{}, ErrToken
	}
	t.Batch, t.Position, t.Round = int(v[0]), int(v[1])-1, int(v[2])-1
	return t, nil
}

// Inbound returns the address to which an account's gateway is to push inbound messages, and reports that it signs.
func (s *Signer) Inbound(account string) string {
	return s.base + inboundPath + account + "/" + encoding.EncodeToString(mac(s.keys[0], "inbound", account, nil))
}

// IsInbound reports whether token is the one of the account's inbound address.
func (s *Signer) IsInbound(account, token string) bool {
	if len(token) != encoding.EncodedLen(macLen) {
		return false
	}
	b, err := encoding.DecodeString(token)
	return err == nil && s.signed("inbound", account, nil, b)
}

// signed reports, in a time that doesn't depend on it, whether one of the keys made the MAC.
func (s *Signer) signed(kind, account string, body, got []byte) bool {
	ok := false
	for _, key := range s.keys {
		if hmac.Equal(mac(key, kind, account, body), got) {
			ok = true
		}
	}
	return ok
}

func mac(key []byte, kind, account string, body []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte("volley " + kind + "\x00" + account + "\x00"))
	h.Write(body)
	return h.Sum(nil)[:macLen]
}

// TargetOf returns the batch that a Call.Reference names, "job.batch.position" of the call's first recipient. ok is false
// when it is none of ours.
func TargetOf(reference string) (t Target, ok bool) {
	job, rest, _ := strings.Cut(reference, ".")
	batch, first, found := strings.Cut(rest, ".")
	id, err := uuid.Parse(job)
	if !found || err != nil || id.String() != job {
		return t, false
	}
	n, err := strconv.ParseUint(batch, 10, 30)
	if err != nil {
		return t, false
	}
	if _, err := strconv.ParseUint(first, 10, 20); err != nil {
		return t, false
	}
	return Target{Job: job, Batch: int(n), Position: -1, Round: -1}, true
}
