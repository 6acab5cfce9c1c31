package main

import (
	"slices"
	"time"

	"github.com/volleysms/volley/internal/config"
	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/providers/ogangi"
)

// ogangiClient makes the client for an account of the configuration.
func ogangiClient(c config.Account) (*ogangi.Client, error) {
	has := func(quirk string) bool { return slices.Contains(c.Quirks, quirk) }
	o := ogangi.ClientOptions{
		BaseURL: c.BaseURL, InstanceID: c.InstanceID, PublicKey: c.PublicKey, PrivateKey: c.PrivateKey.Reveal(),
		PaddedBase64: has(config.QuirkPaddedBase64), SignDecoded: has(config.QuirkSignDecoded),
		PlainFireText: has(config.QuirkPlainFireText), EmptyFilter: c.EmptyFilter, MaxURLBytes: c.MaxBytes, MaxConns: c.Concurrency,
	}
	for _, op := range c.Post {
		o.Post = append(o.Post, ogangi.Operation(op))
	}
	if has(config.QuirkBase64PIN) {
		o.Base64Numbers = append(o.Base64Numbers, ogangi.OpSendPIN)
	}
	if has(config.QuirkBase64Fire) {
		o.Base64Numbers = append(o.Base64Numbers, ogangi.OpFireMessage)
	}
	switch c.StatusError {
	case "rejected":
		o.ErrorKind = providers.Rejected
	case "retry":
		o.ErrorKind = providers.Unavailable
	}
	return ogangi.NewClient(o)
}

// ogangiAdapter makes the adapter for an account of the configuration.
func ogangiAdapter(c config.Account) (providers.Adapter, error) {
	client, err := ogangiClient(c)
	if err != nil {
		return nil, err
	}
	o := ogangi.Options{Carrier: c.Carrier, Operation: ogangi.Operation(c.Operation), Flags: c.Flags}
	if c.Timezone != "" {
		if o.Zone, err = time.LoadLocation(c.Timezone); err != nil {
			return nil, err
		}
	}
	return ogangi.New(client, o)
}
