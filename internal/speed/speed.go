// Package speed tells how fast things come on, from how far they were when somebody looked.
package speed

import (
	"sync"
	"time"
)

// memory is over how long a speed is taken.
const memory = 20 * time.Second

// Meter knows how far things had come. The zero Meter is ready, and safe for concurrent use.
type Meter struct {
	mu      sync.Mutex
	samples map[string][]sample
}

type sample struct {
	at   time.Time
	done int64
}

// Note keeps how far each thing has come by now. What is not among them is forgotten.
func (m *Meter) Note(now time.Time, done map[string]int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	next := make(map[string][]sample, len(done))
	for id, n := range done {
		s := append(m.samples[id], sample{now, n})
		for len(s) > 2 && now.Sub(s[0].at) > memory {
			s = s[1:]
		}
		next[id] = s
	}
	m.samples = next
}

// PerSecond is how fast a thing has come on lately; false when it was not seen twice.
func (m *Meter) PerSecond(id string) (n float64, known bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.samples[id]
	if len(s) < 2 {
		return 0, false
	}
	first, last := s[0], s[len(s)-1]
	return max(0, float64(last.done-first.done)/last.at.Sub(first.at).Seconds()), true
}

// Left is how long n more take at a speed; false when that can't be said.
func Left(n int64, perSecond float64) (time.Duration, bool) {
	if n <= 0 || perSecond <= 0 {
		return 0, false
	}
	return time.Duration(float64(n) / perSecond * float64(time.Second)), true
}
