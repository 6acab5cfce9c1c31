package enqueue_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/ledger"
)

const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

// tracer is a Tracer that says what it is told to.
type tracer struct {
	says  string
	ended int
	err   error
}

func (r *tracer) Start(context.Context) (string, func(enqueue.Receipt, error)) {
	return r.says, func(_ enqueue.Receipt, err error) { r.ended, r.err = r.ended+1, err }
}

func TestEnqueue_Trace(t *testing.T) {
	tr := &tracer{says: parent}
	r := newRig(t, enqueue.Options{Tracer: tr})
	put := func(j enqueue.Job) (enqueue.Receipt, ledger.Spec) {
		t.Helper()
		j.Via, j.From, j.Text, j.Recipients = "dk", "Acme", "Hi", []enqueue.Recipient{{To: "4500000001"}}
		receipt, err := r.client.Enqueue(t.Context(), j)
		if err != nil {
			t.Fatal(err)
		}
		job, err := r.ledger.Job(t.Context(), receipt.JobID)
		if err != nil {
			t.Fatal(err)
		}
		return receipt, job.Spec
	}
	first, spec := put(enqueue.Job{Key: "k"})
	if spec.Trace != parent || tr.ended != 1 || tr.err != nil {
		t.Errorf("the job has the trace %q, the span ended %d times with %v", spec.Trace, tr.ended, tr.err)
	}
	// A repetition is another call, and still the same job.
	tr.says = strings.Replace(parent, "4b", "5b", 1)
	if again, spec := put(enqueue.Job{Key: "k"}); again.JobID != first.JobID || !again.Duplicate || spec.Trace != parent {
		t.Errorf("got %+v of trace %q", again, spec.Trace)
	}
	own := strings.Replace(parent, "4b", "6b", 1)
	if _, spec := put(enqueue.Job{Traceparent: own}); spec.Trace != own || tr.ended != 2 {
		t.Errorf("the application's own trace is %q, %d spans", spec.Trace, tr.ended)
	}
	tr.says = "nonsense"
	if _, spec := put(enqueue.Job{}); spec.Trace != "" {
		t.Errorf("nonsense is kept: %q", spec.Trace)
	}
	for _, wrong := range []string{
		"nonsense", strings.ToUpper(parent), parent + "-x", "01" + parent[2:], parent[:54], strings.Replace(parent, "f", "g", 1),
		"00-" + strings.Repeat("0", 32) + parent[35:], parent[:36] + strings.Repeat("0", 16) + "-01",
	} {
		_, err := r.client.Enqueue(t.Context(), enqueue.Job{Via: "dk", Text: "Hi", Traceparent: wrong})
		var bad *enqueue.InvalidError
		if !errors.As(err, &bad) || bad.Field != "traceparent" {
			t.Errorf("%q: got %v", wrong, err)
		}
	}
}
