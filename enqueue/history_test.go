package enqueue_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/sms"
)

// told is a job's history, a line an entry: action, who, how many, and what else there is.
func (r *rig) told(tb testingT, job string) (lines []string) {
	tb.Helper()
	all, err := r.client.History(context.Background(), job)
	if err != nil {
		tb.Fatal(err)
	}
	for _, e := range all {
		changed := "?"
		if e.Changed != nil {
			changed = fmt.Sprint(*e.Changed)
		}
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s by %s: %s %s %s", e.Action, e.By, changed, e.Detail, e.Reason)))
	}
	return lines
}

func (r *rig) wantTold(t *testing.T, job string, want ...string) {
	t.Helper()
	if got := r.told(t, job); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestHistory(t *testing.T) {
	r := newRig(t, enqueue.Options{})
	ctx := t.Context()
	at := time.Now().Add(time.Hour).Truncate(time.Second)
	job := enqueue.Job{
		Via: "dk", From: "Acme", Text: "Hi", At: at, By: "app",
		Recipients: []enqueue.Recipient{{To: "4500000001", Ref: "r1"}, {To: "4500000002", Ref: "r2"}, {To: "4500000003", Ref: "r3"}, {To: "abc"}},
	}
	got, err := r.client.Enqueue(ctx, job)
	if err != nil {
		t.Fatal(err)
	}
	id := got.JobID
	ann, bob := enqueue.Ask{By: "ann", Reason: "wrong price"}, enqueue.Ask{By: "bob"}
	must := func(n int64, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(r.client.Pause(ctx, id, ann))
	must(r.client.Pause(ctx, id, bob)) // changes nothing
	must(r.client.CancelRef(ctx, id, "r1", bob))
	must(r.client.Resume(ctx, id, bob))
	must(r.client.Resume(ctx, id, ann))
	later := at.Add(time.Hour)
	must(0, r.client.Reschedule(ctx, id, later, ann))
	if err := r.client.Reschedule(ctx, id, time.Now().Add(-time.Hour), bob); err == nil {
		t.Error("a time that has passed was taken")
	}
	repl, err := r.client.Replace(ctx, id, "r2", enqueue.Replacement{To: "4500000009"}, bob)
	if err != nil {
		t.Fatal(err)
	}
	forgotten, err := sms.ParseMSISDN("4500000001")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.client.Forget(ctx, forgotten, ann); err != nil {
		t.Fatal(err)
	}
	must(r.client.Retry(ctx, id, []string{"failed", "unknown"}, bob))
	must(r.client.Cancel(ctx, id, ann))
	must(r.client.Cancel(ctx, id, bob))
	if _, err := r.client.Retry(ctx, id, []string{"failed"}, bob); !errors.Is(err, enqueue.ErrCancelled) {
		t.Errorf("got %v", err)
	}
	r.wantTold(
		t, id, "enqueue by app: 3", "pause by ann: 3  wrong price", "cancel-ref by bob: 1", "resume by bob: 2",
		"reschedule by ann: 3 to "+later.UTC().Format(time.RFC3339)+" wrong price", "replace by bob: 1 by job "+repl.JobID,
		"forget by ann: 1  wrong price", "retry by bob: 0 failed, unknown", "cancel by ann: 1  wrong price",
	)
	r.wantTold(t, repl.JobID, "enqueue by bob: 1")

	t.Run("who asks is bounded", func(t *testing.T) {
		var in *enqueue.InvalidError
		for _, ask := range []enqueue.Ask{{By: strings.Repeat("x", enqueue.MaxBy+1)}, {Reason: strings.Repeat("x", enqueue.MaxReason+1)}, {By: "\xff"}} {
			if _, err := r.client.Pause(ctx, id, ask); !errors.As(err, &in) {
				t.Errorf("%d bytes: got %v", len(ask.By)+len(ask.Reason), err)
			}
		}
	})
	t.Run("no such job", func(t *testing.T) {
		if _, err := r.client.History(ctx, "0197c1b2-7a4e-7000-8000-000000000000"); !errors.Is(err, enqueue.ErrNotFound) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("who repeats a job with another name has enqueued it", func(t *testing.T) {
		keyed := job
		keyed.Key, keyed.By = "k", "one"
		first, err := r.client.Enqueue(ctx, keyed)
		if err != nil {
			t.Fatal(err)
		}
		keyed.By = "two"
		again, err := r.client.Enqueue(ctx, keyed)
		if err != nil || !again.Duplicate || again.JobID != first.JobID {
			t.Errorf("got %+v, %v", again, err)
		}
	})
}

func TestRetry_States(t *testing.T) {
	r := newRig(t, enqueue.Options{})
	for _, state := range []string{"queued", "sending", "accepted", "delivered", "expired", "cancelled", "suppressed", "lost", ""} {
		var in *enqueue.InvalidError
		if _, err := r.client.Retry(t.Context(), "job", []string{"failed", state}, enqueue.Ask{}); !errors.As(err, &in) {
			t.Errorf("%q: got %v", state, err)
		}
	}
	if got := strings.Join(enqueue.RetriedStates(), " "); got != "undelivered rejected failed unknown" {
		t.Errorf("got %s", got)
	}
}
