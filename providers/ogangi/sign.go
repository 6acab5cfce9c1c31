package ogangi

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"net/url"
	"sync"
)

// signer builds the addresses of calls. Every operation has the same form:
//
//	{base}/rest/api/{method}/{parameters}/{public key}/{signature}
//
// The signature is the HMAC-SHA256, keyed with the private key, of the parameters joined by "/" exactly as they stand in the
// address, in 64 lower-case hex digits. The method, the public key and the signature are not part of it. Source: fact sheet
// section 1. Safe for concurrent use.
type signer struct {
	prefix    string // up to the slash before the method
	publicKey string // as it stands in a path
	macs      sync.Pool
	base64    *base64.Encoding
	decoded   bool // sign parameters without their escapes
}

// signatureBytes is the length of a signature.
const signatureBytes = 2 * sha256.Size

// newSigner returns the signer for addresses below base.
func newSigner(base string, o ClientOptions) *signer {
	s := &signer{
		prefix:    base + "/rest/api/",
		publicKey: string(appendEscaped(nil, o.PublicKey)),
		base64:    base64.RawURLEncoding,
		decoded:   o.SignDecoded,
	}
	if o.PaddedBase64 {
		s.base64 = base64.URLEncoding
	}
	key := []byte(o.PrivateKey)
	s.macs.New = func() any { return hmac.New(sha256.New, key) }
	return s
}

// sign appends the signature of params to b.
func (s *signer) sign(b, params []byte) []byte {
	if s.decoded {
		if plain, err := url.PathUnescape(string(params)); err == nil {
			params = []byte(plain)
		}
	}
	mac := s.macs.Get().(hash.Hash)
	defer s.macs.Put(mac)
	mac.Reset()
	mac.Write(params) // a hash never fails
	var sum [sha256.Size]byte
	return hex.AppendEncode(b, mac.Sum(sum[:0]))
}

// address returns the address of a call. method is such as "sendMT" or "tools/sendSMS"; params are the path parameters as they
// stand in the address, joined by "/".
func (s *signer) address(method string, params []byte) string {
	b := make([]byte, 0, s.fixedBytes(method)+len(params))
	b = append(b, s.prefix...)
	b = append(b, method...)
	b = append(b, '/')
	b = append(b, params...)
	b = append(b, '/')
	b = append(b, s.publicKey...)
	b = append(b, '/')
	b = s.sign(b, params)
	return string(b)
}

// fixedBytes is the length of an address without its parameters.
func (s *signer) fixedBytes(method string) int {
	return len(s.prefix) + len(method) + len("///") + len(s.publicKey) + signatureBytes
}

// appendBase64 appends v as a path parameter in URL-safe Base64: the standard alphabet has "/" and would add a segment.
func (s *signer) appendBase64(b []byte, v string) []byte {
	return s.base64.AppendEncode(b, []byte(v))
}

// appendEscaped appends v as a path parameter with every byte outside [A-Za-z0-9._~-] as %XX. It is unknown whether the
// server checks the escaped or the decoded form of such a parameter; the bytes on the wire are what is signed here.
func appendEscaped(b []byte, v string) []byte {
	const upper = "0123456789ABCDEF"
	for i := range len(v) {
		c := v[i]
		if unreserved(c) {
			b = append(b, c)
		} else {
			b = append(b, '%', upper[c>>4], upper[c&15])
		}
	}
	return b
}

func unreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '.' || c == '_' || c == '~'
}
