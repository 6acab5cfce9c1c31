package main

import (
	"context"
	"sync"
	"time"

	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/config"
	"github.com/volleysms/volley/internal/otlp"
	"github.com/volleysms/volley/internal/tracing"
)

// tracer is the command's way to a collector; one without a provider makes no spans.
type tracer struct {
	mu       sync.Mutex
	provider *otlp.Provider
}

// quietTracing is how long nothing more is logged of a collector that is away.
const quietTracing = time.Minute

// trace makes spans from here on, if the configuration or the environment asks for it.
func (a *app) trace(ctx context.Context, cfg *config.Config) error {
	a.tracer.mu.Lock()
	defer a.tracer.mu.Unlock()
	if a.tracer.provider != nil || !otlp.Wanted(cfg.Tracing.OTLP) {
		return nil
	}
	var said time.Time
	var mu sync.Mutex
	p, err := otlp.New(ctx, cfg.Tracing.OTLP, "volley", version, func(err error) {
		mu.Lock()
		defer mu.Unlock()
		if now := time.Now(); now.Sub(said) >= quietTracing {
			said = now
			a.log.Warn("spans are dropped: the collector does not take them", zap.Error(err))
		}
	})
	if err != nil {
		return invalid("%w", err)
	}
	a.tracer.provider = p
	return nil
}

// spans is where spans are made; nil when none are.
func (t *tracer) spans() trace.TracerProvider {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.provider == nil {
		return nil
	}
	return t.provider
}

// close sends what is left.
func (t *tracer) close(log *zap.Logger) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.provider == nil {
		return
	}
	if err := t.provider.Close(); err != nil {
		log.Warn("the last spans were not sent", zap.Error(err))
	}
	t.provider = nil
}

// producer is what enqueue has to know of the configuration, with spans of what is enqueued when there are any.
func (a *app) producer(cfg *config.Config) enqueue.Options {
	o := producer(cfg)
	if p := a.tracer.spans(); p != nil {
		o.Tracer = enqueuing{p.Tracer(tracing.Scope)}
	}
	return o
}

// enqueuing makes a span of each job that is enqueued.
type enqueuing struct{ trace.Tracer }

// Start implements enqueue.Tracer.
func (e enqueuing) Start(ctx context.Context) (string, func(enqueue.Receipt, error)) {
	ctx, span := e.Tracer.Start(ctx, "enqueue", trace.WithSpanKind(trace.SpanKindProducer))
	return tracing.Traceparent(ctx), func(r enqueue.Receipt, err error) {
		span.SetAttributes(tracing.Job.String(r.JobID), tracing.Recipients.Int64(r.Queued))
		if err != nil {
			tracing.Failed(span, "not enqueued")
		}
		span.End()
	}
}
