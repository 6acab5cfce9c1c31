package worker_test

import (
	"testing"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/worker"
)

func TestWorker_Run(t *testing.T) {
	t.Run("EveryRecipientIsSentOnceAndAccepted", func(t *testing.T) {
		g := &gateway{limits: providers.Limits{Recipients: 250}}
		s := newSystem(t, worker.Account{Name: "a", Provider: "fake", Adapter: g})
		s.start()
		r := s.enqueue(enqueue.Job{Via: "a", From: "Demo", Text: "Hi", Recipients: numbers(70_500)})
		st := s.completed(r.JobID)
		if st.Counts.Accepted != 70_500 || st.Counts.Total != 70_500 {
			t.Errorf("counts %+v", st.Counts)
		}
		if len(g.taken) != 70_500 {
			t.Errorf("taken %d", len(g.taken))
		}
		for to, n := range g.taken {
			if n != 1 {
				t.Errorf("%s was taken %d times", to, n)
			}
		}
		for to, o := range s.outcomes(r.JobID) {
			if o.Status != "accepted" || o.Account != "a" || o.ProviderMessageID == "" || o.Attempts != 1 {
				t.Fatalf("%s: %+v", to, o)
			}
		}
	})
}
