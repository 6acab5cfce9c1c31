package enqueue_test

import (
	"errors"
	"iter"
	"testing"

	"github.com/volleysms/volley/enqueue"
)

func TestJobOfKey(t *testing.T) {
	r := newRig(t, enqueue.Options{BatchSize: 1})
	lookup := func() (string, error) { return r.client.JobOfKey(t.Context(), "k") }
	if id, err := lookup(); !errors.Is(err, enqueue.ErrNotFound) {
		t.Errorf("before: %q, %v", id, err)
	}
	broken := iter.Seq2[enqueue.Recipient, error](func(yield func(enqueue.Recipient, error) bool) {
		for _, n := range numbered(5) {
			if !yield(n, nil) {
				return
			}
		}
		yield(enqueue.Recipient{}, errors.New("broken off"))
	})
	if _, err := r.client.EnqueueStream(t.Context(), job("k"), broken); err == nil {
		t.Fatal("the stream did not break off")
	}
	if id, err := lookup(); !errors.Is(err, enqueue.ErrNotFound) {
		t.Errorf("half written: %q, %v", id, err)
	}
	receipt, err := r.client.Enqueue(t.Context(), job("k", numbered(5)...))
	if err != nil {
		t.Fatal(err)
	}
	if id, err := lookup(); err != nil || id != receipt.JobID {
		t.Errorf("then: %q, %v, want %q", id, err, receipt.JobID)
	}
}
