package main

import (
	"github.com/volleysms/volley/internal/config"
	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/providers/mgage"
)

// newMgage makes the adapter for an account of the configuration.
func newMgage(c config.Account) (*mgage.Adapter, error) {
	return mgage.New(mgage.Options{
		BaseURL: c.BaseURL, Region: c.Region, Username: c.Username, Password: c.Password.Reveal(), ProgramID: c.ProgramID,
		MaxRecipients: c.MaxRecipients, MaxConns: c.Concurrency, GSMOnly: c.GSMOnly, RetryCode1: c.Code1 == "retry",
	})
}

// mgageAdapter is newMgage for wire.
func mgageAdapter(c config.Account) (providers.Adapter, error) {
	a, err := newMgage(c)
	if err != nil {
		return nil, err
	}
	return a, nil
}
