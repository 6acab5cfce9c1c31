package worker

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/providers"
)

// turnsOf takes n calls and names the jobs that they are of.
func (q *ready) turnsOf(n int) string {
	var jobs []string
	for range n {
		q.await()
		jobs = append(jobs, q.take().part.Call.Text)
	}
	return strings.Join(jobs, " ")
}

func (q *ready) pushMany(job string, p providers.Priority, n int) {
	for range n {
		c := &call{}
		c.part.Call.Text = job
		q.push(job, p, c)
	}
}

func TestReady(t *testing.T) {
	t.Run("UrgentOnesAreNextHoweverManyWait", func(t *testing.T) {
		q := newReady()
		for _, job := range []string{"b1", "b2", "b3"} {
			q.pushMany(job, providers.Bulk, 100)
		}
		q.pushMany("n", providers.Normal, 100)
		q.turnsOf(10)
		q.pushMany("u1", providers.Urgent, 2)
		q.pushMany("u2", providers.Urgent, 1)
		if got, want := q.turnsOf(3), "u1 u2 u1"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
	t.Run("BulkGetsEveryFifthTurn", func(t *testing.T) {
		q := newReady()
		q.pushMany("b", providers.Bulk, 10)
		q.pushMany("n", providers.Normal, 10)
		if got, want := q.turnsOf(10), "n n n n b n n n n b"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
	t.Run("JobsOfAPriorityTakeTurns", func(t *testing.T) {
		q := newReady()
		q.pushMany("one", providers.Normal, 100)
		q.turnsOf(3)
		q.pushMany("two", providers.Normal, 100)
		q.pushMany("three", providers.Normal, 1)
		if got, want := q.turnsOf(6), "one two three one two one"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

// TestReady_Quiet: the last calls of a crowd are not made yet when no call waits for a lane any more.
func TestReady_Quiet(t *testing.T) {
	tests := map[string]struct {
		step func(q *ready)
		want bool
	}{
		"OneWaits":               {func(q *ready) { q.turnsOf(1) }, false},
		"NoneWaits":              {func(q *ready) { q.turnsOf(2) }, true},
		"TheLastIsBeingMade":     {func(q *ready) { q.makes(1); q.turnsOf(2) }, false},
		"AnotherIsBeingMade":     {func(q *ready) { q.makes(2); q.turnsOf(2); q.makes(-1) }, false},
		"AllHaveBeenMade":        {func(q *ready) { q.makes(2); q.turnsOf(2); q.makes(-1); q.makes(-1) }, true},
		"MadeWhileOneWaits":      {func(q *ready) { q.turnsOf(1); q.makes(1); q.makes(-1) }, false},
		"NothingIsMade":          {func(*ready) { time.Sleep(time.Minute) }, true},
		"NothingIsMadeForAWhile": {func(*ready) { time.Sleep(time.Minute - 1) }, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := newReady()
				q.pushMany("a", providers.Normal, 2)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				quiet := make(chan struct{})
				go func() { q.quiet(ctx, time.Minute); close(quiet) }()
				synctest.Wait()
				tt.step(q)
				synctest.Wait()
				select {
				case <-quiet:
					if !tt.want {
						t.Error("it is quiet before all calls are made")
					}
				default:
					if tt.want {
						t.Error("it is not quiet")
					}
				}
			})
		})
	}
}

// TestLane_TheTurnIsDecidedWhenACallMayBeMade: lanes that wait for a place have not taken a call of a campaign yet, so that an
// urgent one that comes meanwhile is the next of all.
func TestLane_TheTurnIsDecidedWhenACallMayBeMade(t *testing.T) {
	came, next := make(chan string), make(chan struct{})
	w := newIdle(t, Account{
		Concurrency: 8, Limits: Limits{InFlight: 1},
		Adapter: texts{func(text string) { came <- text; <-next }},
	})
	job := func(text string, p enqueue.Priority, n int) {
		t.Helper()
		to := make([]enqueue.Recipient, n)
		for i := range to {
			to[i].To = "45000000" + string(rune('0'+i/10)) + string(rune('0'+i%10))
		}
		if _, err := w.client.Enqueue(t.Context(), enqueue.Job{Via: "a", From: "Demo", Text: text, Priority: p, Recipients: to}); err != nil {
			t.Fatal(err)
		}
	}
	done := make(chan error, 1)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go func() { done <- w.Run(ctx) }()
	job("bulk", enqueue.Bulk, 50)
	for range 20 {
		<-came
		next <- struct{}{}
	}
	<-came
	job("urgent", enqueue.Urgent, 1)
	q := w.accounts[0].ready
	urgent, bulk := 0, 0
	for range 10_000 {
		q.mu.Lock()
		urgent, bulk = len(q.classes[0].turns), q.waiting-len(q.classes[0].turns)
		q.mu.Unlock()
		if urgent > 0 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if urgent != 1 || bulk != 29 {
		t.Errorf("%d urgent calls and %d of the campaign wait, want 1 and 29", urgent, bulk)
	}
	next <- struct{}{}
	if got := <-came; got != "urgent" {
		t.Errorf("the next call is a %s one", got)
	}
	close(next)
	for range 29 {
		<-came
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// texts is single, and tells the text of each call.
type texts struct{ send func(text string) }

func (texts) Limits() providers.Limits { return providers.Limits{Recipients: 1} }

func (a texts) Send(_ context.Context, c providers.Call) []providers.Result {
	a.send(c.Text)
	return providers.All(len(c.Recipients), providers.Result{ID: "1"})
}
