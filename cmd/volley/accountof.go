package main

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/volleysms/volley/internal/config"
	"github.com/volleysms/volley/providers"
)

// accountFlag adds the flag for an account of one provider.
func accountFlag(cmd *cobra.Command, account *string, provider string) {
	cmd.Flags().StringVar(account, "account", "", "the `name` of an account of provider "+provider+" in the configuration")
	_ = cmd.MarkFlagRequired("account") // an error only for a flag that is not there
}

// accountOf returns an account of the configuration that has to be of a provider.
func (a *app) accountOf(provider, name string) (config.Account, error) {
	cfg, err := a.config()
	if err != nil {
		return config.Account{}, err
	}
	var have []string
	for _, acc := range cfg.Accounts {
		if acc.Provider != provider {
			continue
		}
		if acc.Name == name {
			return acc, nil
		}
		have = append(have, acc.Name)
	}
	if len(have) == 0 {
		return config.Account{}, invalid("there is no account of provider %s in the configuration", provider)
	}
	return config.Account{}, invalid("there is no account %q of provider %s in the configuration; there are: %s", name, provider, strings.Join(have, ", "))
}

// asked returns err as it is told to whoever asked a gateway: what was refused before a request was made is invalid input.
func asked(err error) error {
	var e *providers.Error
	if errors.As(err, &e) && e.Kind == providers.Invalid && e.Code == "" {
		return invalid("%s", e.Detail)
	}
	return err
}

// providerCode returns the gateway's own code in an error, "" when there is none.
func providerCode(err error) string {
	var e *providers.Error
	if !errors.As(err, &e) {
		return ""
	}
	return e.Code
}
