package hook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// secretPrefix begins a secret whose rest is base64.
// Source: Standard Webhooks specification, "Signature scheme".
const secretPrefix = "whsec_"

// minKey is the least a key has, in bytes.
const minKey = 16

// ParseSecret returns the key that a secret stands for: of "whsec_" and base64 what that gives, of another its bytes as they
// are. The error does not have it.
func ParseSecret(secret string) ([]byte, error) {
	key := []byte(secret)
	if rest, ok := strings.CutPrefix(secret, secretPrefix); ok {
		var err error
		if key, err = base64.StdEncoding.DecodeString(rest); err != nil {
			return nil, errors.New("the secret begins with whsec_, and the rest is no base64; make one by: echo whsec_$(openssl rand -base64 32)")
		}
	}
	if len(key) < minKey {
		return nil, errors.New("the secret is shorter than 16 bytes; make one by: echo whsec_$(openssl rand -base64 32)")
	}
	return key, nil
}

// Sign returns the signature of a message: "v1," and the HMAC-SHA-256 over ID, timestamp and body in base64.
// Source: Standard Webhooks specification, "Signature scheme".
func Sign(key []byte, id string, at time.Time, body []byte) string {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(id + "." + stamp(at) + "."))
	m.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(m.Sum(nil))
}

func stamp(at time.Time) string { return strconv.FormatInt(at.Unix(), 10) }

// SetHeaders gives a request that posts JSON the headers of a webhook. A nil key does not sign.
func SetHeaders(h http.Header, key []byte, id string, at time.Time, body []byte) {
	h.Set("Content-Type", "application/json")
	h.Set("User-Agent", "volley")
	h.Set("Webhook-Id", id)
	h.Set("Webhook-Timestamp", stamp(at))
	if key != nil {
		h.Set("Webhook-Signature", Sign(key, id, at, body))
	}
}
