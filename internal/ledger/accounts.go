package ledger

import (
	"context"
	"encoding/json"
	"fmt"
)

const (
	keyAccounts = "volley:accounts"
	keyRoutes   = "volley:routes"
)

// Branch is the part of a route that serves the numbers with a prefix. The branch with the longest prefix serves a number;
// a number that none serves is refused.
type Branch struct {
	// Prefix is the beginning of the MSISDNs, such as "45"; empty is any.
	Prefix string `json:"prefix,omitempty"`
	// Use are the accounts in the order of use, one at least.
	Use []string `json:"use"`
}

// Announce tells producers which accounts, with their providers, and which routes the workers serve. It adds to what
// others announced.
func (l *Ledger) Announce(ctx context.Context, accounts map[string]string, routes map[string][]Branch) error {
	pipe := l.rdb.Pipeline()
	for name, provider := range accounts {
		pipe.HSet(ctx, keyAccounts, name, provider)
	}
	for name, branches := range routes {
		packed, err := json.Marshal(branches)
		if err != nil {
			return fmt.Errorf("ledger: %w", err)
		}
		pipe.HSet(ctx, keyRoutes, name, packed)
	}
	_, err := pipe.Exec(ctx)
	return err
}

// Announced returns the accounts, with their providers, and the routes that workers announced.
func (l *Ledger) Announced(ctx context.Context) (accounts map[string]string, routes map[string][]Branch, err error) {
	pipe := l.rdb.Pipeline()
	a, r := pipe.HGetAll(ctx, keyAccounts), pipe.HGetAll(ctx, keyRoutes)
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, nil, err
	}
	routes = map[string][]Branch{}
	for name, packed := range r.Val() {
		var branches []Branch
		if err := json.Unmarshal([]byte(packed), &branches); err != nil {
			return nil, nil, fmt.Errorf("ledger: the route %q that workers announced can't be read: %w", name, err)
		}
		routes[name] = branches
	}
	return a.Val(), routes, nil
}
