package worker_test

import (
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/internal/task"
	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/worker"
)

// clean fails the test unless the job's books are.
func (s *system) clean(job string) {
	s.t.Helper()
	problems, err := ledger.New(s.rdb()).Audit(s.t.Context(), job)
	if err != nil || len(problems) > 0 {
		s.t.Errorf("the books: %q, %v", problems, err)
	}
}

// paced is a gateway that lets one call through for each value on the channel.
func paced(recipients int) (*gateway, chan struct{}) {
	next := make(chan struct{})
	return &gateway{limits: providers.Limits{Recipients: recipients}, answer: func(int, providers.Call) []providers.Result {
		<-next
		return nil
	}}, next
}

func TestWorker_Control(t *testing.T) {
	t.Run("APausedJobMakesNoFurtherCallAndGoesOnWhenResumed", func(t *testing.T) {
		g, next := paced(10)
		s := newSystem(t, worker.Account{Name: "a", Adapter: g, Concurrency: 2})
		stop := s.start()
		r := s.enqueue(enqueue.Job{Via: "a", Text: "Hi", Recipients: numbers(5000)})
		for range 20 {
			next <- struct{}{}
		}
		if _, err := s.client.Pause(t.Context(), r.JobID, enqueue.Ask{Reason: "lunch"}); err != nil {
			t.Fatal(err)
		}
		n := g.count()
		close(next)
		st := s.until(r.JobID, "quiet", func(st enqueue.Status) bool { return st.Counts.Sending == 0 })
		if st.State != enqueue.Paused || g.count() > n+2 { // two lanes may have been on their way
			t.Errorf("state %s; %d calls at the pause, %d after it", st.State, n, g.count())
		}
		s.clean(r.JobID)
		stop() // whatever was waiting in the process, the ledger has it
		s.start()
		if _, err := s.client.Resume(t.Context(), r.JobID, enqueue.Ask{}); err != nil {
			t.Fatal(err)
		}
		if st := s.completed(r.JobID); st.Counts.Accepted != 5000 || len(g.twice()) > 0 {
			t.Errorf("counts %+v, twice: %v", st.Counts, g.twice())
		}
		s.clean(r.JobID)
	})
	t.Run("ABatchThatComesUpWhilePausedIsTakenAgainByTheSameWorker", func(t *testing.T) {
		g := &gateway{limits: providers.Limits{Recipients: 10}}
		s := newSystem(t, worker.Account{Name: "a", Adapter: g, Concurrency: 2})
		r := s.enqueue(enqueue.Job{Via: "a", Text: "Hi", Recipients: numbers(50)})
		if _, err := s.client.Pause(t.Context(), r.JobID, enqueue.Ask{}); err != nil {
			t.Fatal(err)
		}
		s.start()
		queues := asynq.NewInspectorFromRedisClient(s.rdb())
		s.eventually("looked at", func() bool {
			q, err := queues.GetQueueInfo(task.Queue("a", 0))
			return err == nil && q.Processed > 0 && q.Size == 0
		})
		if _, err := s.client.Resume(t.Context(), r.JobID, enqueue.Ask{}); err != nil {
			t.Fatal(err)
		}
		if st := s.completed(r.JobID); st.Counts.Accepted != 50 || g.count() != 5 {
			t.Errorf("counts %+v after %d calls", st.Counts, g.count())
		}
	})
	t.Run("ACancelledJobMakesNoFurtherCallAndCannotBeResumed", func(t *testing.T) {
		g, next := paced(10)
		s := newSystem(t, worker.Account{Name: "a", Adapter: g, Concurrency: 2})
		s.start()
		r := s.enqueue(enqueue.Job{Via: "a", Text: "Hi", Recipients: numbers(70_000)})
		for range 20 {
			next <- struct{}{}
		}
		if _, err := s.client.Cancel(t.Context(), r.JobID, enqueue.Ask{Reason: "wrong text"}); err != nil {
			t.Fatal(err)
		}
		n := g.count()
		close(next)
		st := s.until(r.JobID, "all cancelled", func(st enqueue.Status) bool { return st.Counts.Queued+st.Counts.Sending == 0 })
		if st.State != enqueue.Cancelled || g.count() > n+2 || st.Counts.Cancelled != 70_000-int64(len(g.taken)) {
			t.Errorf("state %s; %d calls at the cancel, %d after it; taken %d, counts %+v", st.State, n, g.count(), len(g.taken), st.Counts)
		}
		if _, err := s.client.Resume(t.Context(), r.JobID, enqueue.Ask{}); err == nil {
			t.Error("a cancelled job was resumed")
		}
		s.clean(r.JobID)
	})
	t.Run("AScheduledJobIsCancelledBeforeItsTime", func(t *testing.T) {
		g := &gateway{limits: providers.Limits{Recipients: 10}}
		s := newSystem(t, worker.Account{Name: "a", Adapter: g})
		s.start()
		r := s.enqueue(enqueue.Job{Via: "a", Text: "Hi", Recipients: numbers(2500), At: time.Now().Add(1200 * time.Millisecond)})
		n, err := s.client.Cancel(t.Context(), r.JobID, enqueue.Ask{})
		if err != nil || n != 2500 {
			t.Fatal(n, err)
		}
		after := s.enqueue(enqueue.Job{Via: "a", Text: "Hi", Recipients: numbers(1), At: time.Now().Add(2 * time.Second)})
		s.completed(after.JobID)
		if g.count() != 1 {
			t.Errorf("%d calls", g.count())
		}
		s.clean(r.JobID)
	})
	t.Run("RetrySendsToTheUnknownAndTheFailedAndNobodyElse", func(t *testing.T) {
		bad := true
		g := &gateway{limits: providers.Limits{Recipients: 1}, answer: func(_ int, c providers.Call) []providers.Result {
			switch to := c.Recipients[0].To.String(); {
			case bad && to[len(to)-1] == '3':
				return fail(c, providers.Unknown)
			case bad && to[len(to)-1] == '4':
				return fail(c, providers.Unavailable)
			case to[len(to)-1] == '5':
				return fail(c, providers.Rejected)
			}
			return nil
		}}
		s := newSystem(t, worker.Account{Name: "a", Adapter: g, Concurrency: 1})
		s.start()
		r := s.enqueue(enqueue.Job{Via: "a", Text: "Hi", Recipients: numbers(2100)})
		if st := s.completed(r.JobID); st.Counts.Unknown != 210 || st.Counts.Failed != 210 || st.Counts.Rejected != 210 {
			t.Fatalf("counts %+v", st.Counts)
		}
		s.clean(r.JobID)
		bad = false
		n, err := s.client.Retry(t.Context(), r.JobID, []string{"failed"}, enqueue.Ask{})
		if err != nil || n != 210 {
			t.Fatal(n, err)
		}
		st := s.until(r.JobID, "completed again", func(st enqueue.Status) bool {
			return st.State == enqueue.Completed && st.Counts.Failed == 0
		})
		if st.Counts.Unknown != 210 || st.Counts.Accepted != 1680 {
			t.Errorf("counts %+v", st.Counts)
		}
		if n, err := s.client.Retry(t.Context(), r.JobID, []string{"unknown", "failed"}, enqueue.Ask{}); err != nil || n != 210 {
			t.Fatal(n, err)
		}
		st = s.until(r.JobID, "completed again", func(st enqueue.Status) bool { return st.State == enqueue.Completed })
		if st.Counts.Accepted != 1890 || st.Counts.Rejected != 210 || len(g.twice()) > 0 {
			t.Errorf("counts %+v, twice %v", st.Counts, g.twice())
		}
		s.clean(r.JobID)
	})
}
