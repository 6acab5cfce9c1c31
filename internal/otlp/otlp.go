// Package otlp sends spans to an OpenTelemetry collector, by OTLP over HTTP.
package otlp

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// Wanted reports whether spans are to be sent: endpoint is given, or the standard environment variables name one and do
// not switch it off.
func Wanted(endpoint string) bool {
	if os.Getenv("OTEL_SDK_DISABLED") == "true" || os.Getenv("OTEL_TRACES_EXPORTER") == "none" {
		return false
	}
	return endpoint != "" || os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != "" || os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") != ""
}

// closeTimeout bounds the sending of what is left at the end.
const closeTimeout = 2 * time.Second

// Provider makes spans and sends them, some at a time, in the background. When the collector does not keep up or is away
// spans are dropped; nothing waits for it.
type Provider struct{ *sdktrace.TracerProvider }

// New returns a Provider. endpoint is where to send to, such as http://127.0.0.1:4318, without /v1/traces; when it is empty the standard
// environment variables (OTEL_EXPORTER_OTLP_…) say it. They also say everything else: headers, certificates, sampling, and
// attributes of the resource. service names the process, failed is told what goes wrong, for all Providers of the process.
func New(ctx context.Context, endpoint, service, version string, failed func(error)) (*Provider, error) {
	var opts []otlptracehttp.Option
	if endpoint != "" {
		opts = append(opts, otlptracehttp.WithEndpointURL(strings.TrimRight(endpoint, "/")+"/v1/traces"))
	}
	exporter, err := otlptracehttp.New(ctx, opts...)
	if err != nil {
		return nil, fmt.Errorf("tracing: %w", err)
	}
	// What the environment says goes over it.
	res, err := resource.New(ctx, resource.WithAttributes(attribute.String("service.name", service), attribute.String("service.version", version)),
		resource.WithTelemetrySDK(), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("tracing: %w", err)
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(failed))
	return &Provider{sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(res))}, nil
}

// Close sends what is left, for some seconds at most.
func (p *Provider) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	return p.Shutdown(ctx)
}
