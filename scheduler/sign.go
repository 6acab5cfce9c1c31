package scheduler

import (
	"errors"
	"strings"

	"github.com/volleysms/volley/internal/hook"
)

// CheckSecret reports what is wrong with a secret that is to sign requests. The error does not have it.
func CheckSecret(secret string) error {
	_, err := secretKey(secret)
	return err
}

// secretKey returns the key of a secret, which is one of the symmetric kind.
// Source: Standard Webhooks specification, "Webhook secrets (signing keys)".
func secretKey(secret string) ([]byte, error) {
	key, err := hook.ParseSecret(secret)
	if !strings.HasPrefix(secret, "whsec_") || err != nil || len(key) < 24 || len(key) > 64 {
		return nil, errors.New(`it is not "whsec_" and 24 to 64 bytes in base64; make one by: echo whsec_$(openssl rand -base64 32)`)
	}
	return key, nil
}
