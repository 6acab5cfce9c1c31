package main

import (
	"context"
	"maps"
	"slices"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/config"
)

// config reads the configuration that --config names.
func (a *app) config() (*config.Config, error) {
	cfg, err := config.Load(a.configFile)
	if err != nil {
		return nil, &inputError{err}
	}
	if err := a.trace(context.Background(), cfg); err != nil {
		return nil, err
	}
	return cfg, nil
}

// accountNames are the names of the accounts, in the file's order.
func accountNames(cfg *config.Config) []string {
	var names []string
	for _, acc := range cfg.Accounts {
		names = append(names, acc.Name)
	}
	return names
}

// producer is what enqueue has to know of the configuration.
func producer(cfg *config.Config) enqueue.Options {
	return enqueue.Options{Accounts: accountNames(cfg), Branching: branches(cfg)}
}

// routeNames are the names of the routes, sorted.
func routeNames(cfg *config.Config) []string {
	return append([]string{}, slices.Sorted(maps.Keys(cfg.Routes))...) // [] and not null in JSON
}
