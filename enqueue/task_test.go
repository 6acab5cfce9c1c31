package enqueue_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/internal/task"
)

func TestEnqueue_OneTaskHoweverManyBatches(t *testing.T) {
	for _, n := range []int{1, 10, 11, 500} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			r := newRig(t, enqueue.Options{BatchSize: 10})
			got, err := r.client.Enqueue(t.Context(), job("", numbered(n)...))
			if err != nil {
				t.Fatal(err)
			}
			tasks := r.tasks(t, "dk")
			if len(tasks) != 1 {
				t.Fatalf("got %d tasks, want 1", len(tasks))
			}
			ref, err := task.Parse(tasks[0].Payload)
			if err != nil || ref != (task.Ref{Job: got.JobID}) {
				t.Errorf("got %+v, %v; want batch 0 of %s", ref, err, got.JobID)
			}
			if got.Batches != (n+9)/10 || got.State != enqueue.Queued {
				t.Errorf("got %d batches, state %s", got.Batches, got.State)
			}
		})
	}
}

func TestEnqueue_TheQueueKnowsNothingOfPeople(t *testing.T) {
	r := newRig(t, enqueue.Options{})
	j := job("personal-key", enqueue.Recipient{To: "4500000001", Ref: "customer-7", Values: []string{"Ada"}})
	j.Text, j.Fields, j.Label = "Secret for {{name}}", []string{"name"}, "spring"
	if _, err := r.client.Enqueue(t.Context(), j); err != nil {
		t.Fatal(err)
	}
	var queue bytes.Buffer // all keys of asynq with their values
	inQueue := false
	for _, line := range strings.SplitAfter(r.mr.Dump(), "\n") {
		if strings.HasPrefix(line, "- ") {
			inQueue = strings.HasPrefix(line, "- asynq:")
		}
		if inQueue {
			queue.WriteString(line)
		}
	}
	if !strings.Contains(queue.String(), string(r.tasks(t, "dk")[0].ID)) {
		t.Fatalf("the task is not in\n%s", queue.String())
	}
	for _, private := range []string{"4500000001", "00000001", "customer-7", "Ada", "Secret", "name", "Acme", "spring", "personal-key"} {
		if strings.Contains(queue.String(), private) {
			t.Errorf("%q is in\n%s", private, queue.String())
		}
	}
}

func TestEnqueue_Scheduled(t *testing.T) {
	const ahead = 36 * time.Hour
	tests := map[string]func(*enqueue.Job){
		"At":         func(j *enqueue.Job) { j.At = time.Now().Add(ahead) },
		"AtInAZone":  func(j *enqueue.Job) { j.At = time.Now().Add(ahead).In(time.FixedZone("", 5*3600)) },
		"Delay":      func(j *enqueue.Job) { j.Delay = ahead },
		"ManyAtOnce": func(j *enqueue.Job) { j.Delay, j.Recipients = ahead, numbered(100) },
	}
	for name, schedule := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, enqueue.Options{BatchSize: 10})
			j := job("", to("4500000001")...)
			earliest := time.Now().Add(ahead).Truncate(time.Millisecond)
			schedule(&j)
			got, err := r.client.Enqueue(t.Context(), j)
			if err != nil {
				t.Fatal(err)
			}
			latest := time.Now().Add(ahead)
			if got.State != enqueue.Scheduled || got.ScheduleAt == nil || got.ScheduleAt.Before(earliest) || got.ScheduleAt.After(latest) {
				t.Fatalf("got state %s, %v; want scheduled between %v and %v", got.State, got.ScheduleAt, earliest, latest)
			}
			tasks := r.tasks(t, "dk")
			if len(tasks) != 1 {
				t.Fatalf("got %d tasks, want 1", len(tasks))
			}
			if got, want := tasks[0].NextProcessAt.Unix(), got.ScheduleAt.Add(-task.Ahead).Unix(); got != want {
				t.Errorf("the task is due at %d, want %d", got, want)
			}
			s, err := r.client.Status(t.Context(), got.JobID)
			if err != nil || s.State != enqueue.Scheduled || s.ScheduleAt == nil || !s.ScheduleAt.Equal(*got.ScheduleAt) {
				t.Errorf("got status %+v, %v", s, err)
			}
		})
	}
}

func TestStatus(t *testing.T) {
	r := newRig(t, enqueue.Options{BatchSize: 2})
	j := job("", to("4500000001", "x", "4500000002", "4500000003")...)
	j.Label = "spring"
	before := time.Now().Truncate(time.Millisecond)
	got, err := r.client.Enqueue(t.Context(), j)
	if err != nil {
		t.Fatal(err)
	}
	s, err := r.client.Status(t.Context(), got.JobID)
	if err != nil {
		t.Fatal(err)
	}
	if s.CreatedAt.Before(before) || s.CreatedAt.After(time.Now()) || s.CreatedAt.Location() != time.UTC {
		t.Errorf("got created_at %v", s.CreatedAt)
	}
	s.CreatedAt = time.Time{}
	if want := (enqueue.Status{
		JobID: got.JobID, Via: "dk", Label: "spring", State: enqueue.Queued, Counts: enqueue.Counts{Total: 4, Queued: 3, Rejected: 1},
	}); s != want {
		t.Errorf("got %+v, want %+v", s, want)
	}

	r.finish(t, got.JobID)
	s, err = r.client.Status(t.Context(), got.JobID)
	if err != nil {
		t.Fatal(err)
	}
	if s.State != enqueue.Completed || s.CompletedAt == nil || s.Counts != (enqueue.Counts{Total: 4, Accepted: 3, Rejected: 1}) {
		t.Errorf("got %+v", s)
	}
	for _, o := range r.outcomes(t, got.JobID) {
		if want := map[bool]string{true: "rejected", false: "accepted"}[o.Row == 2]; o.Status != want {
			t.Errorf("row %d: got %s, want %s", o.Row, o.Status, want)
		}
	}
}

func TestClient_UnknownJobIsErrNotFound(t *testing.T) {
	r := newRig(t, enqueue.Options{})
	for _, id := range []string{"", "nothing", strings.Repeat("x", 1000)} {
		if _, err := r.client.Status(t.Context(), id); !errors.Is(err, enqueue.ErrNotFound) {
			t.Errorf("Status(%.10q): got error %v", id, err)
		}
		for _, err := range r.client.Outcomes(t.Context(), id) {
			if !errors.Is(err, enqueue.ErrNotFound) {
				t.Errorf("Outcomes(%.10q): got error %v", id, err)
			}
		}
	}
}

func TestClient_CloseLeavesTheApplicationsConnectionOpen(t *testing.T) {
	r := newRig(t, enqueue.Options{})
	if err := r.client.Close(); err != nil {
		t.Fatal(err)
	}
	if err := r.rdb.Ping(t.Context()).Err(); err != nil {
		t.Errorf("the connection is closed: %v", err)
	}

	own, err := enqueue.Open("redis://"+r.mr.Addr()+"/0", enqueue.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := own.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := own.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := own.Status(t.Context(), "J"); !errors.Is(err, redis.ErrClosed) {
		t.Errorf("got error %v after Close, want redis.ErrClosed", err)
	}
}

func TestStatus_EachStateIsCountedAsItself(t *testing.T) {
	r := newRig(t, enqueue.Options{})
	got, err := r.client.Enqueue(t.Context(), job("", numbered(66)...))
	if err != nil {
		t.Fatal(err)
	}
	held, err := r.ledger.Take(t.Context(), got.JobID, 0, "worker/1", "")
	if err != nil {
		t.Fatal(err)
	}
	c, at := &ledger.Commit{Seq: 1, Via: -1}, 0
	var states []string
	for s := range ledger.State(ledger.NumStates) {
		for range s + 1 { // one queued, two sending, ...
			c.Records.Set(at, ledger.Queued, ledger.Record{State: s})
			states = append(states, s.String())
			at++
		}
	}
	if _, _, err := r.ledger.Commit(t.Context(), &held, c); err != nil {
		t.Fatal(err)
	}
	if got, want := r.counts(t, got.JobID), (enqueue.Counts{
		Total: 66, Queued: 1, Sending: 2, Accepted: 3, Delivered: 4, Undelivered: 5, Rejected: 6, Failed: 7, Expired: 8,
		Cancelled: 9, Suppressed: 10, Unknown: 11,
	}); got != want {
		t.Errorf("got counts %+v, want %+v", got, want)
	}
	for i, o := range r.outcomes(t, got.JobID) {
		if o.Status != states[i] {
			t.Errorf("row %d: got %s, want %s", o.Row, o.Status, states[i])
		}
	}
}
