package config

import (
	"fmt"
	"io"
)

// hidden is what a Secret shows of itself.
const hidden = "[secret]"

// Secret is a value that no log, error or dump shows: fmt with any verb, JSON, YAML and zap all give "[secret]". The zero
// value is no secret.
type Secret struct{ value string }

// NewSecret returns a Secret of value.
func NewSecret(value string) Secret { return Secret{value} }

// Reveal returns the value, for the one who has to use it.
func (s Secret) Reveal() string { return s.value }

// IsZero reports whether there is no secret.
func (s Secret) IsZero() bool { return s.value == "" }

// String returns "[secret]".
func (s Secret) String() string { return hidden }

// GoString returns "[secret]".
func (s Secret) GoString() string { return hidden }

// Format writes "[secret]" for every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// MarshalJSON returns "[secret]" as a JSON string.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + hidden + `"`), nil }

// MarshalYAML returns "[secret]".
func (s Secret) MarshalYAML() (any, error) { return hidden, nil }
