package worker

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/internal/tracing"
	"github.com/volleysms/volley/providers"
)

// verdict is what a call came to and what is done about it: the call's line in the log, and the end of its span.
type verdict struct {
	kind     providers.Kind    // the gravest there is
	res      *providers.Result // an example of it
	decision string
	why      string
	pause    time.Duration // until those are sent again who are; 0 is at once, or when the account is well
	level    zapcore.Level
}

// gravest are the kinds in the order in which they stand for a call that has several.
var gravest = [...]providers.Kind{
	providers.Config, providers.Unknown, providers.Unavailable, providers.Throttled, providers.Rejected, providers.Invalid,
	providers.Split, providers.Again, accepted,
}

// verdictOf says what settle has decided.
func verdictOf(t *tally, next *retries, outcomes *ledger.Counts, pause time.Duration) verdict {
	var v verdict
	for _, k := range gravest {
		if t.of[k] != nil {
			v.kind, v.res = k, t.of[k]
			break
		}
	}
	v.level = zap.InfoLevel
	switch v.kind {
	case accepted:
		v.decision, v.why, v.level = "record", "the gateway took them", zap.DebugLevel
	case providers.Invalid, providers.Rejected:
		v.decision, v.why = "reject", "the gateway refused them for good"
	case providers.Throttled:
		v.decision, v.why = "wait", "the gateway wants fewer calls; this costs no attempt"
	case providers.Again:
		v.decision, v.why = "send_again", "the gateway refused others of the call; this costs no attempt"
	case providers.Split:
		v.decision, v.why = "halve", "the gateway refused the call as a whole; this costs no attempt"
		if len(next.split) == 0 {
			v.decision, v.why = "reject", "the gateway refused the call, and it has one recipient"
		}
	case providers.Config:
		v.decision, v.why, v.level = "wait", "the gateway refuses the account; this costs no attempt", zap.WarnLevel
	case providers.Unavailable:
		v.level = zap.WarnLevel
		switch {
		case len(next.later) > 0:
			v.decision, v.why, v.pause = "send_again", "the gateway did not take them, and attempts are left", pause
		case outcomes[ledger.Failed] > 0:
			v.decision, v.why = "fail", "the gateway did not take them, and attempts and accounts are used up"
		default:
			v.decision, v.why = "next_account", "the gateway did not take them, and attempts are used up"
		}
	default:
		v.level = zap.WarnLevel
		v.decision, v.why = "hold", "the gateway may have taken them"
		if outcomes[ledger.Unknown] == 0 {
			v.decision, v.why, v.pause = "send_again", "the gateway may have taken them, and at least once was asked for", pause
		}
	}
	return v
}

// tell writes the call's line to the log.
func (r *run) tell(c *call, v verdict, outcomes *ledger.Counts) {
	level := v.level
	if level == zap.DebugLevel && r.w.opts.LogCalls {
		level = zap.InfoLevel
	}
	line := r.w.log.Check(level, "call")
	if line == nil {
		return
	}
	fields := []zap.Field{
		zap.String("provider", r.a.provider), zap.String("account", r.a.name), zap.String("job", r.job.spec.ID), zap.Int("batch", r.held.Batch),
		zap.Int("recipients", len(c.part.Items)), zap.Int("attempt", c.attempt), zap.String("kind", kindName(v.kind)),
		zap.String("code", v.res.Code), zap.String("detail", v.res.Detail), zap.Duration("latency", c.took),
		zap.Object("outcomes", counted{outcomes}), zap.String("decision", v.decision), zap.String("why", v.why),
	}
	if v.pause > 0 {
		fields = append(fields, zap.Duration("pause", v.pause))
	}
	if v.res.Err != nil {
		fields = append(fields, zap.Error(v.res.Err))
	}
	line.Write(fields...)
}

// counted writes how many recipients got which outcome, without those that nobody got.
type counted struct{ *ledger.Counts }

// MarshalLogObject implements zapcore.ObjectMarshaler.
func (c counted) MarshalLogObject(enc zapcore.ObjectEncoder) error {
	for s, n := range c.Counts {
		if n > 0 {
			enc.AddInt64(ledger.State(s).String(), n)
		}
	}
	return nil
}

// traceBatch begins the span of a batch's stay in this process, below the one that the job came with, and returns what ends
// it. A job without one has none.
func (r *run) traceBatch() (end func()) {
	if r.w.tracer == nil {
		return func() {}
	}
	ctx, sampled := tracing.Below(context.Background(), r.job.spec.Trace)
	if !sampled {
		return func() {}
	}
	ctx, span := r.w.tracer.Start(ctx, "batch", trace.WithSpanKind(trace.SpanKindConsumer), trace.WithAttributes(
		tracing.Account.String(r.a.name), tracing.Provider.String(r.a.provider), tracing.Job.String(r.job.spec.ID),
		tracing.Batch.Int(r.held.Batch), tracing.Recipients.Int(len(r.records)),
	))
	r.traced = ctx
	return func() { span.End() }
}

// traceCall begins the span of a call that is about to be made.
func (r *run) traceCall(c *call) {
	if r.traced == nil {
		return
	}
	_, c.span = r.w.tracer.Start(r.traced, "call", trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
		tracing.Account.String(r.a.name), tracing.Provider.String(r.a.provider), tracing.Job.String(r.job.spec.ID), tracing.Batch.Int(r.held.Batch),
		tracing.Recipients.Int(len(c.part.Items)), tracing.Attempt.Int(c.attempt),
	))
}

// end ends the call's span. The gateway's own words are not in it: they may hold a number.
func (v *verdict) end(span trace.Span) {
	if span == nil {
		return
	}
	span.SetAttributes(tracing.Kind.String(kindName(v.kind)), tracing.Code.String(v.res.Code), tracing.Decision.String(v.decision))
	if v.kind != accepted {
		tracing.Failed(span, kindName(v.kind))
	}
	span.End()
}
