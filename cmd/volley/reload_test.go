package main

import (
	"slices"
	"testing"

	"github.com/volleysms/volley/internal/config"
)

func TestFixed(t *testing.T) {
	var before, after config.Config
	after.Admin.Listen, after.Callbacks.Listen, after.UI.Listen, after.Tracing.OTLP = "a", "b", "c", "d"
	after.Retry.MaxAttempts = 3
	if got, want := fixed(&before, &after), []string{"admin.listen", "callbacks.listen", "ui.listen", "tracing.otlp"}; !slices.Equal(got, want) {
		t.Errorf("%q need a restart, want %q", got, want)
	}
}
