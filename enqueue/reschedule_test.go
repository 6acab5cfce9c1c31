package enqueue_test

import (
	"errors"
	"testing"
	"time"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/task"
)

func TestReschedule(t *testing.T) {
	r := newRig(t, enqueue.Options{})
	now := time.Now().Truncate(time.Second)
	j := job("", to("4500000001")...)
	j.At = now.Add(time.Hour)
	receipt, err := r.client.Enqueue(t.Context(), j)
	if err != nil {
		t.Fatal(err)
	}
	id := receipt.JobID
	for _, at := range []time.Time{now.Add(3 * time.Hour), now.Add(time.Minute), now.Add(2 * time.Hour)} {
		if err := r.client.Reschedule(t.Context(), id, at, enqueue.Ask{}); err != nil {
			t.Fatal(err)
		}
		tasks := r.tasks(t, "dk")
		if len(tasks) != 1 || !tasks[0].NextProcessAt.Equal(at.Add(-task.Ahead)) {
			t.Errorf("moved to %s, and the tasks are %+v", at, tasks)
		}
		if s, err := r.client.Status(t.Context(), id); err != nil || s.State != enqueue.Scheduled || !s.ScheduleAt.Equal(at) {
			t.Errorf("status %+v (%v), want it at %s", s, err, at)
		}
	}
	t.Run("NeverEarlier", func(t *testing.T) {
		// Whoever was handed the task by its old time is told the new one.
		begun, at, err := r.ledger.BeginSending(t.Context(), id, j.At.UnixMilli(), now.Add(2*time.Hour-time.Millisecond))
		if err != nil || begun || at != now.Add(2*time.Hour).UnixMilli() {
			t.Errorf("begun %v at %d (%v)", begun, at, err)
		}
	})
	t.Run("Invalid", func(t *testing.T) {
		var in *enqueue.InvalidError
		for _, at := range []time.Time{now.Add(-time.Second), now.Add(3 * 366 * 24 * time.Hour)} {
			if err := r.client.Reschedule(t.Context(), id, at, enqueue.Ask{}); !errors.As(err, &in) {
				t.Errorf("%s: %v", at, err)
			}
		}
		receipt, err := r.client.Enqueue(t.Context(), job("", to("4500000002")...))
		if err != nil {
			t.Fatal(err)
		}
		if err := r.client.Reschedule(t.Context(), receipt.JobID, now.Add(time.Hour), enqueue.Ask{}); !errors.As(err, &in) {
			t.Errorf("a job without a time: %v", err)
		}
	})
	t.Run("Listed", func(t *testing.T) {
		early := job("", to("4500000003")...)
		early.Delay = time.Hour
		receipt, err := r.client.Enqueue(t.Context(), early)
		if err != nil {
			t.Fatal(err)
		}
		list, err := r.client.Scheduled(t.Context(), 10)
		if err != nil || len(list) != 2 || list[0].JobID != receipt.JobID || list[1].JobID != id {
			t.Errorf("got %+v (%v)", list, err)
		}
		if list, err := r.client.Scheduled(t.Context(), 1); err != nil || len(list) != 1 {
			t.Errorf("one of them: %+v (%v)", list, err)
		}
	})
	t.Run("NotOnceItHasStarted", func(t *testing.T) {
		begun, _, err := r.ledger.BeginSending(t.Context(), id, j.At.UnixMilli(), now.Add(2*time.Hour))
		if err != nil || !begun {
			t.Fatalf("begun %v (%v)", begun, err)
		}
		if err := r.client.Reschedule(t.Context(), id, now.Add(5*time.Hour), enqueue.Ask{}); !errors.Is(err, enqueue.ErrBegun) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("NotOnceItIsCancelled", func(t *testing.T) {
		if _, err := r.client.Cancel(t.Context(), id, enqueue.Ask{}); err != nil {
			t.Fatal(err)
		}
		if err := r.client.Reschedule(t.Context(), id, now.Add(5*time.Hour), enqueue.Ask{}); !errors.Is(err, enqueue.ErrCancelled) {
			t.Errorf("got %v", err)
		}
	})
	if err := r.client.Reschedule(t.Context(), "0197c1b2-7a4e-7000-8000-000000000000", now.Add(time.Hour), enqueue.Ask{}); !errors.Is(err, enqueue.ErrNotFound) {
		t.Errorf("no such job: %v", err)
	}
}
