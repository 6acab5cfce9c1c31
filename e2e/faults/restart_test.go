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
	r.enqueue(plain, size.many)
	for range 3 {
		r.seat(addr).live()
	}
	stopped := 0
	for range size.rounds {
		for _, s := range r.seats {
			for r.numbers-r.judge.sum() < size.many {
				r.enqueue(plain, size.many) // so that the stop is under load, however long it takes
			}
			r.sent(r.judge.sum() + 1)
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
	t.Logf("%d workers were replaced", stopped)
	r.steady(r.books())
	r.stop()
	r.recorded()
}
