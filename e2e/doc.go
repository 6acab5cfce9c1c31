// Package e2e holds tests that drive the built binary as an operator does: a real redis-server, strict simulated gateways,
// processes that are started and stopped by signals.
package e2e
