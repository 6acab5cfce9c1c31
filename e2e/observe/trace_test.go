package observe_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/volleysms/volley/e2e/world"
	"github.com/volleysms/volley/internal/redistest"
	"github.com/volleysms/volley/providers/providertest/gateway"
)

// collector takes spans by OTLP over HTTP.
type collector struct {
	*httptest.Server
	t *testing.T

	mu    sync.Mutex
	spans map[string][]*tracepb.Span // by name
	raw   bytes.Buffer
}

func newCollector(t *testing.T) *collector {
	t.Helper()
	c := &collector{t: t, spans: map[string][]*tracepb.Span{}}
	c.Server = httptest.NewServer(c)
	t.Cleanup(c.Close)
	return c
}

// ServeHTTP implements http.Handler.
func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var req coltrace.ExportTraceServiceRequest
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = proto.Unmarshal(body, &req)
	}
	if err != nil || r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/x-protobuf" {
		c.t.Errorf("%s %s of %s: %v", r.Method, r.URL.Path, r.Header.Get("Content-Type"), err)
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.raw.Write(body)
	for _, rs := range req.ResourceSpans {
		for _, ss := range rs.ScopeSpans {
			for _, s := range ss.Spans {
				c.spans[s.Name] = append(c.spans[s.Name], s)
			}
		}
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
}

// one is the span of a name that is in a trace; nil when there is none yet.
func (c *collector) one(name string, trace []byte) *tracepb.Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.spans[name] {
		if trace == nil || bytes.Equal(s.TraceId, trace) {
			return s
		}
	}
	return nil
}

// attribute is the value of a span's attribute, in words.
func attribute(s *tracepb.Span, key string) string {
	for _, a := range s.Attributes {
		if a.Key != key {
			continue
		}
		if n, ok := a.Value.Value.(*commonpb.AnyValue_IntValue); ok {
			return strconv.FormatInt(n.IntValue, 10)
		}
		return a.Value.GetStringValue()
	}
	return ""
}

// TestTrace: one trace goes from volley send through the worker's batch and call to the report that callbacks took, and no span
// holds a number, a text or a credential.
func TestTrace(t *testing.T) {
	c := newCollector(t)
	g := gateway.New(gateway.GatewayAPI{}, gateway.Options{Reports: gateway.ReportPlan{On: true}})
	if err := g.Start(""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close() })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	pushes := l.Addr().String()
	l.Close()
	var b strings.Builder
	fmt.Fprintf(&b, "redis: {url: 'redis://%s/0'}\ntracing: {otlp: '%s'}\ncallbacks: {public_url: 'http://%s', listen: '%s', secret: a-secret-for-tests}\naccounts:\n  dk:\n    provider: gatewayapi\n    base_url: %s\n",
		redistest.Start(t), c.URL, pushes, pushes, g.URL())
	secrets := append([]string{"a-secret-for-tests", "A text", "Acme"}, people...)
	for k, v := range g.Dialect().Account() {
		if k == "provider" {
			continue
		}
		fmt.Fprintf(&b, "    %s: %q\n", k, v)
		secrets = append(secrets, v)
	}
	o := world.New(t, b.String())
	worker, callbacks := o.Start("worker"), o.Start("callbacks")
	o.Eventually("the roles to be ready", func() bool {
		return strings.Contains(worker.Log(), "worker is ready") && strings.Contains(callbacks.Log(), "callbacks are taken")
	})
	var r struct {
		JobID string `json:"job_id"`
	}
	args := []string{"send", "--via", "dk", "--from", "Acme", "--text", "A text"}
	for _, n := range people {
		args = append(args, "--to", n)
	}
	o.JSON(&r, args...)
	root := c.one("enqueue", nil)
	if root == nil {
		t.Fatal("volley send has ended, and its span is not there")
	}
	if len(root.ParentSpanId) != 0 || attribute(root, "volley.job") != r.JobID || attribute(root, "volley.recipients") != "3" {
		t.Errorf("the job's span is %v", root)
	}
	spans := map[string]*tracepb.Span{}
	o.Eventually("the whole trace", func() bool {
		for _, name := range []string{"batch", "call", "report"} {
			spans[name] = c.one(name, root.TraceId)
		}
		return spans["batch"] != nil && spans["call"] != nil && spans["report"] != nil
	})
	for name, parent := range map[string]*tracepb.Span{"batch": root, "call": spans["batch"], "report": root} {
		s := spans[name]
		if !bytes.Equal(s.ParentSpanId, parent.SpanId) {
			t.Errorf("%s is below %s, want %s", name, hex.EncodeToString(s.ParentSpanId), parent.Name)
		}
		if attribute(s, "volley.job") != r.JobID || attribute(s, "volley.account") != "dk" {
			t.Errorf("%s is of the job %q at %q", name, attribute(s, "volley.job"), attribute(s, "volley.account"))
		}
		if s.StartTimeUnixNano > s.EndTimeUnixNano || s.StartTimeUnixNano < root.StartTimeUnixNano {
			t.Errorf("%s is from %d to %d, the job's from %d", name, s.StartTimeUnixNano, s.EndTimeUnixNano, root.StartTimeUnixNano)
		}
	}
	if call := spans["call"]; attribute(call, "volley.kind") != "accepted" || attribute(call, "volley.decision") != "record" || attribute(call, "volley.recipients") != "3" {
		t.Errorf("the call's span is %v", call)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, secret := range secrets {
		if bytes.Contains(c.raw.Bytes(), []byte(secret)) {
			t.Errorf("%q is in a span", secret)
		}
	}
}
