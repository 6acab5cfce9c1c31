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
	victim := r.seat(addr)
	var at time.Time
	var late int64 // unknown of the rounds in which the machine was too busy
	for rounds := 1; ; rounds++ {
		victim.start(newLife(afterTake, jobs/4))
		victim.ready()
		at = time.Now().Add(8 * time.Second)
		for range jobs {
			r.schedule(plain, each, at)
		}
		r.until("the worker's death", victim.now.ended)
		if time.Now().Before(at) {
			t.Logf("round %d", rounds)
			break
		}
		r.until("the late ones to be sent", func() bool { // the machine was too busy: it died when they were due
			if victim.now.ended() {
				victim.live()
			}
			return r.completed()
		})
		victim.proc.Kill()
		late = r.books().Unknown
	}
	before := r.judge.sum()
	r.seat(addr).live()
	for time.Now().Before(at.Add(-50 * time.Millisecond)) {
		if n := r.judge.sum() - before; n > 0 {
			t.Fatalf("%d were sent %v before their time", n, time.Until(at))
		}
		time.Sleep(20 * time.Millisecond)
	}
	if f := r.survived(1); f.Unknown != late || f.Accepted+late != f.Total {
		t.Errorf("counts %+v", f.Counts)
	}
}

// TestDeathInAThrong kills a worker that holds more jobs ready, all due at one moment, than it claims as it does with others: at
// each point on the way of a draft. Another takes its place; nobody is sent to twice, and who was on the wire is unknown.
func TestDeathInAThrong(t *testing.T) {
	t.Parallel()
	const jobs, each = 80, 2
	addr := redistest.Start(t)
	r := newRig(t, "redis://"+addr+"/0")
	r.direct = true
	victim := r.seat(addr)
	for _, p := range pointsOfDrafts {
		for ahead := 5 * time.Second; ; ahead *= 2 {
			l := newLife(p, 1+r.rng.below(5))
			victim.start(l)
			victim.ready()
			at := time.Now().Add(ahead)
			for range jobs {
				r.schedule(plain, each, at)
			}
			r.until("the worker's death", func() bool { return l.ended() || r.completed() })
			if l.ended() {
				break
			}
			t.Logf("%s: the machine was too busy for %v, and nothing was drafted", p, ahead)
			l.end()
		}
	}
	r.seat(addr).live()
	if f := r.survived(len(pointsOfDrafts)); f.Rejected+f.Failed > 0 {
		t.Errorf("counts %+v", f.Counts)
	}
}
