package worker

import (
	"testing"
	"time"
)

func TestClock(t *testing.T) {
	var c clock
	ms := time.Millisecond
	steps := []struct {
		ahead    time.Duration // of the machine's clock
		takes    time.Duration // the question to Redis
		off      time.Duration
		news     bool
		tolerant time.Duration
	}{
		{0, 2 * ms, 0, false, ms},
		{300 * ms, 2 * ms, 0, false, 301 * ms},
		{5 * time.Minute, 2 * ms, 5 * time.Minute, true, 2 * ms},
		{5*time.Minute + 100*ms, 2 * ms, 5*time.Minute + 100*ms, false, 2 * ms},
		{-5 * time.Minute, 10 * ms, -5 * time.Minute, true, 6 * ms},
		{0, 2 * ms, 0, true, ms},
	}
	for _, s := range steps {
		before := time.Now()
		redis := before.Add(s.takes / 2).Add(-s.ahead)
		off, news := c.set(redis, before, before.Add(s.takes))
		if off != s.off || news != s.news {
			t.Errorf("ahead by %v: %v, %v, want %v, %v", s.ahead, off, news, s.off, s.news)
		}
		right := time.Now().Add(-s.ahead)
		if d := c.now().Sub(right); d.Abs() > s.tolerant+time.Second/10 {
			t.Errorf("ahead by %v: now is wrong by %v", s.ahead, d)
		}
		if d := time.Until(c.here(c.now())); d.Abs() > time.Second/10 {
			t.Errorf("ahead by %v: there and back is %v", s.ahead, d)
		}
	}
}
