package signin

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// CallbackPath is where an identity provider sends people back to.
const CallbackPath = "/signin/callback"

// OIDC is an identity provider. One without an Issuer is none.
type OIDC struct {
	Issuer, ClientID, ClientSecret string
	// Scopes are asked for beside openid.
	Scopes []string
	// NameClaim and GroupsClaim say who somebody is, and of which groups.
	NameClaim, GroupsClaim string
}

// Bounds of what is asked of the identity provider.
const (
	askTimeout = 10 * time.Second
	flowTime   = 10 * time.Minute
)

// provider asks the identity provider what it is when somebody wants to sign in, so that the dashboard starts without it.
type provider struct {
	o        OIDC
	redirect string

	mu sync.Mutex
	p  *oidc.Provider
}

// client is how the identity provider is asked.
var client = &http.Client{Timeout: askTimeout}

func (p *provider) get() (*oidc.Provider, *oauth2.Config, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.p == nil {
		// The context is for as long as the provider: it asks for keys with it.
		got, err := oidc.NewProvider(oidc.ClientContext(context.Background(), client), p.o.Issuer)
		if err != nil {
			return nil, nil, fmt.Errorf("the identity provider does not say what it is: %w", err)
		}
		p.p = got
	}
	return p.p, &oauth2.Config{
		ClientID: p.o.ClientID, ClientSecret: p.o.ClientSecret, Endpoint: p.p.Endpoint(), RedirectURL: p.redirect,
		Scopes: append([]string{oidc.ScopeOpenID}, p.o.Scopes...),
	}, nil
}

// flow is what the browser keeps while somebody is at the identity provider.
type flow struct {
	State    string `json:"s"`
	Nonce    string `json:"n"`
	Verifier string `json:"v"`
	Next     string `json:"x"`
	Ends     int64  `json:"e"`
}

// Leave returns where to send a browser for signing in; it comes back to CallbackPath, and goes to next after that.
func (d *Door) Leave(w http.ResponseWriter, next string) (string, error) {
	_, config, err := d.oidc.get()
	if err != nil {
		return "", err
	}
	f := flow{rand.Text(), rand.Text(), oauth2.GenerateVerifier(), Local(next), d.now().Add(flowTime).Unix()}
	value, err := seal(d.keys.flow, f)
	if err != nil {
		return "", err
	}
	d.setCookie(w, "flow", value, flowTime)
	return config.AuthCodeURL(f.State, oidc.Nonce(f.Nonce), oauth2.S256ChallengeOption(f.Verifier)), nil
}

// errFlow is for a browser that comes back without having left, or too late.
var errFlow = errors.New("the sign-in was not begun here, or took too long: begin again")

// Return signs somebody in who comes back from the identity provider, and returns who they are and where they go.
func (d *Door) Return(w http.ResponseWriter, r *http.Request) (name, next string, err error) {
	var f flow
	c, err := r.Cookie(d.name("flow"))
	if err != nil || open(d.keys.flow, c.Value, &f) != nil || d.now().Unix() >= f.Ends {
		return "", "", errFlow
	}
	d.setCookie(w, "flow", "", 0)
	q := r.URL.Query()
	if subtle.ConstantTimeCompare([]byte(q.Get("state")), []byte(f.State)) != 1 {
		return "", "", errFlow
	}
	if q.Get("error") != "" {
		return "", "", errors.New("the identity provider refused")
	}
	p, config, err := d.oidc.get()
	if err != nil {
		return "", "", err
	}
	ctx, cancel := context.WithTimeout(oidc.ClientContext(r.Context(), client), askTimeout)
	defer cancel()
	token, err := config.Exchange(ctx, q.Get("code"), oauth2.VerifierOption(f.Verifier))
	if err != nil {
		return "", "", errors.New("the identity provider does not take the code back") // the library's error has its answer in it
	}
	raw, _ := token.Extra("id_token").(string)
	id, err := p.Verifier(&oidc.Config{ClientID: d.o.OIDC.ClientID, Now: d.now}).Verify(ctx, raw)
	if err != nil {
		return "", "", fmt.Errorf("the identity provider's token is not valid: %w", err)
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(f.Nonce)) != 1 {
		return "", "", errFlow
	}
	var claims map[string]any
	if err := id.Claims(&claims); err != nil {
		return "", "", fmt.Errorf("the identity provider's token can't be read: %w", err)
	}
	name, groups, err := d.o.OIDC.who(claims)
	if err != nil {
		return "", "", err
	}
	return name, f.Next, d.admit(w, session{Name: name, Groups: groups})
}

// who reads a token's claims.
func (o OIDC) who(claims map[string]any) (name string, groups []string, err error) {
	name, _ = claims[o.NameClaim].(string)
	if name == "" {
		return "", nil, fmt.Errorf("the identity provider's token has no %s, which says who somebody is", o.NameClaim)
	}
	if verified, given := claims["email_verified"]; o.NameClaim == "email" && given && verified != true && verified != "true" {
		return "", nil, errors.New("the identity provider has not verified the address")
	}
	switch g := claims[o.GroupsClaim].(type) {
	case string:
		groups = []string{g}
	case []any:
		for _, v := range g {
			if s, ok := v.(string); ok {
				groups = append(groups, s)
			}
		}
	}
	return name, groups, nil
}
