package worker

import (
	"fmt"

	"github.com/volleysms/volley/internal/timing"
	"github.com/volleysms/volley/internal/window"
)

// Everybody is the key of Options.Quiet for all numbers that begin with no other.
const Everybody = timing.Everybody

// guardOf returns the quiet hours of an account.
func guardOf(o *Options, a *Account) (*window.Guard, error) {
	g, err := timing.Guard(a.Quiet, o.Quiet)
	if err != nil {
		return nil, fmt.Errorf("worker: account %s: %w", a.Name, err)
	}
	return g, nil
}
