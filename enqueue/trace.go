package enqueue

import (
	"context"
	"strings"
)

// Tracer makes a span of each call of Enqueue and EnqueueStream, for applications that trace. It needs nothing of this
// package but this; docs/tracing.md has one on OpenTelemetry. It is safe for concurrent use.
type Tracer interface {
	// Start begins a span below that of ctx, if there is one, and returns it in W3C form, "00-…-…-01"; empty is none. end is
	// called once, with what the call came to.
	Start(ctx context.Context) (traceparent string, end func(Receipt, error))
}

// traced gives the job the trace that it belongs to, unless it has one, and returns what is to be called at the end.
func (c *Client) traced(ctx context.Context, job *Job) (end func(Receipt, error)) {
	if c.opts.Tracer == nil || job.Traceparent != "" {
		return func(Receipt, error) {}
	}
	parent, end := c.opts.Tracer.Start(ctx)
	if isTraceparent(parent) { // what a Tracer gets wrong is no reason not to send
		job.Traceparent = parent
	}
	return end
}

// isTraceparent reports whether s is a W3C traceparent of version 00.
func isTraceparent(s string) bool {
	parts := strings.Split(s, "-")
	if len(parts) != 4 || parts[0] != "00" || len(parts[1]) != 32 || len(parts[2]) != 16 || len(parts[3]) != 2 {
		return false
	}
	return strings.Trim(s, "0123456789abcdef-") == "" && strings.Trim(parts[1], "0") != "" && strings.Trim(parts[2], "0") != ""
}
