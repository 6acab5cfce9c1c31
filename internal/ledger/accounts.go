package ledger

import (
	"context"
	"strings"
)

const (
	keyAccounts = "volley:accounts"
	keyRoutes   = "volley:routes"
)

// Announce tells producers which accounts and routes the workers serve. It adds to what others announced.
func (l *Ledger) Announce(ctx context.Context, accounts map[string]string, routes map[string][]string) error {
	pipe := l.rdb.Pipeline()
	for name, provider := range accounts {
		pipe.HSet(ctx, keyAccounts, name, provider)
	}
	for name, via := range routes {
		pipe.HSet(ctx, keyRoutes, name, strings.Join(via, ","))
	}
	_, err := pipe.Exec(ctx)
	return err
}

// Announced returns the accounts, with their providers, and the routes that workers announced.
func (l *Ledger) Announced(ctx context.Context) (accounts map[string]string, routes map[string][]string, err error) {
	pipe := l.rdb.Pipeline()
	a, r := pipe.HGetAll(ctx, keyAccounts), pipe.HGetAll(ctx, keyRoutes)
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, nil, err
	}
	routes = map[string][]string{}
	for name, list := range r.Val() {
		routes[name] = strings.Split(list, ",")
	}
	return a.Val(), routes, nil
}
