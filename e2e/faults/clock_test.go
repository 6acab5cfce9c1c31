package faults_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/volleysms/volley/internal/redistest"
)

// TestWrongClock has two workers whose clocks are ten minutes apart, as far as Redis can tell: every time of day that they
// send is shifted. To the one that is ahead, the other's leases have all run out, and asynq takes its tasks away while it
// works on them. The ledger's owners, whose heartbeats go by Redis' clock, keep the batches apart.
func TestWrongClock(t *testing.T) {
	t.Parallel()
	addr := redistest.Start(t)
	r := newRig(t, "redis://"+addr+"/0", account{name: plain, dialect: plainDialect, settings: fmt.Sprintf("max_recipients: %d, concurrency: 1", size.batch/6)})
	r.accounts[0].at.latency = [2]time.Duration{700 * time.Millisecond, 900 * time.Millisecond}
	r.enqueue(plain, 8*size.batch) // a batch is under way for longer than asynq needs to hand it out again
	behind, ahead := newLife("", 0), newLife("", 0)
	behind.skew, ahead.skew = -5*time.Minute, 5*time.Minute
	r.seat(addr).start(behind)
	r.sent(1)
	r.seat(addr).start(ahead)
	r.steady(r.books())
	r.stop()
	r.recorded()
	n := behind.visits(anothers) + ahead.visits(anothers)
	t.Logf("batches that another worker had were handed out %d times", n) // none only where the machine is slow
}

// visits is how often the worker was at a point.
func (l *life) visits(p point) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.passed[p]
}
