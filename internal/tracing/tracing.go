// Package tracing makes spans below the one that a job carries. It knows OpenTelemetry's API only; where spans go is
// internal/otlp's.
//
// A job without a trace, or one that is not sampled, costs nothing. Spans have no text, no number and no credential.
package tracing

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// Scope is the name of the instrumentation.
const Scope = "github.com/volleysms/volley"

const header = "traceparent"

// Below returns ctx with the span of a W3C traceparent in it, to be the parent of others; false when that is none, or is not
// sampled.
func Below(ctx context.Context, traceparent string) (context.Context, bool) {
	if traceparent == "" {
		return ctx, false
	}
	ctx = propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{header: traceparent})
	return ctx, trace.SpanContextFromContext(ctx).IsSampled()
}

// Traceparent returns the span of ctx in W3C form; empty when there is none.
func Traceparent(ctx context.Context) string {
	c := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, c)
	return c[header]
}

// The attributes of spans.
const (
	Account     = attribute.Key("volley.account")
	Provider    = attribute.Key("volley.provider")
	Job         = attribute.Key("volley.job")
	Batch       = attribute.Key("volley.batch")
	Recipients  = attribute.Key("volley.recipients")
	Attempt     = attribute.Key("volley.attempt")
	Kind        = attribute.Key("volley.kind")
	Code        = attribute.Key("volley.code")
	Decision    = attribute.Key("volley.decision")
	ReportCount = attribute.Key("volley.reports")
	Applied     = attribute.Key("volley.applied")
)

// Failed marks a span as one that went wrong, in a word.
func Failed(s trace.Span, word string) { s.SetStatus(codes.Error, word) }
