package tracing

import (
	"context"
	"sync"
	"time"

	"go.opentelemetry.io/otel/trace"
)

// Reports makes spans of the reports that are applied, below the span that their job came with. A nil Reports makes none. It
// is safe for concurrent use.
type Reports struct {
	tracer trace.Tracer
	of     func(ctx context.Context, job string) (traceparent string, err error)

	mu    sync.Mutex
	known map[string]string // jobs' traces, the empty ones too
}

// maxKnown bounds the jobs whose trace is remembered.
const maxKnown = 4096

// NewReports returns Reports whose spans p makes; nil when p is. of returns the trace of a job, empty for none.
func NewReports(p trace.TracerProvider, of func(ctx context.Context, job string) (string, error)) *Reports {
	if p == nil {
		return nil
	}
	return &Reports{tracer: p.Tracer(Scope), of: of, known: map[string]string{}}
}

// Applied makes the span of reports about one batch, from when the first of them came in until now. applied is how many of
// them said something new. Where a job's trace can't be had there is no span.
func (r *Reports) Applied(ctx context.Context, account, job string, batch int, since time.Time, reports, applied int) {
	if r == nil {
		return
	}
	below, sampled := Below(context.Background(), r.traceOf(ctx, job))
	if !sampled {
		return
	}
	_, span := r.tracer.Start(below, "report", trace.WithSpanKind(trace.SpanKindConsumer), trace.WithTimestamp(since), trace.WithAttributes(
		Account.String(account), Job.String(job), Batch.Int(batch), ReportCount.Int(reports), Applied.Int(applied),
	))
	span.End()
}

func (r *Reports) traceOf(ctx context.Context, job string) string {
	r.mu.Lock()
	parent, found := r.known[job]
	r.mu.Unlock()
	if found {
		return parent
	}
	parent, err := r.of(ctx, job)
	if err != nil {
		return ""
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.known) >= maxKnown {
		clear(r.known)
	}
	r.known[job] = parent
	return parent
}
