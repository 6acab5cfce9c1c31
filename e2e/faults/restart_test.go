package faults_test

import (
	"syscall"
	"testing"
	"time"

	"github.com/volleysms/volley/internal/redistest"
)

// TestRollingRestart replaces the workers one after the other while calls are slow, again and again: no call is cut off,
// so nobody is unknown.
func TestRollingRestart(t *testing.T) {
	t.Parallel()
	addr := redistest.Start(t)
	r := newRig(t, "redis://"+addr+"/0")
	r.accounts[0].at.latency = [2]time.Duration{200 * time.Millisecond, 500 * time.Millisecond}
	r.enqueue(plain, 3*size.many) // more than is sent before the last stop
	for range 3 {
		r.seat(addr).live()
	}
	stopped := 0
	for round := range size.rounds {
		for i, s := range r.seats {
			r.sent(size.many / (4*size.rounds + 1) * (3*round + i + 1))
			if code := s.proc.End(syscall.SIGTERM); code != 0 {
				t.Errorf("the worker ends with exit status %d:\n%s", code, s.proc.Log())
			}
			if left := s.now.onWire(); left != 0 {
				t.Errorf("it left %d recipients on the wire", left)
			}
			stopped++
			s.live()
		}
	}
	if r.judge.sum() == 3*size.many {
		t.Error("the campaign was through before the last stop: the stops were not under load")
	}
	t.Logf("%d workers were replaced", stopped)
	r.steady(r.books())
	r.stop()
	r.recorded()
}
