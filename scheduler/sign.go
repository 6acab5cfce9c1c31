package scheduler

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"time"
)

// secretPrefix begins every secret of the symmetric kind.
// Source: Standard Webhooks specification, "Webhook secrets (signing keys)".
const secretPrefix = "whsec_"

// CheckSecret reports what is wrong with a secret that is to sign requests. The error does not have it.
func CheckSecret(secret string) error {
	_, err := secretKey(secret)
	return err
}

func secretKey(secret string) ([]byte, error) {
	packed, ok := strings.CutPrefix(secret, secretPrefix)
	key, err := base64.StdEncoding.DecodeString(packed)
	if !ok || err != nil || len(key) < 24 || len(key) > 64 {
		return nil, errors.New(`it is not "whsec_" and 24 to 64 bytes in base64; make one by: echo whsec_$(openssl rand -base64 32)`)
	}
	return key, nil
}

// sign returns the value of Webhook-Signature for a request.
// Source: Standard Webhooks specification, "Signature scheme": HMAC-SHA256 over ID.TIMESTAMP.BODY.
func sign(secret, id string, at time.Time, body []byte) (string, error) {
	key, err := secretKey(secret)
	if err != nil {
		return "", err
	}
	h := hmac.New(sha256.New, key)
	h.Write([]byte(id + "." + strconv.FormatInt(at.Unix(), 10) + "."))
	h.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(h.Sum(nil)), nil
}
