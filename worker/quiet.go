package worker

import (
	"fmt"

	"github.com/volleysms/volley/internal/window"
)

// Everybody is the key of Options.Quiet for all numbers.
const Everybody = "all"

// guardOf returns the quiet hours of an account.
func guardOf(o *Options, a *Account) (*window.Guard, error) {
	g := &window.Guard{}
	add := func(text string, to func(window.Window) error) error {
		w, err := window.Parse(text)
		if err == nil {
			err = to(w)
		}
		return err
	}
	if a.Quiet != "" {
		if err := add(a.Quiet, g.Always); err != nil {
			return nil, fmt.Errorf("worker: account %s: quiet hours: %w", a.Name, err)
		}
	}
	for prefix, text := range o.Quiet {
		to := func(w window.Window) error { return g.Prefix(prefix, w) }
		if prefix == Everybody {
			to = g.Rest
		}
		if err := add(text, to); err != nil {
			return nil, fmt.Errorf("worker: quiet hours of %s: %w", prefix, err)
		}
	}
	return g, nil
}
