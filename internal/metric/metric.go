// Package metric registers Prometheus collectors.
package metric

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// Register registers c and returns it, or the one like it that is registered already: a process may run a role more than
// once. A nil reg registers nothing.
func Register[T prometheus.Collector](reg prometheus.Registerer, c T) T {
	if reg == nil {
		return c
	}
	err := reg.Register(c)
	var have prometheus.AlreadyRegisteredError
	if errors.As(err, &have) {
		if same, ok := have.ExistingCollector.(T); ok {
			return same
		}
	}
	if err != nil {
		panic(err) // two metrics of one name, which is a mistake in the program
	}
	return c
}
