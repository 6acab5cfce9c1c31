package worker_test

import (
	"testing"
	"time"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/worker"
)

func TestReschedule(t *testing.T) {
	type sent struct {
		text string
		at   time.Time
	}
	calls := make(chan sent, 10)
	g := &gateway{limits: providers.Limits{Recipients: 1}, answer: func(_ int, c providers.Call) []providers.Result {
		calls <- sent{c.Recipients[0].Text + c.Text, time.Now()}
		return nil
	}}
	s := newSystem(t, worker.Account{Name: "a", Adapter: g})
	defer s.start()()
	move := func(text string, from, to time.Duration) (at time.Time) {
		t.Helper()
		r := s.enqueue(enqueue.Job{Via: "a", From: "Demo", Text: text, Delay: from, Recipients: numbers(1)})
		at = time.Now().Add(to)
		if err := s.client.Reschedule(t.Context(), r.JobID, at, enqueue.Ask{}); err != nil {
			t.Fatal(err)
		}
		return at
	}
	due := map[string]time.Time{
		"later":   move("later", 2*time.Second, 3*time.Second),
		"earlier": move("earlier", time.Hour, time.Second),
	}
	for range 2 {
		got := <-calls
		if at, ok := due[got.text]; !ok || got.at.Before(at.Truncate(time.Millisecond)) {
			t.Errorf("%q was sent %v too early, or twice", got.text, at.Sub(got.at))
		}
		delete(due, got.text)
	}
	if n := len(calls); n > 0 {
		t.Errorf("%d calls more than messages", n)
	}
}
