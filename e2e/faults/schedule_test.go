package faults_test

import (
	"testing"
	"time"

	"github.com/volleysms/volley/internal/redistest"
)

// TestDeathBeforeTheTime kills a worker that holds batches ready whose time has not come. The others send them, none
// before its time, and nobody is unknown.
func TestDeathBeforeTheTime(t *testing.T) {
	t.Parallel()
	const jobs, each = 40, 3
	addr := redistest.Start(t)
	r := newRig(t, "redis://"+addr+"/0")
	at := time.Now().Add(8 * time.Second)
	for range jobs {
		r.schedule(plain, each, at)
	}
	r.seat(addr).start(newLife(afterTake, jobs/4))
	r.until("the worker's death", func() bool { return r.seats[0].now.ended() })
	if !time.Now().Before(at) {
		t.Fatal("it had nothing before the time")
	}
	r.seat(addr).live()
	for time.Now().Before(at.Add(-50 * time.Millisecond)) {
		if n := r.judge.sum(); n > 0 {
			t.Fatalf("%d were sent %v before their time", n, time.Until(at))
		}
		time.Sleep(20 * time.Millisecond)
	}
	if f := r.survived(1); f.Unknown > 0 || f.Accepted != jobs*each {
		t.Errorf("counts %+v", f.Counts)
	}
}
