// Package observe holds tests of what Volley shows of itself: metrics over real scrapes, boards and alert rules by
// promtool, an alert that a real Prometheus fires, and traces in a receiver.
package observe
