package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/config"
	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/providers/gatewayapi"
	httpapi "github.com/volleysms/volley/providers/http"
	"github.com/volleysms/volley/worker"
)

// wire makes the adapter for an account of the configuration. GatewayAPI refuses more than so many connections from one
// address; an account that asks for more calls in flight gets as many as there may be connections.
func wire(c config.Account) (worker.Account, error) {
	if c.Provider == config.GatewayAPI {
		c.Concurrency = min(c.Concurrency, gatewayapi.MaxConns)
	}
	a, err := adapter(c)
	if err != nil {
		return worker.Account{}, err
	}
	return worker.Account{
		Name: c.Name, Provider: c.Provider, Adapter: a, Concurrency: c.Concurrency, Timeout: c.Timeout,
		Limits: worker.Limits{
			Calls: c.Rate.PerSecond(), Recipients: c.Recipients.PerSecond(), Segments: c.Segments.PerSecond(), InFlight: c.InFlight,
		},
		ResendUnknown: c.ResendUnknown,
		Settings:      fingerprint(c),
		Quiet:         c.Quiet,
		Shards:        c.Shards,
	}, nil
}

// fingerprint tells an account's settings from others. It is so short that nobody can tell a secret from it.
func fingerprint(c config.Account) string {
	h := sha256.New()
	settings := []string{
		c.BaseURL, c.Username, c.Password.Reveal(), c.ProgramID, c.Token.Reveal(), c.InstanceID, c.PublicKey, c.PrivateKey.Reveal(),
	}
	if g := c.Gateway; g != nil {
		settings = append(settings, g.Request.Path, g.Request.JSON)
		settings = append(settings, slices.Sorted(slices.Values(g.Secrets))...)
	}
	for _, s := range settings {
		fmt.Fprintf(h, "%d %s", len(s), s)
	}
	return hex.EncodeToString(h.Sum(nil)[:3])
}

// branches are the routes of the configuration as workers and producers take them.
func branches(cfg *config.Config) map[string][]enqueue.Branch {
	out := map[string][]enqueue.Branch{}
	for name, route := range cfg.Routes {
		for _, b := range route {
			out[name] = append(out[name], enqueue.Branch(b))
		}
	}
	return out
}

func adapter(c config.Account) (providers.Adapter, error) {
	switch c.Provider {
	case config.GatewayAPI:
		return gatewayapiAdapter(c)
	case config.Mgage:
		return mgageAdapter(c)
	case config.MTTM:
		return mttmAdapter(c)
	case config.Ogangi:
		return ogangiAdapter(c)
	case config.HTTP:
		return httpapi.New(*c.Gateway)
	}
	return nil, fmt.Errorf("there is no provider %q", c.Provider)
}
