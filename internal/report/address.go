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
	// Attempt is which of the recipient's calls in that round it was, from 1 to 255; 0 when it isn't known.
	Attempt int
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

// A token is, in the URL form of base64: a version byte; the job's UUID; batch, position + 1, round + 1 and attempt as varints;
// the first macLen bytes of an HMAC-SHA-256 over the kind of address, the account's name and all of that.
const (
	tokenVersion = 2 // 1 had no attempt
	macLen       = 16
	minToken     = 1 + 16 + 3 + macLen
	maxToken     = 1 + 16 + 4*binary.MaxVarintLen32 + macLen
	maxPosition  = 1 << 20
	maxBatch     = 1 << 30
	maxRound     = 255
	maxAttempt   = 255
)

var encoding = base64.RawURLEncoding.Strict()

// Address returns the address to which an account's gateway is to report about t. It is empty when the job's ID is no UUID.
func (s *Signer) Address(account string, t Target) string {
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
	b = binary.AppendUvarint(b, uint64(t.Attempt))
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
	if err != nil || len(b) < minToken || b[0] < 1 || b[0] > tokenVersion {
		return Target{}, ErrToken
	}
	body := b[:len(b)-macLen]
	if !s.signed("report", account, body, b[len(body):]) {
		return Target{}, ErrToken
	}
	t := Target{Job: uuid.UUID(body[1:17]).String()}
	var v [4]uint64
	rest := body[17:]
	for i, most := range [4]uint64{maxBatch, maxPosition, maxRound + 1, maxAttempt} {
		if i == 3 && b[0] == 1 {
			break
		}
		n := 0
		if v[i], n = binary.Uvarint(rest); n <= 0 || v[i] > most {
			return Target{}, ErrToken
		}
		rest = rest[n:]
	}
	if len(rest) > 0 {
		return Target{}, ErrToken
	}
	t.Batch, t.Position, t.Round, t.Attempt = int(v[0]), int(v[1])-1, int(v[2])-1, int(v[3])
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

// TargetOf returns what a Call.Reference names: "job.batch.position.round.attempt" with the position of the call's first
// recipient, which stands for all of them. ok is false when it is none of ours.
func TargetOf(reference string) (t Target, ok bool) {
	job, rest, _ := strings.Cut(reference, ".")
	id, err := uuid.Parse(job)
	parts := strings.Split(rest, ".")
	most := [...]int{maxBatch, maxPosition, maxRound, maxAttempt}
	if err != nil || id.String() != job || len(parts) != len(most) {
		return t, false
	}
	var v [len(most)]int
	for i, part := range parts {
		n, err := strconv.ParseUint(part, 10, 32)
		if err != nil || n > uint64(most[i]) {
			return t, false
		}
		v[i] = int(n)
	}
	return Target{Job: job, Batch: v[0], Position: -1, Round: v[2], Attempt: v[3]}, true
}
