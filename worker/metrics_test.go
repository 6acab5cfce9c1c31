package worker_test

import (
	"maps"
	"testing"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/worker"
)

// metric is the value of a metric with all the labels, of a histogram the number of its observations; it is -1 when
// there is none.
func (s *system) metric(name string, labels ...string) float64 {
	s.t.Helper()
	all, err := s.reg.Gather()
	if err != nil {
		s.t.Fatal(err)
	}
	want := map[string]string{}
	for i := 0; i < len(labels); i += 2 {
		want[labels[i]] = labels[i+1]
	}
	for _, f := range all {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			have := map[string]string{}
			for _, l := range m.GetLabel() {
				have[l.GetName()] = l.GetValue()
			}
			if maps.Equal(have, want) {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	return -1
}

func TestMetrics(t *testing.T) {
	var s *system
	inFlight := -1.0
	g := &gateway{limits: providers.Limits{Recipients: 10}}
	g.answer = func(n int, c providers.Call) []providers.Result {
		switch n {
		case 1:
			inFlight = s.metric("volley_calls_in_flight", "account", "a")
			return fail(c, providers.Unavailable)
		case 2:
			r := providers.All(len(c.Recipients), providers.Result{ID: "x"})
			r[0].Err = &providers.Error{Kind: providers.Rejected, Provider: "fake"}
			r[1].Err = &providers.Error{Kind: providers.Unknown, Provider: "fake", Code: "500"}
			r[2].Delivered = true
			return r
		}
		return nil
	}
	s = newSystem(t, worker.Account{Name: "a", Adapter: g, Concurrency: 1, Limits: worker.Limits{Calls: 1000}},
		worker.Account{Name: "idle", Adapter: &gateway{}})
	s.start()
	s.completed(s.enqueue(enqueue.Job{Via: "a", Text: "Hi", Recipients: numbers(4)}).JobID)
	for _, c := range []struct {
		name   string
		labels []string
		want   float64
	}{
		{"volley_calls_total", []string{"account", "a", "kind", "unavailable"}, 1},
		{"volley_calls_total", []string{"account", "a", "kind", "accepted"}, 1},
		{"volley_calls_total", []string{"account", "a", "kind", "rejected"}, 1},
		{"volley_calls_total", []string{"account", "a", "kind", "unknown"}, 1},
		{"volley_calls_total", []string{"account", "a", "kind", "config"}, 0},
		{"volley_recipients_total", []string{"account", "a", "outcome", "queued"}, 4},
		{"volley_recipients_total", []string{"account", "a", "outcome", "accepted"}, 1},
		{"volley_recipients_total", []string{"account", "a", "outcome", "delivered"}, 1},
		{"volley_recipients_total", []string{"account", "a", "outcome", "rejected"}, 1},
		{"volley_recipients_total", []string{"account", "a", "outcome", "unknown"}, 1},
		{"volley_call_seconds", []string{"account", "a"}, 2},
		{"volley_limiter_wait_seconds", []string{"account", "a"}, 2},
		{"volley_calls_in_flight", []string{"account", "a"}, 0},
		{"volley_account_suspended", []string{"account", "a"}, 0},
		{"volley_account_down", []string{"account", "a"}, 0},
		// An account is in the metrics before it has done anything.
		{"volley_calls_total", []string{"account", "idle", "kind", "accepted"}, 0},
		{"volley_account_suspended", []string{"account", "idle"}, 0},
		{"volley_call_seconds", []string{"account", "idle"}, 0},
	} {
		if got := s.metric(c.name, c.labels...); got != c.want {
			t.Errorf("%s%v is %v, want %v", c.name, c.labels, got, c.want)
		}
	}
	if inFlight != 1 {
		t.Errorf("during a call %v are in flight", inFlight)
	}
}
