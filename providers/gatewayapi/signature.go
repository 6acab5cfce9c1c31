package gatewayapi

import (
	"fmt"

	"github.com/golang-jwt/jwt/v5"

	"github.com/volleysms/volley/providers"
)

// signatureHeader holds a JSON web token whose claims are a copy of the push. Source: rest.rst, "Authentication token".
const signatureHeader = "X-Gwapi-Signature"

// maxToken bounds a signature, in bytes.
const maxToken = 64 << 10

// tokens reads signatures. HS256 is the one algorithm that the vendor's documents show; a token that names another one, or
// none, is refused before a key is looked at. The vendor's tokens have no time in them, and a report that comes late is as
// true as before, so times are not looked at.
var tokens = jwt.NewParser(jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}), jwt.WithoutClaimsValidation())

// claims are a token's claims as they were signed.
type claims struct {
	jwt.RegisteredClaims
	raw []byte
}

// UnmarshalJSON keeps the claims.
func (c *claims) UnmarshalJSON(b []byte) error {
	c.raw = append([]byte(nil), b...)
	return nil
}

// verified returns what a push says, and whether it is proven: the signed claims, or the body where there is no signature
// and none is asked for.
func (a *Adapter) verified(p providers.Push) (said []byte, proven bool, err error) {
	signatures := p.Header.Values(signatureHeader)
	switch {
	case a.opts.WebhookSecret == "":
		return p.Body, false, nil
	case len(signatures) == 0 && a.opts.RequireSignature:
		return nil, false, fmt.Errorf("%w: there is none, and the account requires one", providers.ErrForged)
	case len(signatures) == 0:
		return p.Body, false, nil
	case len(signatures) > 1 || len(signatures[0]) > maxToken:
		return nil, false, fmt.Errorf("%w: it is more than one, or too long", providers.ErrForged)
	}
	var c claims
	if _, err := tokens.ParseWithClaims(signatures[0], &c, func(*jwt.Token) (any, error) {
		return []byte(a.opts.WebhookSecret), nil
	}); err != nil {
		// Not wrapped: it quotes the token.
		return nil, false, fmt.Errorf("%w: the token is not signed with HS256 and the webhook secret", providers.ErrForged)
	}
	return c.raw, true, nil
}
