package faults_test

import (
	"testing"
	"time"

	"github.com/volleysms/volley/internal/redistest"
)

// TestKilledWorkers kills one of three workers after the other, at each point that has a name and at random moments, while
// they send a campaign; the next one takes the place of each. What was on the wire is unknown, and nothing else is wrong.
func TestKilledWorkers(t *testing.T) {
	t.Parallel()
	addr := redistest.Start(t)
	r := newRig(t, "redis://"+addr+"/0")
	r.enqueue(plain, size.recipients)
	for range 3 {
		r.seat(addr)
	}
	var lives []*life
	for _, p := range points {
		lives = append(lives, newLife(p, r.nth(p)))
	}
	r.killAll(append(lives, newLife(anywhere, 1)), nil)
	f := r.survived(len(lives))
	if f.perhaps > 0 || f.Rejected+f.Failed > 0 {
		t.Errorf("counts %+v", f.Counts)
	}
}

// TestEverythingAtOnce is one campaign with all of it: workers are killed, Redis is killed and restarted from its log, and
// a tenth of the calls go wrong at the gateway in every way.
func TestEverythingAtOnce(t *testing.T) {
	t.Parallel()
	server := redistest.New(t, "--dir", inMemory(t), "--appendonly", "yes")
	r := newRig(t, "redis://"+server.Addr+"/0")
	r.accounts[0].at.wrong = 10
	began := time.Now()
	r.enqueue(plain, size.recipients)
	for range 3 {
		r.seat(server.Addr)
	}
	var lives []*life
	for i := range size.kills {
		p := anywhere
		if i%2 == 0 {
			p = points[r.rng.below(len(points))]
		}
		lives = append(lives, newLife(p, r.nth(p)))
	}
	restarted := false
	r.killAll(lives, func() bool {
		if !restarted && r.judge.sum() > size.recipients/4 {
			restarted = true
			server.Kill()
			time.Sleep(r.rng.between(500*time.Millisecond, time.Second))
			server.Restart()
		}
		return restarted
	})
	f := r.survived(size.kills)
	if f.Failed > 0 {
		t.Errorf("counts %+v", f.Counts)
	}
	t.Logf("it took %v; calls by fault: %v", time.Since(began).Round(time.Second), r.judge.ways)
}

// nth draws at which of its visits of a point a worker dies.
func (r *rig) nth(p point) int {
	if p == beforeFed || p == anywhere {
		return 1 // many batches are fed at a time
	}
	return 1 + r.rng.below(2)
}

// survived closes the books after kills. Those are unknown whom the gateways' answers left so, and those who were on the
// wire at a kill.
func (r *rig) survived(want int) found {
	r.t.Helper()
	f := r.books()
	r.stop()
	r.recorded()
	claimed, atGateways, kills := r.onWire()
	r.t.Logf("%d recipients, %d kills; %d unknown: %d by the gateways' answers and %d by kills, at which %d were claimed and %d with the gateway; %d of the unknown were never taken",
		f.Total, kills, f.Unknown, f.perhaps, f.others, claimed, atGateways, f.unsent)
	if f.others > claimed {
		r.t.Errorf("%d are unknown, and %d were on the wire at the kills", f.others, claimed)
	}
	if kills < want {
		r.t.Errorf("%d kills, want %d", kills, want)
	}
	return f
}

// killAll starts workers in all seats and kills them as lives say, one after the other, until all are over. While all
// that is on the queue is with the dead it enqueues more. meanwhile, unless nil, is called until it says that it is done.
func (r *rig) killAll(left []*life, meanwhile func() bool) {
	r.t.Helper()
	const dull = time.Second
	sum, changed := 0, time.Now()
	r.rng.shuffle(len(left), func(i, j int) { left[i], left[j] = left[j], left[i] })
	r.until("all kills", func() bool {
		for _, s := range r.seats {
			if s.now != nil && !s.now.ended() && s.proc.Gone() {
				left = append(left, newLife(s.now.at, s.now.nth)) // Redis was away when it started
				s.now = nil
			}
			if s.now == nil || s.now.ended() {
				l := newLife("", 0)
				if len(left) > 0 {
					l, left = left[0], left[1:]
				}
				s.start(l)
				if l.at == anywhere {
					go r.endSoon(l)
				}
			}
		}
		pending := len(left)
		if meanwhile != nil && !meanwhile() {
			pending++
		}
		for _, s := range r.seats {
			if s.now.at != "" {
				pending++
			}
		}
		if now := r.judge.sum(); now != sum {
			sum, changed = now, time.Now()
		} else if pending > 0 && time.Since(changed) > dull {
			r.enqueue(plain, size.many/4)
			changed = time.Now()
		}
		return pending == 0
	})
	for _, s := range r.seats {
		if s.now.ended() {
			s.start(newLife("", 0))
		}
		s.ready()
	}
}

// endSoon kills a worker some time after its first claim.
func (r *rig) endSoon(l *life) {
	for !l.sends() {
		select {
		case <-time.After(5 * time.Millisecond):
		case <-r.t.Context().Done():
			return
		}
	}
	time.Sleep(r.rng.between(0, 300*time.Millisecond))
	l.end()
}

// sends reports whether the worker has claimed anything yet.
func (l *life) sends() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.begun
}
