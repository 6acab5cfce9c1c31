package worker

import (
	"sync/atomic"
	"time"

	"go.uber.org/zap"
)

// clock is Redis' clock: the one by which all workers decide what is due and what is too late, however their machines'
// clocks differ. The zero clock is the machine's own. It is safe for concurrent use.
type clock struct {
	ahead atomic.Int64 // what is to be added to the machine's clock, in nanoseconds
}

// steady is how much a machine's clock may differ without being corrected: less is the answer's way from Redis.
const steady = 500 * time.Millisecond

// set learns that Redis' clock showed t between two moments of the machine's. It reports how wrong the machine's is when
// that is news.
func (c *clock) set(t, before, after time.Time) (off time.Duration, news bool) {
	off = before.Add(after.Sub(before) / 2).Sub(t)
	if off.Abs() < steady {
		off = 0
	}
	old := time.Duration(c.ahead.Swap(int64(-off)))
	return off, (off + old).Abs() >= steady
}

// now is the time.
func (c *clock) now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

// here is what the machine's clock shows at t.
func (c *clock) here(t time.Time) time.Time { return t.Add(-time.Duration(c.ahead.Load())) }

// setClock compares the machine's clock with Redis'.
func (w *Worker) setClock(t, before time.Time) {
	after := time.Now()
	if after.Sub(before) > steady {
		return // the answer was too long on its way to tell
	}
	if off, news := w.clock.set(t, before, after); news {
		w.log.Warn("this machine's clock differs from Redis'; what is due is decided by Redis'", zap.Duration("ahead", off))
	}
}
