package main

import (
	"github.com/volleysms/volley/internal/config"
	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/providers/gatewayapi"
)

// gatewayapiAdapter makes the adapter for an account of the configuration.
func gatewayapiAdapter(c config.Account) (providers.Adapter, error) {
	if c.API == "messaging" {
		return gatewayapi.NewMessaging(gatewayapi.MessagingOptions{
			BaseURL: c.BaseURL, Token: c.Token.Reveal(), WebhookSecret: c.WebhookSecret.Reveal(),
			MaxRecipients: c.MaxRecipients, MaxBodyBytes: c.MaxBytes, MaxConns: c.Concurrency,
		})
	}
	return gatewayapi.New(gatewayapi.Options{
		BaseURL: c.BaseURL, Token: c.Token.Reveal(), Class: c.Class, UrgentClass: c.UrgentClass,
		WebhookSecret: c.WebhookSecret.Reveal(), RequireSignature: c.RequireSignature,
		MaxRecipients: c.MaxRecipients, MaxBodyBytes: c.MaxBytes, MaxConns: c.Concurrency, BasicAuth: c.BasicAuth,
	})
}
