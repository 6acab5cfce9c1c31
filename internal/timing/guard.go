package timing

import (
	"fmt"

	"github.com/volleysms/volley/internal/window"
)

// Everybody is the key of all numbers that begin with no other.
const Everybody = "all"

// Guard returns the quiet hours of an account from their texts (see window.Parse): its own, which may be empty, and those by
// the beginning of the number.
func Guard(own string, byPrefix map[string]string) (*window.Guard, error) {
	g := &window.Guard{}
	add := func(text string, to func(window.Window) error) error {
		w, err := window.Parse(text)
		if err == nil {
			err = to(w)
		}
		return err
	}
	if own != "" {
		if err := add(own, g.Always); err != nil {
			return nil, fmt.Errorf("quiet hours: %w", err)
		}
	}
	for prefix, text := range byPrefix {
		to := func(w window.Window) error { return g.Prefix(prefix, w) }
		if prefix == Everybody {
			to = g.Rest
		}
		if err := add(text, to); err != nil {
			return nil, fmt.Errorf("quiet hours of %s: %w", prefix, err)
		}
	}
	return g, nil
}
