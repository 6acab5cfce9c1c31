package speed

import (
	"testing"
	"time"
)

func TestMeter(t *testing.T) {
	var m Meter
	now := time.Now()
	at := func(after time.Duration, done int64) { m.Note(now.Add(after), map[string]int64{"j": done}) }
	at(0, 0)
	if _, known := m.PerSecond("j"); known {
		t.Error("one look tells a speed")
	}
	at(time.Second, 100)
	at(2*time.Second, 200)
	if n, known := m.PerSecond("j"); !known || n != 100 {
		t.Errorf("%v, %v", n, known)
	}
	at(20*time.Second, 220)
	at(42*time.Second, 240)
	if n, _ := m.PerSecond("j"); n > 1.1 {
		t.Errorf("%v a second, long after it was fast", n)
	}
	at(43*time.Second, 0) // a retry
	if n, known := m.PerSecond("j"); !known || n != 0 {
		t.Errorf("%v, %v for what goes back", n, known)
	}
	m.Note(now, nil)
	if _, known := m.PerSecond("j"); known {
		t.Error("what is gone has a speed")
	}
}

func TestLeft(t *testing.T) {
	if d, ok := Left(50, 10); !ok || d != 5*time.Second {
		t.Errorf("%v, %v", d, ok)
	}
	for _, c := range []struct {
		n int64
		v float64
	}{{0, 10}, {10, 0}, {-1, 1}} {
		if _, ok := Left(c.n, c.v); ok {
			t.Errorf("%v", c)
		}
	}
}
