package worker_test

import (
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/worker"
)

// lines are those about calls.
func (s *system) lines() []map[string]any {
	var out []map[string]any
	for _, e := range s.logs.FilterMessage("call").All() {
		m := e.ContextMap()
		m["level"] = e.Level
		out = append(out, m)
	}
	return out
}

// TestLog_OneLineACall: each call is one line, with what it came to, what is done about it and why, whatever it came to.
func TestLog_OneLineACall(t *testing.T) {
	g := &gateway{limits: providers.Limits{Recipients: 10}}
	g.answer = func(n int, c providers.Call) []providers.Result {
		switch n {
		case 1:
			return fail(c, providers.Unavailable)
		case 2:
			return fail(c, providers.Throttled)
		case 3:
			r := providers.All(len(c.Recipients), providers.Result{ID: "x"})
			for i := range r[:3] {
				r[i].Err = &providers.Error{Kind: providers.Again, Provider: "fake"}
			}
			r[3].Err = &providers.Error{Kind: providers.Rejected, Provider: "fake", Code: "12"}
			r[3].Code = "12"
			return r
		case 4:
			return fail(c, providers.Unknown)
		}
		return nil
	}
	s := newSystem(t, worker.Account{Name: "a", Provider: "fake", Adapter: g, Concurrency: 1})
	s.start()
	job := s.enqueue(enqueue.Job{Via: "a", Text: "Hi", Recipients: numbers(5)}).JobID
	s.completed(job)
	second := s.enqueue(enqueue.Job{Via: "a", Text: "Hi", Recipients: numbers(2)}).JobID
	s.completed(second)
	want := []struct {
		level          zapcore.Level
		kind, decision string
		recipients     int64
		attempt        int64
		outcomes       map[string]any
	}{
		{zap.WarnLevel, "unavailable", "send_again", 5, 1, map[string]any{"queued": int64(5)}},
		{zap.InfoLevel, "throttled", "wait", 5, 2, map[string]any{"queued": int64(5)}},
		{zap.InfoLevel, "rejected", "reject", 5, 2, map[string]any{"accepted": int64(1), "rejected": int64(1), "queued": int64(3)}},
		{zap.WarnLevel, "unknown", "hold", 3, 2, map[string]any{"unknown": int64(3)}},
		{zap.DebugLevel, "accepted", "record", 2, 1, map[string]any{"accepted": int64(2)}},
	}
	got := s.lines()
	if len(got) != len(want) {
		t.Fatalf("%d lines for %d calls: %v", len(got), g.count(), got)
	}
	for i, w := range want {
		l := got[i]
		if l["level"] != w.level || l["kind"] != w.kind || l["decision"] != w.decision || l["recipients"] != w.recipients || l["attempt"] != w.attempt {
			t.Errorf("line %d is %v, want %+v", i+1, l, w)
		}
		out, _ := l["outcomes"].(map[string]any)
		if len(out) != len(w.outcomes) {
			t.Errorf("line %d has the outcomes %v", i+1, out)
		}
		for state, n := range w.outcomes {
			if out[state] != n {
				t.Errorf("line %d: %v are %s, want %v", i+1, out[state], state, n)
			}
		}
		id := job
		if i == 4 {
			id = second
		}
		if l["account"] != "a" || l["provider"] != "fake" || l["job"] != id || l["batch"] != int64(0) || l["why"] == "" || l["latency"] == nil {
			t.Errorf("line %d is %v", i+1, l)
		}
	}
	if got[2]["code"] != "12" || got[2]["error"] == nil {
		t.Errorf("the refusal's line is %v", got[2])
	}
}

func TestLog_AllCalls(t *testing.T) {
	s := newSystem(t, worker.Account{Name: "a", Adapter: &gateway{}})
	s.opts.LogCalls = true
	s.start()
	s.completed(s.enqueue(enqueue.Job{Via: "a", Text: "Hi", Recipients: numbers(1)}).JobID)
	if l := s.lines(); len(l) != 1 || l[0]["level"] != zap.InfoLevel {
		t.Errorf("the lines are %v", l)
	}
}
